"""The frames of a browser, read as wsproto reads them, whatever they are and however they are cut."""

from __future__ import annotations

from typing import Any

import pytest
import wsproto.events
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionState, ConnectionType

from tests.support.frames import FRAMES, MOST, frame, pieces_of
from tracker.web.server import frames
from tracker.web.server.frames import Broken, Reader, close_frame, pong_frame

BIG = 10**6


def ours(pieces: list[bytes], most: int = BIG) -> list[Any]:
    """What is said, and with which code it ends."""
    said: list[Any] = []
    one = Reader(most)
    for piece in pieces:
        one.feed(piece)
        try:
            while (found := one.next_frame()) is not None:
                if found.kind == frames.CLOSE:
                    return [*said, (found.code, found.data)]
                if found.kind != frames.PIECE:
                    said.append((found.kind, found.data))
        except Broken as fault:
            return [*said, fault.code]
    return said


def theirs(pieces: list[bytes]) -> list[Any]:
    said: list[Any] = []
    connection, so_far = Connection(ConnectionType.SERVER), list[Any]()
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            if isinstance(event, wsproto.events.CloseConnection):
                is_broken = connection.state is ConnectionState.OPEN
                return [*said, int(event.code) if is_broken else (int(event.code), event.reason or "")]
            if isinstance(event, wsproto.events.Ping | wsproto.events.Pong):
                is_ping = isinstance(event, wsproto.events.Ping)
                said.append((frames.PING if is_ping else frames.PONG, bytes(event.payload)))
            elif isinstance(event, wsproto.events.Message):
                so_far.append(event.data)
                if event.message_finished:
                    whole: Any = "".join(so_far) if isinstance(event.data, str) else b"".join(so_far)
                    said.append((frames.TEXT if isinstance(whole, str) else frames.BINARY, whole))
                    so_far.clear()
    return said


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 5000), max_size=6))
@example([frame(0x01, b"x"), frame(0x89, b"p"), frame(0x00, b""), frame(0x80, b"y"), frame(0x81, b"z")], [3, 9])
@example([frame(0x01, "ü".encode()[:1]), frame(0x80, "ü".encode()[1:])], [])
@example([frame(0x01, "ü".encode()[:1]), frame(0x80, b"")], [])
@example([frame(0x02, b"\xff"), frame(0x80, b"\xff")], [])
@example([frame(0x88, b"")], [])
@example([frame(0x88, b"\x03")], [])
@example([frame(0x88, b"\x0f\xa0why")], [])
@example([frame(0x88, b"\x03\xe8\xff")], [])
@example([frame(0x88, b"\x03\xed")], [])
@example([frame(0x89, b"x" * 126)], [])
@example([frame(0x09, b"x")], [])
@example([frame(0x80, b"x")], [])
@example([frame(0x01, b"x"), frame(0x01, b"x")], [])
@example([b"\x81\xff\x80" + bytes(16)], [])
@example([frame(0x82, b"x" * 70_000)], [2, 5, 1000])
def test_what_is_read_is_what_wsproto_reads(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    assert ours(pieces_of(data, cuts)) == theirs([data])


@pytest.mark.parametrize("code", [*range(990, 1020), 2999, 3000, 4999, 5000, 65535])
def test_a_close_with_any_code_is_what_wsproto_makes_of_it(code: int) -> None:
    said = [frame(0x88, code.to_bytes(2, "big") + b"why")]
    assert ours(said) == theirs(said)


def test_a_message_that_is_too_large_is_refused_by_its_header() -> None:
    head = frame(0x81, b"x" * (MOST + 1))[:8]
    assert ours([head], MOST) == [1009]
    assert ours([frame(0x01, b"x" * 300), frame(0x80, b"x" * 101)[:4]], MOST) == [1009]
    assert ours([frame(0x81, b"x" * MOST), frame(0x81, b"x" * MOST)], MOST) == [(1, "x" * MOST)] * 2


def test_of_what_came_nothing_is_kept_once_it_is_read() -> None:
    """A chunk is up to 256 KiB."""
    one, said = Reader(BIG), frame(0x82, b"x" * 60_000)
    for byte in said[:10]:
        one.feed(bytes([byte]))
        assert one.next_frame() is None
    one.feed(said[10:] + said[:1])
    assert one.next_frame() == frames.Frame(frames.BINARY, b"x" * 60_000, size=60_000)
    assert one.next_frame() is None
    one.feed(said[1:])
    assert one.next_frame() is not None
    assert one.next_frame() is None
    assert not one._came


def test_what_we_say_ourselves() -> None:
    wsproto_says = Connection(ConnectionType.SERVER)
    assert close_frame(4001, "ü" * 100) == wsproto_says.send(wsproto.events.CloseConnection(4001, "ü" * 100))
    assert close_frame(frames.NO_CODE) == b"\x88\x00"
    assert close_frame(1000) == b"\x88\x02\x03\xe8"
    assert pong_frame(b"ab") == b"\x8a\x02ab"
