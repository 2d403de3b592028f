"""Marks: what is unmistakable in whatever a server says, so that a search needs to understand none of it.

Every text of ours holds `zq` and five digits, every colour and every coordinate is of one thing only, and coordinates
lie where no other number does. What is found is compared with what may be found: a list of what is allowed, not of what
is not, so that a place that was computed from a hidden one is found as well.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
from collections.abc import Iterator
from functools import cache
from itertools import count
from math import ceil, floor

import msgspec

from tracker.live.messages import read_binary
from tracker.model.coarse import middle

LAT, LON = 62_000_000, 101_000_000  #: millionths of a degree; within WIDE of them lies everything
WIDE = 400_000
_MARK = re.compile(rb"zq\d{5}")
_COLOR = re.compile(rb"#[0-9a-f]{6}\b")
_NUMBER = re.compile(rb"(?<![\w.-])\d{2,3}\.\d+|(?<![\w.-])(?:6[12]|10[01])\d{6}(?![\d.])")
_DIGEST = re.compile(rb'"[0-9a-f]{18}"')  # an etag: hex may begin with eight digits
_EVENT = re.compile(rb"\b[a-z2-7]{26}\b")
_PACKED = re.compile(rb"[A-Za-z0-9_-]{16,}={0,2}")

Mark = str  #: a text's, a colour, or a coordinate as `@62000123`


class Mint:
    """Makes marks that were never there."""

    def __init__(self) -> None:
        self._texts, self._colors, self._fixes, self._corners = count(1), count(0x101010), count(1), count(1)

    def text(self, kind: str) -> str:
        return f"{kind}-zq{next(self._texts):05}"

    def color(self) -> str:
        return f"#{next(self._colors) * 7 % 0xFFFFFF:06x}"

    def jitter(self) -> int:
        """At most 90 m of latitude, in millionths."""
        return next(self._fixes) % 1600 - 800

    def corner(self) -> int:
        return next(self._corners) % 900


@cache
def place(lat: int, lon: int, cell_m: float = 0) -> frozenset[Mark]:
    """As it is, or as the cell in which it lies: which cells there are is the server's to say."""
    if not cell_m:
        return frozenset((f"@{lat}", f"@{lon}"))
    told = (value * 1e6 for value in middle(lat / 1e6, lon / 1e6, cell_m))
    return frozenset(f"@{near}" for value in told for near in (floor(value), ceil(value)))


@cache
def texts(*said: str | None) -> frozenset[Mark]:
    return frozenset(mark for text in said if text for mark in found_in(text.encode()))


def found_in(told: bytes) -> Iterator[Mark]:
    """Every mark in what was said, with what is packed in it unpacked."""
    yield from (found.decode() for found in _MARK.findall(told))
    yield from (found.decode() for found in _COLOR.findall(told.lower()))
    yield from (f"!{found.decode()}" for found in _EVENT.findall(told))
    for number in _NUMBER.findall(_DIGEST.sub(b"", told)):
        value = round(float(number) * 1e6) if b"." in number else int(number)
        if abs(value - LAT) < WIDE or abs(value - LON) < WIDE:
            yield f"@{value}"
    for packed in _PACKED.findall(told):
        with_padding = packed.rstrip(b"=") + b"=" * (-len(packed.rstrip(b"=")) % 4)
        try:
            inner = base64.b64decode(with_padding, altchars=b"-_")
        except (binascii.Error, ValueError):
            continue
        yield from (found.decode() for found in _MARK.findall(inner))


def plain(body: bytes, encoding: str = "") -> bytes:
    return gzip.decompress(body) if encoding == "gzip" else body


def spoken(message: str | bytes) -> bytes:
    """A frame of the live channel as JSON."""
    return message.encode() if isinstance(message, str) else msgspec.json.encode(read_binary(message))
