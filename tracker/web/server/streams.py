"""Streams: the handshake of a WebSocket inside Hypercorn; whoever is let in leaves Hypercorn behind (wires.py).

connections.py makes it. Plain handshakes never come here (upgrade.py).
"""

from __future__ import annotations

import asyncio
from typing import Any

from hypercorn.protocol.events import Body, Data, EndBody, Response, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream

from tracker.web.server.answers import plain_problem
from tracker.web.server.hardening import completed

_HANDSHAKE = {
    400: "this is no handshake of a WebSocket: it needs Sec-WebSocket-Key, and Sec-WebSocket-Version: 13",
    500: "the server made a mistake; its log says more",
}


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
