"""Serving: with streams.py and parser.py everything that knows the insides of Hypercorn (0.18) and h11 (0.16).

Each trick is guarded by a test in test_sockets.py or test_connections.py.

What it adds to Hypercorn:

- a peer that goes away is always noticed: the kernel asks one that is quiet
- a peer that hangs up frees its connection at once: Hypercorn waits for the end of keep-alive first
- what two parsers could read differently (request smuggling) is refused
- a peer cannot hold every connection (slots.py)
- a plain handshake of a WebSocket is answered without Hypercorn (upgrade.py), and whoever is let in is a protocol of
  asyncio and no more (wires.py)
- TLS whose certificate is renewed while connections last (certificate.py)
- HTTP/1.1 only: a WebSocket inside HTTP/2 would go round all of this
- `serve`: SIGTERM tells sockets, closes them and ends within 5 s, on every Python (3.12+ waits for each connection)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket as sockets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import h11
import hypercorn.asyncio.run as hypercorn_run
import hypercorn.protocol as hypercorn_protocol
import hypercorn.protocol.h11 as hypercorn_h11
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.config import Config
from hypercorn.events import Closed, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.utils import LifespanFailureError

from tracker.errors import TrackerError
from tracker.turns.slots import Slots
from tracker.web.server import upgrade
from tracker.web.server.answers import Scope, plain_problem, problem
from tracker.web.server.certificate import Certificate
from tracker.web.server.hardening import completed
from tracker.web.server.parser import NO_MORE, WHOLE, Parser, teach_h11
from tracker.web.server.shortcut import Answering, Pairs, Repeating, Shortcut, common_scope, written
from tracker.web.server.sockets import ASKS_FOR, CUT, HUNG_UP, ONLY_POSITIONS, TAKES, Opening
from tracker.web.server.streams import Stream
from tracker.web.server.wires import CLOSE_S, GRACE_S, Wire

log = logging.getLogger(__name__)

DRAIN_S = 2.0  #: how long routes have to say good-bye at SIGTERM
SEND_BUFFER = 64 * 1024  #: bytes the kernel holds for a peer that does not read; the default lets 4 MB grow stale
NOT_SENT = 16 * 1024  #: and of those, bytes not yet on the wire
TCP_NOTSENT_LOWAT = getattr(sockets, "TCP_NOTSENT_LOWAT", 25)
TCP_USER_TIMEOUT = getattr(sockets, "TCP_USER_TIMEOUT", 18)
FIRST_REQUEST_S = 10.0  #: for a connection that says nothing, or half a request
USER_TIMEOUT_MS = 60_000  #: the kernel gives up a peer that acknowledges nothing for so long
#: and asks one that was quiet for a minute whether it is still there: a sender of positions may be quiet, and die so
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}


class _Http1(H11Protocol):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._parser: Any = Parser(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)
        self.connection = self._parser

    async def handle(self, event: Any) -> None:
        if isinstance(event, RawData) and self.connection.our_state in NO_MORE:
            return  # we have said our last
        await super().handle(event)
        if isinstance(event, Closed):
            self._parser.is_over = True
            await self.can_read.set()

    @property
    def awaits_request(self) -> bool:
        """The last one is answered, and of the next not a byte is here."""
        connection = self.connection
        return (
            self.stream is None
            and connection.our_state is connection.their_state is h11.IDLE
            and not connection.trailing_data[0]
        )

    @property
    def owes_answer(self) -> bool:
        """A request came whole and is not answered yet."""
        return isinstance(self.stream, HTTPStream) and self.connection.their_state in WHOLE

    async def _check_protocol(self, event: Any) -> None:
        """No way into HTTP/2, neither by upgrade nor by prior knowledge."""

    async def _send_error_response(self, status_code: int) -> None:
        status, told, body = plain_problem(status_code, f"this cannot be read as an HTTP request: {self._parser.fault}")
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        await self._send_h11_event(h11.Response(status_code=status, headers=completed(headers)))
        with contextlib.suppress(h11.LocalProtocolError):  # an answer to HEAD has no body
            await self._send_h11_event(h11.Data(data=body))
            await self._send_h11_event(h11.EndOfMessage())


class _Exchange(HTTPStream):
    """One request and its answer; what is said after it is over is nobody's."""

    async def app_send(self, message: Any) -> None:
        if message is None or self.state is not ASGIHTTPState.CLOSED:
            await super().app_send(message)


