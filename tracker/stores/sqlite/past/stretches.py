"""Stretches: of the segments of many vehicles the fixes of a span and the newest before, and little else: a page of
segments at a time, of each only the blocks that hold them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from tracker.model.columns import Array, Part, Whole
from tracker.model.commit import APART
from tracker.model.outline import BLOCK, Outline
from tracker.stores import blocks
from tracker.stores.arrived import EVER
from tracker.stores.blocks import Wanted
from tracker.stores.packing import DAY_MS, STORED
from tracker.stores.segments import decode_only
from tracker.stores.sqlite.past.looked import ALL, are_known, beginnings

BEFORE = 4  #: fixes before the span that are read: some may be of one time, or no places
TIMES = 2  #: bytes that a fix time takes at most, nearly always: more is read where it does not
MOST = 4  #: blocks: of who is asked for more of a segment all of it is read

_heads = msgspec.json.Decoder(list[tuple[int, int, int, int, int, int, int]])
_encode = msgspec.json.encode


class Heads(NamedTuple):
    """Segments without their bodies, by vehicle."""

    which: Whole  # of the vehicles asked for
    id: Whole
    first: Whole  # fix time
    last: Whole
    r1: Whole
    pings: Whole
    begins: Whole  # where the lines of each begin, and where the last ones end
    lines: Outline  # STORED


def heads(connection: sqlite3.Connection, numbers: Sequence[int], since: int, until: int, below: int) -> Heads:
    """Of what is in force of these vehicles, since <= fix time < until; of each in the order they were packed."""
    told, outlines = connection.execute(
        """SELECT json_group_array(json_array(place, id, t0, t1, r1, count, coalesce(length(lines), 0))),
                CAST(group_concat(lines, '') AS BLOB)
            FROM (SELECT key AS place, segments.id, t0, t1, r1, count, outlines.body AS lines
                FROM json_each(?1) CROSS JOIN segments
                ON n = value AND day BETWEEN ?2 AND ?3 AND t1 >= ?4 AND t0 < ?5 AND r0 < ?6
                LEFT JOIN outlines ON outlines.id = segments.id ORDER BY place, segments.id)""",
        (_encode([*numbers]).decode(), since // DAY_MS, (until - 1) // DAY_MS, since, until, below),
    ).fetchone()
    table = np.array(_heads.decode(told), np.int64).reshape(-1, 7).T
    begins = np.concatenate(([0], np.cumsum(table[6] // STORED.itemsize)))
    which, id, first, last, r1, pings = table[:6]
    return Heads(which, id, first, last, r1, pings, begins, np.frombuffer(outlines or b"", STORED))


def read(
    connection: sqlite3.Connection, found: Heads, heard: Whole, since: int, until: int, below: int
) -> tuple[list[Part], Whole]:
    """What there is of the span, and of what is before it the newest; and up to which fix time what was not read may
    tell of each vehicle. `heard`: when each told something last until then that is in no segment."""
    within, reaches = _chosen(found, heard, since)
    first, end = _blocks(found, since, until)
    lines = found.begins[1:] - found.begins[:-1]
    fine = (end - first <= MOST) & (found.r1 < below) & _are_fine(found, first, end)
    few, all_of = np.flatnonzero(within & fine), np.flatnonzero(within & ~fine)
    places = found.lines["end"][found.begins[few + 1] - 1] if len(few) else few
    sizes = np.where(lines[few] > 1, places + TIMES * found.pings[few] + 64, ALL)
    ids = found.id[few].tolist()
    bodies = dict(beginnings(connection, dict(zip(ids, sizes.tolist(), strict=True))))
    lowest = np.stack([found.lines["south"], found.lines["west"]], 1).astype(np.int64)
    wanted = [
        Wanted(bodies[id], a, b, lowest[begin + a : begin + b])
        for id, a, b, begin in zip(ids, *(one[few].tolist() for one in (first, end, found.begins[:-1])), strict=True)
    ]
    made, others = blocks.unpack(wanted)
    parts = _cut(made, found.which[few], first[few], reaches, since, until)
    parts += whole(connection, found, np.concatenate((few[others], all_of)), below)
    return parts, reaches


def whole(connection: sqlite3.Connection, found: Heads, some: Whole, below: int) -> list[Part]:
    """All there is of these."""
    bodies = dict(beginnings(connection, dict.fromkeys(found.id[some].tolist(), ALL)))
    parts = []
    for which, id, r1 in zip(*(one[some].tolist() for one in (found.which, found.id, found.r1)), strict=True):
        columns = decode_only(bodies[id], "time", "taken", "lat", "lon")
        if r1 >= below:
            is_packed = decode_only(bodies[id], "row")[0] < below
            columns = [column[is_packed] for column in columns]
        parts.append(Part.stored(which, *columns))
    return parts


def _chosen(found: Heads, heard: Whole, since: int) -> tuple[Array, Whole]:
    """Which are read: those that reach into the span, and of a vehicle that none of them tells where it came from that
    which ended last; and up to when the others tell of each."""
    within = found.last >= since
    told = np.zeros(len(heard), np.bool_)
    told[found.which[within & (found.first < since)]] = True
    reaches = np.full(len(heard), -EVER)
    earlier = np.flatnonzero(~within)
    earlier = earlier[np.lexsort((found.last[earlier], found.which[earlier]))]
    which, last = found.which[earlier], found.last[earlier]
    newest = np.append(which[1:] != which[:-1], True)[: len(which)]
    asked = newest & ~told[which] & (last >= heard[which])
    within[earlier[asked]] = True
    np.maximum.at(reaches, which[~asked], last[~asked])
    return within, reaches


def _blocks(found: Heads, since: int, until: int) -> tuple[Whole, Whole]:
    """Of each: first <= block < end hold the span, and what is before."""
    begins = found.begins[:-1]
    counted = [np.concatenate(([0], np.cumsum(found.lines["since"] < at)))[found.begins] for at in (since, until)]
    before, end = (one[1:] - one[:-1] for one in counted)
    first = np.maximum(before - 1, 0)
    if len(found.lines):
        line = found.lines[np.minimum(begins + first, len(found.lines) - 1)]
        close = since - line["since"] <= BEFORE * line["gap"].astype(np.int64)
        first = np.where(close, np.maximum(first - 1, 0), first)
    return first, end


def _are_fine(found: Heads, first: Whole, end: Whole) -> Array:
    """Is it known where each of the blocks is, so that they can be read alone?"""
    bad = ~are_known(found.lines) | (found.lines["end"] == 0)
    sums = np.concatenate(([0], np.cumsum(bad)))
    begins, ends = found.begins[:-1], found.begins[1:]
    single = (ends - begins == 1) & (found.pings <= BLOCK)
    fine: Array = (end > first) & (single | (sums[begins + end] == sums[begins + first]) & (ends - begins > 1))
    return fine


def _cut(made: blocks.Blocks, which: Whole, first: Whole, reaches: Whole, since: int, until: int) -> list[Part]:
    """Each segment's fixes of the span, and some before."""
    if not len(made.whose):
        return []
    rows = np.flatnonzero(np.diff(made.whose, prepend=-1))  # where each begins
    mine = made.whose[rows]
    begins = rows * BLOCK
    before, end = (np.add.reduceat((made.time < at).sum(1), rows) for at in (since, until))
    skipped = np.maximum(before - BEFORE, 0)
    flat = made.time.reshape(-1)
    left = np.flatnonzero((skipped > 0) | (first[mine] > 0))
    np.maximum.at(reaches, which[mine[left]], flat[(begins + skipped)[left]])
    columns = [one.reshape(-1) for one in (made.time, made.taken, made.lat, made.lon)]
    spans = zip(which[mine].tolist(), (begins + skipped).tolist(), (begins + end).tolist(), strict=True)
    some = [span for span in spans if span[1] < span[2]]
    if (made.taken == APART).any():
        return [Part.stored(n, *(one[begin:last] for one in columns)) for n, begin, last in some]
    _, time, lat, lon, told = Part.stored(0, *columns)
    return [Part(n, time[begin:last], lat[begin:last], lon[begin:last], told[begin:last]) for n, begin, last in some]
