"""Doors: the port, the port for positions alone, and the shortcut that plain requests take at either."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.dialling import dial
from tests.support.servers import Answer, Server, now
from tests.support.waiting import deadline, free_port, until

pytestmark = pytest.mark.usefixtures("hang_up")

PATH = "/api/v1/positions"
JSON = {"Content-Type": "application/json"}
AGAIN = b" "  #: on a connection where two of its head came before
LONG_WAY = b"X-Said: twice\r\nX-Said: twice\r\n"  #: which is no reason to refuse anything


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("doors") / "data", ingest_port=free_port(), max_body=2000).start()
    yield server
    server.kill()


def position(vehicle: str, **fields: Any) -> dict[str, Any]:
    return {"vehicle": vehicle, "time": now(), "lat": 60.0, "lon": 24.0} | fields


def request(path: str, body: bytes, headers: dict[str, str], more: bytes = b"") -> bytes:
    told = {"Host": "127.0.0.1", "Content-Length": str(len(body))} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return f"POST {path} HTTP/1.1\r\n{lines}".encode() + more + b"\r\n" + body


async def exchanged(server: Server, *said: bytes) -> Answer:
    """What the last of these is answered, on one connection."""
    reader, writer = await dial(server)
    for one in said:
        writer.write(one)
        answer = await read_answer(reader)
    writer.close()
    return answer


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(deadline(20)):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        headers = dict(line.split(": ", 1) for line in head[1:])
        assert len(headers) == len(head) - 1, "each is told once"
        return Answer(int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"])))


#: path, body (its vehicle is another for each way), headers
ASKED: dict[str, tuple[str, Any, dict[str, str]]] = {
    "one": (PATH, {}, JSON),
    "several": (PATH, [{}, {"lat": 61.0, "time": "2026-01-01T00:00:00Z"}], JSON),
    "one of two is wrong": (PATH, [{}, {"lat": 99.0}], JSON),
    "all are wrong": (PATH, {"lat": 99.0}, JSON),
    "no JSON": (PATH, b"{", JSON),
    "nothing": (PATH, b"", JSON),
    "no type": (PATH, {}, {}),
    "another type": (PATH, b"lat=1", {"Content-Type": "text/html"}),
    "another charset": (PATH, b"[]", {"Content-Type": "application/json; charset=latin-1"}),
    "lines": (PATH, {}, {"Content-Type": "application/x-ndjson"}),
    "gzip": (PATH, gzip.compress(b"[]"), JSON | {"Content-Encoding": "gzip"}),
    "half a gzip": (PATH, gzip.compress(b"[]")[:-4], JSON | {"Content-Encoding": "gzip"}),
    "another encoding": (PATH, b"[]", JSON | {"Content-Encoding": "br"}),
    "too large": (PATH, b"[" + b" " * 3000 + b"]", JSON),
    "another site's page": (PATH, {}, JSON | {"Origin": "https://evil.example"}),
    "another site's page that hides": (PATH, {}, JSON | {"Sec-Fetch-Site": "cross-site"}),
    "a name that is not ours": (PATH, {}, JSON | {"Host": "evil.example"}),
    "a token that is none": (f"{PATH}?token=wrong", {}, JSON),
    "a token in the path that is none": ("/ingest/osmand/wrong", b"id=1", JSON),
    "no protocol": ("/ingest/nothing", b"[]", JSON),
    "another protocol": ("/ingest/owntracks", {"_type": "lwt"}, JSON),
    "another method of it": ("/ingest/osmand", b"", {}),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_every_way_in_answers_alike(server: Server, asked: str) -> None:
    path, document, headers = ASKED[asked]
    ways = [(door, more) for door in ("port", "ingest_port") for more in (b"", LONG_WAY, AGAIN)]
    answers = []
    for number, (door, more) in enumerate(ways):
        body = document
        if isinstance(document, (dict, list)):
            vehicle = f"{asked.replace(' ', '-')}-{number}"[:60].replace("'", "")
            items = [position(vehicle) | one for one in (document if isinstance(document, list) else [document])]
            body = json.dumps(items if isinstance(document, list) else items[0]).encode()
        before = [] if more != AGAIN else [request(path, b"[]", headers)] * 2
        status, told, said = await exchanged(server.at(door), *before, request(path, body, headers, more.strip(AGAIN)))
        assert "connection" not in told
        del told["date"]
        answers.append((status, told, said))
    assert answers[0][1].keys() >= {"content-type", "cache-control", "x-content-type-options"}
    assert answers == [answers[0]] * 6


async def test_the_port_for_positions_shows_nothing_else(server: Server) -> None:
    door = server.at("ingest_port")
    for path in ("/", "/healthz", "/metrics", "/api/v1/vehicles", "/static/boot.js", "/nowhere"):
        told = door.get(path)
        assert told.status == 404, path
        assert told.json()["code"] == "not_found"
    assert door.post("/api/v1/session", {"name": "ada", "password": "x"}).status == 404
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{door.ws}/api/v1/live")
    assert refused.value.response.status_code == 404
    async with connect(f"{door.ws}{PATH}") as socket:
        await socket.send(json.dumps(position("by-socket")))
        assert json.loads(await socket.recv()) == {"upto": 1, "errors": []}
    assert door.get("/ingest/osmand?id=by-get&lat=60&lon=24").status == 200
    assert {"by-socket", "by-get"} <= {one["vehicle"] for one in server.get("/api/v1/vehicles").json()["vehicles"]}


@pytest.mark.parametrize("door", ["port", "ingest_port"])
async def test_requests_one_behind_the_other_are_answered_in_order(server: Server, door: str) -> None:
    """However they are cut, and whichever way each of them takes."""
    told = [b"", LONG_WAY, b"", b"", LONG_WAY]
    bodies = [json.dumps([position(f"row-{door}", lat=60 + n / 1000)] * (n + 1)).encode() for n in range(5)]
    said = b"".join(request(PATH, body, JSON, more) for body, more in zip(bodies, told, strict=True))
    reader, writer = await dial(server.at(door))
    for piece in (said[:30], said[30:100], said[100:-50], said[-50:]):
        writer.write(piece)
        await asyncio.sleep(0)
    answers = [(await read_answer(reader)).json() for _ in bodies]
    assert [one["accepted"] + one["duplicates"] for one in answers] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("door", ["port", "ingest_port"])
@pytest.mark.parametrize("rest", [b"", request(PATH, b"", JSON)[:50], request(PATH, b"[]", JSON)[:-1]], ids=len)
async def test_whoever_goes_on_slowly_or_not_at_all_is_let_go(
    start_server: Callable[..., Server], door: str, rest: bytes
) -> None:
    server = start_server(keep_alive_s=0.3, body_timeout_s=0.3, ingest_port=free_port()).at(door)
    reader, writer = await dial(server)
    writer.write(request(PATH, b"[]", JSON) + rest)
    assert (await read_answer(reader)).status == 200
    async with asyncio.timeout(deadline(10)):
        left = await reader.read()
    assert (b"body_timeout" in left) == rest.endswith(b"[")


async def test_both_doors_share_the_connections_there_may_be(start_server: Callable[..., Server]) -> None:
    server = start_server(max_connections=20, ingest_port=free_port())
    opened = [await dial(server.at(door)) for door in ("port", "ingest_port") * 15]
    for _, writer in opened:
        writer.write(request(PATH, b"[]", JSON))

    def from_elsewhere() -> bool:
        with socket.create_connection(("127.0.0.1", server.port), deadline(10), ("127.0.0.2", 0)) as other:
            other.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            told = b"".join(iter(lambda: other.recv(65536), b"")).decode()
        # where opening them takes long, those that idle give way to later ones: then those are not refused
        went = re.findall(r"^tracker_connections_(?:refused|evicted)_total (\d+)$", told, re.MULTILINE)
        return "\ntracker_connections_open 19\n" in told and sum(map(int, went)) >= 12

    await until(lambda: asyncio.to_thread(from_elsewhere), "18 are held by one peer")


def handshake(path: str, more: bytes) -> bytes:
    lines = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Host: 127.0.0.1")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    return "\r\n".join((f"GET {path} HTTP/1.1", *lines, key, "")).encode() + more + b"\r\n"


@pytest.mark.parametrize("door", ["port", "ingest_port"])
@pytest.mark.parametrize(
    "more", [b"Origin: http://evil.example\r\n", b"Sec-Fetch-Site: cross-site\r\n", b"X: %d\r\n" % 1, b""]
)
async def test_a_handshake_is_answered_alike_whichever_way_it_takes(server: Server, door: str, more: bytes) -> None:
    answers = []
    for way in (b"", LONG_WAY):
        reader, writer = await dial(server.at(door))
        writer.write(handshake("/api/v1/live", more + way))
        async with asyncio.timeout(deadline(20)):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            rest = await (reader.readexactly(4) if head[0].startswith("HTTP/1.1 101") else reader.read())
        writer.close()
        answers.append((sorted(line for line in head if not line.startswith(("date", "connection: close"))), rest))
    assert answers[0] == answers[1]


async def test_sockets_take_their_share_of_the_connections(start_server: Callable[..., Server]) -> None:
    server = start_server()

    async def open_ones(count: int) -> None:
        def are_open() -> bool:
            return f"\ntracker_connections_open {count}\n" in server.get("/metrics").body.decode()

        await until(lambda: asyncio.to_thread(are_open), f"{count} connections are open")

    async with connect(f"{server.ws}/api/v1/live") as one, connect(f"{server.ws}/api/v1/live") as other:
        await one.recv()
        await open_ones(3)
        await other.close()
        await open_ones(2)
    await open_ones(1)


@pytest.mark.parametrize("door", ["port", "ingest_port"])
async def test_sigterm_lets_what_is_under_way_be_answered(start_server: Callable[..., Server], door: str) -> None:
    """And nothing else: a connection ends after its answer, and one that waits for nothing ends at once."""
    server = start_server(ingest_port=free_port())
    spoken = [await dial(server.at(door)) for _ in range(20)]
    idle, _ = await dial(server.at(door))
    for number, (_, writer) in enumerate(spoken):
        fixes = [
            position(f"v{number}", lat=60 + n / 1e4, time=f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z")
            for n in range(900)
        ]
        writer.write(request(PATH, json.dumps(fixes).encode(), JSON))
    first = await read_answer(spoken[0][0])
    assert server.process
    server.process.send_signal(signal.SIGTERM)
    answered = [first]
    for reader, _ in spoken[1:]:
        answered.append(await read_answer(reader))
        assert await asyncio.wait_for(reader.read(), deadline(10)) == b""
    assert await asyncio.wait_for(idle.read(), deadline(10)) == b""
    assert {one.status for one in answered} <= {200, 503}
    assert await asyncio.to_thread(server.stop) == 0
    taken = [number for number, one in enumerate(answered) if one.status == 200]
    again = start_server(server.data)
    kept = {one["vehicle"] for one in again.get("/api/v1/vehicles").json()["vehicles"]}
    assert {f"v{number}" for number in taken} <= kept
