"""One test an attack: each meets a defined end, and the server's memory stays flat. And one for each Hypercorn trick."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.dialling import dial
from tests.support.servers import Server, now
from tests.support.waiting import deadline, until

pytestmark = pytest.mark.usefixtures("hang_up")

LIVE = "/api/v1/live"
POSITIONS = "/api/v1/positions"
FLAT = 30 * 2**20  #: bytes: more than this is not flat


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Impatient, so that tests need not wait."""
    settings = {"live_silent_s": 4, "live_follow_s": 2, "live_blocked_s": 2, "live_heartbeat_s": 1}
    server = Server(tmp_path_factory.mktemp("sockets") / "data", **settings).start()
    server.ping("van-1")
    yield server
    server.kill()


@pytest.fixture
async def live(server: Server) -> AsyncIterator[ClientConnection]:
    async with connect(server.ws + LIVE, compression=None) as connection:
        yield connection


@pytest.fixture
def slow() -> Iterator[socket.socket]:
    """A socket that holds little that is not read."""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield slow


async def close_code(connection: ClientConnection, seconds: float = 15) -> int | None:
    """Read until the server ends it."""
    async with asyncio.timeout(deadline(seconds)):
        try:
            while True:
                await connection.recv()
        except ConnectionClosed:
            return connection.close_code


