"""Serving: what can be tried without a server."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from quart import Quart, websocket
from websockets.asyncio.client import connect

from tests.support.waiting import deadline
from tracker.config import Settings
from tracker.errors import NotFound
from tracker.web.server import connections, serving


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
    """What answers at a door is that door's own."""
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
        raise NotFound("not_found", "there is nothing here")

    plain, second = await begin(None)
    ours, first = await begin(SimpleNamespace(answer=None, repeated=None, hardening=(), connect=connect))
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


async def test_a_server_of_hypercorn_in_the_same_process_stays_one() -> None:
    stop = asyncio.Event()
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    ours = serving.serve(Quart("ours"), Settings(port=0), ready=lambda _host, port: ready.set_result(port), stop=stop)
    echo, config = Quart("echo"), Config()
    listener = serving.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    config.bind, config.errorlog, config.graceful_timeout = [f"fd://{listener.detach()}"], None, 0.2

    @echo.websocket("/")
    async def answer() -> None:
        await websocket.send(await websocket.receive())

    tasks = [asyncio.create_task(ours)]
    await asyncio.wait((tasks[0], ready), return_when=asyncio.FIRST_COMPLETED)
    tasks.append(asyncio.create_task(hypercorn_serve(echo, config, shutdown_trigger=stop.wait)))
    async with connect(f"ws://127.0.0.1:{port}/", close_timeout=0.2) as peer:
        await peer.send("hello")
        heard = asyncio.ensure_future(peer.recv())
        await asyncio.wait({heard}, timeout=deadline(5))
        assert heard.done() and heard.result() == "hello"
    stop.set()
    await asyncio.gather(*tasks)


def test_a_handshake_of_tls_has_as_long_as_a_first_request() -> None:
    """The default of asyncio is a minute, in which such a connection holds no slot."""
    certificate: Any = SimpleNamespace(context=None)
    assert serving._tls(certificate)["ssl_handshake_timeout"] == connections.FIRST_REQUEST_S


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