class Front(Protocol):
    """What answers requests that came whole, and what it tells with each answer."""

    answer: Answering
    repeated: Repeating
    #: raises TrackerError
    connect: Callable[[Scope], Opening]
    hardening: Pairs


class _Gone:
    """A transport that is others' by now."""

    def is_closing(self) -> bool:
        return True


_GONE = _Gone()


@dataclass(eq=False)
class Door:
    """What the connections of one server share."""

    slots: Slots[_Connection | Wire]
    front: Front | None  # what answers the requests that take the shortcut
    ingest_port: int | None  # where nothing but positions is taken
    connections: set[_Connection] = field(default_factory=set)  # still to be ended at shutdown


class _Connection(TCPServer):
    """One TCP connection."""

    config: _Config

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.door = self.config.door
        self.slots, self.front = self.door.slots, self.door.front
        self.app = self._with_extensions(self.app)
        self._hung_up: asyncio.Future[None] = self.loop.create_future()
        self._extensions = {
            HUNG_UP: self._hung_up, CUT: self.writer.transport.abort, ASKS_FOR: self._ask_for,
            TAKES: self._take_opening,
        }  # fmt: skip
        self.is_busy = False  # with a request that takes the shortcut
        self._idles_since = 0.0  # that the last one was answered; 0: none yet
        self._opened = self.loop.time()
        self._shortcut: Shortcut | None = None
        if (self.writer.get_extra_info("sockname") or ("", 0))[1] == self.door.ingest_port:
            self._extensions[ONLY_POSITIONS] = True
        self._common: Scope = {}  # what is the same in the scope of each request
        self._is_over = False  # nobody reads any more
        self._is_wire = False  # nor is it ours any more

    def _with_extensions(self, app: Any) -> Any:
        async def run(scope: Any, *rest: Any) -> None:
            scope["extensions"] |= self._extensions
            await app(scope, *rest)

        return run

    async def run(self) -> None:
        address = str((self.writer.get_extra_info("peername") or ("",))[0])
        if (leaves := self.slots.enter(self, address, self.loop.time())) is not None:
            assert isinstance(leaves, _Connection), "a socket never idles"
            leaves.give_way()
            if complaint := self.slots.complaint(self.loop.time()):
                log.warning(complaint)
            if leaves is self:
                return
        self.door.connections.add(self)
        self._watch_end()
        try:
            await super().run()
        except* (OSError, asyncio.CancelledError):
            pass  # the peer went away in the middle of something, or we do: only Hypercorn's end cancels
        finally:
            self.door.connections.discard(self)
            self.slots.leave_slot(self)

    def _ask_for(self, address: str) -> bool:
        return self.slots.ask_for(self, address)

    def give_way(self) -> None:
        self.writer.close()
        self.loop.call_later(CLOSE_S, self.writer.transport.abort)

    def _watch_end(self) -> None:
        """Hear that the peer hangs up even while its next request waits and nobody reads."""

        def heard(tell: Callable[..., None]) -> Callable[..., None]:
            def end(*fault: Any) -> None:
                if not self._hung_up.done():
                    self._hung_up.set_result(None)
                tell(*fault)

            return end

        for name in ("feed_eof", "set_exception"):
            setattr(self.reader, name, heard(getattr(self.reader, name)))

    def _offer_first(self, shortcut: Shortcut) -> None:
        """To whoever answers at once what repeats itself; the reader has the rest."""
        feed, writer, end = self.reader.feed_data, self.writer, self.reader.feed_eof

        def offer(data: bytes) -> None:
            if not shortcut.take(data, writer, end):
                feed(data)

        self.reader.feed_data = offer  # type: ignore[method-assign,assignment]

    async def _read_data(self) -> None:
        """Until the peer hangs up; then nothing keeps the connection but an answer that is still owed."""
        with contextlib.suppress(OSError):
            while data := await self._next_data():
                if self.front is not None and self._upgrades(data):
                    await self.idle_task.stop()
                    return
                await self.protocol.handle(RawData(data))
            if self._is_wire:
                return
            await self.protocol.handle(RawData(b""))
        self._is_over = True
        protocol = self.protocol.protocol
        if not (isinstance(protocol, _Http1) and protocol.owes_answer) or self.reader.exception():
            await self.protocol.handle(Closed())
        await self.idle_task.stop()

    async def _next_data(self) -> bytes | None:
        """What came and is left to Hypercorn; nothing at its end, or after the last answer."""
        protocol = self.protocol.protocol
        if self.front is None or not (isinstance(protocol, _Http1) and protocol.awaits_request):
            return await self.reader.read(MAX_RECV)
        if self._shortcut is None:
            front = self.front
            self._common = common_scope(protocol.client, protocol.server, protocol.ssl, self._extensions)
            self._shortcut = Shortcut(self, front.answer, front.hardening, self._common, front.repeated)
            self._offer_first(self._shortcut)
        return await self._shortcut.answer_plain(self.reader, self.writer)

    def _upgrades(self, data: bytes) -> bool:
        """Answer a plain handshake. False: it is left to Hypercorn."""
        assert self.front is not None
        protocol, tcp = self.protocol.protocol, cast(asyncio.Transport, self.writer.transport)
        if not data.startswith(upgrade.BEGINS) or not (isinstance(protocol, _Http1) and protocol.awaits_request):
            return False
        if (asked := upgrade.recognised(data)) is None or self._hung_up.done() or tcp.is_closing() or self.ends:
            return False
        try:
            opening = self.front.connect(upgrade.scope_of(asked, self._common))
        except TrackerError as fault:
            self.writer.write(written(problem(fault), self.front.hardening, True))
            return True
        self._become_wire(opening, asked.key, data[asked.end :])
        return True

    def _take_opening(self, opening: Opening) -> None:
        """A handshake that Hypercorn read is to be answered with yes."""
        stream = getattr(self.protocol.protocol, "stream", None)
        if isinstance(stream, Stream) and not (self._hung_up.done() or self.writer.is_closing()):
            key, early = stream.leave()
            early += bytes(self.reader._buffer)  # type: ignore[attr-defined]
            self.reader._buffer.clear()  # type: ignore[attr-defined]
            self._become_wire(opening, key, early)
            self.reader.feed_eof()  # nobody has to read it any more

    def _become_wire(self, opening: Opening, key: bytes, early: bytes) -> None:
        """Whoever is let in leaves all of this behind; `early` came after the handshake."""
        route, tcp = opening.route, cast(asyncio.Transport, self.writer.transport)
        wire = Wire(tcp, route.max_message, route.max_frames_per_s, self.slots.leave_slot, pipelined=route.pipelined)
        self._is_wire = True
        self.slots.hand_on(self, wire)
        tcp.set_protocol(wire)
        tcp.resume_reading()  # the reader paused it where much came early
        self.writer._transport = _GONE  # type: ignore[attr-defined]  # or it would close it when it is forgotten
        tcp.write(upgrade.accepted(key, opening.subprotocol))
        try:
            wire.be_heard_by(opening.listen(wire))
        except BaseException:
            wire.abort()
            raise
        if early:
            wire.data_received(early)

    async def _close(self) -> None:
        if not self._is_wire:
            await super()._close()

    def begun(self) -> None:
        self.is_busy = True
        self.slots.busy(self)

    def answered(self) -> None:
        self.is_busy, self._idles_since = False, self.loop.time()
        self.slots.idle(self, self._idles_since)

    @property
    def ends(self) -> bool:
        return self.context.terminated.is_set()

    async def protocol_send(self, event: Any) -> None:
        if isinstance(event, Updated):
            if not event.idle:
                self.slots.busy(self)
            elif self._is_over:
                event = Closed()  # there will be no next request
            else:
                self.answered()
        await super().protocol_send(event)

    async def _idle_timeout(self) -> None:
        while (left_s := self._may_idle_s()) > 0 and not self.ends:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, self.config.keep_alive_timeout)):
                    await self.context.terminated.wait()
        if not self.is_busy:  # else its answer is the last
            await asyncio.shield(self._initiate_server_close())

    def _may_idle_s(self) -> float:
        """Looked at when the time is up that was left: the shortcut sets no timer for each of its requests."""
        keep_s: float = self.config.keep_alive_timeout
        if self.is_busy:
            return keep_s
        end = self._idles_since + keep_s if self._idles_since else self._opened + FIRST_REQUEST_S
        return end - self.loop.time()


