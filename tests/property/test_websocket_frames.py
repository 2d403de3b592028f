"""Whatever bytes come in whatever pieces, a socket for positions hears and does what it did while wsproto read them all."""

from __future__ import annotations

import asyncio
import struct
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from hypercorn.protocol.events import Data, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WebsocketBuffer
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType

from tracker.web.server import frames, streams
from tracker.web.server.sockets import Route

MOST = 400  #: bytes of a message
FAST = 3  #: frames a second before it is a flood


class Stream(streams.Stream):
    """An accepted one without a network; `said` is what came out of it, in order."""

    def __init__(self) -> None:
        self.connection = Connection(ConnectionType.SERVER)
        self.handshake = SimpleNamespace(accepted=True)  # type: ignore[assignment]
        self.state, self.closed, self.stream_id = ASGIWebsocketState.CONNECTED, False, 1
        self.gone, self._decided = asyncio.Future(), asyncio.Future()
        self._second, self._frames, self._frame_size, self._deaf = 0.0, 0, 0, False
        self.buffer = WebsocketBuffer(MOST)
        self.route = Route(lambda _socket: asyncio.sleep(0), max_frames_per_s=FAST, pipelined=True)
        self.said: list[Any] = []
        self.transport = SimpleNamespace(  # type: ignore[assignment]
            _tcp=SimpleNamespace(write=self.said.append), _loop=SimpleNamespace(time=lambda: 10.0), heard=10.0,
            open=True, abort_later=lambda _seconds: None,
        )  # fmt: skip
        self.app_put = self.send = self._say

    async def _say(self, what: Any) -> None:
        self.said.append(what if isinstance(what, dict) else (type(what), getattr(what, "data", b"")))
        if isinstance(what, StreamClosed):
            self.closed = True

    def _unblock(self) -> Any:
        return SimpleNamespace(put_nowait=self.said.append)


class Before(Stream):
    async def _hear(self, data: bytes) -> None:
        if not self.closed:
            self.connection.receive_data(data)
            await self._handle_events()


def frame(first: int, payload: bytes, mask: bytes = b"\1\2\3\4", form: int = 0, masked: bool = True) -> bytes:
    """A frame, with its size in the form it should have, or in one that is longer."""
    size, bit = len(payload), 128 * masked
    form = max(form, 0 if size < 126 else 1)
    head = (
        bytes([first, bit | min(size, 125)]),
        struct.pack(">BBH", first, bit | 126, size & 65535),
        struct.pack(">BBQ", first, bit | 127, size),
    )
    body = bytes(one ^ mask[i % 4] for i, one in enumerate(payload)) if masked else payload
    return head[form] + mask * masked + body


PAYLOADS = st.one_of(
    st.sampled_from(
        [b"", b"\xff", b"\x03\xe8", "ü".encode(), "ü".encode() * 8, "ü".encode() * 20, b"x" * 100 + b"\xc3"]
    ),
    st.sampled_from([15, 16, 17, 125, 126, 127, 128, MOST, MOST + 1]).map(lambda size: b'{"vehicle":"v1"}'[:1] * size),
    st.binary(max_size=40),
)
WHOLE = st.sampled_from([frames.WHOLE_TEXT, frames.WHOLE_BINARY])
FRAMES = st.one_of(
    st.builds(frame, WHOLE, PAYLOADS, st.binary(min_size=4, max_size=4)),
    st.builds(frame, WHOLE, PAYLOADS, st.just(b"\0\0\0\0"), st.integers(0, 2), st.booleans()),
    st.builds(frame, st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x89, 0x8A, 0x88, 0x83, 0xC1, 0xA2]), PAYLOADS),
)
WORDS = frame(0x81, b'{"vehicle":"v1"}'), frame(0x82, b"0123456789abcdef" * 10)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 5000), max_size=6))
@example([*WORDS, *WORDS], [7, 30])
@example([WORDS[0], frame(0x01, b"x" * 20), frame(0x80, b"y" * 20), WORDS[1]], [])
@example([frame(0x01, b"x" * 20), WORDS[0]], [26])
@example([frame(0x82, WORDS[0], b"\0\0\0\0")], [6])
@example([WORDS[0], frame(0x88, b"\x03\xe8"), WORDS[1]], [])
@example([frame(0x89, b"x" * 20), WORDS[0], frame(0x81, b"x" * (MOST + 1)), WORDS[0]], [10])
def test_what_is_read_in_one_go_is_what_wsproto_reads(parts: list[bytes], cuts: list[int]) -> None:
    pieces = pieces_of(b"".join(parts), cuts)

    async def both() -> list[list[Any]]:
        told = []
        for stream in (Stream(), Before()):
            for piece in pieces:
                await stream.handle(Data(stream_id=1, data=piece))
            counts = stream._frames, stream._deaf, stream.buffer.length
            told.append([*stream.said, stream.connection.state, stream.state, stream.closed, counts])
        return told

    ours, theirs = asyncio.run(both())
    assert ours == theirs


async def test_of_messages_that_come_whole_wsproto_hears_nothing_even_where_a_read_ends_within_one() -> None:

    class Watched(Connection):
        def receive_data(self, data: bytes | None) -> None:
            given_to_wsproto.append(data or b"")
            super().receive_data(data)

    stream, given_to_wsproto = Stream(), list[bytes]()
    stream.connection = Watched(ConnectionType.SERVER)
    given_to_wsproto.clear()
    data = b"".join(WORDS * 3)
    cut = len(data) - 10
    await stream.handle(Data(stream_id=1, data=data[:cut]))
    await stream.handle(Data(stream_id=1, data=data[cut:] + data))
    assert b"".join(given_to_wsproto) == WORDS[1]
    assert len(stream.said) == 12
