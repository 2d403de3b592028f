"""Connections that a test speaks on by hand; the fixture `hang_up` cuts off all of them, however the test ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.support.servers import Server

_dialled: list[asyncio.StreamWriter] = []


async def dial(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls)
    _dialled.append(writer)
    return reader, writer


async def hang_up_all() -> None:
    while _dialled:
        writer = _dialled.pop()
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
