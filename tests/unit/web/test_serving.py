"""Serving: what can be tried without a server."""

from __future__ import annotations

import asyncio
import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest
import wsproto.events
from hypercorn.protocol.events import Data
from hypercorn.protocol.ws_stream import ASGIWebsocketState
from hypercorn.utils import UnexpectedMessageError
from quart import Quart
from wsproto.connection import Connection, ConnectionType

from tracker.config import Settings
from tracker.web.server import serving, streams


def stream_of(connection: Connection, looked_at: list[Any]) -> streams.Stream:
    """An accepted WebSocket without a network."""

    class Stream(streams.Stream):
        def _flooded(self, event: Any) -> bool:
            looked_at.append(event)
            return super()._flooded(event)

    stream = Stream.__new__(Stream)
    stream.connection, stream.closed, stream.app_put = connection, False, None
    stream.handshake = SimpleNamespace(accepted=True)  # type: ignore[assignment]
    stream.state, stream._decided = ASGIWebsocketState.CONNECTED, asyncio.Future()
    stream._second, stream._frames, stream._frame_size, stream._deaf = 0.0, 0, 0, False
    tcp = SimpleNamespace(write=lambda _data: None)
    clock = SimpleNamespace(time=lambda: 10.0)
    stream.transport = SimpleNamespace(  # type: ignore[assignment]
        _tcp=tcp, _loop=clock, heard=10.0, abort_later=lambda _seconds: None
    )
    return stream


async def test_a_flood_that_goes_on_after_our_close_is_not_even_parsed() -> None:
    """64 KiB hold 8,000 frames; parsing them all would hold up everybody else for a fifth of a second, again and again."""
    looked_at: list[Any] = []
    stream = stream_of(Connection(ConnectionType.SERVER), looked_at)
    stream._unblock = lambda: SimpleNamespace(put_nowait=lambda _message: None)  # type: ignore[method-assign]
    peer = Connection(ConnectionType.CLIENT)
    stream.start_close(4500, "rubbish")
    flood = b"".join(peer.send(wsproto.events.TextMessage("[]")) for _ in range(8000))
    for _ in range(3):
        await stream.handle(Data(stream_id=1, data=flood))
    assert stream.route.max_frames_per_s <= len(looked_at) < 300


async def test_what_an_app_says_after_our_close_is_let_go() -> None:
    """It may be committing what came before the flood, and knows of the end only when it next receives."""
    stream = stream_of(Connection(ConnectionType.SERVER), [])
    stream._unblock = lambda: SimpleNamespace(put_nowait=lambda _message: None)  # type: ignore[method-assign]
    written: list[bytes] = []
    stream.transport._tcp.write = written.append
    stream.start_close(1008, "too many frames")
    assert len(written) == 1
    complaint = None
    try:
        await stream.app_send({"type": "websocket.send", "bytes": None, "text": "{}"})
        await stream.app_send({"type": "websocket.close", "code": 1013, "reason": "store"})
    except UnexpectedMessageError as fault:  # it would stand in the log as a fault of ours
        complaint = fault
    assert complaint is None
    assert len(written) == 1


def test_a_quiet_peer_that_is_gone_is_noticed_by_the_kernel() -> None:
    """A sender of positions may say nothing for hours, and nobody says anything to it: only the kernel asks."""
    with (
        serving.listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            told = {name: accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in serving.KEEP_ALIVE}
            assert told == serving.KEEP_ALIVE
            assert accepted.getsockopt(socket.IPPROTO_TCP, serving.TCP_USER_TIMEOUT) == serving.USER_TIMEOUT_MS


async def test_two_servers_of_one_process_share_nothing() -> None:
    """Hypercorn is taught once a process; what answers at a door is that door's own."""
    asked: list[str] = []
    stop = asyncio.Event()

    async def begin(front: Any) -> tuple[asyncio.Task[None], int]:
        app = Quart("told")
        app.extensions["tracker.front"] = front
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving_it = serving.serve(app, Settings(port=0), ready=lambda _host, port: ready.set_result(port), stop=stop)
        task = asyncio.create_task(serving_it)
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        return task, await ready

    def connect(scope: dict[str, Any]) -> None:
        asked.append(scope["path"])

    plain, second = await begin(None)
    ours, first = await begin(SimpleNamespace(answer=None, repeated=None, hardening=[], connect=connect))
    for port in (first, second):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % port
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        writer.close()
    stop.set()
    await asyncio.gather(plain, ours)
    assert asked == [f"/{first}"]


def test_a_handshake_of_tls_has_as_long_as_a_first_request() -> None:
    """Hypercorn's default is a minute, in which such a connection holds no slot."""
    config = serving._config(Settings(), [socket.socket()], None)
    assert config.ssl_handshake_timeout == serving.FIRST_REQUEST_S
    os.close(int(config.bind[0].removeprefix("fd://")))


def test_a_port_that_cannot_be_had_is_named_and_the_other_given_back() -> None:
    with socket.socket() as taken, socket.socket() as probe:
        for one in (taken, probe):
            one.bind(("127.0.0.1", 0))
        taken.listen()
        port = probe.getsockname()[1]
        probe.close()
        settings = Settings(port=port, ingest_port=taken.getsockname()[1])
        with pytest.raises(OSError, match=str(settings.ingest_port)):
            serving._listeners(settings)
        serving.listen("127.0.0.1", port).close()
