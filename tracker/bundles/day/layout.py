"""Layout: what stands where in a fleet day: a header, parts, the directory that tells where each is, a footer."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import NamedTuple

import msgspec

from tracker.formats import Unreadable

MAGIC, END_MAGIC, VERSION = b"FLEETDAY", b"FLEETEND", 1
HOUR_MS = 3_600_000
LARGEST = 64 * 2**20  #: bytes of a part, unpacked
MOST_PARTS = 200_000
TRACK, DETAILS, EVENTS, REGIONS, VEHICLES = "track", "details", "events", "regions", "vehicles"
KINDS = (TRACK, DETAILS, EVENTS, REGIONS, VEHICLES)

_HEADER = struct.Struct("<8sHHIqq32s")  # magic, version, 0, ms of an hour, from, until, zone
_FOOTER = struct.Struct("<8sHHIqq32s")  # magic, version, 0, CRC-32, offset and bytes of the directory, its SHA-256
EDGE = _HEADER.size
assert EDGE == _FOOTER.size == 64


class Entry(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What the directory tells of a part. Of the day it may be: its `hour`; of what moved: where, and how much."""

    name: str
    kind: str
    offset: int
    bytes: int
    unpacked: int
    sha256: str
    hour: int | None = None
    group: int | None = None  # of vehicles: the track and the details of an hour have the same
    tile: str | None = None  # z/x/y of the smallest one that all of it is in
    box: list[float] | None = None  # west, south, east, north
    vehicles: int | None = None
    rows: int | None = None  # fixes, events, versions or vehicles


class Directory(msgspec.Struct, forbid_unknown_fields=True):
    day: str
    zone: str
    since: int = msgspec.field(name="from")
    until: int
    known_until: int  # what came later is not in it: the day was not over
    made_by: str
    vehicles: int
    fixes: int
    thinned: int  # vehicles of which not all fixes are kept
    gone: dict[str, int]  # UTC day → positions of it that are not kept any more
    parts: list[Entry]
    chain: str


class Footer(NamedTuple):
    offset: int
    length: int
    digest: bytes


def header(since: int, until: int, zone: str) -> bytes:
    return _HEADER.pack(MAGIC, VERSION, 0, HOUR_MS, since, until, zone.encode())


def read_header(raw: bytes) -> tuple[int, int, str]:
    """(from, until, zone). Raises Unreadable."""
    if len(raw) < EDGE or raw[:8] != MAGIC:
        raise Unreadable("header: this is no fleet day")
    _, version, zero, hour, since, until, zone = _HEADER.unpack(raw)
    if version != VERSION:
        raise Unreadable(f"header: this is version {version} of the format; this tracker reads {VERSION}")
    try:
        name = zone.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        name = ""
    if zero or hour != HOUR_MS or not name or not 0 < until - since <= 26 * HOUR_MS:
        raise Unreadable("header: it was changed: no day begins and ends like that")
    return since, until, name


def footer(directory: bytes, offset: int) -> bytes:
    told = offset, len(directory), hashlib.sha256(directory).digest()
    return _footer(zlib.crc32(_footer(0, *told)), *told)


def _footer(check: int, offset: int, size: int, digest: bytes) -> bytes:
    return _FOOTER.pack(END_MAGIC, VERSION, 0, check, offset, size, digest)


def read_footer(raw: bytes, size: int) -> Footer:
    """Of a file of so many bytes. Raises Unreadable."""
    if len(raw) < EDGE or raw[:8] != END_MAGIC:
        raise Unreadable("footer: it is cut short, or was changed: a fleet day ends with its footer")
    _, _, _, check, offset, length, digest = _FOOTER.unpack(raw)
    if raw != _footer(check, offset, length, digest) or zlib.crc32(_footer(0, offset, length, digest)) != check:
        raise Unreadable("footer: it was changed: its check sum is another")
    if offset < EDGE or length < 1 or offset + length + EDGE != size:
        raise Unreadable("footer: the directory is not where it tells: the file was cut, or something was added")
    return Footer(offset, length, digest)


def packed(content: bytes) -> bytes:
    """Raw deflate, the same at every run."""
    writer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return writer.compress(content) + writer.flush()


def unpacked(raw: bytes, most: int, name: str) -> bytes:
    """Never more than `most` bytes, whatever is packed. Raises Unreadable."""
    reader = zlib.decompressobj(-15)
    try:
        content = reader.decompress(raw, most + 1)
    except zlib.error:
        raise Unreadable(f"{name}: it cannot be unpacked") from None
    if len(content) > most or not reader.eof or reader.unused_data:
        raise Unreadable(f"{name}: it unpacks to another length than the directory tells")
    return content
