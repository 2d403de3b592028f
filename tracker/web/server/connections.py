"""Connections: with streams.py and parser.py everything that knows the insides of Hypercorn (0.18) and h11 (0.16).

Each is an `Arrival` until its first bytes have come. A plain handshake makes it a `Wire` (wires.py), and Hypercorn is
never told of it; all else is a `Connection`, Hypercorn's with our limits around it.

Each trick is guarded by a test in test_sockets.py or test_connections.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import selectors
from collections.abc import Awaitable, Callable
from socket import socket
from typing import Any, Protocol, cast

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, RawData, Updated
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from tracker.errors import TrackerError
from tracker.turns.slots import Slots
from tracker.web.server import upgrade
from tracker.web.server.answers import Receive, Scope, Send, problem
from tracker.web.server.shortcut import Answering, Pairs, Repeating, Shortcut, common_scope, written
from tracker.web.server.sockets import ASKS_FOR, CUT, HUNG_UP, ONLY_POSITIONS, TAKES, Opening
from tracker.web.server.streams import Http1, Stream
from tracker.web.server.wires import CLOSE_S, Wire

log = logging.getLogger(__name__)

FIRST_REQUEST_S = 10.0  #: for a connection that says nothing, or half a request
ASK_S = 0.1  #: the same while the server ends
READ_TURNS = 4  #: of the loop, in which a request that is here is read, unless its peer takes no answers

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


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


class Speaker(Protocol):
    """Who speaks on a connection."""

    def end(self) -> None:
        """The server is going away: say so, and wait for nothing."""
        ...


_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # which needs no file of its own


def is_asking(tcp: asyncio.Transport) -> bool:
    """Something came that nobody has read: it would be lost, and the kernel resets whoever is closed so."""
    if tcp.is_closing():
        return False
    with _Selector() as kernel:
        kernel.register(tcp.get_extra_info("socket"), selectors.EVENT_READ)
        return bool(kernel.select(0))


class Door:
    """What the connections of one server share."""

    def __init__(
        self,
        app: Asgi,
        config: Config,
        slots: Slots[asyncio.Transport],
        front: Front | None = None,
        ingest_port: int | None = None,
    ) -> None:
        """`front` answers the requests that take the shortcut; at `ingest_port` nothing but positions is taken."""
        self.app = app
        self.config = config
        self.context = WorkerContext(None)
        self.slots = slots
        self.front = front
        self.open: dict[asyncio.Transport, Speaker] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self._coming: list[asyncio.Task[Any]] = []
        self._ingest_port = ingest_port
        self._is_empty = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def arrive(self) -> asyncio.Protocol:
        """One more."""
        return Arrival(self)

    def take(self, tcp: socket, **tls: Any) -> None:
        """One more, that was accepted as the last thing before its listener was closed."""
        tcp.setblocking(False)
        self._coming.append(self._loop.create_task(self._loop.connect_accepted_socket(self.arrive, tcp, **tls)))

    def let_in(self, tcp: asyncio.Transport, arrival: Arrival) -> bool:
        """Give it a slot; another may have to give way for it, or it is closed itself."""
        address = str((tcp.get_extra_info("peername") or ("",))[0])
        self.open[tcp] = arrival
        if (leaves := self.slots.enter(tcp, address, self._loop.time())) is None:
            return True
        leaves.close()
        self._loop.call_later(CLOSE_S, leaves.abort)
        if complaint := self.slots.complaint(self._loop.time()):
            log.warning(complaint)
        return leaves is not tcp

    @property
    def ends(self) -> bool:
        """The server is going away."""
        return self.context.terminated.is_set()

    def leave(self, tcp: asyncio.Transport) -> None:
        """It is over; saying so twice does no harm."""
        self.open.pop(tcp, None)
        self.slots.leave_slot(tcp)
        if not self.open:
            self._is_empty.set()

    async def emptied(self) -> None:
        """Nobody is left, nor comes."""
        await asyncio.gather(*self._coming, return_exceptions=True)
        self._is_empty.clear()
        if self.open:
            await self._is_empty.wait()

    def begin_http(self, tcp: asyncio.Transport, data: bytes, opened: float) -> None:
        """Hypercorn has it from its first bytes on."""
        connection = Connection(self, tcp, opened)
        self.open[tcp] = connection
        connection.reader.feed_data(data)
        task = self._loop.create_task(connection.run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def upgrade(self, tcp: asyncio.Transport, data: bytes) -> bool:
        """Answer the plain handshake that `data` begins with. False: it is none, and nothing was done."""
        if self.front is None or (asked := upgrade.recognised(data)) is None:
            return False
        client, server = tcp.get_extra_info("peername"), tcp.get_extra_info("sockname")
        tls = tcp.get_extra_info("sslcontext") is not None
        common = common_scope(client and client[:2], server and server[:2], tls, self.extensions_of(tcp))
        try:
            opening = self.front.connect(upgrade.scope_of(asked, common))
        except TrackerError as fault:
            tcp.write(written(problem(fault), self.front.hardening, True))
            tcp.close()
        else:
            self.begin_wire(tcp, opening, asked.key, data[asked.end :])
        return True

    def begin_wire(self, tcp: asyncio.Transport, opening: Opening, key: bytes, early: bytes) -> None:
        """A handshake is answered with yes; `early` came after it."""
        self.slots.busy(tcp)  # and never idle
        route = opening.route
        wire = Wire(tcp, route.max_message, route.max_frames_per_s, self.leave, pipelined=route.pipelined)
        self.open[tcp] = wire
        tcp.set_protocol(wire)
        try:
            wire.begin(upgrade.accepted(key, opening.subprotocol), opening.listen)
        except BaseException:
            wire.abort()
            raise
        if early:
            wire.data_received(early)
        if self.ends:
            wire.end()

    def extensions_of(self, tcp: asyncio.Transport) -> dict[str, Any]:
        """What the scope of each of its requests holds of ours."""

        def ask_for(address: str) -> bool:
            return self.slots.ask_for(tcp, address)

        found: dict[str, Any] = {CUT: tcp.abort, ASKS_FOR: ask_for}
        if (tcp.get_extra_info("sockname") or ("", 0))[1] == self._ingest_port:
            found[ONLY_POSITIONS] = True
        return found


class Arrival(asyncio.Protocol):
    """One of which nothing is known but where it comes from.

    Hypercorn makes a stream, a parser and three tasks for each, which was a third of letting a viewer in.
    """

    __slots__ = ("_door", "_opened", "_tcp", "_timer")

    def __init__(self, door: Door) -> None:
        self._door = door
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._tcp = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        loop = asyncio.get_running_loop()
        self._opened = loop.time()
        if self._door.let_in(self._tcp, self):
            self._timer = loop.call_later(FIRST_REQUEST_S, transport.close)
            if self._door.ends:
                self.end()

    def data_received(self, data: bytes) -> None:
        self._forget_timer()
        if self._tcp.is_closing() or (data.startswith(upgrade.BEGINS) and self._door.upgrade(self._tcp, data)):
            return
        self._door.begin_http(self._tcp, data, self._opened)

    def connection_lost(self, _fault: Exception | None) -> None:
        self._forget_timer()
        self._door.leave(self._tcp)

    def end(self) -> None:
        """Who came only just now is about to ask."""
        self._forget_timer()
        self._timer = asyncio.get_running_loop().call_at(self._opened + ASK_S, self._let_go)

    def _let_go(self) -> None:
        if not is_asking(self._tcp):
            self._tcp.close()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Reader(asyncio.StreamReader):
    """Hears that the peer hangs up even while its next request waits and nobody reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.hung_up: asyncio.Future[None] = loop.create_future()
        self.offer: Callable[[bytes], bool] | None = None  # what comes first to whoever answers at once what repeats

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # nothing else is fed
        if self.offer is None or not self.offer(data):
            super().feed_data(data)

    def feed_eof(self) -> None:
        self._end()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        self._end()
        super().set_exception(exc)

    def _end(self) -> None:
        if not self.hung_up.done():
            self.hung_up.set_result(None)


