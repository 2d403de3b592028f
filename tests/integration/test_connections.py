"""Connections: a peer that hangs up costs nothing, one peer cannot shut out another, and two parsers agree on requests."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.support import hostile
from tests.support.dialling import dial
from tests.support.servers import Server, circle, now
from tests.support.waiting import deadline, free_port, until, until_sync

pytestmark = pytest.mark.usefixtures("hang_up")

HOST = b"Host: 127.0.0.1\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
STREAM = b"GET /api/v1/stream HTTP/1.1\r\n" + HOST + b"\r\n"
LIVE = b"GET /api/v1/live HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
LIVE += b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("connections") / "data", ingest_port=free_port()).start()
    yield server
    server.kill()


def metrics(server: Server) -> dict[str, float]:
    lines = server.get("/metrics").body.decode().splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines if line[0] != "#")}


async def only_ours_is_open(server: Server) -> None:
    """Every connection but the one that asks is gone: socket and slot."""
    await until(lambda: metrics(server)["tracker_connections_open"] == 1, "the slots are free", 5)
    await until(lambda: sockets_of(server) == 0, "the sockets are closed", 5)


def sockets_of(server: Server) -> int:
    """Sockets on the server's port that a process still holds, in any state but TIME_WAIT."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(row[1].endswith(f":{server.port:04X}") and row[3] not in ("06", "0A") for row in rows)


@asynccontextmanager
async def speaking(server: Server, said: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await dial(server)
    writer.write(said)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer_to(server: Server, said: bytes, hang_up: bool = True) -> bytes:
    """Everything the server says to that, until it closes. `hang_up`: we say at once that nothing follows."""
    async with speaking(server, said) as (reader, writer):
        if hang_up:
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(-1), deadline(10))
        except TimeoutError:
            raise AssertionError("it is still open") from None


# ----------------------------------------------------------------------------------------------- hanging up


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"", b""),
        (GET, b"200"),
        (STREAM, b"snapshot"),
        (STREAM + GET, b"snapshot"),
        (LIVE, b"welcome"),
    ],
    ids=["silent", "kept", "stream", "stream with another request behind", "socket"],
)
async def test_a_connection_that_the_client_closed_is_gone_at_once(
    server: Server, said: bytes, heard: bytes, how: str
) -> None:
    """`keep_alive_s` is 75 here, and a silent one is given 10 s."""
    opened = [await dial(server) for _ in range(10)]
    for reader, writer in opened:
        writer.write(said)
        if heard:
            await asyncio.wait_for(reader.readuntil(heard), deadline(10))
    await until(lambda: metrics(server)["tracker_connections_open"] == 11, "all are open")
    for _, writer in opened:
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()
    await only_ours_is_open(server)
    assert metrics(server)["tracker_live_viewers"] == 0


async def test_a_kept_connection_answers_again_and_again(server: Server) -> None:
    async with speaking(server, GET) as (reader, writer):
        for _ in range(3):
            await asyncio.wait_for(reader.readuntil(b"}"), deadline(10))
            writer.write(GET)


async def test_one_that_says_nothing_more_still_gets_its_answers(server: Server) -> None:
    position = json.dumps({"vehicle": "half", "time": now(), "lat": 60.0, "lon": 24.0}).encode()
    post = b"POST /api/v1/positions HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(position) + position
    assert b'"accepted":1' in await answer_to(server, post)
    events = b"GET /api/v1/events?limit=10000 HTTP/1.1\r\n" + HOST + b"\r\n"
    assert (await answer_to(server, events * 5)).count(b"200 ") == 5
    assert b'"ok"' in await answer_to(server, b"GET /healthz HTTP/1.0\r\n\r\n")
    await only_ours_is_open(server)


async def test_a_poll_whose_peer_says_nothing_more_waits_no_longer(server: Server) -> None:
    cursor = server.get("/api/v1/changes").json()["cursor"]
    said = f"GET /api/v1/changes?since={cursor}&wait=25 HTTP/1.1\r\n".encode() + HOST + b"\r\n"
    assert b'"cursor"' in await answer_to(server, said)
    await only_ours_is_open(server)


