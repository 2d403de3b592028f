"""Connections: who speaks on one from its first bytes on, without a network."""

from __future__ import annotations

import asyncio
import select
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from hypercorn.config import Config

from tests.support.waiting import deadline
from tracker.turns.slots import Slots
from tracker.web.server import connections
from tracker.web.server.connections import Arrival, Door
from tracker.web.server.sockets import Opening, Route
from tracker.web.server.wires import NOBODY, Wire

HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Tcp:
    """A transport."""

    def __init__(self, door: Door, address: str = "127.0.0.1") -> None:
        self.said: list[bytes] = []
        self.is_over = False
        self._address = address
        tcp: Any = self
        self.protocol: Any = door.arrive()
        self.protocol.connection_made(tcp)

    def get_extra_info(self, name: str) -> Any:
        return {"peername": (self._address, 5000), "sockname": (self._address, 80)}.get(name)

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        self.said.append(data)

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True
        self.protocol.connection_lost(None)

    abort = close


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    def connect(_scope: Any) -> Opening:
        listening: Any = None
        return Opening(Route(listening), None, lambda _wire: NOBODY)

    async def app(*_: Any) -> None:
        raise AssertionError("this is not for the app")

    front: Any = SimpleNamespace(connect=connect, hardening=())
    monkeypatch.setattr(connections, "is_asking", lambda _tcp: False)  # which asks the kernel
    return Door(app, Config(), Slots(10), front)


async def end(door: Door) -> None:
    await door.context.terminated.set()
    for speaker in list(door.open.values()):
        speaker.end()


async def test_who_is_let_in_by_a_plain_handshake_is_a_wire_and_gives_way_to_nobody(door: Door) -> None:
    tcp = Tcp(door)
    assert door.slots.statistics()[:2] == (1, 1)
    tcp.protocol.data_received(HANDSHAKE)
    assert isinstance(tcp.protocol, Wire)
    assert tcp.said[0].startswith(b"HTTP/1.1 101 ")
    assert door.slots.statistics()[:2] == (1, 0)
    tcp.close()
    assert (door.slots.statistics().open, door.open) == (0, {})


async def test_one_that_says_nothing_is_told_nothing_when_the_server_goes_away(door: Door) -> None:
    tcp = Tcp(door)
    emptied = asyncio.ensure_future(door.emptied())
    await end(door)
    await emptied
    await door.emptied()
    assert (tcp.said, tcp.is_over) == ([], True)


async def test_one_that_is_let_in_is_told_when_the_server_goes_away(door: Door) -> None:
    tcp = Tcp(door)
    tcp.protocol.data_received(HANDSHAKE)
    await end(door)
    assert b"the server is going away" in tcp.said[-1]


async def test_one_that_has_only_just_come_may_still_ask_and_is_told_then(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ASK_S", deadline(60))
    tcp = Tcp(door)
    await end(door)
    late = Tcp(door)
    for _ in range(3):
        await asyncio.sleep(0)
    for one in (tcp, late):
        assert not one.is_over
        one.protocol.data_received(HANDSHAKE)
        assert one.said[0].startswith(b"HTTP/1.1 101 ")
        assert b"the server is going away" in one.said[-1]


async def test_one_whose_request_is_here_and_not_read_yet_is_not_let_go(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ASK_S", 0)
    monkeypatch.setattr(connections, "is_asking", lambda _tcp: True)
    tcp = Tcp(door)
    await end(door)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not tcp.is_over


async def test_one_that_comes_while_the_server_goes_away_and_says_nothing_is_let_go(door: Door) -> None:
    await end(door)
    tcp = Tcp(door)
    await door.emptied()
    assert (tcp.said, tcp.is_over) == ([], True)


async def test_one_that_was_accepted_last_is_waited_for(door: Door) -> None:
    accepted, peer = socket.socketpair()
    with peer:
        door.take(accepted)
        await end(door)
        await door.emptied()
        ended, _, _ = select.select([peer], [], [], 0)
        assert ended and peer.recv(1) == b""


async def test_where_there_is_no_room_the_newcomer_is_closed_before_it_is_heard(door: Door) -> None:
    for _ in range(door.slots.share):
        Tcp(door).protocol.data_received(HANDSHAKE)
    late = Tcp(door)
    assert late.is_over
    late.protocol.data_received(HANDSHAKE)
    assert isinstance(late.protocol, Arrival)
    assert late.said == []
    assert len(door.open) == door.slots.share