class Connection(TCPServer):
    """One that speaks HTTP/1.1, and a WebSocket after that where it is no plain one."""

    reader: _Reader
    protocol: Http1  # type: ignore[assignment]  # HTTP/1.1 only

    def __init__(self, door: Door, tcp: asyncio.Transport, opened: float) -> None:
        """`opened`: when it arrived, in the time of the loop."""
        loop = asyncio.get_running_loop()
        reader = _Reader(loop)
        streams = asyncio.StreamReaderProtocol(reader, loop=loop)
        tcp.set_protocol(streams)
        streams.connection_made(tcp)
        writer = asyncio.StreamWriter(tcp, streams, reader, loop)
        super().__init__(self._run_app, loop, door.config, door.context, {}, reader, writer)  # type: ignore[arg-type]
        self.door, self.front, self.tcp = door, door.front, tcp
        self._extensions = door.extensions_of(tcp) | {HUNG_UP: reader.hung_up, TAKES: self._take_opening}
        self.is_busy = False  # with a request that takes the shortcut
        self._idles_since = 0.0  # that the last one was answered; 0: none yet
        self._opened = opened
        self._shortcut: Shortcut | None = None
        self._is_over = False  # nobody reads any more
        self._is_wire = False  # nor is it ours any more

    async def _run_app(self, scope: Scope, receive: Receive, send: Send, *_: Any) -> None:
        scope["extensions"] |= self._extensions
        await self.door.app(scope, receive, send)

    async def run(self) -> None:
        try:
            await self._speak()
        except* (OSError, asyncio.CancelledError):
            pass  # the peer went away in the middle of something, or we do: only the server's end cancels
        except* Exception:
            log.exception("a connection was lost by a fault of ours")
            self.tcp.abort()
        finally:
            if not self._is_wire:
                self.door.leave(self.tcp)

    async def _speak(self) -> None:
        """Raises OSError."""
        socket, tls = self.tcp.get_extra_info("socket"), self.tcp.get_extra_info("ssl_object") is not None
        try:
            client, server = (
                parse_socket_addr(socket.family, name) for name in (socket.getpeername(), socket.getsockname())
            )
            async with TaskGroup(self.loop) as self._task_group:
                self.protocol = Http1(
                    self.app, self.config, self.context, self._task_group, ConnectionState({}), tls, client, server,
                    self.protocol_send,
                )  # fmt: skip
                await self.idle_task.restart(self._task_group, self._idle_timeout)
                await self._read_data()
        finally:
            await self._close()

    def end(self) -> None:
        """It hears of that by itself (`ends`)."""

    async def _read_data(self) -> None:
        """Until the peer hangs up; then nothing keeps the connection but an answer that is still owed."""
        with contextlib.suppress(OSError):
            while data := await self._next_data():
                await self.protocol.handle(RawData(data))
            if self._is_wire:
                return
            await self.protocol.handle(RawData(b""))
        self._is_over = True
        if not self.protocol.owes_answer or self.reader.exception():
            await self.protocol.handle(Closed())
        await self.idle_task.stop()

    async def _next_data(self) -> bytes | None:
        """What came and is left to Hypercorn; nothing at its end, or after the last answer."""
        protocol = self.protocol
        if self.front is None or not protocol.awaits_request:
            return await self.reader.read(MAX_RECV)
        if self._shortcut is None:
            front, reader, writer = self.front, self.reader, self.writer
            common = common_scope(protocol.client, protocol.server, protocol.ssl, self._extensions)
            shortcut = self._shortcut = Shortcut(self, front.answer, front.hardening, common, front.repeated)
            reader.offer = lambda data: shortcut.take(data, writer, reader.feed_eof)
        return await self._shortcut.answer_plain(self.reader, self.writer)

    def _take_opening(self, opening: Opening) -> None:
        """A handshake that Hypercorn read is to be answered with yes: whoever is let in leaves all of this behind."""
        stream = self.protocol.stream
        if not isinstance(stream, Stream) or self.reader.hung_up.done() or self.tcp.is_closing():
            return
        key, early = stream.leave()
        early += bytes(self.reader._buffer)  # type: ignore[attr-defined]
        self.reader._buffer.clear()  # type: ignore[attr-defined]
        self._is_wire = True
        self.writer._transport = _GONE  # type: ignore[attr-defined]  # or it would close it when it is forgotten
        self.tcp.resume_reading()  # the reader paused it where much came early
        self.door.begin_wire(self.tcp, opening, key, early)
        self.reader.feed_eof()  # nobody has to read it any more

    async def _close(self) -> None:
        if not self._is_wire:
            await super()._close()

    def begun(self) -> None:
        self.is_busy = True
        self.door.slots.busy(self.tcp)

    def answered(self) -> None:
        self.is_busy, self._idles_since = False, self.loop.time()
        self.door.slots.idle(self.tcp, self._idles_since)

    @property
    def ends(self) -> bool:
        return self.door.ends

    async def protocol_send(self, event: Any) -> None:
        if isinstance(event, Updated):
            if not event.idle:
                self.door.slots.busy(self.tcp)
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
        for _ in range(READ_TURNS):
            if self.is_busy or not (self.reader._buffer or is_asking(self.tcp)):  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0)
        if not self.is_busy:  # else its answer is the last
            await asyncio.shield(self._initiate_server_close())

    def _may_idle_s(self) -> float:
        """Looked at when the time is up that was left: the shortcut sets no timer for each of its requests."""
        keep_s: float = self.config.keep_alive_timeout
        if self.is_busy:
            return keep_s
        end = self._idles_since + keep_s if self._idles_since else self._opened + FIRST_REQUEST_S
        return end - self.loop.time()
