"""`tracker doctor URL`: each ailment is named from outside, with what to do; nothing is named that is not there."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.house import GOOD, House
from tests.support.proxies import Proxy, lines_for
from tests.support.servers import ROOT, Server
from tests.support.waiting import deadline, free_port
from tracker import __version__
from tracker.commands import doctor, outside, through
from tracker.commands.site import Site
from tracker.config import Settings, SettingsError

Told = dict[str, tuple[bool, str]]


def examined(url: str, ca: Path | None = None) -> Told:
    return {name: (fault, detail) for name, fault, detail in outside.examine(url, str(ca) if ca else None)}


def faults(told: Told) -> dict[str, str]:
    """What is said of each fault; of what is well, nothing."""
    return defaultdict(str, {name: detail for name, (fault, detail) in told.items() if fault})


@pytest.fixture
def stand_in() -> Iterator[Callable[..., str]]:
    """Starts what answers as it is told, path by path; its address."""
    listening: list[ThreadingHTTPServer] = []

    def start(answers: dict[str, tuple[int, dict[str, str], bytes]], tls: ssl.SSLContext | None = None) -> str:
        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = answers.get(self.path.partition("?")[0], (404, {}, b"<html>no</html>"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        listener.handle_error = lambda *_: None  # type: ignore[method-assign]  # who does not trust us hangs up
        if tls:
            listener.socket = tls.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
        listening.append(listener)
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        return f"http{'s' * bool(tls)}://127.0.0.1:{listener.server_port}"

    yield start
    for listener in listening:
        listener.shutdown()
        listener.server_close()


def problem(status: int, code: str, detail: str) -> tuple[int, dict[str, str], bytes]:
    body = {"type": f"urn:tracker:problem:{code}", "code": code, "detail": detail}
    return status, {"Content-Type": "application/problem+json"}, json.dumps(body).encode()


def health(version: str = __version__, ahead_s: float = 0) -> dict[str, tuple[int, dict[str, str], bytes]]:
    body = {"status": "ok", "version": version, "now": int((time.time() + ahead_s) * 1000)}
    return {"/healthz": (200, {"Content-Type": "application/json"}, json.dumps(body).encode())}


# ----------------------------------------------------------------------------------------------------- by stand-ins


def test_nothing_listens() -> None:
    told = examined(f"http://127.0.0.1:{free_port()}")
    assert told.keys() == {"reach"} and "nobody listens" in faults(told)["reach"]


def test_there_is_no_such_machine() -> None:
    assert "no machine called" in faults(examined("https://nowhere.invalid"))["reach"]


@pytest.mark.parametrize("url", ["ftp://map.example", "http://:80", "https://map.example:many", "http://h:99999"])
def test_what_is_no_address_is_used_wrongly(url: str) -> None:
    with pytest.raises(SettingsError, match="no address"):
        examined(url)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((301, {"Location": "https://map.example/healthz"}, b""), "sends everybody on to https://map.example;"),
        (
            problem(403, "host_not_allowed", "this server does not go by the name 'x'; add it to `hosts`"),
            "pass on the Host",
        ),
        ((502, {}, b"<html>Bad Gateway"), "does not reach the tracker behind it"),
        ((504, {}, b""), "does not reach the tracker behind it"),
        ((401, {"WWW-Authenticate": "Basic"}, b""), "wants a password first"),
        ((403, {}, b"forbidden"), "forbids it (403)"),
        ((200, {"Content-Type": "text/html", "Server": "Apache"}, b"<html>It works"), "is no tracker"),
        ((200, {"Content-Type": "application/json"}, b'{"status": "ok"}'), "is no tracker"),
        ((404, {}, b""), "is no tracker"),
        (problem(503, "stopping", "the server is stopping"), "stopping"),
    ],
)
def test_who_answers_instead_of_the_tracker_is_told_apart(
    stand_in: Callable[..., str], answer: tuple[int, dict[str, str], bytes], said: str
) -> None:
    told = examined(stand_in({"/healthz": answer}))
    assert faults(told).keys() == {"server"} and said in faults(told)["server"]


def test_a_redirect_from_tls_to_none_is_no_address_to_use(stand_in: Callable[..., str], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*authority.issue())
    url = stand_in({"/healthz": (302, {"Location": "http://map.example/healthz"}, b"")}, tls)
    assert "correct that redirect" in faults(examined(url, authority.file))["server"]


def test_a_token_is_shown_to_whom_is_trusted_and_to_nobody_else(tmp_path: Path) -> None:
    url, authority = "https://map.example", Authority(tmp_path)
    site = Site(url, str(authority.file), "trk_secret")
    assert site.headers == {"Authorization": "Bearer trk_secret"}
    site.trust_nobody()
    assert site.headers == {}


def test_a_path_that_is_wrong(stand_in: Callable[..., str]) -> None:
    url = stand_in(health() | {"/fleet/healthz": problem(404, "not_found", "nothing at this address")})
    assert "take /fleet off" in faults(examined(url + "/fleet/"))["server"]
    assert f"one is at {url}/:" in faults(examined(url + "/maps/of/fleet"))["server"]


@pytest.mark.parametrize(("version", "said"), [("0.0.9", "older than this"), ("99.0.0", "newer than this")])
def test_another_version(stand_in: Callable[..., str], version: str, said: str) -> None:
    found = faults(examined(stand_in(health(version))))["version"]
    assert version in found and said in found and "upgrade" in found


@pytest.mark.parametrize(
    ("ahead_s", "said"), [(60, "ahead of this one"), (-60, "behind this one"), (86_400, "min ahead")]
)
def test_a_clock_that_is_off(stand_in: Callable[..., str], ahead_s: float, said: str) -> None:
    assert said in faults(examined(stand_in(health(ahead_s=ahead_s))))["clock"]


def test_a_clock_that_is_off_by_less_than_anybody_minds(stand_in: Callable[..., str]) -> None:
    assert examined(stand_in(health(ahead_s=3)))["clock"] == (False, "the clocks agree")


def test_an_answer_that_took_long_does_not_make_a_clock_wrong() -> None:
    assert not outside._clock(100.0, asked_at=90.0, answered_at=110.0)[0]
    assert outside._clock(84.0, asked_at=90.0, answered_at=110.0)[0]
    assert outside._clock(116.0, asked_at=90.0, answered_at=110.0)[0]


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [
        ("127.0.0.1", 300, "name its authority (--ca FILE"),
        ("127.0.0.1", -2, "it has ended; renew it"),
        ("map.example", 300, "it is for names"),
    ],
)
def test_a_certificate_that_is_not_trusted_and_what_is_wrong_behind_it(
    stand_in: Callable[..., str], tmp_path: Path, name: str, days: int, said: str
) -> None:
    authority = Authority(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*authority.issue(name, lasts=timedelta(days=days)))
    told = examined(stand_in(health("0.0.9"), tls), None if "--ca" in said else authority.file)
    assert "is not trusted" in faults(told)["tls"] and said in faults(told)["tls"]
    assert "older" in faults(told)["version"]  # it went on


def test_a_certificate_that_ends_soon(stand_in: Callable[..., str], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*authority.issue(lasts=timedelta(days=5)))
    assert "ends on" in faults(examined(stand_in(health(), tls), authority.file))["tls"]


def test_tls_where_there_is_none_and_none_where_there_is(stand_in: Callable[..., str], tmp_path: Path) -> None:
    plain = stand_in(health())
    assert "use http://" in faults(examined(plain.replace("http:", "https:")))["tls"]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*Authority(tmp_path).issue())
    secure = stand_in(health(), tls)
    assert "use https://" in faults(examined(secure.replace("https:", "http:")))["server"]


def test_a_proxy_that_answers_for_everything_else(stand_in: Callable[..., str]) -> None:
    """Only /healthz is handed on."""
    told = faults(examined(stand_in(health())))
    assert told.keys() == {"host", "page", "websocket", "stream", "body"}


def test_the_doctor_at_home_looks_at_both_ports(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data=str(tmp_path), port=free_port(), ingest_port=taken.getsockname()[1])
        told = {name: (wrong, detail) for name, wrong, detail in doctor.examine(settings)}
    assert told["port"][0] is False
    assert told["ingest_port"][0] is True
    assert "choose another with `ingest_port`" in told["ingest_port"][1]


def test_the_doctor_at_home_says_once_that_a_database_is_away_and_asks_for_the_store_that_nodes_share(
    tmp_path: Path,
) -> None:
    away = Settings(data=str(tmp_path), port=free_port(), store=f"postgresql://tracker@127.0.0.1:{free_port()}/tracker")
    told = [(name, detail) for name, wrong, detail in doctor.examine(away) if wrong]
    assert [name for name, _ in told] == ["store"] and "Is PostgreSQL running there" in told[0][1]
    lone = Settings(data=str(tmp_path), port=free_port(), bus=f"nats://127.0.0.1:{free_port()}")
    told = [(name, detail) for name, wrong, detail in doctor.examine(lone) if wrong]
    assert [name for name, _ in told] == ["bus", "bus"]
    assert "Is NATS running there" in told[0][1] and "name it with --store" in told[1][1]


@pytest.mark.parametrize(
    ("days", "fault", "said"), [(300, False, "is good until"), (5, True, "renew it"), (-5, True, "has ended")]
)
def test_the_doctor_at_home_looks_at_the_certificate(tmp_path: Path, days: int, fault: bool, said: str) -> None:
    cert, key = Authority(tmp_path).issue(lasts=timedelta(days=days))
    settings = Settings(data=str(tmp_path), port=free_port(), cert=str(cert), key=str(key))
    told = {name: (wrong, detail) for name, wrong, detail in doctor.examine(settings)}
    assert told["tls"][0] is fault and said in told["tls"][1]
    key.write_text("none")
    assert {name: detail for name, wrong, detail in doctor.examine(settings) if wrong}["tls"].startswith("cannot")


@pytest.mark.parametrize(
    ("reads", "answer", "said"),
    [
        (0, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "takes no body"),
        (2**20, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "takes no body"),
        (through.LARGE, b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "answered 502"),
        (through.LARGE, b"", "gets no answer"),
        (through.LARGE, b"HTTP/1.1 400 Bad\r\nContent-Type: application/problem+json\r\n\r\n{}", ""),
        (through.LARGE, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n", "answered 502"),
    ],
)
def test_a_body_is_refused_at_once_or_while_it_is_read(reads: int, answer: bytes, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as line:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                had = 0
                while had < reads and (data := line.recv(65536)):
                    had += len(data)
                line.sendall(answer)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65536):
                    pass

        serving = threading.Thread(target=serve)
        serving.start()
        fault, detail = through.body(Site(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        serving.join()
    assert fault is bool(said) and said in detail


# --------------------------------------------------------------------------------------------------- by real proxies


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("doctor") / "data", behind_proxy="loopback").start()
    yield server
    server.kill()


@pytest.fixture
def before() -> Iterator[Callable[..., Proxy]]:
    """A proxy as documented, but for what a test takes away or changes."""
    proxies: list[Proxy] = []

    def start(upstream: int, lines: str = "nginx", **instead: str) -> Proxy:
        site = lines_for(lines).replace("map.example.com", "localhost")
        for old, new in instead.items():
            assert old in site, old
            site = site.replace(old, new)
        proxies.append(Proxy(lines.removesuffix("file"), upstream, site, name="localhost"))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.stop()


def _fine(url: str, ca: str, token: str) -> list[tuple[str, str]]:
    return [(name, detail) for name, fault, detail in outside.examine(url, ca, token) if not fault]


def looked_at(proxy: Proxy) -> dict[str, str]:
    return faults(examined(f"https://localhost:{proxy.port}/fleet/", proxy.authority))


@pytest.mark.parametrize("lines", ["nginx", "caddyfile"])
def test_behind_the_documented_lines_all_is_well(server: Server, before: Callable[..., Proxy], lines: str) -> None:
    proxy = before(server.port, lines)
    command = [sys.executable, "-m", "tracker", "doctor", f"https://localhost:{proxy.port}/fleet/", "--ca"]
    answer = subprocess.run(
        [*command, str(proxy.authority)], cwd=ROOT, capture_output=True, text=True, timeout=deadline(60)
    )
    assert answer.returncode == 0, answer.stdout
    assert {line.split()[1] for line in answer.stdout.splitlines()} == {
        "reach", "tls", "server", "version", "clock", "host", "page", "websocket", "stream", "body",
    }  # fmt: skip


def test_no_upgrade_is_passed_on(server: Server, before: Callable[..., Proxy]) -> None:
    told = looked_at(before(server.port, **{"proxy_set_header Upgrade": "# Upgrade"}))
    assert told.keys() == {"websocket"} and "Upgrade and Connection" in told["websocket"]


def test_the_host_is_changed_on_the_way(server: Server, before: Callable[..., Proxy]) -> None:
    told = looked_at(
        before(server.port, **{"proxy_set_header Host": "# Host", "proxy_set_header X-Forwarded-Host": "# "})
    )
    assert told.keys() == {"host", "websocket", "stream"}
    assert "proxy_set_header Host $http_host" in told["host"] and "one of another site" in told["websocket"]


def test_a_stream_is_held_back(server: Server, before: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(through, "HELD_S", 2.0)
    deaf = "proxy_ignore_headers X-Accel-Buffering; proxy_buffer_size 16k; proxy_buffers 8 16k; # proxy_http_version"
    told = looked_at(before(server.port, proxy_http_version=deaf))
    assert "holds it back" in told["stream"]


def test_the_tracker_does_not_hear_that_it_was_by_tls(server: Server, before: Callable[..., Proxy]) -> None:
    told = looked_at(before(server.port, **{"proxy_set_header X-Forwarded-Proto": "# "}))
    assert told.keys() == {"host"} and "behind_proxy" in told["host"]


def test_where_people_sign_in_the_same_is_found(
    before: Callable[..., Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through, "HELD_S", 2.0)
    house = House(tmp_path / "data")
    house.settings["behind_proxy"] = "loopback"
    house.start()
    try:
        house.cookie = house.sign_in({"link": house.first_link(), "name": "ada", "password": GOOD})
        token = house.do("POST", "/api/v1/users/ada/tokens", {}).json()["token"]
        device = house.do("POST", "/api/v1/tokens", {"vehicles": ["*"]}).json()["token"]
        scrape = house.do("POST", "/api/v1/tokens", {"kind": "scrape"}).json()["token"]
        deaf = (
            "proxy_ignore_headers X-Accel-Buffering; proxy_buffer_size 16k; proxy_buffers 8 16k; # proxy_http_version"
        )
        proxy = before(house.port, **{"proxy_http_version": deaf, "proxy_set_header Upgrade": "# Upgrade"})
        url, ca = f"https://localhost:{proxy.port}/fleet/", str(proxy.authority)
        assert [name for name, fault, _ in outside.examine(url, ca) if fault] == ["websocket"]
        told = {name: detail for name, fault, detail in outside.examine(url, ca, token) if fault}
        assert told.keys() == {"websocket", "stream"} and "holds it back" in told["stream"]
        whose = {secret: dict(_fine(url, ca, secret)) for secret in (token, device, scrape)}
        assert whose[token]["token"] == "it is of ada, administrator"
        assert "a device's, which sends positions" in whose[device]["token"]
        assert "tracker token create --user NAME" in whose[device]["token"] and "stream" in whose[device]
        assert "reads /metrics" in whose[scrape]["token"]
        told = {name: detail for name, fault, detail in outside.examine(url, ca, token + "x") if fault}
        assert "the token opens nothing" in told["token"]
    finally:
        house.kill()


def test_a_large_body_is_refused_by_the_proxy(server: Server, before: Callable[..., Proxy]) -> None:
    told = looked_at(before(server.port, client_max_body_size="# no"))
    assert told.keys() == {"body"} and "client_max_body_size" in told["body"]


def test_the_path_is_not_taken_off(server: Server, before: Callable[..., Proxy]) -> None:
    told = looked_at(before(server.port, **{"127.0.0.1:8000/;": "127.0.0.1:8000;"}))
    assert told.keys() == {"server"} and "take /fleet off" in told["server"]


def test_the_proxy_reaches_nobody(before: Callable[..., Proxy]) -> None:
    told = looked_at(before(free_port()))
    assert told.keys() == {"server"} and "does not reach the tracker behind it" in told["server"]


def test_all_that_is_wrong_is_told_at_once(server: Server, before: Callable[..., Proxy]) -> None:
    told = looked_at(before(server.port, client_max_body_size="#", **{"proxy_set_header Upgrade": "# Upgrade"}))
    assert told.keys() == {"websocket", "body"}