async def test_a_stream_whose_peer_says_nothing_more_tells_what_there_is_and_ends(server: Server) -> None:
    assert b'"op":"snapshot"' in await answer_to(server, STREAM)
    await only_ours_is_open(server)


async def test_the_head_of_a_stream_ends(server: Server) -> None:
    said = b"HEAD /api/v1/stream HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    assert b"text/event-stream" in await answer_to(server, said, hang_up=False)
    assert metrics(server)["tracker_live_viewers"] == 0


async def test_half_a_request_is_answered_and_ends(server: Server) -> None:
    said = b"POST /api/v1/positions HTTP/1.1\r\n" + HOST + b'Content-Length: 100\r\n\r\n{"vehicle"'
    assert (await answer_to(server, said)).startswith(b"HTTP/1.1 400")
    await answer_to(server, GET[:20])
    await only_ours_is_open(server)


async def test_what_follows_the_last_request_is_nobodys(server: Server) -> None:
    last = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    for said in (last + GET, b"GET /healthz HTTP/1.0\r\n\r\n\r\n"):
        answer = await answer_to(server, said, hang_up=False)
        assert answer.count(b"HTTP/1.1 200") == answer.count(b"HTTP/1.1") == 1
    await only_ours_is_open(server)


@pytest.mark.parametrize("peers", ["there", "half-closed", "gone"])
async def test_a_stop_in_the_middle_of_everything_says_nothing_in_the_log(
    start_server: Callable[..., Server], peers: str
) -> None:
    server = start_server(heavy_at_once=1)
    fleet = [{"vehicle": f"v{n}", "time": now(), "lat": 60 + n / 1e5, "lon": 24.0} for n in range(3000)]
    server.post("/api/v1/positions", fleet)
    everywhere = json.dumps(circle(60.0, 24.0, 9000)).encode()
    length = b"Content-Length: %d\r\n\r\n" % len(everywhere) + everywhere
    said = [b"PUT /api/v1/regions/r%d HTTP/1.1\r\n" % n + HOST + length for n in range(10)]
    said += [b"POST /api/v1/regions/preview HTTP/1.1\r\n" + HOST + length] * 10
    said += [b"GET /api/v1/changes?vehicles=nobody&wait=25 HTTP/1.1\r\n" + HOST + b"\r\n", STREAM, LIVE, GET, b""]
    said += [b"POST /api/v1/positions HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{"]
    for one in said:
        _, writer = await dial(server)
        writer.write(one)
        if peers == "half-closed":
            writer.write_eof()
        elif peers == "gone":
            writer.close()
    busy = "tracker_heavy_running", "tracker_heavy_done_total"
    await until(lambda: sum(metrics(server)[name] for name in busy) > 0, "the first preview is begun")
    assert await asyncio.to_thread(server.stop) == 0
    assert not [line for line in server.log.read_text().splitlines() if "ERROR" in line or "Error" in line]


# ----------------------------------------------------------------------------------------------- counted


def test_metrics_count_what_they_say(start_server: Callable[..., Server]) -> None:
    server = start_server()
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    before, began = metrics(server), time.monotonic()
    server.ping("van-1", 60.0, 24.0, time=now(-20))
    server.ping("van-1", 60.0001, 24.0, time=now(-10))
    server.ping("van-2", 61.0, 24.0)
    server.post("/api/v1/positions", [{"vehicle": "van-3", "time": now(), "lat": 99, "lon": 24.0}])
    after = metrics(server)
    grown = {name: after[name] - before.get(name, 0) for name in after}  # a label is there once it was met
    assert {name: grown[f"tracker_{name}"] for name in ("vehicles", "regions", "last_seq")} == {
        "vehicles": 2,
        "regions": 0,
        "last_seq": 1,
    }
    assert after["tracker_regions"] == 1
    assert grown["tracker_pipeline_pings_total"] == 3, "one was refused before it came to the pipeline"
    assert grown["tracker_pipeline_events_total"] == 1
    assert grown["tracker_pipeline_commits_total"] == 3
    assert 0 < grown["tracker_pipeline_commit_seconds_total"] < time.monotonic() - began
    assert grown["tracker_connections_accepted_total"] == 5, "four requests, and the one that asks"
    for name in ("pipeline_waiting", "pipeline_refused_total", "pipeline_failures_total", "pipeline_down"):
        assert after[f"tracker_{name}"] == 0
    assert after["tracker_ready"] == 1
    assert 0 < after["tracker_up_seconds"] < 600
    assert after["tracker_store_bytes"] == (server.data / "tracker.db").stat().st_size
    assert after["tracker_store_log_bytes"] == (server.data / "tracker.db-wal").stat().st_size
    assert after["tracker_store_free_bytes"] > 2**20


