"""Who may have been near a place, and when: by the boxes of segments, and by the fixes that are in none yet.

It may say too much, never too little: the line from each fix to the next is in a box as well. Where the next is in
another segment, its two ends are looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from tracker.stores import Box
from tracker.stores.arrived import EVER, HALF, Asked
from tracker.stores.packing import DAY_MS, HOURS, MINUTE_MS
from tracker.stores.sqlite.past import log, packed
from tracker.stores.sqlite.past.picture import picture

LINE_MS = 300_000  #: two fixes further apart say nothing of what lies between them

ENDS = "n, t0, t1, lat0, lon0, lat1, lon1"

Span = tuple[int, int]

_rows = msgspec.json.Decoder(list[tuple[int, ...]])


def near(connection: sqlite3.Connection, boxes: Sequence[Box], since: int, until: int) -> dict[int, list[Span]]:
    """Number of a vehicle → spans of fix time (both ends in it, ascending, apart) in which it may have been in one of
    the boxes, or on its way through."""
    steps = [tuple(round(degrees * 1e7) for degrees in box) for box in boxes]
    found: dict[int, list[Span]] = {}
    with picture(connection):
        for n, first, last in (*_indexed(connection, steps, since, until), *_others(connection, steps, since, until)):
            if last >= since and first < until:
                found.setdefault(n, []).append((first, last))
    return {n: _merged(spans) for n, spans in sorted(found.items())}


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _told(connection: sqlite3.Connection, columns: str, sql: str, values: Sequence[int]) -> list[tuple[int, ...]]:
    told = connection.execute(f"SELECT json_group_array(json_array({columns})) FROM ({sql})", values).fetchone()[0]
    return _rows.decode(told)


def _indexed(
    connection: sqlite3.Connection, boxes: list[tuple[int, ...]], since: int, until: int
) -> list[tuple[int, ...]]:
    found = []
    for west, south, east, north in boxes:
        found += _told(
            connection,
            "n, first, last",
            f"""SELECT n, since * {MINUTE_MS} AS first, (until + 1) * {MINUTE_MS} - 1 AS last
                FROM boxes CROSS JOIN segments ON segments.id = boxes.id >> {HOURS}
                WHERE east >= ?1 AND south <= ?4 AND west <= ?3 AND north >= ?2 AND until >= ?5 AND since <= ?6""",
            (west, south, east, north, since // MINUTE_MS, until // MINUTE_MS),
        )
    return found


def _others(
    connection: sqlite3.Connection, boxes: list[tuple[int, ...]], since: int, until: int
) -> Iterator[tuple[int, ...]]:
    """From segment to segment, and what is in none."""
    since, until = since - LINE_MS, until + LINE_MS
    below = packed.below(connection)
    ends: dict[int, tuple[int, int, int]] = {}  # n → time and place of the newest fix in a segment
    for n, t0, t1, lat0, lon0, lat1, lon1 in _told(
        connection,
        ENDS,
        f"""SELECT {ENDS} FROM vehicles CROSS JOIN segments USING (n)
            WHERE day BETWEEN ?3 AND ?4 AND t1 >= ?1 AND t0 < ?2 AND boxes <> 0 ORDER BY n, t0""",
        (since, until, since // DAY_MS, until // DAY_MS),
    ):
        time, lat, lon = ends.get(n, (-EVER, 0, 0))
        if t0 <= time:  # late ones: who knows between which they lie
            yield n, t0 - LINE_MS, min(t1, time) + LINE_MS
        elif t0 - time <= LINE_MS and _touches(boxes, (lat, lat0), (lon, lon0)):
            yield n, time - LINE_MS, t0 + LINE_MS  # what is APART may be nearer than what is told
        if t1 >= time:
            ends[n] = t1, lat1, lon1
    old = _told(
        connection,
        "n, t0, t1",
        """SELECT n, zones.t0, zones.t1 FROM blocks CROSS JOIN zones USING (block)
            WHERE (block + 1) << 15 > ?3 AND zones.t1 >= ?1 AND zones.t0 < ?2""",
        (since, until, below),
    )
    yield from old
    unknown = {n for n, _, _ in old}
    yield from _uncompacted(connection, boxes, Asked(since, until, after=below - 1, apart=False), ends, unknown)


def _uncompacted(
    connection: sqlite3.Connection,
    boxes: list[tuple[int, ...]],
    asked: Asked,
    ends: dict[int, tuple[int, int, int]],
    unknown: set[int],
) -> Iterator[tuple[int, ...]]:
    numbers, columns = log.read(connection, asked)
    order = np.lexsort((columns.time, numbers))
    numbers, columns = numbers[order], columns.take(order)
    bounds = [*np.flatnonzero(np.diff(numbers, prepend=-1)).tolist(), len(numbers)]
    for begin, end in pairwise(bounds):
        n, mine = int(numbers[begin]), columns.take(slice(begin, end))
        before, lat, lon = ends.get(n, (-EVER, 0, 0))
        if late := int(np.searchsorted(mine.time, before, "right")):
            yield n, int(mine.time[0]) - LINE_MS, int(mine.time[late - 1]) + LINE_MS
            mine = mine.take(slice(late, None))
            if not len(mine):
                continue
        lats, lons = [int(mine.lat.min()), int(mine.lat.max())], [int(mine.lon.min()), int(mine.lon.max())]
        if mine.time[0] - before <= LINE_MS:
            lats, lons = [*lats, lat], [*lons, lon]
        if n in unknown or _touches(boxes, lats, lons):
            yield n, int(mine.time[0]) - LINE_MS, int(mine.time[-1])


def _touches(boxes: list[tuple[int, ...]], lats: Sequence[int], lons: Sequence[int]) -> bool:
    south, north, west, east = min(lats), max(lats), min(lons), max(lons)
    round_the_back = east - west > HALF
    return any(
        north >= box[1] and south <= box[3] and (round_the_back or (east >= box[0] and west <= box[2])) for box in boxes
    )
