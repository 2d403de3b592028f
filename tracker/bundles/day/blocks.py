"""Blocks: an hour of some vehicles as bytes: columns of differences, a plane of bytes each, lowest first."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.formats import Unreadable

MOST_PLANES = 7
MOST_ROWS = 4_000_000  #: fixes in a block: so much memory at most is taken by one that nobody should trust
DEEPEST = 22  #: zoom of the smallest tile
#: of where vehicles were, and of what else they said
TRACK_COLUMNS = ("time", "lat", "lon", "taken")
DETAIL_COLUMNS = ("speed", "heading", "altitude", "accuracy", "delay")

Whole = npt.NDArray[np.int64]
_LENGTH = struct.Struct("<I")


class Column(msgspec.Struct, array_like=True):
    name: str
    planes: int
    first: int


class Head(msgspec.Struct, omit_defaults=True):
    vehicles: list[int]  # numbers: places in the list of vehicles, from 0
    counts: list[int]  # fixes of each
    columns: list[Column]
    extra: dict[str, Any] = {}  # place of a fix in this block → what few say


class Block(NamedTuple):
    head: Head
    columns: dict[str, Whole]


def pack(vehicles: list[int], counts: list[int], columns: Mapping[str, Any], extra: Mapping[int, bytes] = {}) -> bytes:
    if sum(counts) > MOST_ROWS:
        raise Unreadable(f"more than {MOST_ROWS:,} fixes of an hour would be in one part of the file")
    told: list[Column] = []
    planes: list[bytes] = []
    for name, column in columns.items():
        values = column.astype(np.int64)
        steps = np.diff(values, prepend=values[:1])
        zigzag = ((steps << 1) ^ (steps >> 63)).astype(np.uint64)
        count = max(1, -(-int(zigzag.max(initial=0)).bit_length() // 8))
        told.append(Column(name, count, int(values[0]) if len(values) else 0))
        planes += [(zigzag >> np.uint64(8 * plane)).astype(np.uint8).tobytes() for plane in range(count)]
    head = msgspec.json.encode(Head(vehicles, counts, told, {str(at): msgspec.Raw(one) for at, one in extra.items()}))
    return b"".join([_LENGTH.pack(len(head)), head, *planes])


def unpack(content: bytes, name: str) -> Block:
    """Raises Unreadable."""
    try:
        length = _LENGTH.unpack_from(content)[0]
        head = msgspec.json.decode(content[4 : 4 + length], type=Head)
    except (struct.error, msgspec.MsgspecError, ValueError, RecursionError):
        raise Unreadable(f"{name}: its head cannot be read") from None
    rows, planes = sum(head.counts), sum(one.planes for one in head.columns)
    fine = len(head.vehicles) == len(head.counts) and min([0, *head.counts, *head.vehicles]) >= 0
    fine = fine and all(1 <= one.planes <= MOST_PLANES and abs(one.first) < 1 << 55 for one in head.columns)
    if not fine or rows > MOST_ROWS or 4 + length + rows * planes != len(content):
        raise Unreadable(f"{name}: its columns are not as long as its head tells")
    body = np.frombuffer(content, np.uint8, offset=4 + length).reshape(planes, rows)
    columns: dict[str, Whole] = {}
    at = 0
    for one in head.columns:
        zigzag = np.zeros(rows, np.int64)
        for plane in range(one.planes):
            zigzag |= body[at + plane].astype(np.int64) << (8 * plane)
        columns[one.name] = one.first + np.cumsum((zigzag >> 1) ^ -(zigzag & 1))
        at += one.planes
    return Block(head, columns)


def box_of(lat: npt.NDArray[Any], lon: npt.NDArray[Any]) -> list[float] | None:
    """West, south, east, north of places in 1e-7 degrees; what is at (0, 0) is none."""
    there = (lat != 0) | (lon != 0)
    if not there.any():
        return None
    lat, lon = lat[there], lon[there]
    return [int(one) / 1e7 for one in (lon.min(), lat.min(), lon.max(), lat.max())]


def tile_of(box: list[float] | None) -> str:
    """The smallest of the web's tiles that all of a box is in, as z/x/y."""
    if box is None:
        return "0/0/0"
    west, north = _place(box[0], box[3])
    east, south = _place(box[2], box[1])
    zoom = DEEPEST
    while (west, north) != (east, south):
        west, north, east, south, zoom = west >> 1, north >> 1, east >> 1, south >> 1, zoom - 1
    return f"{zoom}/{west}/{north}"


def _place(lon: float, lat: float) -> tuple[int, int]:
    """On the finest grid. A tile there is 10 m wide; beyond 85.05° there is only the edge."""
    count = 1 << DEEPEST
    lat = math.radians(max(-85.05, min(85.05, lat)))
    x, y = (lon + 180) / 360, (1 - math.asinh(math.tan(lat)) / math.pi) / 2
    return min(count - 1, int(x * count)), min(count - 1, int(y * count))


def morton(lat: int, lon: int) -> int:
    """Sorts places (1e-7 degrees) so that near ones mostly stay together."""
    x, y = (lon + 1_800_000_000) >> 12, (lat + 900_000_000) >> 12
    return sum(((x >> bit & 1) << (2 * bit)) | ((y >> bit & 1) << (2 * bit + 1)) for bit in range(20))
