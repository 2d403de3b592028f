"""What somebody who may come in could make of it: nothing more than they were given.

One real server for all of it, on which ada administers and ben is a dispatcher of one group.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.house import GOOD, OTHER, House
from tests.support.servers import Answer

V1 = "/api/v1"


@pytest.fixture(scope="module")
def fort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("inside") / "data")
    house.start()
    yield house.furnish()
    house.kill()


@pytest.fixture(scope="module")
def ben(fort: House) -> str:
    return fort.sign_in({"name": "ben", "password": GOOD})


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["code"] if answer.body else ""


def at_once(*calls: Any) -> list[int]:
    """The statuses of what is asked at the same time."""
    with ThreadPoolExecutor(len(calls)) as crowd:
        return [answer.status for answer in crowd.map(lambda call: call(), calls)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/users/ben", {"role": "administrator"}),
        ("PATCH", "/users/ben", {"groups": []}),
        ("PATCH", "/users/ben", {"disabled": False}),
        ("PATCH", "/users/ben", {"role": "administrator", "password": OTHER, "current_password": GOOD}),
        ("PATCH", "/users/ada", {"password": OTHER, "current_password": GOOD}),
        ("DELETE", "/users/ada", None),
        ("GET", "/users/ada", None),
        ("GET", "/users/nobody", None),
        ("POST", "/users", {"name": "eve", "role": "administrator"}),
        ("POST", "/users/ada/link", {}),
        ("POST", "/users/ben/link", {}),
        ("POST", "/users/ada/tokens", {}),
        ("GET", "/users/ada/tokens", None),
        ("PATCH", "/groups/north", {"regions": "all", "may": ["administer"]}),
        ("POST", "/groups", {"name": "mine", "regions": "all"}),
        ("DELETE", "/groups/north", None),
        ("GET", "/groups", None),
        ("POST", "/tokens", {"vehicles": ["*"]}),
        ("POST", "/tokens", {"kind": "scrape"}),
        ("GET", "/tokens", None),
        ("GET", "/audit", None),
        ("GET", "/users", None),
    ],
)  # fmt: skip
def test_nobody_makes_more_of_themselves(fort: House, ben: str, method: str, path: str, body: Any) -> None:
    before = fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body
    assert code(fort.send(method, V1 + path, body, cookie=ben)) == (404, "may_not")
    assert fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body == before


def test_another_s_session_or_token_is_none_for_who_asks(fort: House, ben: str) -> None:
    ada = fort.get(f"{V1}/session", cookie=fort.cookie).json()["sessions"][0]["id"]
    device = fort.do("POST", f"{V1}/tokens", {"vehicles": ["*"]}).json()["id"]
    hers = fort.do("POST", f"{V1}/users/ada/tokens", {}).json()["id"]
    assert code(fort.request("DELETE", f"{V1}/session?id={ada}", headers={"cookie": ben})) == (404, "not_found")
    assert code(fort.request("DELETE", f"{V1}/session?id=none", headers={"cookie": ben})) == (404, "not_found")
    for id in (device, hers, "none"):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
            answer = fort.send(method, f"{V1}/tokens/{id}{path}", {}, cookie=ben)
            assert code(answer) == (404, "unknown_token"), (method, path)
    assert fort.get(f"{V1}/session", cookie=fort.cookie).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users", {"name": "x", "role": "viewer", "administers": True}),
        ("/users", {"name": "x", "role": "viewer", "created_at": 0}),
        ("/users", {"name": "x", "role": "viewer", "password_hash": "scrypt"}),
        ("/users", {"name": "x", "role": "viewer", "hash": "x"}),
        ("/users", {"name": "x", "role": "viewer", "__class__": "User"}),
        ("/groups", {"name": "x", "members": ["ben"]}),
        ("/groups", {"name": "x", "may": ["send"]}),
        ("/groups", {"name": "x", "may": ["scrape"]}),
        ("/tokens", {"vehicles": ["*"], "user": "ada"}),
        ("/tokens", {"vehicles": ["*"], "kind": "person"}),
        ("/tokens", {"vehicles": ["*"], "id": "x"}),
        ("/tokens", {"vehicles": ["*"], "hash": "x"}),
        ("/tokens", {"vehicles": ["v\x1b[2J"]}),
        ("/tokens", {"vehicles": ["*"], "name": "a\u202eb"}),
        ("/tokens", {"vehicles": ["*"], "created_by": "ben"}),
        ("/users/ada/tokens", {"vehicles": ["*"]}),
        ("/users/ada/tokens", {"user": "ben"}),
        ("/users/ada/tokens", {"ends_at": None}),
        ("/users", {"name": ["x"], "role": "viewer"}),
        ("/users", {"name": {"$ne": ""}, "role": "viewer"}),
        ("/users", {"name": "x", "role": ["viewer"]}),
        ("/users", {"name": "x", "role": "viewer", "disabled": "false"}),
        ("/users", {"name": "x", "role": "viewer", "password": 12345678}),
        ("/users", [{"name": "x", "role": "viewer"}]),
    ],
    ids=str,
)
def test_a_field_that_is_not_for_clients_or_of_another_type_is_refused(fort: House, path: str, body: Any) -> None:
    before = fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body
    assert fort.send("POST", V1 + path, body, cookie=fort.cookie).status == 422
    assert fort.get(f"{V1}/audit?limit=1", cookie=fort.cookie).body == before


@pytest.mark.parametrize("given", [{"name": {"$ne": 1}, "password": GOOD}, {"name": "ben", "password": ["x"]}, [], "x",
                                   {"name": "ben", "password": None}, {"name": "ben"}, {"link": 1, "password": GOOD}], ids=str)  # fmt: skip
def test_to_sign_in_takes_two_texts(fort: House, given: Any) -> None:
    assert fort.post(f"{V1}/session", given).status == 422


HALF = '"a\\ud800bcdefgh"'  #: half of a character, as JSON can escape it


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/session", f'{{"name": "ben", "password": {HALF}}}'),
        ("POST", "/users", f'{{"name": "x", "role": "viewer", "password": {HALF}}}'),
        ("POST", "/users", f'{{{HALF}: 1, "name": "x"}}'),
        ("PATCH", "/users/ada", f'{{"password": "{OTHER}", "current_password": {HALF}}}'),
        ("POST", "/groups", f'{{"name": "x", "regions": [{HALF}]}}'),
        ("POST", "/tokens", f'{{"vehicles": [{HALF}]}}'),
        ("PUT", "/vehicles/v-here", f'{{{HALF}: 1}}'),
        ("PATCH", "/regions/here", f'{{"properties": {{"name": {HALF}}}}}'),
    ],
)  # fmt: skip
def test_half_a_character_is_refused_wherever_it_stands(fort: House, method: str, path: str, body: str) -> None:
    headers = {"cookie": fort.cookie, "content-type": "application/json"}
    assert code(fort.request(method, V1 + path, body, headers)) == (400, "not_text")
    whole = fort.request(method, V1 + path, body.replace("\\ud800", "\\ud83d\\ude00"), headers)
    assert whole.status < 500
    assert b"not_text" not in whole.body


def test_a_page_of_the_record_begins_nowhere_else_than_at_an_entry(fort: House) -> None:
    for place in (10**26, -1, 2**63, True):
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        assert fort.get(f"{V1}/audit?cursor={cursor}", cookie=fort.cookie).status in (200, 422)


def test_what_is_kept_of_a_password_is_no_password(fort: House) -> None:
    kept = "scrypt$15$8$1$c2FsdHNhbHRzYWx0c2FsdA==$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g="
    fort.do("POST", f"{V1}/users", {"name": "kim", "role": "viewer", "password": kept})
    fort.sign_in({"name": "kim", "password": kept})
    for path in (f"{V1}/users", f"{V1}/users/kim", f"{V1}/audit", f"{V1}/session"):
        assert b"scrypt" not in fort.get(path, cookie=fort.cookie).body


def test_a_token_of_a_device_sends_and_does_nothing_else(fort: House) -> None:
    device = {"authorization": f"Bearer {fort.do('POST', f'{V1}/tokens', {'vehicles': ['v-*']}).json()['token']}"}
    own = {f"{V1}/{one}" for one in ("page", "session", "session/link", "tickets", "positions", "ingest/echo")}
    for path, methods in fort.get("/openapi.json").json()["paths"].items():
        for method in methods:
            if path.startswith(V1) and path not in own:
                there = path.replace("{n}", "1").replace("{", "").replace("}", "")
                answer = fort.request(method.upper(), there, b"{}" if method != "get" else None, device)
                assert answer.status in (404, 426), (method, path, answer)
    assert fort.request("GET", "/metrics", headers=device).status == 404


def test_of_many_who_use_one_link_at_once_one_is_let_in(fort: House) -> None:
    fort.person("liv", "viewer")
    link = fort.link_of("liv")
    use = lambda: fort.post(f"{V1}/session", {"link": link, "password": OTHER})  # noqa: E731
    assert sorted(at_once(*[use] * 6)) == [204] + [404] * 5
    assert (
        len(fort.get(f"{V1}/session", cookie=fort.sign_in({"name": "liv", "password": OTHER})).json()["sessions"]) == 2
    )


def test_the_last_two_administrators_cannot_remove_each_other_at_once(fort: House) -> None:
    fort.person("bob", "administrator")
    bob = fort.sign_in({"name": "bob", "password": GOOD})
    viewer = json.dumps({"role": "viewer"})

    def demote(name: str, cookie: str) -> Any:
        headers = {"cookie": cookie, "content-type": "application/json"}
        return lambda: fort.request("PATCH", f"{V1}/users/{name}", viewer, headers)

    for _ in range(5):
        assert at_once(demote("ada", bob), demote("bob", fort.cookie)).count(200) == 1
        roles = {
            name: fort.get(f"{V1}/session", cookie=cookie).json()["role"]
            for name, cookie in (("ada", fort.cookie), ("bob", bob))
        }
        left, other = sorted(roles, key=lambda name: roles[name] != "administrator")
        assert roles[left] == "administrator"
        again = fort.send(
            "PATCH", f"{V1}/users/{other}", {"role": "administrator"}, cookie=fort.cookie if left == "ada" else bob
        )
        assert again.status == 200


def test_no_secret_is_ever_in_the_log(fort: House, ben: str) -> None:
    token = fort.do("POST", f"{V1}/tokens", {"vehicles": ["v-*"]}).json()["token"]
    fort.get(f"{V1}/vehicles?token={token}")
    fort.get(f"{V1}/{token}")
    fort.post(f"{V1}/positions?token={token}x", [])
    fort.post(f"{V1}/session", {"name": OTHER, "password": OTHER})
    fix = f"lat=60&lon=25&timestamp={int(time.time())}"
    for path in (
        f"/ingest/osmand/{token}?id=v-9&{fix}",
        f"/ingest/osmand/{token}/{token}?{fix}",
        f"/ingest/nothing/{token}",
        f"/ingest/{token}/osmand?{fix}",
        f"/?id={token}&{fix}&token={token}",
        f"/apps/phonetrack/logGet/{token}/v-9?{fix}&useragent={token}",
        f"/api/webhook/{token}",
        f"/{token}/ingest/osmand",
    ):
        for method in ("GET", "POST"):
            heard = fort.request(method, path, b"{}" if method == "POST" else None)
            assert token not in heard.body.decode(), path
    fort.post("/pub", {"_type": "location", "tid": "v-", **dict.fromkeys(("user", "password", "topic"), token)},
              authorization="Basic " + base64.b64encode(f"{token}:{token}".encode()).decode())  # fmt: skip
    log = fort.log.read_text()
    printed = log.index("/signin#trk_")
    secrets = (token, ben.partition("=")[2], fort.cookie.partition("=")[2], GOOD, OTHER)
    kept = [fort.get(path, cookie=fort.cookie).body.decode() for path in
            ("/metrics", f"{V1}/audit?limit=1000", f"{V1}/tokens", f"{V1}/vehicles", f"{V1}/users")]  # fmt: skip
    for text in (log[printed + 60 :], *kept):
        assert not any(secret in text for secret in secrets)
