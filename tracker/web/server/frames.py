"""Frames: the two kinds that come and go in great numbers, read and written without wsproto (RFC 6455 §5.2)."""

from __future__ import annotations

import struct
from functools import lru_cache

from wsproto.connection import Connection

SMALL = 16  #: bytes: no message shorter than this says anything
TEXT, BINARY = 0x81, 0x82  # the first byte of a frame that is a whole message
MASKED = 0x80
TWO_BYTES, EIGHT_BYTES = 126, 127  # hold the size


@lru_cache(1024)  # a thousand viewers are sent frames of a few sizes
def frame_header(size: int, text: bool = True) -> bytes:
    """The header of one unmasked, unfragmented frame."""
    first = TEXT if text else BINARY
    if size < TWO_BYTES:
        return bytes((first, size))
    if size < 65536:
        return struct.pack(">BBH", first, TWO_BYTES, size)
    return struct.pack(">BBQ", first, EIGHT_BYTES, size)


def unmasked(data: bytes, start: int, end: int) -> bytes:
    """The payload that lies there, its mask just before it."""
    size = end - start
    mask = data[start - 4 : start] * (size // 4 + 1)
    bits = int.from_bytes(data[start:end], "little") ^ int.from_bytes(mask[:size], "little")
    return bits.to_bytes(size, "little")


def whole_message(data: bytes, at: int, most: int) -> tuple[str | bytes, int] | None:
    """The message of SMALL to `most` bytes whose one masked frame begins at `at`, and where the next one begins.

    None for all else, good or bad: wsproto says what that is. It takes 13 µs for a message of 110 bytes, this 1.4.
    """
    start = at + 6  # behind the mask
    if len(data) < start or (first := data[at]) not in (TEXT, BINARY):
        return None
    size = data[at + 1] - MASKED
    if size == TWO_BYTES:
        size, start = data[at + 2] << 8 | data[at + 3], start + 2
        if size < TWO_BYTES:
            return None
    elif size == EIGHT_BYTES:
        return None
    end = start + size
    if not SMALL <= size <= most or len(data) < end:
        return None
    payload = unmasked(data, start, end)
    if first == BINARY:
        return payload, end
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return (text, end) if len(text) >= SMALL else None


def bytes_awaited(connection: Connection) -> int | None:
    """How many more wsproto has to be given of a frame it knows before another begins; None: it has begun a message."""
    decoder = connection._proto._frame_decoder
    if (header := decoder.header) is not None:
        return header.payload_len - decoder.payload_consumed - len(decoder.buffer)
    is_between = not decoder.buffer and connection._proto._message_decoder.opcode is None
    return 0 if is_between else None
