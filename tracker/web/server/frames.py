"""Frames: those of a peer as they come, and what we answer (RFC 6455 §5)."""

from __future__ import annotations

import codecs
import struct
from functools import lru_cache
from typing import NamedTuple

WHOLE_TEXT, WHOLE_BINARY = 0x81, 0x82  # the first byte of a frame that is a whole message
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


def unmasked(data: bytes | bytearray, start: int, end: int) -> bytes:
    """The payload that lies there, its mask just before it."""
    size = end - start
    mask = data[start - 4 : start] * (size // 4 + 1)
    bits = int.from_bytes(data[start:end], "little") ^ int.from_bytes(mask[:size], "little")
    return bits.to_bytes(size, "little")


class Frame(NamedTuple):
    """One that came whole. With the last of a message comes all of it; of those before it the kind is PIECE."""

    kind: int
    data: str | bytes = b""
    code: int = 0  # of a close, whose reason is `data`
    size: int = 0  # bytes that this one carried


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
        self._came: bytes | bytearray = b""
        self._at = 0  # what came and is not read begins there
        self._kind = PIECE  # of the message of which pieces came, and those
        self._pieces: list[str | bytes] = _NONE
        self._size = 0
        self._decode: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> None:
        if self._at:
            self._came, self._at = self._came[self._at :] + data, 0
        elif not self._came:
            self._came = data
        else:  # of a large message each byte may come alone
            if isinstance(self._came, bytes):
                self._came = bytearray(self._came)
            self._came += data

    def next_frame(self) -> Frame | None:
        """None: it has not come whole. Raises Broken; nothing is to be read after that, nor after a close."""
        data, at = self._came, self._at
        if len(data) < at + 2:
            if len(data) == at:
                self._came, self._at = b"", 0
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
        return _closing(payload) if kind == CLOSE else Frame(kind, payload, 0, size)

    def _check(self, kind: int, size: int) -> None:
        if (kind == PIECE) is (self._kind == PIECE):
            raise Broken("a piece of no message, or a message before the one before it has ended")
        if self._size + size > self.most:
            raise Broken(f"a message is at most {self.most} bytes", 1009)

    def _message(self, kind: int, payload: bytes, is_last: bool) -> Frame:
        whole: str | bytes
        if kind and is_last:
            return Frame(kind, _text(payload) if kind == TEXT else payload, 0, len(payload))
        if kind:
            self._kind, self._pieces = kind, []
            self._decode = _Decoder() if kind == TEXT else None
        self._size += len(payload)
        try:
            self._pieces.append(self._decode.decode(payload, is_last) if self._decode else payload)
        except UnicodeDecodeError:
            raise Broken("text that is no UTF-8", 1007) from None
        if not is_last:
            return Frame(PIECE, b"", 0, len(payload))
        whole = "".join(self._pieces) if self._decode else b"".join(self._pieces)  # type: ignore[arg-type]
        kind, self._kind, self._pieces, self._size, self._decode = self._kind, PIECE, _NONE, 0, None
        return Frame(kind, whole, 0, len(payload))


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