async def test_metrics_count_viewers_and_connections_that_wait(server: Server) -> None:
    async with speaking(server, GET) as (kept, _), speaking(server, STREAM) as (stream, _):
        await asyncio.wait_for(kept.readuntil(b"}"), deadline(10))
        await asyncio.wait_for(stream.readuntil(b"snapshot"), deadline(10))
        counted = metrics(server)
        assert counted["tracker_live_viewers"] == 1
        assert 0 < counted["tracker_live_tick_seconds"] <= 1
        assert counted["tracker_connections_open"] == 3, "the kept one, the stream, and the one that asks"
        assert counted["tracker_connections_idle"] == 1


# ----------------------------------------------------------------------------------------------- too many


@pytest.mark.parametrize("said", [b"", GET, STREAM], ids=["silent", "kept", "streams"])
async def test_one_peer_that_holds_all_it_can_does_not_shut_out_another(
    start_server: Callable[..., Server], said: bytes
) -> None:
    server = start_server(max_connections=50)
    opened = []
    for _ in range(60):
        reader, writer = await dial(server)
        opened.append((reader, writer))
        writer.write(said)

    def from_elsewhere() -> bool:
        with socket.create_connection(("127.0.0.1", server.port), deadline(10), ("127.0.0.2", 0)) as other:
            other.sendall(b"GET /metrics HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            answer = b"".join(iter(lambda: other.recv(65536), b"")).decode()
        assert " 200 " in answer.partition("\r\n")[0]
        counted = dict(line.split() for line in answer.splitlines() if line.startswith("tracker_"))
        gone = int(counted["tracker_connections_refused_total"]) + int(counted["tracker_connections_evicted_total"])
        return int(counted["tracker_connections_open"]) == 46 and gone == 15

    await until(lambda: asyncio.to_thread(from_elsewhere), "45 are held by one peer")
    for _, writer in opened:
        writer.close()
    log = server.log.read_text()
    assert log.count("too many connections") == 1, log
    assert "from 127.0.0.1; one address may hold 45" in log


# ----------------------------------------------------------------------------------------------- one reading only


@pytest.mark.parametrize("door", ["port", "ingest_port"])
@pytest.mark.parametrize(("said", "status"), hostile.REFUSED, ids=repr)
async def test_a_request_that_two_parsers_could_read_differently_is_refused(
    server: Server, said: bytes, status: int, door: str
) -> None:
    """And the connection with it: whatever follows could be part of that request or another."""
    answer = await answer_to(server.at(door), said + hostile.SMUGGLED, hang_up=False)
    assert answer.startswith(b"HTTP/1.1 %d" % status), answer
    assert len(re.findall(rb"HTTP/1.1 \d{3} \r\n", answer)) == 1
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert json.loads(body)["type"].startswith("urn:tracker:problem:")
    until_sync(lambda: metrics(server)["tracker_connections_open"] == 1, "its slot is free")


@pytest.mark.parametrize("door", ["port", "ingest_port"])
@pytest.mark.parametrize("said", hostile.TAKEN.values(), ids=hostile.TAKEN.keys())
async def test_what_only_looks_odd_is_taken(server: Server, said: bytes, door: str) -> None:
    assert (await answer_to(server.at(door), said)).startswith(b"HTTP/1.1 200")
