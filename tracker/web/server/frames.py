"""Frames: those of a browser as they come, and the two kinds that come in great numbers (RFC 6455 §5)."""

from __future__ import annotations

import codecs
import struct
from functools import lru_cache
from typing import NamedTuple

from wsproto.connection import Connection

SMALL = 16  #: bytes: no message shorter than this says anything
WHOLE_TEXT, WHOLE_BINARY = 0x81, 0x82  # the first byte of a frame that is a whole message
MASKED = 0x80
TWO_BYTES, EIGHT_BYTES = 126, 127  # hold the size

PIECE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KINDS = frozenset({PIECE, TEXT, BINARY, CLOSE, PING, PONG})
LONGEST = 125  #: bytes that a control frame may carry, and that need no longer size
NO_CODE = 1005  #: of a close that gives no reason; never sent
_SAID = frozenset({1000, 1001, 1002, 1003, *range(1007, 1014), *range(3000, 5000)})  #: codes a peer may close with


@lru_cache(1024)  # a thousand viewers are sent frames of a few sizes
def frame_header(size: int, text: bool = True) -> bytes:
    """The header of one unmasked, unfragmented frame."""
    first = WHOLE_TEXT if text else WHOLE_BINARY
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
    if len(data) < start or (first := data[at]) not in (WHOLE_TEXT, WHOLE_BINARY):
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
    if first == WHOLE_BINARY:
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


class Frame(NamedTuple):
    """One that came whole. With the last of a message comes all of it; of those before it the kind is PIECE."""

    kind: int
    data: str | bytes = b""
    code: int = 0  # of a close, whose reason is `data`


class Broken(Exception):
    """The connection has to end with this code."""

    def __init__(self, reason: str, code: int = 1002) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


class Reader:
    """Pure. Between two messages it keeps nothing."""

    __slots__ = ("_at", "_came", "_decode", "_kind", "_pieces", "_size", "most")

    def __init__(self, most: int) -> None:
        """`most`: bytes of one message."""
        self.most = most
        self._came, self._at = b"", 0  # what came and is not read, from there on
        self._kind = PIECE  # of the message of which pieces came, and those
        self._pieces: list[str | bytes] = _NONE
        self._size = 0
        self._decode: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> None:
        self._came, self._at = self._came[self._at :] + data, 0

    def next_frame(self) -> Frame | None:
        """None: it has not come whole. Raises Broken; nothing is to be read after that, nor after a close."""
        data, at = self._came, self._at
        if len(data) < at + 2:
            return None
        first, size, start = data[at], data[at + 1] & 0x7F, at + 2
        kind, is_last = first & 0x0F, first >= 0x80
        if kind not in KINDS:
            raise Broken("a frame of no known kind")
        if kind >= CLOSE and not (is_last and size <= LONGEST):
            raise Broken("a control frame that is in pieces, or too long")
        if size > LONGEST:
            end = start + (2 if size == 126 else 8)
            if len(data) < end:
                return None
            size, least, start = int.from_bytes(data[start:end], "big"), 126 if size == 126 else 65536, end
            if size < least or size >> 63:
                raise Broken("a size that is not written as it should be")
        if first & 0x70 or data[at + 1] < 0x80:
            raise Broken("a frame that is not masked, or has bits set that nobody agreed to")
        if kind < CLOSE:
            self._check(kind, size)
        end = start + 4 + size
        if len(data) < end:
            return None
        self._at = end
        payload = unmasked(data, start + 4, end)
        if kind < CLOSE:
            return self._message(kind, payload, is_last)
        return _closing(payload) if kind == CLOSE else Frame(kind, payload)

    def _check(self, kind: int, size: int) -> None:
        if (kind == PIECE) is (self._kind == PIECE):
            raise Broken("a piece of no message, or a message before the one before it has ended")
        if self._size + size > self.most:
            raise Broken(f"a message is at most {self.most} bytes", 1009)

    def _message(self, kind: int, payload: bytes, is_last: bool) -> Frame:
        whole: str | bytes
        if kind and is_last:
            return Frame(kind, _text(payload) if kind == TEXT else payload)
        if kind:
            self._kind, self._pieces = kind, []
            self._decode = _Decoder() if kind == TEXT else None
        self._size += len(payload)
        try:
            self._pieces.append(self._decode.decode(payload, is_last) if self._decode else payload)
        except UnicodeDecodeError:
            raise Broken("text that is no UTF-8", 1007) from None
        if not is_last:
            return Frame(PIECE)
        whole = "".join(self._pieces) if self._decode else b"".join(self._pieces)  # type: ignore[arg-type]
        kind, self._kind, self._pieces, self._size, self._decode = self._kind, PIECE, _NONE, 0, None
        return Frame(kind, whole)


_NONE: list[str | bytes] = []
_Decoder = codecs.getincrementaldecoder("utf-8")


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Broken("text that is no UTF-8", 1007) from None


def _closing(payload: bytes) -> Frame:
    if not payload:
        return Frame(CLOSE, "", NO_CODE)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or code not in _SAID:
        raise Broken("a close with a code that nobody may say")
    return Frame(CLOSE, _text(payload[2:]), code)


def close_frame(code: int, reason: str = "") -> bytes:
    """The frame with which we close; NO_CODE says none."""
    if code == NO_CODE:
        return b"\x88\x00"
    said = struct.pack(">H", code) + reason.encode()[: LONGEST - 2].decode(errors="ignore").encode()
    return bytes((0x88, len(said))) + said


def pong_frame(payload: bytes) -> bytes:
    return bytes((0x8A, len(payload))) + payload