def _teach_hypercorn() -> None:
    teach_h11()
    for module, name, ours in (
        (hypercorn_h11, "WSStream", Stream),
        (hypercorn_h11, "HTTPStream", _Exchange),
        (hypercorn_protocol, "H11Protocol", _Http1),
    ):
        if not issubclass(ours, vars(module)[name]) and vars(module)[name] is not ours:
            raise RuntimeError(f"this is not the Hypercorn we know: {module.__name__}.{name}")
        setattr(module, name, ours)
    hypercorn_run.TCPServer = _connection  # type: ignore[assignment,attr-defined]


def _connection(app: Any, loop: Any, config: Config, *rest: Any) -> TCPServer:
    """Another server of this process keeps what is Hypercorn's."""
    kind = _Connection if isinstance(config, _Config) else TCPServer
    return kind(app, loop, config, *rest)


def listen(host: str, port: int, backlog: int = 2048) -> sockets.socket:
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
    _teach_hypercorn()
    _allow_many_files()
    stop = stop or asyncio.Event()
    listeners = _listeners(settings)
    host, port = listeners[0].getsockname()[:2]
    door = Door(
        app.extensions.setdefault("tracker.slots", Slots(getattr(settings, "max_connections", 20_000))),
        app.extensions.get("tracker.front"), listeners[1].getsockname()[1] if listeners[1:] else None,
    )  # fmt: skip
    fault: list[BaseException] = []
    startup = app.startup

    async def remembering_startup() -> None:
        try:
            await startup()
        except BaseException as error:
            fault.append(error)
            raise

    async def until_stopped() -> None:
        if ready is not None:
            ready(host, port)
        await stop.wait()
        await _drain(app, door)

    app.startup = remembering_startup
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not on Windows, not outside the main thread
            loop.add_signal_handler(number, stop.set)
    certificate: Certificate | None = app.extensions.get("tracker.certificate")
    config = _config(settings, listeners, certificate)
    config.door = door
    try:
        with certificate.asked_by_signal() if certificate else contextlib.nullcontext():
            await hypercorn_serve(app, config, shutdown_trigger=until_stopped, mode="asgi")
    except LifespanFailureError:
        raise (fault[0] if fault else RuntimeError("the app did not start")) from None
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)


