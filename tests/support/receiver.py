"""A receiver of webhooks: it keeps what it is sent, and answers what it is told to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Received:
    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode().split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = dict(
            line.lower().split(": ", 1) if "signature" not in line else line.split(": ", 1) for line in lines if line
        )
        self.body = body

    def is_signed_with(self, secret: str) -> bool:
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        return self.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"

    @property
    def positions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)["positions"]
        return found


class Receiver:
    def __init__(self) -> None:
        self.url = ""
        self.received: list[Received] = []
        self.answer: bytes | None = OK  # None: never

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self.received.append(Received(head, await reader.readexactly(length)))
            if self.answer is None:
                await reader.read()
            else:
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.url = f"http{'s' * bool(tls)}://{host}:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield made
    finally:
        server.close()
