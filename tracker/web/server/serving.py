"""Serving: the listening sockets, from the start of the application to its end.

What it adds, with connections.py, to Hypercorn's HTTP/1.1:

- a peer that goes away is always noticed: the kernel asks one that is quiet
- a peer that hangs up frees its connection at once: Hypercorn waits for the end of keep-alive first
- what two parsers could read differently (request smuggling) is refused
- a peer cannot hold every connection (slots.py)
- a plain handshake of a WebSocket is answered without Hypercorn (upgrade.py), and whoever is let in is a protocol of
  asyncio and no more (wires.py)
- TLS whose certificate is renewed while connections last (certificate.py)
- HTTP/1.1 only: a WebSocket inside HTTP/2 would go round all of this
- `serve`: SIGTERM tells sockets, closes them and ends within 5 s, on every Python (3.12+ waits for each connection)
- and whoever had dialled by then is answered, be it that nobody had accepted them
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket as sockets
from collections.abc import Callable
from typing import Any

from hypercorn.config import Config

from tracker.turns.slots import Slots
from tracker.web.server.certificate import Certificate
from tracker.web.server.connections import FIRST_REQUEST_S, Door
from tracker.web.server.parser import teach_h11

BACKLOG = 2048  #: connections that wait to be accepted
DRAIN_S = 2.0  #: how long routes have to say good-bye at SIGTERM
END_S = 2.0  #: how long connections have to end after that: who has asked gets an answer, on a busy machine, too
STOP_S = 0.25  #: and what served them
SHUTDOWN_S = 60.0  #: and the app, which flushes its writer
SEND_BUFFER = 64 * 1024  #: bytes the kernel holds for a peer that does not read; the default lets 4 MB grow stale
NOT_SENT = 16 * 1024  #: and of those, bytes not yet on the wire
TCP_NOTSENT_LOWAT = getattr(sockets, "TCP_NOTSENT_LOWAT", 25)
TCP_USER_TIMEOUT = getattr(sockets, "TCP_USER_TIMEOUT", 18)
USER_TIMEOUT_MS = 60_000  #: the kernel gives up a peer that acknowledges nothing for so long
#: and asks one that was quiet for a minute whether it is still there: a sender of positions may be quiet, and die so
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}


def listen(host: str, port: int, backlog: int = BACKLOG) -> sockets.socket:
    """A listening socket whose connections inherit small send buffers. Raises OSError (in use, no such address)."""
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    listener = sockets.socket(family, sockets.SOCK_STREAM)
    try:
        listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        listener.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER)
        listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
        with contextlib.suppress(OSError, AttributeError):  # not every system has it
            listener.setsockopt(sockets.IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT)
            listener.setsockopt(sockets.IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
            for name, value in KEEP_ALIVE.items():
                listener.setsockopt(sockets.IPPROTO_TCP, getattr(sockets, name), value)
        listener.bind((host, port))
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


async def serve(
    app: Any,
    settings: Any,
    *,
    ready: Callable[[str, int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve `app` on `settings.host`:`settings.port` until SIGTERM, SIGINT or `stop`; then drain and return.

    `ready(host, port)` is called once connections are accepted. Raises OSError when the address cannot be had and
    whatever the app raised while starting up.
    """
    teach_h11()
    _allow_many_files()
    stop, loop = stop or asyncio.Event(), asyncio.get_running_loop()
    listeners = _listeners(settings)
    host, port = listeners[0].getsockname()[:2]
    ingest_port = listeners[1].getsockname()[1] if listeners[1:] else None
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not on Windows, not outside the main thread
            loop.add_signal_handler(number, stop.set)
    try:
        await app.startup()
        slots = app.extensions.setdefault("tracker.slots", Slots(getattr(settings, "max_connections", 20_000)))
        door = Door(app, _config(settings), slots, app.extensions.get("tracker.front"), ingest_port)
        try:
            await _serve(app, door, listeners, stop, lambda: ready and ready(host, port))
        finally:
            await _end(door)
            async with asyncio.timeout(SHUTDOWN_S):
                await app.shutdown()
    finally:
        for listener in listeners:
            listener.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)


async def _serve(
    app: Any, door: Door, listeners: list[sockets.socket], stop: asyncio.Event, ready: Callable[[], object]
) -> None:
    """Take whoever comes until `stop`, and have the routes say good-bye."""
    loop, servers = asyncio.get_running_loop(), list[asyncio.Server]()
    certificate: Certificate | None = app.extensions.get("tracker.certificate")
    tls = _tls(certificate)
    try:
        with certificate.asked_by_signal() if certificate else contextlib.nullcontext():
            for listener in listeners:
                servers.append(await loop.create_server(door.arrive, sock=listener, backlog=BACKLOG, **tls))
            ready()
            await stop.wait()
            farewells = [asyncio.ensure_future(drain()) for drain in app.extensions.get("tracker.drains", ())]
            if farewells:
                _, late = await asyncio.wait(farewells, timeout=DRAIN_S)
                for task in late:
                    task.cancel()
            waiting = [one for listener in listeners for one in _waiting(listener)]
    finally:
        for server in servers:
            server.close()
    for one in waiting:
        door.take(one, **tls)


def _waiting(listener: sockets.socket) -> list[sockets.socket]:
    """Who dialled and was not accepted yet: once the listener is closed, the kernel resets them."""
    found: list[sockets.socket] = []
    with contextlib.suppress(OSError):  # nobody else, or no file is left
        while len(found) < BACKLOG:
            found.append(listener.accept()[0])
    return found


async def _end(door: Door) -> None:
    """Tell all that are left, and cut off whoever does not go: no Python waits for them after that."""
    await door.context.terminated.set()
    for speaker in list(door.open.values()):
        speaker.end()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            await door.emptied()
    for tcp in list(door.open):
        tcp.abort()
    if door.tasks:
        _, late = await asyncio.wait(door.tasks, timeout=STOP_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late)


def _listeners(settings: Any) -> list[sockets.socket]:
    """Of the port, and of `ingest_port` where there is one. Raises OSError that names the address."""
    found: list[sockets.socket] = []
    for port in (settings.port, getattr(settings, "ingest_port", 0)):
        if not found or port:
            try:
                found.append(listen(settings.host, port))
            except OSError as fault:
                for one in found:
                    one.close()
                fault.filename = f"{settings.host}:{port}"
                raise
    return found


def _tls(certificate: Certificate | None) -> dict[str, Any]:
    return {"ssl": certificate.context, "ssl_handshake_timeout": FIRST_REQUEST_S} if certificate else {}


def _config(settings: Any) -> Config:
    config = Config()
    config.include_server_header = False
    config.keep_alive_timeout = float(getattr(settings, "keep_alive_s", 15.0))
    config.keep_alive_max_requests = 1_000_000
    config.websocket_ping_interval = None  # viewers have their own heartbeat
    config.loglevel = "WARNING"
    return config


def _allow_many_files() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))
