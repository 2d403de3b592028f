"""Stopping: whoever came in time is answered or let go, and nobody is reset, at whatever moment the stop comes.

Peers are blocking sockets in the same thread: what they do between two turns of the loop the server has not seen yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from quart import Quart, request

from tests.support.certificates import Authority
from tests.support.waiting import deadline, free_port, until
from tracker.config import Settings
from tracker.web.server import connections, serving

GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"

SEVERAL = 5  #: uvloop accepts one in each turn of the loop

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    loops = asyncio if request.param == "asyncio" else pytest.importorskip("uvloop")

    def run(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
            runner.run(test)

    return run


class Stopping(NamedTuple):
    app: Quart
    asked: list[str]  # what was answered
    ports: tuple[int, int]
    stop: Callable[[], Awaitable[None]]  # at once; done once it has ended


@contextlib.asynccontextmanager
async def served(shortcut: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stopping]:
    """One that says hello at two doors, until it is stopped."""
    app, asked = Quart("hello"), list[str]()

    @app.route("/hello", methods=["GET", "POST"])
    async def hello() -> str:
        asked.append(request.method)
        return "hello"

    async def answer(*_: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"hello"

    if shortcut:
        app.extensions["tracker.front"] = SimpleNamespace(answer=answer, repeated=lambda _: None, hardening=())
    if tls:
        app.extensions["tracker.certificate"] = SimpleNamespace(context=tls, asked_by_signal=contextlib.nullcontext)
    ingest_port = free_port()
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = Settings(port=0, ingest_port=ingest_port)
    serving_it = serving.serve(app, settings, ready=lambda _host, port: ready.set_result(port), stop=stop)
    task = asyncio.create_task(serving_it)

    def end() -> Awaitable[None]:
        stop.set()
        return asyncio.wait_for(task, deadline(20))

    await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
    yield Stopping(app, asked, (await ready, ingest_port), end)
    assert task.done(), "it was not stopped"


@contextlib.contextmanager
def dialled(port: int) -> Any:
    with socket.create_connection(("127.0.0.1", port), deadline(20)) as peer:
        yield peer


def heard(peer: socket.socket, last: bytes = b"") -> bytes:
    """All that is said to it, up to these or until it ends in order."""
    said = b""
    try:
        while not (last and said.endswith(last)) and (more := peer.recv(65536)):
            said += more
    except ConnectionResetError:
        return b"(reset)"
    return said


@pytest.mark.parametrize("door", [0, 1])
def test_who_was_not_even_accepted_when_the_stop_came(run: Run, door: int) -> None:
    async def test() -> None:
        async with served() as server:
            with contextlib.ExitStack() as peers:
                asking = [peers.enter_context(dialled(server.ports[door])) for _ in range(SEVERAL)]
                silent = [peers.enter_context(dialled(server.ports[door])) for _ in range(SEVERAL)]
                for peer in asking:
                    peer.sendall(GET)
                await server.stop()
                for peer in asking:
                    answer = heard(peer)
                    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello")
                assert [heard(peer) for peer in silent] == [b""] * SEVERAL

    run(test())


def test_who_was_not_even_accepted_is_answered_by_tls(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connections, "ASK_S", deadline(10))  # who has spoken TLS asks a moment later
    monkeypatch.setattr(serving, "END_S", deadline(10))
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue())

    def ask(peer: ssl.SSLSocket) -> bytes:
        peer.settimeout(deadline(20))
        with peer:
            try:
                peer.do_handshake()
                peer.sendall(GET)
            except ConnectionResetError:
                return b"(reset)"
            return heard(peer)

    async def test() -> None:
        async with served(tls=context) as server:
            for _ in range(SEVERAL):
                with dialled(server.ports[0]):
                    pass
            with dialled(server.ports[0]) as plain:
                plain.setblocking(False)
                tls = authority.trusting()
                peer = tls.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False)
                with contextlib.suppress(ssl.SSLWantReadError):
                    peer.do_handshake()
                stopped, asking = server.stop(), asyncio.create_task(asyncio.to_thread(ask, peer))
                await stopped
                asked = list(server.asked)
                answer = await asking
        assert asked == ["GET"], "it is waited for"
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello")

    run(test())


def test_who_had_said_nothing_and_asks_when_the_stop_comes_is_answered(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ASK_S", 0)  # they came long ago

    async def test() -> None:
        async with served() as server:
            with dialled(server.ports[0]) as peer:
                slots = server.app.extensions["tracker.slots"]
                await until(lambda: slots.statistics().open == 1, "it is accepted")
                peer.sendall(GET)
                await server.stop()
                assert heard(peer).endswith(b"hello")

    run(test())


@pytest.mark.parametrize("shortcut", [False, True])
def test_who_asks_again_when_the_stop_comes_is_answered(run: Run, shortcut: bool) -> None:
    """A proxy keeps its connections, and may have chosen one of them at this moment."""

    async def test() -> None:
        async with served(shortcut) as server:
            with dialled(server.ports[0]) as asking, dialled(server.ports[0]) as silent:
                for peer in (asking, silent):
                    peer.sendall(POST)
                    await asyncio.to_thread(heard, peer, b"hello")
                asking.sendall(POST)
                await server.stop()
                assert heard(asking).endswith(b"hello")
                assert heard(silent) == b""

    run(test())
