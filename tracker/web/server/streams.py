"""Streams: a WebSocket inside Hypercorn that cannot be inflated, over-filled, flooded or kept open against our will.

serving.py has Hypercorn use it; what it adds is listed there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from hypercorn.protocol.events import Body, Data, EndBody, Request, Response, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Message
from wsproto.events import Ping as PingFrame

from tracker.web.server.answers import plain_problem
from tracker.web.server.frames import SMALL, bytes_awaited, frame_header, whole_message
from tracker.web.server.hardening import completed
from tracker.web.server.sockets import EXTENSION, Route
from tracker.web.server.wires import CLOSE_S, GRACE_S

FRAGMENT = 1024  #: bytes: no honest sender cuts a message into smaller ones

_HANDSHAKE = {
    400: "this is no handshake of a WebSocket: it needs Sec-WebSocket-Key, and Sec-WebSocket-Version: 13",
    500: "the server made a mistake; its log says more",
}


class DirectTransport:
    """Frames written straight to the asyncio transport under an accepted socket: server frames need no mask."""

    __slots__ = ("_loop", "_stream", "_tcp", "_unsent", "_write", "heard", "open")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        protocol = stream.send.__self__  # type: ignore[attr-defined]  # H11Protocol.stream_send
        self._tcp = protocol.send.__self__.writer.transport  # TCPServer.protocol_send
        self._write: Callable[[bytes], None] = self._tcp.write
        self._unsent: Callable[[], int] = self._tcp.get_write_buffer_size
        self.open = False  # may anything be sent?
        self._loop = asyncio.get_running_loop()
        self.heard = self._loop.time()

    def limit(self, route: Route) -> None:
        self._stream.route = route

    @property
    def pending(self) -> int:
        return self._unsent()

    def send(self, payload: bytes, text: bool = True) -> None:
        if self.open:
            self._write(frame_header(len(payload), text) + payload)

    def write_raw(self, data: bytes) -> None:
        self._write(data)

    def ping(self) -> None:
        if self.open:
            self._write(b"\x89\x00")

    def close(self, code: int, reason: str = "") -> None:
        if self.open:
            self._stream.start_close(code, reason)
        else:
            self.abort_later(CLOSE_S)

    def abort_later(self, seconds: float) -> None:
        self._loop.call_later(seconds, self._tcp.abort)


def _finish(awaited: asyncio.Future[None]) -> None:
    if not awaited.done():
        awaited.set_result(None)


class Stream(WSStream):
    """A WebSocket that cannot be inflated, over-filled or kept open against our will."""

    route = Route(lambda _socket: asyncio.sleep(0))
    transport: DirectTransport

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.app = self._with_transport(self.app)
        loop = asyncio.get_running_loop()  # and no Event: with ten thousand viewers each would take 8 MB
        self.gone: asyncio.Future[None] = loop.create_future()  # the peer answered our close, or went away
        self._decided: asyncio.Future[None] = loop.create_future()  # whether it is let in
        self._second = 0.0
        self._frames = 0
        self._frame_size = 0
        self._deaf = False

    def _with_transport(self, app: Any) -> Any:
        async def run(scope: Any, *rest: Any) -> None:
            scope["extensions"][EXTENSION] = self.transport
            await app(scope, *rest)

        return run

    async def handle(self, event: Any) -> None:
        if isinstance(event, Request):
            unsafe = b"sec-websocket-extensions"
            event.headers[:] = [(name, value) for name, value in event.headers if name.lower() != unsafe]
            self.transport = DirectTransport(self)
        elif isinstance(event, StreamClosed):
            self.transport.open = False
            _finish(self.gone)
            self._unblock()
        elif self._deaf:
            return
        else:
            self.transport.heard = self.transport._loop.time()
            if not self.handshake.accepted and not self.closed:
                await asyncio.shield(self._decided)  # it spoke too early: nothing more is read until it may
            if not self.handshake.accepted:
                return
            if self.route.pipelined and isinstance(event, Body | Data):
                await self._hear(event.data)
                return
        await super().handle(event)

    async def _hear(self, data: bytes) -> None:
        """Many messages: those whose frame came whole are read here, all else by wsproto, to the same end."""
        at = 0
        while at < len(data) and not (self.closed or self._deaf):
            awaited = bytes_awaited(self.connection)
            if awaited == 0 and (end := await self._take_whole(data, at)) > at:
                at = end
                continue
            piece = data[at : at + awaited] if awaited else data[at:]
            at += len(piece)
            self.connection.receive_data(piece)
            await self._handle_events()

    async def _take_whole(self, data: bytes, at: int) -> int:
        """Answers where they end."""
        assert self.app_put is not None  # it accepted
        most = self.buffer.max_length
        while self.connection.state is ConnectionState.OPEN and (found := whole_message(data, at, most)):
            message, at = found
            text, binary = (message, None) if isinstance(message, str) else (None, message)
            await self.app_put({"type": "websocket.receive", "bytes": binary, "text": text})
        return at

    async def app_send(self, message: Any) -> None:
        if message is not None and self.state is ASGIWebsocketState.CLOSED:
            return  # on its way when we ended it, an answer to what was said before a flood: nobody is told it any more
        if message is not None and message["type"] == "websocket.close" and self.transport.open:
            self.start_close(int(message.get("code", 1000)), message.get("reason") or "")
            return
        if message is None and self._closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.shield(self.gone)
        try:
            await super().app_send(message)
        finally:
            if message is None or self.state is not ASGIWebsocketState.HANDSHAKE:
                _finish(self._decided)

    async def _accept(self, message: Any) -> None:
        """Hypercorn's, without h11: checking and spelling what is always the same took a fifth of letting somebody in,
        and h11 with all it heard would be kept as long as the connection."""
        self.state = ASGIWebsocketState.CONNECTED
        _, said, self.connection = self.handshake.accept(message.get("subprotocol"), message.get("headers", []))
        lines = [b"%b: %b\r\n" % pair for pair in (*said, *self.config.response_headers("h11"))]
        self.transport.write_raw(b"HTTP/1.1 101 \r\n%b\r\n" % b"".join(lines))
        self.send.__self__.forget_http()  # type: ignore[attr-defined]  # H11Protocol.stream_send
        self.transport.open = not self.closed
        self.buffer.max_length = self.route.max_message

    async def _send_error_response(self, status_code: int) -> None:
        """Hypercorn's own refusals, as problems like all others."""
        status, told, body = plain_problem(status_code, _HANDSHAKE.get(status_code, "this socket is not for you"))
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        if status_code == 400:
            headers.append((b"sec-websocket-version", b"13"))
        await self.send(Response(stream_id=self.stream_id, status_code=status, headers=completed(headers)))
        await self.send(Body(stream_id=self.stream_id, data=body))
        await self.send(EndBody(stream_id=self.stream_id))
        if self.app_put is None:  # no app will end it
            await self.send(StreamClosed(stream_id=self.stream_id))

    @property
    def _closing(self) -> bool:
        return self.handshake.accepted and self.connection.state is ConnectionState.LOCAL_CLOSING

    def start_close(self, code: int, reason: str) -> None:
        """Send our close without waiting, tell the app it is over, and end the connection even if the peer does not."""
        self.state, self.transport.open = ASGIWebsocketState.CLOSED, False
        with contextlib.suppress(Exception):  # the transport may be gone already
            self.transport._tcp.write(self.connection.send(CloseConnection(code=code, reason=reason[:120] or None)))
        self.transport.abort_later(CLOSE_S + GRACE_S)
        queue = self._unblock()
        queue.put_nowait({"type": "websocket.disconnect", "code": code})

    def _unblock(self) -> Any:
        """Make room for the disconnect: on a full queue Hypercorn would wait for an app that may never receive."""
        if self.app_put is None:
            return None
        queue: Any = self.app_put.__self__  # type: ignore[attr-defined]  # asyncio.Queue.put
        queue._maxsize = 0
        return queue

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if self._flooded(event):
                self._deaf = True  # not even parsed: a frame costs us more than it costs the peer
                if not self._closing:
                    self.start_close(1008, "too many frames")
                return
            if self._closing and not isinstance(event, CloseConnection):
                continue  # our close is on its way: read on for the answer, keep nothing
            if isinstance(event, Message):
                await self._take(event)
            elif isinstance(event, PingFrame):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                _finish(self.gone)
                if self.connection.state is ConnectionState.REMOTE_CLOSING:
                    await self._send_wsproto_event(event.response())
                elif self.connection.state is ConnectionState.OPEN:  # not WebSocket: say why
                    await self._send_wsproto_event(CloseConnection(code=event.code, reason=event.reason))
                self.transport.abort_later(CLOSE_S)
                await self.send(StreamClosed(stream_id=self.stream_id))
                return

    async def _take(self, event: Message[Any]) -> None:
        data = event.data
        size = len(data) if isinstance(data, (bytes, bytearray)) or data.isascii() else len(data.encode())
        if self.buffer.length + size > self.buffer.max_length:
            self.buffer.clear()
            self.start_close(1009, f"a message is at most {self.buffer.max_length} bytes")
            return
        self.buffer.extend(event)
        if event.message_finished and self.app_put is not None:
            message = self.buffer.to_message()
            self.buffer.clear()
            await self.app_put(message)

    def _flooded(self, event: Any) -> bool:
        if isinstance(event, Message):  # one for each piece of a frame as it came
            self._frame_size += len(event.data)
            if not event.frame_finished:
                return False
            size, self._frame_size = self._frame_size, 0
            if self.route.pipelined and size >= (SMALL if event.message_finished else FRAGMENT):
                return False
        if self.transport.heard - self._second >= 1.0:
            self._second, self._frames = self.transport.heard, 0
        self._frames += 1
        return self._frames > self.route.max_frames_per_s
