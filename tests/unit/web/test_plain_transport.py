"""The transport under another server than ours: what it leaves when its connection is over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tracker.web.server.sockets import Route, Socket, install

SCOPE: dict[str, Any] = {"type": "websocket", "path": "/live", "query_string": b"", "headers": []}


async def told(route: Any) -> list[str]:
    """What a peer that hangs up is sent; nothing may run on after it."""
    app = SimpleNamespace(extensions={})
    install(app, {"/live": Route(route)})
    given = [{"type": "websocket.disconnect", "code": 1006}, {"type": "websocket.connect"}]
    sent: list[str] = []

    async def receive() -> Any:
        return given.pop()

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message["type"])

    before = asyncio.all_tasks()
    await app.asgi_websocket_class(app, SCOPE)(receive, send)
    assert asyncio.all_tasks() == before
    return sent


async def watch(socket: Socket) -> None:
    await socket.accept()
    await asyncio.sleep(0)
    assert await socket.receive() is None
    socket.transport.send(b"too late")


async def goodbye(socket: Socket) -> None:
    await socket.accept()
    socket.transport.close(4502)


async def fault(socket: Socket) -> None:
    await socket.accept()
    raise ZeroDivisionError


async def test_nothing_waits_for_news_of_one_that_hung_up() -> None:
    assert await told(watch) == ["websocket.accept"]


async def test_one_that_is_shown_out_is_told_so_first() -> None:
    assert await told(goodbye) == ["websocket.accept", "websocket.close"]


async def test_a_fault_of_the_route_leaves_nothing_either() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await told(fault)
    assert asyncio.all_tasks() == before
