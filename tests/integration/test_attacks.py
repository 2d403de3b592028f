"""What another site, another name or another program could make of a server on which people sign in: nothing.

One real server for all of it: what is tried here changes nothing, so no case meets what another left.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.house import GOOD, House
from tests.support.servers import Answer, Server, now
from tests.support.waiting import deadline
from tracker.web.server.hardening import EVERYWHERE

V1 = "/api/v1"
KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
#: what a browser sends beside a request that a page of another site makes
FOREIGN: list[dict[str, str]] = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"origin": "https://user@127.0.0.1"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "CROSS-SITE"},
]
#: opened without signing in, so that whoever comes can be told where to
PAGES = ("/", "/signin", "/people", "/connect")


@pytest.fixture(scope="module")
def fort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("fort") / "data")
    house.start()
    yield house.furnish()
    house.kill()


@cache
def addresses(fort: Server) -> list[tuple[str, str]]:
    """Every method and address there is, filled in with names of what is there."""
    names = {"{vehicle}": "v-here", "{id}": "here", "{name}": "ben", "{n}": "1", "{path}": "x"}
    found = []
    for path, methods in fort.get("/openapi.json").json()["paths"].items():
        for word, name in names.items():
            path = path.replace(word, name)
        found += [(method.upper(), path) for method in methods if method != "parameters"]
    return found


def raw(fort: House, *lines: str, body: bytes = b"") -> Answer:
    """What bytes that no library would send are answered."""
    with socket.create_connection(("127.0.0.1", fort.port), deadline(20)) as channel:
        channel.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body)
        said = b""
        while more := channel.recv(65536):
            said += more
    head, _, rest = said.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    return Answer(int(first.split()[1]), {n.lower(): v for n, _, v in (f.partition(": ") for f in fields)}, rest)


def handshake(fort: House, path: str, **headers: str) -> int:
    """The status; 101 when it was let in."""
    try:
        with connect(fort.ws + path, additional_headers=headers, open_timeout=deadline(20)):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


# ---------------------------------------------------------------------------------------------- forged requests


def test_no_page_of_another_site_changes_anything_by_any_method_in_any_form(fort: House) -> None:
    changing = [one for one in addresses(fort) if one[0] not in ("GET", "HEAD", "OPTIONS")]
    assert len(changing) > 20
    before = fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body
    for (method, path), foreign in product(changing, FOREIGN):
        for kind in KINDS if method == "POST" else KINDS[:1]:
            headers = {"cookie": fort.cookie, **foreign} | ({"content-type": kind} if kind else {})
            answer = fort.request(method, path, b'{"vehicle":"v"}', headers)
            told = (answer.status, answer.json().get("code"))
            assert told == (403, "origin_not_allowed"), (method, path, headers, answer)
    assert fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body == before


def test_nor_where_nobody_signs_in_yet(shared_server: Server) -> None:
    for method, path in addresses(shared_server):
        for foreign in FOREIGN if method not in ("GET", "HEAD", "OPTIONS") else ():
            answer = shared_server.request(method, path, b"{}", {"content-type": "application/json", **foreign})
            assert (answer.status, answer.json().get("code")) == (403, "origin_not_allowed"), (method, path, foreign)


def test_a_stranger_hears_nothing_of_the_tiles_whose_address_may_hold_a_key(
    tmp_path: Path,
) -> None:
    house = House(tmp_path / "tiles")
    house.settings = {"tiles": "/tiles/{z}/{x}/{y}.png?key=k3y"}
    try:
        house.start()
        assert "k3y" in house.get(f"{V1}/page").json()["tiles"]["url"], "nobody signs in yet"
        cookie = house.sign_in({"link": house.first_link(), "name": "ada", "password": GOOD})
        for path in (f"{V1}/page", "/", "/signin", "/openapi.json"):
            assert b"k3y" not in house.get(path).body
        assert "k3y" in house.get(f"{V1}/page", cookie=cookie).json()["tiles"]["url"]
    finally:
        house.kill()


def test_a_form_of_any_page_is_no_json_even_of_our_own(fort: House) -> None:
    """A second lock beside the Origin: what needs no preflight is not read."""
    for kind in KINDS[1:4]:
        headers = {"cookie": fort.cookie, "content-type": kind}
        answer = fort.request("POST", f"{V1}/users", b'{"name":"eve","role":"administrator"}', headers)
        assert (answer.status, answer.json()["code"]) == (415, "unsupported_type")


def test_a_method_is_what_the_request_line_says(fort: House) -> None:
    for name in ("x-http-method-override", "x-http-method", "x-method-override"):
        headers = {"cookie": fort.cookie, name: "DELETE"}
        assert fort.request("GET", f"{V1}/regions/here?_method=DELETE", headers=headers).status in (200, 422)
        assert fort.request("POST", f"{V1}/regions/here", b"{}", headers).status == 405
    assert fort.request("TRACE", f"{V1}/session", headers={"cookie": fort.cookie}).status == 405
    assert fort.get(f"{V1}/regions/here", cookie=fort.cookie).status == 200


def test_nothing_that_is_asked_for_by_get_changes_anything(fort: House) -> None:
    """Whatever is in the address: an image of another page can ask for it."""
    before = fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body
    query = "id=v-here&lat=1&lon=2&name=x&role=administrator&everywhere=true&history=true&password=x&by=eve&link=x"
    for method, path in addresses(fort):
        if "stream" not in path and "live" not in path:
            fort.request("HEAD" if method == "GET" else "GET", f"{path}?{query}", headers={"cookie": fort.cookie})
    assert fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body == before
    assert fort.get(f"{V1}/session", cookie=fort.cookie).status == 200


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
def test_no_page_of_another_site_opens_a_channel(fort: House, foreign: dict[str, str]) -> None:
    ticket = fort.do("POST", f"{V1}/tickets", {}).json()["ticket"]
    for path in (f"{V1}/live", f"{V1}/positions"):
        assert handshake(fort, path, cookie=fort.cookie, **foreign) == 403
        assert handshake(fort, f"{path}?ticket={ticket}", **foreign) == 403
    for path in (f"{V1}/stream", f"{V1}/changes"):
        answer = fort.request("GET", path, headers={"cookie": fort.cookie, **foreign})
        assert (answer.status, answer.json()["code"]) == (403, "origin_not_allowed")


def test_our_own_page_opens_a_channel_by_its_cookie_or_a_ticket_that_is_good_once(fort: House) -> None:
    own = {"origin": fort.url}
    assert handshake(fort, f"{V1}/live", **own) == 401
    assert handshake(fort, f"{V1}/live", cookie=fort.cookie, **own) == 101
    ticket = fort.do("POST", f"{V1}/tickets", {}).json()["ticket"]
    assert handshake(fort, f"{V1}/live?ticket={ticket}", **own) == 101
    assert handshake(fort, f"{V1}/live?ticket={ticket}", **own) == 401
    ticket = fort.do("POST", f"{V1}/tickets", {}).json()["ticket"]
    assert fort.get(f"{V1}/changes?ticket={ticket}").status == 200
    assert fort.get(f"{V1}/changes?ticket={ticket}").status == 401


def test_a_ticket_is_good_for_nothing_once_its_owner_has_signed_out(fort: House) -> None:
    cookie = fort.sign_in({"name": "ben", "password": GOOD})
    ticket = fort.post(f"{V1}/tickets", {}, cookie=cookie).json()["ticket"]
    assert fort.request("DELETE", f"{V1}/session", headers={"cookie": cookie}).status == 204
    assert handshake(fort, f"{V1}/live?ticket={ticket}") == 401
    assert handshake(fort, f"{V1}/live", cookie=cookie) == 401


# ------------------------------------------------------------------------------------------------ other names


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "0x7f.1",
        "[::1",
        "a@localhost",
    ],
)
def test_a_name_that_is_not_ours_reaches_nothing_however_it_is_asked(fort: House, name: str) -> None:
    """Another site can have its own name lead to our address; then its pages would be our own."""
    paths = [*PAGES, "/healthz", "/readyz", "/metrics", "/openapi.json", "/static/boot.js", "/favicon.ico"]
    paths += [f"{V1}/{one}" for one in ("session", "vehicles", "positions", "live", "stream", "changes", "page")]
    for path, method in product(paths, ("GET", "POST")):
        answer = fort.request(method, path, headers={"host": name, "cookie": fort.cookie})
        assert answer.status == 405 or (answer.status, answer.json()["code"]) == (403, "host_not_allowed"), path
    for path in (f"{V1}/live", f"{V1}/positions"):
        assert handshake(fort, path, cookie=fort.cookie, host=name) in (400, 403)


def test_two_names_in_one_request_are_none(fort: House) -> None:
    own = f"Host: 127.0.0.1:{fort.port}"
    assert raw(fort, "GET /healthz HTTP/1.1", own, "Host: evil.example", "Connection: close").status == 400
    assert raw(fort, "GET /healthz HTTP/1.1", "Connection: close").status == 400
    there = raw(fort, "GET http://evil.example/healthz HTTP/1.1", "Host: evil.example", "Connection: close")
    assert there.status == 403


# -------------------------------------------------------------------------------- what browsers are told to keep out


def test_every_answer_tells_browsers_to_keep_others_out(fort: House) -> None:
    """Pages, files, lists, refusals of any kind and at any depth, and what is no request at all."""
    own = f"Host: 127.0.0.1:{fort.port}"
    upgrade = ("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: eA==")
    cookie = {"cookie": fort.cookie}
    asked = {
        "a page": fort.get("/"),
        "a file": fort.get("/static/boot.js"),
        "an image": fort.get("/favicon.ico"),
        "health": fort.get("/healthz"),
        "a list": fort.get(f"{V1}/vehicles", **cookie),
        "a poll": fort.get(f"{V1}/changes", **cookie),
        "positions": fort.post(f"{V1}/positions", [], **cookie),
        "nobody signed in": fort.get(f"{V1}/vehicles"),
        "nobody's positions": fort.post(f"{V1}/positions", []),
        "another method": fort.request("PUT", f"{V1}/positions", b"[]", cookie),
        "no such file": fort.get("/static/none.js"),
        "no such address": fort.get("/none", **cookie),
        "another site": fort.post(f"{V1}/users", {}, origin="http://evil.example", **cookie),
        "another name": fort.get("/healthz", host="evil.example"),
        "signing in": fort.post(f"{V1}/session", {"name": "ben", "password": GOOD}),
        "no upgrade": fort.get(f"{V1}/live", **cookie),
        "no request": raw(fort, "rubbish"),
        "too many headers": raw(fort, "GET / HTTP/1.1", own, "X: " + "x" * 100_000),
        "no handshake": raw(fort, f"GET {V1}/live HTTP/1.1", own, *upgrade),
        "a refused handshake": raw(fort, f"GET {V1}/live HTTP/1.1", own, *upgrade[:2], "Sec-WebSocket-Version: 13",
                                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: http://evil.example"),
    }  # fmt: skip
    for what, answer in asked.items():
        told = answer.headers
        assert told.keys() >= {name.decode() for name, _ in EVERYWHERE}, (what, told)
        assert told["x-content-type-options"] == "nosniff", what
        assert told["cross-origin-resource-policy"] == "same-origin", what
        policy = told["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, what
        assert "object-src 'none'" in policy, what
        assert "base-uri 'none'" in policy, what
        assert "unsafe-inline" not in policy, what
        assert "unsafe-eval" not in policy, what
        assert "access-control-allow-origin" not in told, what
        assert "server" not in told, what
        assert "strict-transport-security" not in told, "not over plain HTTP"
        if what not in ("a page", "a file", "an image"):
            assert told["cache-control"] == "no-store", what
        assert not answer.body or told["content-type"], what


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_but_its_own_files_and_stands_in_no_frame(fort: House, path: str) -> None:
    answer = fort.get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"].startswith("'self' 'sha256-")
    assert policy["style-src"] == "'self'"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "geolocation=()" in answer.headers["permissions-policy"]
    assert b" style=" not in answer.body
    assert b" onclick=" not in answer.body


def test_no_answer_is_a_script_or_a_page_that_another_site_could_embed(fort: House) -> None:
    """What is no file of the page says that it is JSON, text or an event stream; no name of a callback changes that."""
    for method, path in addresses(fort):
        if method != "GET" or path in PAGES or "static" in path or path.endswith(("live", "stream")):
            continue
        answer = fort.get(f"{path}?callback=alert&jsonp=alert", cookie=fort.cookie)
        kind = answer.headers["content-type"]
        assert kind.startswith(
            ("application/json", "application/problem+json", "application/geo+json", "text/plain")
        ) or (path == "/favicon.ico"), (path, kind)
        assert not answer.body.startswith(b"alert"), path


# ------------------------------------------------------------------------------------------- cookies and sessions


def test_a_session_begins_with_a_secret_of_its_own_whatever_cookie_came_with_it(fort: House) -> None:
    """So that whoever gave somebody a cookie before is not signed in with them after."""
    name = fort.cookie.partition("=")[0]
    planted = f"{name}=trk_planted"
    first = fort.post(f"{V1}/session", {"name": "ben", "password": GOOD}, cookie=planted)
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert cookie != planted
    assert fort.get(f"{V1}/session", cookie=planted).status == 401
    again = fort.post(f"{V1}/session", {"name": "ben", "password": GOOD}, cookie=cookie)
    assert again.headers["set-cookie"].partition(";")[0] != cookie
    assert fort.get(f"{V1}/session", cookie=cookie).status == 401, "the session before is over"


def test_a_cookie_is_read_by_no_script_sent_to_no_other_site_and_bound_to_its_folder(fort: House) -> None:
    said = fort.post(f"{V1}/session", {"name": "ben", "password": GOOD}).headers["set-cookie"]
    value, *flags = said.split("; ")
    assert value.startswith("tracker-")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    assert not any(flag.startswith("Domain") for flag in flags)
    assert len(value) < 4096


def test_a_cookie_that_another_page_adds_neither_signs_out_nor_in(fort: House) -> None:
    ben = fort.sign_in({"name": "ben", "password": GOOD})
    name = ben.partition("=")[0]
    for both in (f"{name}=rubbish; {ben}", f"{ben}; {name}=rubbish"):
        assert fort.get(f"{V1}/session", cookie=both).json()["name"] == "ben"
    for both in (f"{ben}; {fort.cookie}", f"{fort.cookie}; {ben}"):
        assert fort.get(f"{V1}/session", cookie=both).status == 401


# ------------------------------------------------------------------------------------------------ paths and bytes


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml", "/static/%2e%2e/pyproject.toml", "/static/..%2fpyproject.toml", "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/static/..%5c..%5cpyproject.toml", "/static/js/main.js%00.png", "/static/%00",
        "/static/js", "/static/", "/static/%252e%252e/pyproject.toml", "/static/" + "a" * 3000, "/static/" + "a/" * 2000,
        "/static/.hidden", "/static/.git/config", "/static/demo/%2e%2e/regions/x.json", "/static/js/%2e%2e/%2e%2e/LICENSE",
        "/fixtures/demo/../regions", "/fixtures/demo/%2e%2e/%2e%2e/pyproject.toml", "/fixtures/demo/" + "a" * 300,
        "/static/0123456789abcdef/../../pyproject.toml", "/static/0123456789abcdef/%2e%2e/x.js/../../y", "/fixtures/x",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(fort: House, path: str) -> None:
    own = f"Host: 127.0.0.1:{fort.port}"
    answer = raw(fort, f"GET {path} HTTP/1.1", own, f"Cookie: {fort.cookie}", "Connection: close")
    assert answer.status == 404, answer
    assert json.loads(answer.body)["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/%2f..",
        "/\\evil.example",
        "/%09/evil.example",
        "/signin/",
        "/people/",
        "/static",
    ],
)
def test_no_address_sends_anybody_elsewhere(fort: House, path: str) -> None:
    for cookie in (fort.cookie, ""):
        answer = raw(
            fort, f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{fort.port}", f"Cookie: {cookie}", "Connection: close"
        )
        assert "location" not in answer.headers
        assert not 300 <= answer.status < 400


def test_a_vehicle_can_be_called_anything_sql_means(fort: House) -> None:
    name = "'; DROP TABLE events; --\" OR 1=1"
    fort.do("POST", f"{V1}/positions", {"vehicle": name, "time": now(), "lat": 1, "lon": 2, "driver": name})
    assert fort.get(f"{V1}/vehicles/{quote(name, safe='')}", cookie=fort.cookie).json()["vehicle"] == name
    for query in ("' OR '1'='1", "x'; DELETE FROM regions; --", "%' OR ''='", "\\"):
        there = f"{V1}/vehicles?q={quote(query)}"
        assert fort.get(there, cookie=fort.cookie).json()["vehicles"] == []
        assert fort.get(f"{V1}/events?vehicle={quote(query)}", cookie=fort.cookie).json()["events"] == []
        fort.get(f"{V1}/audit?who={quote(query)}", cookie=fort.cookie)
    assert len(fort.get(f"{V1}/regions", cookie=fort.cookie).json()["regions"]) == 2


def test_an_export_is_named_after_its_vehicle_and_nothing_else(fort: House) -> None:
    name = 'v"; filename=evil.exe; \u00fc'
    fort.do("POST", f"{V1}/positions", {"vehicle": name, "time": now(), "lat": 1, "lon": 2})
    for kind in ("csv", "gpx", "geojson"):
        answer = fort.get(f"{V1}/vehicles/{quote(name, safe='')}/track?format={kind}", cookie=fort.cookie)
        assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(name, safe='')}.{kind}"


def test_nothing_of_a_request_becomes_a_header_of_the_answer(fort: House) -> None:
    split = "%0d%0aset-cookie:%20x=1"
    for path in (
        f"{V1}/vehicles/x{split}/track?format=csv",
        f"{V1}/users/x{split}",
        f"{V1}/regions/x{split}",
        f"/signin?next={split}",
    ):
        answer = raw(
            fort, f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{fort.port}", f"Cookie: {fort.cookie}", "Connection: close"
        )
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("X: " + "x" * 100_000,), 431),
        (("Cookie: " + "a=b; " * 40_000,), 431),
        (tuple(f"X-{n}: {n}" for n in range(10_000)), 431),
        (("X: a\x00b",), 400),
        (("X: a\rb",), 400),
        (("X : a",), 400),
        ((": a",), 400),
    ],
    ids=["long", "cookies", "many", "nul", "return", "space", "nameless"],
)
def test_headers_that_are_too_much_or_none_are_refused(fort: House, lines: tuple[str, ...], status: int) -> None:
    answer = raw(fort, "GET /healthz HTTP/1.1", f"Host: 127.0.0.1:{fort.port}", *lines)
    assert answer.status == status
    assert fort.get("/healthz").status == 200
