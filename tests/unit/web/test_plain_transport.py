"""The transport under another server than ours: what it hears, what it tells, and what it leaves when it is over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tracker.web.server.sockets import Route, Transport, install

SCOPE: dict[str, Any] = {"type": "websocket", "path": "/live", "query_string": b"", "headers": []}


class Listening:
    """What does with its transport, and with each message, as it is told."""

    def __init__(self, begin: Any, hear: Any = None) -> None:
        self.begin, self.hear = begin, hear
        self.heard: list[Any] = []
        self.transport: Transport

    def admit_from(self, _address: str) -> None: ...

    def choose_subprotocol(self, _offered: list[str]) -> str | None:
        return None

    def listen_to(self, transport: Transport, *_more: Any) -> Any:
        self.transport = transport
        self.begin(transport)
        return self

    def hear_message(self, message: Any) -> None:
        self.heard.append(message)
        if self.hear:
            self.hear(self.transport)

    def hear_end(self) -> None:
        self.transport.send(b"too late")


async def told(listening: Listening, *said: dict[str, Any]) -> list[str]:
    """What a peer that hangs up is sent; nothing may run on after it."""
    app = SimpleNamespace(extensions={})
    install(app, {"/live": Route(listening)})
    given = [{"type": "websocket.disconnect", "code": 1006}, *reversed(said), {"type": "websocket.connect"}]
    sent: list[str] = []

    async def receive() -> Any:
        await asyncio.sleep(0)
        return given.pop()

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message["type"])

    before = asyncio.all_tasks()
    await app.asgi_websocket_class(app, SCOPE)(receive, send)
    assert asyncio.all_tasks() == before
    return sent


def fault(_transport: Transport) -> None:
    raise ZeroDivisionError


async def test_nothing_waits_for_news_of_one_that_hung_up() -> None:
    assert await told(Listening(lambda _transport: None)) == ["websocket.accept"]


async def test_one_that_is_shown_out_is_told_so_first() -> None:
    assert await told(Listening(lambda transport: transport.close(4502))) == ["websocket.accept", "websocket.close"]


async def test_a_fault_of_the_route_leaves_nothing_either() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await told(Listening(fault))
    assert asyncio.all_tasks() == before


async def test_the_next_message_waits_until_whoever_paused_goes_on() -> None:
    heard_at_resume: list[int] = []

    def pause(transport: Transport) -> None:
        def go_on() -> None:
            heard_at_resume.append(len(listening.heard))
            transport.resume()

        transport.pause()
        for _ in range(3):  # not at once
            asyncio.get_running_loop().call_soon(lambda: None)
        asyncio.get_running_loop().call_later(0.01, go_on)

    listening = Listening(lambda _transport: None, pause)
    said = {"type": "websocket.receive", "bytes": None, "text": "a"}, {"type": "websocket.receive", "bytes": b"b"}
    await told(listening, *said)
    assert listening.heard == ["a", b"b"]
    assert heard_at_resume == [1, 2]
