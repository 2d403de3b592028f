"""A protocol is one file: its routes, its reply and its stream come from the port. Shown by two that only tests have."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.support.servers import Server, now
from tests.support.waiting import deadline, until

FOLDER = Path(__file__).parents[1] / "support" / "protocols"
BEGIN = f"import tracker.protocols as it; it.__path__.append({str(FOLDER)!r}); import tracker.__main__"


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("speaking") / "data")
    server.program = [sys.executable, "-c", BEGIN]
    server.start()
    yield server
    server.kill()


def test_a_request_a_fix_is_stored_by_get_and_by_form_and_answered_in_its_own_words(speaking: Server) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    sent = speaking.get(f"/phone/van-1?lat=60.17&lon=24.94&time={int(time.time())}")
    assert (sent.status, sent.body, sent.headers["content-type"]) == (200, b"OK", "text/plain; charset=utf-8")
    assert speaking.request("POST", "/phone/van-2", f"lat=60&lon=24&time={int(time.time())}", form).body == b"OK"
    assert speaking.get("/api/v1/vehicles/van-1").json()["position"]["lat"] == 60.17
    assert speaking.get("/api/v1/vehicles/van-2").json()["position"]["lat"] == 60


def test_what_is_wrong_with_a_fix_blocks_no_phone_and_what_is_wrong_with_a_request_is_a_problem(
    speaking: Server,
) -> None:
    assert speaking.get("/phone/van-3?lat=95&lon=24&time=1").body == b"OK"
    assert speaking.get("/api/v1/vehicles/van-3").status == 404
    assert speaking.get("/phone/van-3").json()["code"] == "empty"
    assert speaking.request("PUT", "/phone/van-3").headers["allow"] == "GET, POST, OPTIONS"
    assert speaking.get("/phone/").status == 400
    assert speaking.get("/phone").status == 404


def test_a_stream_in_a_body_is_stored_run_by_run_and_answered_with_its_last_reply(speaking: Server) -> None:
    began = int(time.time()) - 3000
    lines = "".join(f"bus-1 {began + number} 60.1 24.{number}\n" for number in range(2500))
    sent = speaking.request("POST", "/text", lines, {"content-type": "text/plain"})
    assert (sent.status, sent.body) == (200, b"2500 fixes\n")
    assert speaking.get("/api/v1/vehicles/bus-1").json()["position"]["lon"] == 24.2499
    assert speaking.request("POST", "/text", lines, {"content-type": "text/html"}).status == 415


async def test_a_stream_over_a_socket_is_cut_anywhere_and_answered_run_by_run(speaking: Server) -> None:
    began = int(time.time()) - 3000
    async with connect(speaking.ws + "/text") as socket, asyncio.timeout(deadline(10)):
        await socket.send(f"bus-2 {began} 60.1 24.1001\nbus-2 {began + 1} 60.1 ")
        assert await socket.recv() == "1 fixes\n"
        await socket.send(f"24.1002\nbus-2 {began + 2} 60.1 24.1003\nbus-2 {began + 3}")
        assert await socket.recv() == "3 fixes\n"
        assert speaking.get("/api/v1/vehicles/bus-2").json()["position"]["lon"] == 24.1003


async def test_what_is_left_at_the_end_of_a_socket_is_stored(speaking: Server) -> None:
    async with connect(speaking.ws + "/text") as socket:
        await socket.send(f"bus-3 {int(time.time())} 60.1 24.1")
    await until(lambda: speaking.get("/api/v1/vehicles/bus-3").status == 200, "the last line is stored")


def test_what_helps_whoever_looks_into_them_knows_them_too(speaking: Server) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    said = f"lat=60.17&lon=24.94&time={int(time.time())}"
    told = speaking.request("POST", "/api/v1/ingest/echo?protocol=url&path=/phone/van-4", said, form).json()
    command = [*speaking.program, "decode", "url", "--path", "/phone/van-4"]
    decoded = subprocess.run(command, input=said.encode(), capture_output=True, check=True).stdout
    for ping in (told["pings"][0], json.loads(decoded.splitlines()[0])):
        assert (ping["vehicle"], ping["lat"]) == ("van-4", 60.17)


def test_our_own_protocols_are_spoken_beside_them_as_ever(speaking: Server) -> None:
    assert speaking.ping("van-9").json()["accepted"] == 1
    line = f'{{"vehicle": "van-9", "time": "{now(1)}", "lat": 60, "lon": 24}}\n'
    told = speaking.request("POST", "/api/v1/positions", line, {"content-type": "application/x-ndjson"})
    assert told.json()["accepted"] == 1
    assert speaking.get("/api/v1/positions").headers["allow"] == "POST, OPTIONS"


def test_without_them_nothing_is_at_their_addresses(start_server: Callable[..., Server]) -> None:
    server = start_server()
    assert server.get("/phone/van-1?lat=60.17&lon=24.94").status == 404
    assert server.request("POST", "/text", "", {"content-type": "text/plain"}).status == 404


FOREIGN: list[dict[str, str]] = [
    {"origin": "http://evil.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
]


def test_a_page_of_another_site_stores_nothing_by_get_but_who_shows_a_token_may(tmp_path: Path) -> None:
    """An image of `http://127.0.0.1:8000/phone/van?lat=…` in somebody's page would put a van anywhere."""
    server = Server(tmp_path / "data")
    server.program = [sys.executable, "-c", BEGIN]
    server.start()
    try:
        asked = f"lat=60&lon=24&time={int(time.time())}"
        for headers in FOREIGN:
            assert b"origin_not_allowed" in server.get(f"/phone/van-1?{asked}", **headers).body
            assert server.get(f"/ingest/tracks/nothing?id=van-1&{asked}", **headers).status == 403
        assert server.get("/api/v1/vehicles/van-1").status == 404
        assert server.get(f"/phone/van-1?{asked}", sec_fetch_site="none").status == 200, "typed into a browser"
        made = [server.post("/api/v1/tokens", {"vehicles": [one]}).json() for one in ("van-*", "truck")]
        van, truck = (one["token"] for one in made)
        for administered in (False, True):
            if administered:
                ada = {"name": "ada", "role": "administrator", "password": "two blue vans in may"}
                assert server.post("/api/v1/users", ada).status == 201
            for headers in FOREIGN:
                for way in (f"/phone/van-2?{asked}&token={van}", f"/ingest/tracks/{van}?id=van-2&{asked}"):
                    assert server.get(way, **headers).status == 200
                assert server.get(f"/phone/van-2?{asked}", x_api_key=van, **headers).status == 200
                assert server.request("POST", f"/phone/van-2?{asked}&token={van}", "", headers).status == 403
        assert server.get(f"/ingest/tracks/{truck}?id=van-3&{asked}").json()["code"] == "not_your_vehicle"
        assert server.get(f"/ingest/tracks/nothing?id=van-3&{asked}").status == 401
        told = server.get("/api/v1/tokens", authorization=f"Bearer {truck}")
        assert told.status == 404
        assert server.get("/api/v1/vehicles/van-3", x_api_key=van).status == 404
    finally:
        server.kill()
    assert not [secret for secret in (van, truck) if secret in server.log.read_text()]
