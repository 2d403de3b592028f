"""Frames of WebSockets, as a client may send them or should not."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import strategies as st

from tracker.web.server import frames

MOST = 400  #: bytes of a message


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


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]
