"""Streams: HTTP/1.1 inside Hypercorn, a request and its answer or the handshake of a WebSocket each.

Whoever is let in leaves Hypercorn behind (wires.py), and plain handshakes never come here (upgrade.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import h11
from hypercorn.events import Closed, RawData
from hypercorn.protocol.events import Body, Data, EndBody, Request, Response, StreamClosed
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream

from tracker.web.server.answers import plain_problem
from tracker.web.server.hardening import completed
from tracker.web.server.parser import NO_MORE, WHOLE, Parser

_HANDSHAKE = {
    400: "this is no handshake of a WebSocket: it needs Sec-WebSocket-Key, and Sec-WebSocket-Version: 13",
    500: "the server made a mistake; its log says more",
}


class Exchange(HTTPStream):
    """One request and its answer; what is said after it is over is nobody's."""

    async def app_send(self, message: Any) -> None:
        if message is None or self.state is not ASGIHTTPState.CLOSED:
            await super().app_send(message)


class Stream(WSStream):
    """A handshake, until it is decided."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._early = b""

    async def handle(self, event: Any) -> None:
        if isinstance(event, Body | Data) and not self.closed:
            self._early += event.data  # it spoke too early: nothing more is read until it may
            await asyncio.shield(self._decided)
            return
        if isinstance(event, StreamClosed):
            self._decide()
        await super().handle(event)

    def leave(self) -> tuple[bytes, bytes]:
        """It is let in: its key, and what came after its handshake. Nothing is done here any more."""
        assert self.handshake.key is not None
        self.state = ASGIWebsocketState.CONNECTED
        self._decide()
        return self.handshake.key, self._early

    async def app_send(self, message: Any) -> None:
        if self.state is ASGIWebsocketState.CONNECTED:
            return
        try:
            await super().app_send(message)
        finally:
            if message is None or self.state is not ASGIWebsocketState.HANDSHAKE:
                self._decide()

    def _decide(self) -> None:
        if not self._decided.done():
            self._decided.set_result(None)

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


class Http1(H11Protocol):
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

    async def _create_stream(self, request: h11.Request) -> None:
        """A request begins. Hypercorn's own, with streams of ours."""
        headers = list(request.headers)
        said = {name: value.decode("latin1").lower() for name, value in headers}
        words = {word.strip() for word in said.get(b"connection", "").split(",")}
        method = request.method.decode().upper()
        is_handshake = method == "GET" and "upgrade" in words and said.get(b"upgrade", "").strip() == "websocket"
        self.stream = (Stream if is_handshake else Exchange)(
            self.app, self.config, self.context, self.task_group, self.ssl, self.client, self.server, self.stream_send,
            STREAM_ID,
        )  # fmt: skip
        if is_handshake:
            self.connection = H11WSConnection(self._parser)
        version = request.http_version.decode()
        await self.stream.handle(Request(STREAM_ID, headers, version, method, request.target, self.connection_state))
        self.keep_alive_requests += 1

    async def _send_error_response(self, status_code: int) -> None:
        status, told, body = plain_problem(status_code, f"this cannot be read as an HTTP request: {self._parser.fault}")
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        await self._send_h11_event(h11.Response(status_code=status, headers=completed(headers)))
        with contextlib.suppress(h11.LocalProtocolError):  # an answer to HEAD has no body
            await self._send_h11_event(h11.Data(data=body))
            await self._send_h11_event(h11.EndOfMessage())
