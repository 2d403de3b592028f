"""Clients that cost little, so that what is measured is the server: HTTP and WebSocket over bare asyncio protocols."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from typing import Any


def _environment() -> dict[str, str]:
    """Ours, but bytecode is kept, as an installed server has it: compiling 361 modules is half of a start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "PYTHONWARNINGS": "ignore"
    }


class Server:
    """`tracker serve` as a process of its own on a free port, with a data folder that goes away with it, or on
    `folder`. Whether it is ready is asked every `look_s`."""

    def __init__(self, *command: str, folder: str = "", look_s: float = 0.1) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder = tempfile.TemporaryDirectory()
        self._look_s = look_s
        self.token = ""  # shown with whatever is sent
        start = command or (sys.executable, "-m", "tracker")
        self.process = subprocess.Popen(
            [*start, "serve", "--port", str(self.port), "--data", folder or self.folder.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def __enter__(self) -> Server:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit(f"the server stopped by itself with code {self.process.returncode}")
            try:
                self.get("/readyz")
                return self
            except OSError:
                time.sleep(self._look_s)
        raise SystemExit("the server did not become ready within a minute")

    def __exit__(self, *_: object) -> None:
        self.end()
        self.folder.cleanup()

    def end(self) -> None:
        """Its folder stays."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url(path), timeout=60) as answer:
            return bytes(answer.read())

    def post(self, path: str, value: Any) -> Any:
        return self.post_raw(path, json.dumps(value).encode())

    def post_raw(self, path: str, body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url(path), body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def tracker(self, *words: str) -> str:
        """What a command on its folder prints."""
        command = [sys.executable, "-m", "tracker", *words, "--data", self.folder.name]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def let_people_in(self) -> None:
        """There is an administrator, as whom everything is sent from now on."""
        self.tracker("users", "add", "ada", "--role", "administrator")
        self.token = self.tracker("token", "create", "--user", "ada")


class Http(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection, one request at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.waiting: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def connect(cls, port: int) -> Http:
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = 0
        for line in bytes(self.buffer[:head]).lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        end = head + 4 + length
        if len(self.buffer) >= end and self.waiting:
            status, body = int(self.buffer[9:12]), bytes(self.buffer[head + 4 : end])
            del self.buffer[:end]
            waiting, self.waiting = self.waiting, None
            if not waiting.done():  # who asked has gone
                waiting.set_result((status, body))

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionError("the server closed the connection"))

    async def request(self, raw: bytes) -> tuple[int, bytes]:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(raw)
        return await self.waiting


def post_bytes(path: str, body: bytes) -> bytes:
    """A whole POST request as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return head.encode() + b"\r\n" + body


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A client's WebSocket frame. Its mask is zero, so the payload travels as it is and masking costs nothing."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


class Socket(asyncio.Protocol):
    """A WebSocket client. `hear` gets the payload of every message; without it bytes are only counted."""

    def __init__(self, request: bytes, hear: Callable[[bytes], None] | None) -> None:
        self.request = request
        self.hear = hear
        self.buffer = bytearray()
        self.received = 0
        self.closed = False
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(
        cls, port: int, path: str, hear: Callable[[bytes], None] | None = None, protocol: str = ""
    ) -> Socket:
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
        ]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(request, hear), "127.0.0.1", port)
        await client.open
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self.open.done():
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.buffer.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(ConnectionError(self.buffer[:end].decode()))
                return
            self.open.set_result(None)
            data = bytes(self.buffer[end + 4 :])
            self.buffer.clear()
        if self.hear is None:
            return
        self.buffer += data
        while (message := self._next()) is not None:
            self.hear(message)

    def _next(self) -> bytes | None:
        """The payload of the next whole text or binary frame in the buffer; pings and the like are left out."""
        buffer = self.buffer
        while len(buffer) >= 2:
            size, at = buffer[1] & 127, 2
            if size == 126:
                size, at = int.from_bytes(buffer[2:4], "big"), 4
            elif size == 127:
                size, at = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < at + size:
                return None
            opcode, payload = buffer[0] & 15, bytes(buffer[at : at + size])
            del buffer[: at + size]
            if opcode <= 2:
                return payload
        return None

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed = True
        if not self.open.done():
            self.open.set_exception(ConnectionError("the server closed the connection"))

    def send(self, *payloads: bytes) -> None:
        self.transport.write(b"".join(map(frame, payloads)))

    def close(self) -> None:
        self.transport.close()
