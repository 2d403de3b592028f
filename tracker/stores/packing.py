"""A segment as it is written: some pings of one vehicle and day, with its boxes (where it was and when) and its outline
(the same more finely)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tracker.model.columns import Columns
from tracker.model.commit import APART
from tracker.model.outline import LINE, Outline, outline_of
from tracker.stores.arrived import HALF, Arrived
from tracker.stores.segments import encode, encode_extra, page_ends

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
QUARTER_MS = 900_000  #: what came in one that lasts is not packed yet
MINUTE_MS = 60_000
BOX_MS = 6 * HOUR_MS
FEW = 2048  #: fixes that one box holds at least: what a vehicle tells that tells little shares one
HOURS = 6  #: bits of a box's id that say which of its segment's it is
WRAPPED = 32  #: added to that for the part on the other side of the antimeridian

#: a row of an outline, and how much of the segment its places need; 0: all
STORED = np.dtype([*((name, LINE[name]) for name in LINE.names or ()), ("end", "<u4")])
Days = dict[tuple[int, int], Columns]  # (n, day) → its fixes


class Packed(NamedTuple):
    """A segment as it is written: the values of its row after the id, and its boxes by which of them each is."""

    row: tuple[Any, ...]  # n, day, t0, t1, r0, r1, c0, c1, count, ends, boxes
    body: bytes
    extra: bytes
    boxes: dict[int, tuple[int, int, int, int, int, int]]
    outline: bytes


def pack(n: int, day: int, columns: Columns) -> Packed:
    """`columns`: at least one, in fix order, all of that day."""
    boxes = boxes_of(columns)
    told = columns.take(columns.taken != APART) if len(boxes) else columns
    last = int(np.searchsorted(told.time, told.time[-1]))  # of one time the first counts
    ends = [int(one) for at in (0, last) for one in (told.lat[at], told.lon[at])]
    row = (
        *(n, day, int(columns.time[0]), int(columns.time[-1])),
        *(int(columns.row.min()), int(columns.row.max())),
        *(int(columns.received.min()), int(columns.received.max())),
        *(len(columns), *ends, sum(1 << at for at in boxes)),
    )
    body = encode(columns)
    return Packed(row, body, encode_extra(columns.extra) or b"", boxes, outline(columns, page_ends(body)).tobytes())


def outline(columns: Columns, ends: Sequence[int] = ()) -> Outline:
    lines = outline_of(columns)
    found = np.zeros(len(lines), STORED)
    found[list(LINE.names or ())] = lines
    found["end"][: len(ends)] = ends
    return found


def boxes_of(columns: Columns) -> dict[int, tuple[int, int, int, int, int, int]]:
    """(west, east, south, north, since, until in minutes) of six hours each, or as many more as hold enough fixes; with
    the first fix of the next, since a vehicle is on its way there."""
    places = columns.take(columns.taken != APART)
    if not len(places):
        return {}
    begins = np.flatnonzero(np.diff(places.time // BOX_MS, prepend=-1)).tolist()
    boxes: dict[int, tuple[int, int, int, int, int, int]] = {}
    first = 0
    for begin in (*begins[1:], len(places)):
        if begin - first < FEW and begin < len(places):
            continue
        lat, lon = places.lat[first : begin + 1], places.lon[first : begin + 1]
        south, north = int(lat.min()), int(lat.max())
        span = int(places.time[first]) // MINUTE_MS, int(places.time[min(begin, len(places) - 1)]) // MINUTE_MS
        west, east = int(lon.min()), int(lon.max())
        at = len(boxes)
        if east - west > HALF:  # the shorter way is round the back, for some of them at least
            behind, before = int(lon[lon < 0].max()), int(lon[lon >= 0].min())
            if before - behind < HALF:  # and for others it is not
                behind, before = 0, 0
            boxes[at + WRAPPED] = (-HALF, behind, south, north, *span)
            west, east = before, HALF
        boxes[at] = (west, east, south, north, *span)
        first = begin
    return boxes


def worth_it(parts: Iterable[tuple[int, int]], fresh: int) -> tuple[list[int], int]:
    """Which parts (id, pings; the smallest first) of a day are packed again with so many new pings, and how many those
    hold: one that is more than twice what there is by then stays as it is."""
    chosen: list[int] = []
    held = fresh
    for id, count in parts:
        if count <= 2 * held:
            chosen.append(id)
            held += count
    return chosen, held - fresh


def by_day(arrived: Arrived) -> Days:
    order = np.lexsort((arrived.columns.row, arrived.columns.time, arrived.n))
    n, columns = arrived.n[order], arrived.columns.take(order)
    days = columns.time // DAY_MS
    fresh = np.flatnonzero((n[1:] != n[:-1]) | (days[1:] != days[:-1])) + 1
    bounds = [0, *fresh.tolist(), len(n)] if len(n) else []
    return {(int(n[begin]), int(days[begin])): columns.take(slice(begin, end)) for begin, end in pairwise(bounds)}
