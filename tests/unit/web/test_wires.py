"""A WebSocket that is but a protocol and its transport: what its peer says, and what it is told, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.frames import frame
from tracker.web.server.frames import Reader, close_frame, pong_frame
from tracker.web.server.wires import NOBODY, Wire

CLOSE, PING = 0x88, 0x89


class Peer:
    """Its transport, its listener, and whoever wants to know that it has ended."""

    def __init__(self, *, pipelined: bool = False) -> None:
        self.told: list[bytes] = []
        self.heard: list[Any] = []
        self.is_over = self.is_closed = self.is_read = False
        self.pauses_at: Any = None  # whoever listens does, when it hears this
        tcp: Any = self
        self.wire = Wire(tcp, 2000, 3, self._ended, pipelined=pipelined)
        self.wire.begin(b"", self._listen)
        self.told.clear()

    def _listen(self, _wire: Wire) -> Peer:
        return self

    def _ended(self, _tcp: asyncio.Transport) -> None:
        self.is_over = True

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.wire.connection_lost(None)

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.told))

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def hear_message(self, message: str | bytes) -> None:
        self.heard.append(message)
        if message == self.pauses_at:
            self.wire.pause()

    def hear_end(self) -> None:
        self.heard.append(None)


class Unread(Reader):
    def __init__(self) -> None:
        super().__init__(0)

    def feed(self, data: bytes) -> None:
        raise AssertionError(f"{len(data)} bytes are parsed")


@pytest.fixture
async def peer() -> Peer:
    return Peer()


async def test_messages_go_both_ways(peer: Peer) -> None:
    peer.wire.data_received(frame(0x81, b"ab") + frame(0x82, b"cd") + frame(0x01, b"e")[:5])
    peer.wire.data_received(frame(0x01, b"e")[5:] + frame(PING, b"p") + frame(0x8A, b"") + frame(0x80, b"f"))
    assert peer.heard == ["ab", b"cd"], "that was too many for a second"
    assert peer.told == [close_frame(1008, "too many frames")]


async def test_what_is_sent_is_one_frame_and_waits_for_nobody(peer: Peer) -> None:
    peer.wire.send(b"ab")
    peer.wire.send(b"cd", text=False)
    peer.wire.ping()
    assert peer.told == [b"\x81\x02ab", b"\x82\x02cd", b"\x89\x00"]
    assert peer.wire.pending == 10


async def test_what_is_said_at_once_goes_with_the_answer_that_lets_it_in(peer: Peer) -> None:
    def listen(wire: Wire) -> Peer:
        wire.send(b"welcome")
        return peer

    peer.wire.begin(b"yes", listen)
    peer.wire.send(b"more")
    assert peer.told == [b"yes\x81\x07welcome", b"\x81\x04more"]


async def test_a_ping_is_answered_and_a_message_in_pieces_is_one(peer: Peer) -> None:
    peer.wire.data_received(frame(0x01, b"a") + frame(PING, b"p") + frame(0x80, b"b"))
    assert peer.heard == ["ab"]
    assert peer.told == [pong_frame(b"p")]


async def test_a_peer_that_closes_is_answered_with_its_code_and_let_go(peer: Peer) -> None:
    peer.wire.data_received(frame(CLOSE, b"\x0f\xa1why") + frame(0x81, b"more"))
    assert peer.told == [close_frame(4001, "why")]
    assert peer.is_closed
    peer.wire.data_received(frame(0x81, b"more"))
    peer.wire.connection_lost(None)
    assert peer.heard == [None]
    assert peer.is_over


async def test_after_our_close_nothing_is_heard_but_its_answer(peer: Peer) -> None:
    peer.wire.close(4005)
    peer.wire.close(1001)
    peer.wire.send(b"late")
    peer.wire.ping()
    peer.wire.data_received(frame(0x81, b"late") + frame(PING, b""))
    assert not peer.is_closed
    await asyncio.sleep(0)
    assert peer.heard == [None], "whoever listened was told at once"
    peer.wire.data_received(frame(CLOSE, b"\x0f\xa5"))
    assert peer.is_closed
    assert peer.told == [close_frame(4005)]
    peer.abort()
    assert peer.heard == [None]


async def test_what_is_no_websocket_ends_it_with_a_reason(peer: Peer) -> None:
    peer.wire.data_received(frame(0x81, b"ab", masked=False))
    assert peer.told[0][2:4] == (1002).to_bytes(2, "big")
    assert peer.is_closed


async def test_a_message_that_is_too_large_is_refused_and_what_follows_is_not_parsed(peer: Peer) -> None:
    peer.wire.data_received(frame(0x81, b"x" * 2001))
    peer.wire._reader = Unread()
    peer.wire.data_received(b"x" * 1000)
    assert peer.told == [close_frame(1009, "a message is at most 2000 bytes")]
    assert not peer.is_closed, "it may be busy sending: it has a moment to read why"
    peer.wire.abort()
    assert peer.heard == [None]


async def test_who_pauses_hears_the_rest_of_a_chunk_when_they_go_on_and_in_order(peer: Peer) -> None:
    peer.pauses_at = "b"
    peer.wire.data_received(frame(0x81, b"a") + frame(0x81, b"b") + frame(0x81, b"c")[:3])
    peer.wire.data_received(frame(0x81, b"c")[3:])  # TLS had it already
    assert (peer.heard, peer.is_read) == (["a", "b"], False)
    peer.wire.resume()
    peer.wire.resume()
    await asyncio.sleep(0)
    assert (peer.heard, peer.is_read) == (["a", "b", "c"], True)


async def test_who_pauses_and_closes_hears_the_answer_to_it(peer: Peer) -> None:
    peer.pauses_at = "a"
    peer.wire.data_received(frame(0x81, b"a") + frame(0x81, b"b") + frame(CLOSE, b"\x03\xf4"))
    peer.wire.close(1012)
    await asyncio.sleep(0)
    assert peer.heard == ["a", None]
    assert peer.is_closed


@pytest.mark.parametrize(
    ("first", "size", "is_counted"),
    [
        (0x81, 16, False),
        (0x81, 15, True),
        (0x82, 16, False),
        (0x00, 1024, False),
        (0x00, 1023, True),
        (PING, 100, True),
    ],
)
async def test_of_pipelined_frames_only_those_that_carry_little_are_a_flood(
    first: int, size: int, is_counted: bool
) -> None:
    peer = Peer(pipelined=True)
    if first == 0:
        peer.wire.data_received(frame(0x01, b"begins with one that is counted"))
    for _ in range(5 if first else 1):
        peer.wire.data_received(frame(first, b"x" * size))
    if first == 0:
        assert peer.wire._frames == 1 + is_counted
    else:
        assert (close_frame(1008, "too many frames") in peer.told) is is_counted


def test_nobody_hears_nothing() -> None:
    NOBODY.hear_message("")
    NOBODY.hear_end()
