"""TLS on the server's own listener: everything that works without it, and a certificate that is renewed under it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.support.certificates import Authority
from tests.support.dialling import dial
from tests.support.servers import ROOT, Server, now
from tests.support.waiting import deadline, free_port, until, until_sync

pytestmark = pytest.mark.usefixtures("hang_up")

LIVE = b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
LIVE += b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
STREAM = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    cert, key = authority.issue()
    limits = {"live_blocked_s": 2, "live_heartbeat_s": 1, "live_silent_s": 4}
    folder = tmp_path_factory.mktemp("tls")
    limits["ingest_port"] = free_port()
    server = Server(folder / "data", authority.trusting(), cert=cert, key=key, **limits).start()
    yield server
    server.kill()


def tracker(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracker", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=deadline(60))


def metrics(server: Server) -> dict[str, float]:
    lines = server.get("/metrics").body.decode().splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines if line[0] != "#")}


def shown(server: Server) -> str:
    """The certificate that whoever comes in now is shown."""
    assert server.tls
    plain = socket.create_connection(("127.0.0.1", server.port), deadline(10))
    with server.tls.wrap_socket(plain, server_hostname="localhost") as secure:
        return hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()


async def follow(channel: Any, vehicle: str) -> None:
    """Read on until that vehicle was told of."""
    async with asyncio.timeout(deadline(10)):
        while f'"{vehicle}"' not in await channel.recv():
            pass


def test_the_address_it_prints_is_the_one_to_open(server: Server) -> None:
    assert f"https://127.0.0.1:{server.port}" in server.log.read_text()
    assert server.get("/healthz").status == 200


async def test_positions_come_in_and_go_out(server: Server) -> None:
    async with connect(server.ws + "/api/v1/live", ssl=server.tls, origin=Origin(server.url)) as channel:
        await channel.send('{"op": "follow", "all": true}')
        await asyncio.to_thread(server.ping, "tls-van")
        await follow(channel, "tls-van")
    reader, writer = await dial(server)
    writer.write(STREAM)
    await asyncio.wait_for(reader.readuntil(b"tls-van"), deadline(10))


async def test_the_port_for_positions_speaks_tls_and_nothing_else(server: Server) -> None:
    door = server.at("ingest_port")
    answer = await asyncio.to_thread(door.ping, "tls-van")
    assert answer.status == 200 and answer.headers["strict-transport-security"]
    reader, plain = await asyncio.open_connection("127.0.0.1", door.port)
    plain.write(b"POST /api/v1/positions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n[]")
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), deadline(10)) == b""
    plain.close()


async def test_a_page_that_came_without_tls_is_another_page(server: Server) -> None:
    answer = await asyncio.to_thread(server.get, "/api/v1/changes", Origin=f"http://127.0.0.1:{server.port}")
    assert (answer.status, answer.json().get("code")) == (403, "origin_not_allowed")


async def test_browsers_are_told_to_come_back_by_tls_only(server: Server) -> None:
    for path in ("/", "/healthz", "/static/boot.js", "/none"):
        answer = await asyncio.to_thread(server.get, path)
        assert answer.headers.get("strict-transport-security") == "max-age=31536000; includeSubDomains"


async def test_large_bodies_pass_whole_both_ways(server: Server) -> None:
    lines = b"".join(
        b'{"vehicle":"long","time":%d,"lat":%.6f,"lon":24.0}\n' % (1_790_000_000_000 + at * 1000, 60 + at / 1e5)
        for at in range(20_000)
    )
    told = {"content-type": "application/x-ndjson"}
    answer = await asyncio.to_thread(server.request, "POST", "/api/v1/positions", lines, told)
    assert answer.json()["accepted"] == 20_000
    track = await asyncio.to_thread(
        server.get, "/api/v1/vehicles/long/track?format=csv&from=1790000000000&until=1790030000000"
    )
    assert track.status == 200 and track.body.count(b"\n") == 20_001


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize(("said", "heard"), [(b"", b""), (GET, b"200"), (STREAM, b"snapshot"), (LIVE, b"welcome")])
async def test_a_connection_that_the_client_closed_is_gone_at_once(
    server: Server, said: bytes, heard: bytes, how: str
) -> None:
    await until(lambda: metrics(server)["tracker_connections_open"] == 1, "of the test before nothing is left")
    opened = [await dial(server) for _ in range(5)]
    for reader, writer in opened:
        writer.write(said)
        if heard:
            await asyncio.wait_for(reader.readuntil(heard), deadline(10))
    await until(lambda: metrics(server)["tracker_connections_open"] == 6, "all are open")
    for _, writer in opened:
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            writer.close()
    await until(lambda: metrics(server)["tracker_connections_open"] <= 1, "the slots are free", 5)


@asynccontextmanager
async def never_read(server: Server, said: bytes) -> AsyncIterator[None]:
    """A peer with a small window that says something, hears the beginning of the answer and reads no further."""
    assert server.tls
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect(("127.0.0.1", server.port))
        with server.tls.wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(said)
            secure.recv(100)
            yield


@pytest.mark.parametrize("said", [LIVE, STREAM], ids=["socket", "stream"])
async def test_a_peer_that_never_reads_is_cut_off(server: Server, said: bytes) -> None:
    follow = b'{"op":"follow","all":true}'
    frame = b"\x81" + bytes((0x80 | len(follow),)) + bytes(4) + follow if said is LIVE else b""
    async with never_read(server, said + frame):
        await until(lambda: metrics(server)["tracker_live_viewers"] == 1, "it is a viewer")

        def is_gone() -> bool:
            positions = [{"vehicle": f"slow-{i}", "time": now(), "lat": 60.0, "lon": 24.0} for i in range(300)]
            server.post("/api/v1/positions", positions)
            return metrics(server)["tracker_live_viewers"] == 0

        await until(is_gone, "the slow viewer is cut off", 40)
    await until(lambda: metrics(server)["tracker_connections_open"] <= 1, "and its connection is gone")


def test_what_is_older_than_tls_1_2_is_refused(server: Server, authority: Authority) -> None:
    old = authority.trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", server.port)) as plain, pytest.raises(OSError):
        old.wrap_socket(plain, server_hostname="localhost").close()


async def test_a_renewed_certificate_is_shown_to_who_comes_and_costs_nobody_a_connection(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "authority")
    cert, key = authority.issue()
    server = start_server(tls=authority.trusting(), cert=cert, key=key)
    first = shown(server)
    async with connect(server.ws + "/api/v1/live", ssl=server.tls) as channel:
        await channel.send('{"op": "follow", "all": true}')
        authority.issue()
        os.kill(server.pid, signal.SIGHUP)
        await until(lambda: shown(server) != first, "the new one is shown")
        second = shown(server)
        key.write_bytes(b"half a key")
        os.kill(server.pid, signal.SIGHUP)
        await until(lambda: metrics(server)["tracker_certificate_broken"] == 1, "the broken pair was looked at")
        assert shown(server) == second
        assert "the certificate before goes on" in server.log.read_text()
        await asyncio.to_thread(server.ping, "still-there")
        await follow(channel, "still-there")
        assert metrics(server)["tracker_certificate_left_seconds"] > 86_400 * 290
    assert server.stop() == 0


def test_a_stop_ends_what_does_not_answer(start_server: Callable[..., Server], tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    cert, key = authority.issue()
    server = start_server(tls=authority.trusting(), cert=cert, key=key)
    assert server.tls
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        secure = server.tls.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=True)
        secure.sendall(LIVE)
        until_sync(lambda: metrics(server)["tracker_live_viewers"] == 1, "it is a viewer")
        assert server.stop() == 0
        with suppress(OSError):
            secure.close()


def test_files_that_cannot_be_used_are_told_before_anything_begins(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", cert=tmp_path / "nothing.pem")
    process = server.start(wait=False).process
    assert process and process.wait(deadline(20)) == 2
    assert json.dumps(server.log.read_text()).count("cannot speak TLS with") == 1
    assert "Traceback" not in server.log.read_text()


def test_a_replay_and_an_import_reach_it_when_they_trust_it(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    day, register = tmp_path / "day.csv", tmp_path / "register.csv"
    day.write_text(f"vehicle,time,lat,lon\nreplayed-tls,{now(-60)},60.17,24.94\n")
    register.write_text("vehicle,name\nreplayed-tls,Van in a tunnel\n")
    for command in (["replay", str(day), "--speed", "max"], ["vehicles", "import", str(register)]):
        trusting = tracker(*command, "--to", server.url, "--ca", str(authority.file))
        assert trusting.returncode == 0, trusting.stderr
        refused = tracker(*command, "--to", server.url)
        assert refused.returncode == 1 and "is not trusted" in refused.stderr and "--ca FILE" in refused.stderr
    assert server.get("/api/v1/vehicles/replayed-tls").json()["name"] == "Van in a tunnel"


def test_an_authority_that_is_none_is_told(tmp_path: Path, server: Server) -> None:
    register = tmp_path / "register.csv"
    register.write_text("vehicle,name\na,b\n")
    answer = tracker("vehicles", "import", str(register), "--to", server.url, "--ca", str(register))
    assert answer.returncode == 2 and "no authority in there" in answer.stderr
