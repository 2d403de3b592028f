"""Spells: when many vehicles told something, and how far they were about, by the outlines of what is packed: of a fix
itself only the time is read, and that only where there was a longer silence.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from tracker.model.columns import Array, Whole
from tracker.model.outline import BLOCK, Outline, Spells, outline_of, round_world
from tracker.stores.segments import decode, decode_only
from tracker.stores.sqlite.past import stretches
from tracker.stores.sqlite.past.looked import ALL, beginnings
from tracker.stores.sqlite.past.picture import picture
from tracker.stores.sqlite.past.stretches import Heads
from tracker.stores.sqlite.past.tracks import Recent


def spells(
    connection: sqlite3.Connection, numbers: Sequence[int], since: int, until: int, silent_ms: int, later: Recent
) -> Spells:
    with picture(connection):
        found = stretches.heads(connection, numbers, since, until, later.below)
        begins, ends = found.begins[:-1], found.begins[1:]
        silent = np.concatenate(([0], np.cumsum(found.lines["gap"] > silent_ms)))
        is_apart = (silent[ends] > silent[begins]) | (begins == ends)
        whose = np.repeat(np.arange(len(begins)), ends - begins)
        last = np.append(found.lines["since"][1:], 0).astype(np.int64)  # when the next one begins, or the segment ends
        last[ends[ends > begins] - 1] = found.last[ends > begins]
        sure = np.flatnonzero(~is_apart[whose])
        since_ = found.lines["since"][sure].astype(np.int64)
        told = _told(found.which[whose[sure]], since_, last[sure], found.lines[sure])
        for one in _apart(connection, found, np.flatnonzero(is_apart), silent_ms):
            told = told.plus(one)
    mine = np.isin(later.n, numbers) & later.fixes.told
    if mine.any():
        place = np.zeros(max(*numbers, int(later.n.max())) + 1, np.int64)
        place[[*numbers]] = np.arange(len(numbers))
        fixes = later.fixes.kept(mine)
        lat, lon = fixes.lat.astype(np.int64), fixes.lon.astype(np.int64)
        told = told.plus(Spells.between(place[later.n[mine]], fixes.time.astype(np.int64), lat, lon, silent_ms))
    return told


def _told(which: Whole, since: Whole, last: Whole, lines: Outline) -> Spells:
    """But for where nothing counts."""
    south, west, north, east = (lines[side].astype(np.int64) for side in ("south", "west", "north", "east"))
    known: Array = south <= north
    parts = which, since, last, north - south, round_world(east - west), south
    return Spells(*(one[known] for one in parts))


def _apart(connection: sqlite3.Connection, found: Heads, some: Whole, silent_ms: int) -> list[Spells]:
    """Of segments with silences: a spell from each to the next, and to where another line begins."""
    bodies = dict(beginnings(connection, dict.fromkeys(found.id[some].tolist(), ALL)))
    told = []
    for which, id, begin, end in zip(
        *(one[some].tolist() for one in (found.which, found.id, found.begins[:-1], found.begins[1:])), strict=True
    ):
        if begin == end:  # it was packed before there were outlines
            columns = decode(bodies[id])
            time, lines = columns.time, outline_of(columns)
        else:
            time, lines = decode_only(bodies[id], "time")[0], found.lines[begin:end]
        is_silent = np.append(np.diff(time) > silent_ms, True)
        starts = np.flatnonzero(np.append(True, is_silent[:-1]) | (np.arange(len(time)) % BLOCK == 0))
        nexts = np.append(starts[1:], len(time))
        last = np.where(is_silent[nexts - 1], time[nexts - 1], time[np.minimum(nexts, len(time) - 1)])
        told.append(_told(np.full(len(starts), which), time[starts], last, lines[starts // BLOCK]))
    return told
