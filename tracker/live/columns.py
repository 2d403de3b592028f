"""Columns: moved vehicles as binary, 10 to 12 bytes each, the same values as the JSON rows.

A block holds rows grouped into boxes of 65,536 × 65,536 millionths of a degree, so that a place is two 16-bit numbers.
All little-endian:

    u8 widths     bits 0-1 width of n, bits 2-3 width of when (0: 1 byte, 1: 2, 2: 4, 3: 8)
    u8 0
    u16 rows, u16 boxes
    u32 n0, f64 when0                           what the columns n and when are added to
    boxes × (i16 lat_e6 >> 16, i16 lon_e6 >> 16, u16 rows)
    n[rows], when[rows]                         unsigned, of the widths above
    u16 lat_e6 & 65535 [rows], u16 lon_e6 & 65535 [rows]
    u16 mixed[rows]                             heading + 1 | state << 9 | speed_dmps >> 8 << 12
    u8 speed_dmps & 255 [rows]                  a speed of 4095 is unknown

A message holds any number of blocks, one after the other. Pure; also what reads them in the Python client.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    n: int
    when: int
    lat_e6: int
    lon_e6: int
    speed_dmps: int
    heading: int
    state: int


_HEADER = struct.Struct("<BBHHId")
_BOX = struct.Struct("<hhH")
_CODES = "BHIQ"  # array type codes by width
_SIZES = (1, 2, 4, 8)
_UNKNOWN_SPEED = 4095
_MOST = 60_000  #: rows in one block


def pack(rows: Iterable[Row]) -> bytes:
    """Rows in any order as blocks. Speeds over 409.4 m/s are told as 409.4."""
    ordered = sorted(rows, key=box)
    return b"".join([_block(ordered[start : start + _MOST]) for start in range(0, len(ordered), _MOST)])


def box(row: Row) -> tuple[int, int]:
    return row.lat_e6 >> 16, row.lon_e6 >> 16


def _block(rows: list[Row]) -> bytes:
    boxes: dict[tuple[int, int], int] = {}
    for row in rows:
        key = (row.lat_e6 >> 16, row.lon_e6 >> 16)
        boxes[key] = boxes.get(key, 0) + 1
    n, when, lat, lon, speed, heading, state = zip(*rows, strict=True)
    n0, when0 = min(n), min(when)
    n_width, when_width = width(max(n) - n0), width(max(when) - when0)
    known = [min(s, _UNKNOWN_SPEED - 1) if s >= 0 else _UNKNOWN_SPEED for s in speed]
    mixed = [h + 1 | st << 9 | s >> 8 << 12 for h, st, s in zip(heading, state, known, strict=True)]
    return b"".join(
        [
            _HEADER.pack(n_width | when_width << 2, 0, len(rows), len(boxes), n0, when0),
            *[_BOX.pack(*key, count) for key, count in boxes.items()],
            column(_CODES[n_width], [v - n0 for v in n]),
            column(_CODES[when_width], [v - when0 for v in when]),
            column("H", [v & 65535 for v in lat]),
            column("H", [v & 65535 for v in lon]),
            column("H", mixed),
            bytes([s & 255 for s in known]),
        ]
    )


def width(largest: int) -> int:
    return 0 if largest < 1 << 8 else 1 if largest < 1 << 16 else 2 if largest < 1 << 32 else 3


def column(code: str, values: list[int]) -> bytes:
    told = array(code, values)
    if sys.byteorder == "big":
        told.byteswap()
    return told.tobytes()


def read_column(code: str, data: bytes) -> array[int]:
    told = array(code)
    told.frombytes(data)
    if sys.byteorder == "big":
        told.byteswap()
    return told


def unpack(data: bytes) -> list[Row]:
    """The rows of all blocks. Raises ValueError when they are cut off."""
    rows: list[Row] = []
    at = 0
    try:
        while at < len(data):
            at = _read_block(data, at, rows)
    except (struct.error, IndexError):
        raise ValueError("the columns are cut off") from None
    return rows


def _read_block(data: bytes, at: int, rows: list[Row]) -> int:
    widths, _, count, boxes, n0, when0 = _HEADER.unpack_from(data, at)
    at += _HEADER.size
    places: list[tuple[int, int]] = []
    for _ in range(boxes):
        lat, lon, inside = _BOX.unpack_from(data, at)
        at += _BOX.size
        places.extend([(lat << 16, lon << 16)] * inside)
    columns: list[array[int]] = []
    for size in (widths & 3, widths >> 2 & 3, 1, 1, 1, 0):
        end = at + count * _SIZES[size]
        if end > len(data) or len(places) != count:
            raise IndexError
        columns.append(read_column(_CODES[size], data[at:end]))
        at = end
    base = round(when0)
    for (lat, lon), n, when, y, x, mixed, low in zip(places, *columns, strict=True):
        speed = mixed >> 12 << 8 | low
        rows.append(
            Row(
                n0 + n,
                base + when,
                lat + y,
                lon + x,
                -1 if speed == _UNKNOWN_SPEED else speed,
                (mixed & 511) - 1,
                mixed >> 9 & 7,
            )
        )
    return at
