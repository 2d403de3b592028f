"""Asking: plain ASGI to an application in this process. Everything it says is kept as it came."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

from tests.leaks.marks import plain, spoken


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def all(self) -> bytes:
        return "\n".join(f"{name}: {value}" for name, value in self.headers.items()).encode() + b"\n" + self.body


def scope(kind: str, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    bare, _, query = path.partition("?")
    told = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": unquote(bare),
        "raw_path": bare.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }
    return told | ({"method": method} if kind == "http" else {"subprotocols": [headers.get("x-speaks", "")]})


async def ask(
    app: Any, method: str, path: str, headers: dict[str, str], document: Any = None, told: list[bytes] | None = None
) -> Said:
    """`told`: takes what is said of the body as it comes, of an answer that breaks off too."""
    body = b"" if document is None else json.dumps(document).encode()
    if document is not None:
        headers = {"content-type": "application/json", "content-length": str(len(body))} | headers
    given = [{"type": "http.request", "body": body, "more_body": False}]
    start: dict[str, Any] = {}
    pieces: list[bytes] = [] if told is None else told

    async def receive() -> dict[str, Any]:
        return given.pop() if given else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            pieces.append(message.get("body", b""))

    await app(scope("http", method, path, headers), receive, send)
    said = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Said(start["status"], said, plain(b"".join(pieces), said.get("content-encoding", "")))


class Channel:
    """A WebSocket or a stream: what it was told since it was last listened to."""

    def __init__(self, kind: str, encoding: str) -> None:
        self.kind, self.encoding = kind, encoding
        self.ended = False
        self._told: list[bytes] = []
        self._given: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def say(self, **message: Any) -> None:
        self._given.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def heard(self) -> list[bytes]:
        told, self._told = self._told, []
        return told

    async def receive(self) -> dict[str, Any]:
        return await self._given.get()

    async def send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.send":
            data = message.get("bytes")
            self._told.append(spoken(message["text"] if data is None else data))
        elif kind == "http.response.body":
            self._told.append(message.get("body", b""))
        elif kind == "websocket.close":
            self.ended = True
            self._given.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    @classmethod
    @asynccontextmanager
    async def open(cls, app: Any, path: str, headers: dict[str, str], encoding: str) -> AsyncIterator[Channel]:
        """`encoding`: a subprotocol of the WebSocket, or `stream`."""
        kind = "http" if encoding == "stream" else "websocket"
        channel = cls(kind, encoding)
        first = {"type": "http.request", "body": b""} if kind == "http" else {"type": "websocket.connect"}
        channel._given.put_nowait(first)

        async def run() -> None:
            told = scope(kind, "GET", path, headers | {"x-speaks": encoding})
            try:
                await app(told, channel.receive, channel.send)
            finally:
                channel.ended = True

        running = asyncio.ensure_future(run())
        try:
            yield channel
        finally:
            kind = "http.disconnect" if kind == "http" else "websocket.disconnect"
            channel._given.put_nowait({"type": kind, "code": 1000})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(running), 1)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
