"""Sockets: the plain WebSocket our routes speak.

A route listens to each connection and tells it what it likes by a `Transport`. That is plain ASGI, so it runs under any
server; under ours (serving.py) an accepted one is a `Wire`, and hostile peers meet their limits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

from tracker.access.grants import EVERYTHING, WATCH, Grant
from tracker.errors import NotFound, TrackerError
from tracker.web.server.answers import Scope, address_of, problem
from tracker.web.server.wires import Listener

MESSAGE = 64 * 1024  #: bytes of one message, unless a route says otherwise
TAKES = "tracker.takes"  #: where the app finds, in scope["extensions"], who takes an `Opening` from it
HUNG_UP = "tracker.hung_up"  #: and a Future, done once the peer of an HTTP request speaks no more: do not wait for news
ASKS_FOR = "tracker.asks_for"  #: and what a proxy's connection is told: for whom it asks; False: that one has its share
ONLY_POSITIONS = "tracker.only_positions"  #: and that it came by a port where nothing else is taken
CUT = "tracker.cut"  #: and what cuts its connection off, for a peer that reads no answer


class Transport(Protocol):
    """Where one viewer's messages go. Nothing here waits: look at `pending` before sending more."""

    def send(self, payload: bytes, text: bool = True) -> None:
        """One whole message. Ignored once the connection is closing."""
        ...

    def ping(self) -> None:
        """A ping the peer answers by itself, so that a script that only reads is heard."""
        ...

    @property
    def pending(self) -> int:
        """Bytes accepted by `send` that the kernel has not taken."""
        ...

    @property
    def heard(self) -> float:
        """Loop time of the last bytes of any kind from the peer."""
        ...

    def pause(self) -> None:
        """Hear no more messages until `resume`; the peer has to wait."""
        ...

    def resume(self) -> None: ...

    def close(self, code: int, reason: str = "") -> None:
        """Say why, then end; no more messages are heard."""
        ...


class Socket:
    """A handshake, and under another server than ours what comes after it."""

    def __init__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]):
        self.scope = scope
        self._receive = receive
        self._send = send

    async def reject(self, error: TrackerError) -> None:
        """Answer the handshake with an ordinary HTTP error (problem+json) instead of accepting it."""
        if "websocket.http.response" not in (self.scope.get("extensions") or {}):
            await self._send({"type": "websocket.close", "code": 1008, "reason": error.code})
            return
        status, told, body = problem(error)
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        headers.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": body, "more_body": False})

    async def speak(self, opening: Opening) -> None:
        """Until it is over."""
        await self._send({"type": "websocket.accept", "subprotocol": opening.subprotocol, "headers": []})
        transport = _PlainTransport(self._send)
        try:
            listener = opening.listen(transport)
            try:
                while (message := await self._next_message()) is not None:
                    listener.hear_message(message)
                    await transport.may_go_on.wait()
            finally:
                listener.hear_end()
        finally:
            await transport.ended()

    async def _next_message(self) -> str | bytes | None:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        data: bytes | None = message.get("bytes")
        return str(message["text"]) if data is None else data


class Listening(Protocol):
    """Whoever listens to the sockets of a route."""

    def admit_from(self, address: str, /) -> None:
        """May one more come from there? Raises TrackerError."""
        ...

    def choose_subprotocol(self, offered: list[str], /) -> str | None:
        """Of these subprotocols."""
        ...

    def listen_to(self, transport: Transport, scope: Scope, grant: Grant, subprotocol: str | None, /) -> Listener:
        """It is accepted."""
        ...


class Route(NamedTuple):
    listening: Listening
    max_message: int = MESSAGE  #: bytes of one message; a larger one ends the connection with 1009
    max_frames_per_s: int = 200  #: frames of any kind, pings and fragments too; more end it with 1008
    pipelined: bool = False  #: messages and large fragments are not counted: back-pressure bounds them
    verb: str = WATCH  #: what whoever opens it must be allowed


class Opening(NamedTuple):
    """A handshake that may be answered with yes."""

    route: Route
    subprotocol: str | None
    listen: Callable[[Transport], Listener]  #: once it was


Guard = Callable[[Mapping[str, Any]], Grant]


def opened(known: Mapping[str, Route], guard: Guard, scope: Scope) -> Opening:
    """What whoever asks for a WebSocket may have. Raises TrackerError."""
    grant, path = guard(scope), scope["path"]
    if (route := known.get(path) or known.get(path.rpartition("/")[0] + "/")) is None:
        raise NotFound("not_found", "there is no WebSocket at this address")
    grant.check(route.verb)
    listening = route.listening
    listening.admit_from(address_of(scope))
    subprotocol = listening.choose_subprotocol(list(scope.get("subprotocols") or ()))
    return Opening(route, subprotocol, lambda transport: listening.listen_to(transport, scope, grant, subprotocol))


def install(app: Any, routes: dict[str, Route], guard: Guard = lambda _scope: EVERYTHING) -> None:
    """Let `app` (Quart) answer WebSockets at these paths, one that ends with a slash for any one word after it; call it
    again to add some.

    `guard` is given the scope of each handshake first (Host, Origin, who); a TrackerError it raises is the answer.
    """
    known: dict[str, Route] = app.extensions.setdefault("tracker.sockets", {})
    known.update(routes)

    def connection(_app: Any, scope: Any) -> Callable[[Any, Any], Awaitable[None]]:
        async def run(receive: Any, send: Any) -> None:
            socket = Socket(scope, receive, send)
            await receive()  # websocket.connect
            try:
                opening = opened(known, guard, scope)
            except TrackerError as fault:
                await socket.reject(fault)
                return
            if (take := (scope.get("extensions") or {}).get(TAKES)) is not None:
                take(opening)
            else:
                await socket.speak(opening)

        return run

    app.asgi_websocket_class = connection


def on_drain(app: Any, say_goodbye: Callable[[], Awaitable[None]]) -> None:
    """Have `serve` await this at SIGTERM, for at most DRAIN_S, before any connection is closed."""
    app.extensions.setdefault("tracker.drains", []).append(say_goodbye)


# ---------------------------------------------------------------- under another server


class _PlainTransport:
    """The same through `websocket.send`: for other ASGI servers and test clients."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = self._loop.create_task(self._write())
        self._closing = False
        self.pending = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    @property
    def heard(self) -> float:
        return self._loop.time()  # pongs are out of sight here: the server has to find out

    def send(self, payload: bytes, text: bool = True) -> None:
        if not self._closing:
            self.pending += len(payload)
            message = {"bytes": None, "text": payload.decode()} if text else {"bytes": payload, "text": None}
            self._queue.put_nowait({"type": "websocket.send", **message})

    def ping(self) -> None:
        pass

    def pause(self) -> None:
        self.may_go_on.clear()

    def resume(self) -> None:
        self.may_go_on.set()

    def close(self, code: int, reason: str = "") -> None:
        self.resume()
        if not self._closing:
            self._closing = True
            self._queue.put_nowait({"type": "websocket.close", "code": code, "reason": reason})

    async def ended(self) -> None:
        if not self._closing:
            self._task.cancel()
        await asyncio.wait([self._task])

    async def _write(self) -> None:
        while True:
            message = await self._queue.get()
            with contextlib.suppress(OSError, RuntimeError):
                await self._send(message)
            self.pending = max(0, self.pending - len(message.get("text") or message.get("bytes") or ""))
            if message["type"] == "websocket.close":
                return