class _Config(Config):
    """Hypercorn's, with a context that changes under it and the door it is for."""

    certificate: Certificate | None = None
    door: Door

    @property
    def ssl_enabled(self) -> bool:
        return self.certificate is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        return self.certificate.context if self.certificate else None


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


def _config(settings: Any, listeners: list[sockets.socket], certificate: Certificate | None) -> _Config:
    config = _Config()
    config.certificate = certificate
    config.ssl_handshake_timeout = FIRST_REQUEST_S
    config.bind = [f"fd://{listener.detach()}" for listener in listeners]
    config.backlog = 2048
    config.alpn_protocols = ["http/1.1"]
    config.include_server_header = False
    config.keep_alive_timeout = float(getattr(settings, "keep_alive_s", 15.0))
    config.keep_alive_max_requests = 1_000_000
    config.graceful_timeout = GRACE_S
    config.shutdown_timeout = 60  # the app flushes its writer here
    config.websocket_ping_interval = None  # viewers have their own heartbeat
    config.loglevel = "WARNING"
    return config


async def _drain(app: Any, door: Door) -> None:
    """Routes say good-bye; then whatever is left is ended, so that no Python waits for it."""
    farewells = [asyncio.ensure_future(drain()) for drain in app.extensions.get("tracker.drains", ())]
    if farewells:
        _, late = await asyncio.wait(farewells, timeout=DRAIN_S)
        for task in late:
            task.cancel()
    for wire in list(Wire.all):
        wire.close(1012, "the server is going away")
    asyncio.get_running_loop().call_later(GRACE_S * 0.75, _abort_all, door)  # before Hypercorn cancels what serves them


def _abort_all(door: Door) -> None:
    for connection in list(door.connections):
        connection.writer.transport.abort()
    for wire in list(Wire.all):
        wire.abort()


def _allow_many_files() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))