async def handshake(server: Server, *more: str, path: str = LIVE) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket by hand, which then does as it likes."""
    reader, writer = await dial(server)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *more, "", ""]
    writer.write("\r\n".join(lines).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in answer
    return reader, writer


def frame(payload: bytes, first: int = 0x81) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", first, 128 | size)
    else:
        head = struct.pack(">BBH", first, 254, size) if size < 65536 else struct.pack(">BBQ", first, 255, size)
    return head + bytes(4) + payload


def viewers(server: Server) -> int:
    return counted(server, "tracker_live_viewers")


def counted(server: Server, metric: str) -> int:
    lines = server.get("/metrics").body.decode().splitlines()
    return int(next(line for line in lines if line.startswith(f"{metric} ")).split()[1])


async def ends(reader: asyncio.StreamReader, seconds: float = 15) -> bytes:
    """Everything until the connection is over, however that happens."""
    found = b""
    try:
        async with asyncio.timeout(deadline(seconds)):
            while data := await reader.read(65536):
                found += data
    except TimeoutError:
        raise AssertionError(f"still open after {deadline(seconds):.0f} s") from None
    except ConnectionError:
        pass
    return found


async def says(reader: asyncio.StreamReader, what: bytes) -> bool:
    """Does it say this before it ends?"""
    try:
        await asyncio.wait_for(reader.readuntil(what), deadline(10))
    except asyncio.IncompleteReadError:
        return False
    return True


def code_in(data: bytes) -> int | None:
    """The close code in the last frame."""
    at = data.rfind(b"\x88")
    return struct.unpack_from(">H", data, at + 2)[0] if at >= 0 and len(data) >= at + 4 else None


async def test_one_that_never_reads_is_closed_and_costs_no_memory(server: Server, slow: socket.socket) -> None:
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, ("127.0.0.1", server.port))
    request = f"GET {LIVE} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    await loop.sock_sendall(
        slow, (request + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
    )
    await asyncio.wait_for(loop.sock_recv(slow, 1000), deadline(10))
    await loop.sock_sendall(slow, frame(b'{"op":"follow","all":true}'))
    before = server.memory()
    async with connect(server.ws + LIVE, compression=None) as reading:
        await reading.send('{"op":"follow","all":true}')

        async def read() -> None:
            async for _ in reading:
                pass

        task = asyncio.create_task(read())
        positions = [{"vehicle": f"slow-{i}", "lat": 60.0, "lon": 24.0} for i in range(300)]

        def gone() -> bool:
            try:
                slow.send(frame(b"", 0x8A))
            except BlockingIOError:
                return False
            except OSError:
                return True
            return False

        async def post() -> bool:
            await asyncio.to_thread(server.post, "/api/v1/positions", [{**p, "time": now()} for p in positions])
            return gone()

        try:
            await until(post, "the slow viewer is cut off", 40)
        finally:
            task.cancel()
    assert server.memory() - before < FLAT


async def test_a_stream_that_is_never_read_is_cut_off(server: Server, slow: socket.socket) -> None:
    slow.connect(("127.0.0.1", server.port))
    slow.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(lambda: viewers(server) == 1, "it is connected")
    before = server.memory()

    def gone() -> bool:
        positions = [{"vehicle": f"slow-{i}", "time": now(), "lat": 60.0, "lon": 24.0} for i in range(300)]
        server.post("/api/v1/positions", positions)
        return viewers(server) == 0

    await until(lambda: asyncio.to_thread(gone), "the stream has ended", 15)
    await until(lambda: counted(server, "tracker_connections_open") == 1, "only who asks has a connection")
    assert server.memory() - before < FLAT


TWICE = "X-Said: twice\r\nX-Said: twice\r\n"  #: nothing wrong, and nothing plain


@pytest.mark.parametrize("path", [LIVE, POSITIONS, "/api/v1/nothing"])
async def test_what_one_says_before_the_handshake_is_over_waits_for_it(server: Server, path: str) -> None:
    said = json.dumps({"op": "follow", "all": True} if path == LIVE else [])
    for way in ("", TWICE) * 3:  # whoever is quicker, program or frame; recognised as a plain handshake, or read as any
        reader, writer = await dial(server)
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"{way}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        writer.write(head.encode() + frame(said.encode()))
        if path == LIVE:
            assert await says(reader, b'"op":"snapshot"')
        elif path == POSITIONS:
            assert await says(reader, b'"upto":1')
        else:
            assert b" 404 " in await ends(reader, 10)
        writer.transport.abort()
    assert "Traceback" not in server.log.read_text()


async def test_one_that_only_reads_stays(live: ClientConnection) -> None:
    """Its library answers the pings of the protocol, and that is enough."""
    await live.send('{"op":"follow","all":true}')
    pings = 0
    async with asyncio.timeout(deadline(30)):
        while pings < 6:  # longer than live_silent_s
            pings += '"op":"ping"' in str(await live.recv())


async def test_one_that_answers_nothing_is_closed(server: Server) -> None:
    reader, writer = await handshake(server)
    writer.write(frame(b'{"op":"follow","all":true}'))
    assert code_in(await ends(reader)) == 4003


async def test_one_that_follows_nothing_is_closed(live: ClientConnection) -> None:
    assert await close_code(live) == 4004


async def test_one_that_opens_and_says_nothing_is_closed(server: Server) -> None:
    reader, _ = await dial(server)
    assert await ends(reader, 20) == b""


async def test_half_a_request_is_closed(server: Server) -> None:
    reader, writer = await dial(server)
    writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: local")
    await ends(reader, 20)


@pytest.mark.parametrize("rubbish", ["rubbish", "", b"", b"\x00\xff" * 100, "[" * 10_000, '{"op":"fly"}', '{"op":1}'])
async def test_rubbish_is_answered_and_at_last_closed(live: ClientConnection, rubbish: str | bytes) -> None:
    await live.recv()
    await live.send(rubbish)
    assert '"op":"error"' in str(await live.recv())
    for _ in range(9):
        await live.send(rubbish)
    assert await close_code(live) == 4500


async def test_a_flood_of_messages_is_closed(live: ClientConnection) -> None:
    try:
        for _ in range(150):
            await live.send('{"op":"got","frame":1}')
    except ConnectionClosed:
        pass
    assert await close_code(live) == 4501


@pytest.mark.parametrize("first", [0x89, 0x01], ids=["pings", "fragments"])
async def test_a_flood_of_frames_is_closed(server: Server, first: int) -> None:
    reader, writer = await handshake(server)
    before = server.memory()
    writer.write(frame(b"", first) + frame(b"", 0x00 if first == 0x01 else first) * 20_000)  # at once: none is idle
    assert code_in(await ends(reader)) == 1008
    assert server.memory() - before < FLAT


@pytest.mark.parametrize(
    "flood",
    [frame(b"", 0x89), frame(b"", 0x8A), frame(b""), frame(b"[]"), frame(b" " * 15), frame(b" ", 0x00)],
    ids=["pings", "pongs", "empty messages", "messages of nothing", "blanks", "fragments"],
)
async def test_a_flood_of_frames_that_carry_nothing_is_closed_where_positions_come_in(
    server: Server, flood: bytes
) -> None:
    reader, writer = await handshake(server, path=POSITIONS)
    before = server.memory()
    first = frame(b" ", 0x01) if flood[0] == 0 else b""
    writer.write(first + flood * 20_000)
    assert code_in(await ends(reader)) == 1008
    assert server.memory() - before < FLAT
    assert "Traceback" not in server.log.read_text()


async def test_positions_may_come_as_fast_as_they_can_and_in_pieces(server: Server) -> None:
    """Whole messages, large fragments of one, and frames the network cuts into single bytes."""
    reader, writer = await handshake(server, path=POSITIONS)
    said = json.dumps({"vehicle": "quick", "time": now(), "lat": 60.0, "lon": 24.0}).encode()
    writer.write(frame(said) * 2000)
    many = json.dumps([json.loads(said)] * 9000).encode()
    pieces = [many[at : at + 2048] for at in range(0, len(many), 2048)]
    writer.write(frame(pieces[0], 0x01))
    for number, piece in enumerate(pieces[1:], 2):
        writer.write(frame(piece, 0x80 if number == len(pieces) else 0x00))
    for byte in frame(said) * 10:
        writer.write(bytes([byte]))
        await writer.drain()
    async with asyncio.timeout(deadline(20)):
        await reader.readuntil(b'"upto":2011')


async def test_a_giant_message_is_refused(server: Server, live: ClientConnection) -> None:
    before = server.memory()
    try:
        await live.send("x" * 50_000_000)
    except ConnectionClosed:
        pass
    assert await close_code(live) == 1009
    assert server.memory() - before < FLAT


async def test_a_giant_message_that_goes_on_after_the_refusal_costs_no_memory(server: Server) -> None:
    _, writer = await handshake(server)
    before = server.memory()

    async def go_on() -> None:
        for number in range(3000):
            writer.write(frame(b"x" * 100_000, 0x01 if number == 0 else 0x00))
            await writer.drain()
        while True:  # cut off only after it was given time to answer
            writer.write(frame(b"x", 0x00))
            await writer.drain()
            await asyncio.sleep(0.05)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(go_on(), deadline(30))
    assert server.memory() - before < FLAT


async def test_a_compressed_bomb_is_a_protocol_error(server: Server) -> None:
    """Compression is never agreed to, asked for or not."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)  # before the handshake: who then says nothing for 2 s is closed
    packed = bomb.compress(bytes(60_000_000)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    before = server.memory()
    reader, writer = await handshake(server, "Sec-WebSocket-Extensions: permessage-deflate")
    writer.write(frame(packed[:60_000], 0x81 | 0x40))
    assert code_in(await ends(reader)) == 1002
    assert server.memory() - before < FLAT


async def test_compression_is_not_agreed_to(server: Server) -> None:
    async with connect(server.ws + LIVE, compression="deflate") as connection:
        assert connection.response is not None
        assert "sec-websocket-extensions" not in connection.response.headers


async def test_one_that_ignores_our_close_is_cut_off(server: Server) -> None:
    reader, writer = await handshake(server)
    for _ in range(10):
        writer.write(frame(b"rubbish"))
    assert code_in(await ends(reader, 10)) == 4500  # and it never answered that


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}],
    ids=["origin", "null origin", "host"],
)
async def test_a_foreign_page_or_name_is_refused_before_the_handshake(server: Server, headers: dict[str, str]) -> None:
    reader, writer = await dial(server)
    sent = {"Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade"}
    sent |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13", **headers}
    writer.write((f"GET {LIVE} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in sent.items()) + "\r\n").encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), deadline(10))
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"application/problem+json" in answer
    problem = json.loads(await asyncio.wait_for(reader.read(4096), deadline(10)))
    assert problem["type"] == f"urn:tracker:problem:{problem['code']}"
    assert problem.keys() == {"type", "title", "status", "code", "detail"}


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
async def test_half_a_handshake_is_a_problem_like_any_other(server: Server, missing: str) -> None:
    reader, writer = await dial(server)
    sent = {"Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade"}
    sent |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}
    del sent[missing]
    writer.write((f"GET {LIVE} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in sent.items()) + "\r\n").encode())
    answer = await asyncio.wait_for(reader.read(), deadline(10))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    problem = json.loads(body)
    assert (problem.get("type"), problem.get("status")) == ("urn:tracker:problem:bad_request", 400)


async def test_our_own_page_is_let_in(server: Server) -> None:
    async with connect(server.ws + LIVE, origin=websockets.Origin(server.url)) as connection:
        assert '"op":"welcome"' in str(await connection.recv())


async def test_an_unknown_address_is_not_a_socket(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(server.ws + "/api/v1/nothing")
    assert refused.value.response.status_code == 404


async def test_more_connections_than_allowed_are_told_to_wait(start_server: Callable[..., Server]) -> None:
    server = start_server(live_per_address=2)
    async with connect(server.ws + LIVE), connect(server.ws + LIVE) as second:
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.ws + LIVE)
        assert refused.value.response.status_code == 503
        assert "retry-after" in refused.value.response.headers
        await second.close()

        async def again() -> bool:
            try:
                await (await connect(server.ws + LIVE)).close()
            except InvalidStatus:
                return False
            return True

        await until(again, "the place is free again")


async def test_http_2_is_not_a_way_round(server: Server) -> None:
    reader, writer = await dial(server)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    assert not (await ends(reader)).startswith(bytes([0, 0]))  # no SETTINGS frame
    assert b"101" not in server.request("GET", "/healthz", headers={"Upgrade": "h2c", "Connection": "Upgrade"}).body


async def test_the_server_does_not_name_itself(server: Server) -> None:
    assert "server" not in server.get("/healthz").headers


async def test_sigterm_says_good_bye_and_ends_in_time(start_server: Callable[..., Server]) -> None:
    """With readers, one that ignores everything, a stream and an ingest socket connected."""
    server = start_server()
    server.ping("van-1")
    readers = [await connect(server.ws + LIVE) for _ in range(20)]
    for reader in readers:
        await reader.send('{"op":"follow","all":true}')
    await handshake(server)  # ignores everything
    ingest = await connect(server.ws + "/api/v1/positions")
    stream, writer = await dial(server)
    writer.write(f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
    await stream.readuntil(b"welcome")
    stopping = asyncio.create_task(asyncio.to_thread(server.stop))
    heard = await asyncio.gather(*(_last_words(reader) for reader in readers))
    async with asyncio.timeout(deadline(5)):
        assert await stopping == 0
    assert all(code == 4001 and "bye" in text for code, text in heard)
    assert len({text for _, text in heard}) > 10, "they are told to come back at different times"
    assert await close_code(ingest) in (1012, 1013)


async def _last_words(reader: ClientConnection) -> tuple[int | None, str]:
    last = ""
    try:
        while True:
            last = str(await reader.recv())
    except ConnectionClosed:
        return reader.close_code, last


def test_the_tricks_fit_this_hypercorn() -> None:
    """What `tracker.web.server.serving` relies on; an upgrade that moves it is noticed here, not in production."""
    import inspect

    import h11._readers
    import hypercorn.asyncio.run as run
    import hypercorn.protocol as protocol
    import hypercorn.protocol.h11 as hypercorn_h11
    from hypercorn.asyncio.tcp_server import TCPServer
    from hypercorn.protocol.h11 import H11Protocol
    from hypercorn.protocol.ws_stream import WSStream

    from tracker.web.server import streams

    assert issubclass(streams.Stream, WSStream)
    assert {"run", "_idle_timeout", "_read_data", "protocol_send", "_initiate_server_close"} <= vars(TCPServer).keys()
    assert "idle_task.stop" not in inspect.getsource(TCPServer._read_data), "it lets go of a closed connection itself"
    assert {"app_send", "handle", "_send_error_response"} <= vars(WSStream).keys()
    assert {"_check_protocol", "_send_error_response", "stream_send"} <= vars(H11Protocol).keys()
    assert {"_obsolete_line_fold", "chunk_header_re"} <= vars(h11._readers).keys()
    for module, name in ((hypercorn_h11, "WSStream"), (protocol, "H11Protocol"), (run, "TCPServer")):
        assert name in vars(module)
