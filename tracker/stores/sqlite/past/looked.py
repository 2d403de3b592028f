"""Looked at: what of many tracks somebody asks for who is told their outlines first. The rest is not unpacked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import compress, pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tracker.model.columns import Columns
from tracker.model.commit import APART
from tracker.model.outline import BLOCK, MOST, Excerpt, Look, Mask, Outline, Places, Whole
from tracker.stores import packing
from tracker.stores.arrived import EVER, HALF, Asked
from tracker.stores.packing import DAY_MS, STORED
from tracker.stores.segments import decode_only, steps
from tracker.stores.sqlite.past import hot, lean, log, packed
from tracker.stores.sqlite.past.lean import LOOKED_AT, Wanted
from tracker.stores.sqlite.past.picture import picture

ALL = 1 << 30  #: bytes, more than a segment has
LONG = (1 << 32) - 1  #: ms, as an outline holds it

_heads = msgspec.json.Decoder(list[tuple[int, int, int, int, int, int, int, int, int]])
_lengths = msgspec.json.Decoder(list[tuple[int, int]])
_encode = msgspec.json.encode


class Part(NamedTuple):
    """Of one vehicle a segment, or what is in none yet."""

    since: int
    last: int  # fix time
    pings: int
    lines: Outline  # STORED; none where that is not known
    place: tuple[int, int]  # its first
    id: int  # of the segment, or 0
    fixes: Columns | None


def excerpts(connection: sqlite3.Connection, wanted: Sequence[Wanted], look: Look) -> list[Excerpt]:
    with picture(connection):
        parts = _parts(connection, wanted, packed.below(connection))
        apart = [i for i, some in enumerate(parts) if _are_apart(some)]
        found = _chosen(connection, [parts[i] for i in apart], look)
        cut = [_once(one, *wanted[i][1:]) for i, one in zip(apart, found, strict=True)]
        others = [i for i in range(len(wanted)) if i not in set(apart)]
        whole = map(Excerpt.whole, lean.fixes(connection, [wanted[i] for i in others]))
    told = dict(zip((*apart, *others), (*cut, *whole), strict=True))
    return [told[i] for i in range(len(wanted))]


def _are_apart(parts: list[Part]) -> bool:
    """Does each begin after the one before has ended?"""
    last = -EVER
    for part in parts:
        if part.since <= last or not len(part.lines):
            return False
        last = part.last
    return True


def _parts(connection: sqlite3.Connection, wanted: Sequence[Wanted], below: int) -> list[list[Part]]:
    parts: list[list[Part]] = [[] for _ in wanted]
    asked = [(i, n, since // DAY_MS, (until - 1) // DAY_MS) for i, (n, since, until) in enumerate(wanted)]
    heads, outlines = connection.execute(
        """SELECT json_group_array(json_array(i, id, t0, t1, count, lat0, lon0, r1, coalesce(length(lines), 0))),
                CAST(group_concat(lines, '') AS BLOB)
            FROM (SELECT value ->> 0 AS i, segments.id, t0, t1, count, lat0, lon0, r1, outlines.body AS lines
                FROM json_each(?) CROSS JOIN segments
                ON n = value ->> 1 AND day BETWEEN value ->> 2 AND value ->> 3
                LEFT JOIN outlines ON outlines.id = segments.id)""",
        (_encode(asked).decode(),),
    ).fetchone()
    at = 0
    for i, id, since, last, pings, lat, lon, r1, length in _heads.decode(heads):
        lines = np.frombuffer(outlines or b"", STORED, (length if r1 < below else 0) // STORED.itemsize, at)
        parts[i].append(Part(since, last, pings, lines, (lat, lon), id, None))
        at += length
    numbers = frozenset(n for n, _, _ in wanted)
    ever = min(since for _, since, _ in wanted), max(until for _, _, until in wanted)
    for place in (hot, log):
        which, columns = place.read(connection, Asked(*ever, after=below - 1, numbers=numbers))
        for n in np.unique(which).tolist():
            mine = columns.take(which == n).in_order()
            for i, (_, since, until) in ((i, one) for i, one in enumerate(wanted) if one[0] == n):
                if len(fixes := mine.cut(since, until)):
                    first = int(fixes.lat[0]), int(fixes.lon[0])
                    span = int(fixes.time[0]), int(fixes.time[-1])
                    parts[i].append(Part(*span, len(fixes), packing.outline(fixes), first, 0, fixes))
    return [sorted(some, key=lambda part: part.since) for some in parts]


def _chosen(connection: sqlite3.Connection, tracks: list[list[Part]], look: Look) -> list[Excerpt]:
    parts = [part for some in tracks for part in some]
    if not parts:
        return [Excerpt.whole(Columns.empty()) for _ in tracks]
    counts = [len(part.lines) for part in parts]
    lines = np.concatenate([part.lines for part in parts])
    whose = np.repeat(np.repeat(np.arange(len(tracks)), [len(some) for some in tracks]), counts)
    ends = np.cumsum(counts)
    last = np.zeros(len(lines), np.bool_)
    last[ends - 1] = True
    rows = np.full(len(lines), BLOCK)
    rows[last] = [part.pings - BLOCK * (len(part.lines) - 1) for part in parts]
    box = lines.copy()
    last[_join(box, parts, ends - 1, whose)] = False
    choice = look.choose(box, whose, last)
    met = choice.met.copy()
    asked = np.flatnonzero(met & ~choice.sure & ~choice.skipped & (lines["end"] > 0) & are_known(lines))
    known = np.full(len(lines), -1)  # which of those asked it is
    known[asked] = np.arange(len(asked))
    places = np.empty((2, 0, BLOCK + 1), np.int32)
    if len(asked):
        places = _places(connection, parts, lines, ends, asked)
        for row in np.flatnonzero(np.isin(asked, ends - 1) & ~last[asked]).tolist():
            end = asked[row]
            next = parts[int(np.searchsorted(ends, end, "right")) + 1]
            places[:, row, rows[end] :] = np.array(next.place)[:, None]
        met[asked] = look.met(*places)
    read = look.around(met, box, whose) & ~choice.skipped

    left = np.cumsum(np.where(read, 0, rows))
    silent = np.zeros(len(lines), np.int64)
    some = np.flatnonzero(read)
    for before, after in zip(some[:-1].tolist(), some[1:].tolist(), strict=True):
        if after - before > 1:
            silent[after] = box["gap"][before:after].max()
    wanted = [part.id for part, block in zip(parts, np.split(read, ends[:-1]), strict=True) if part.id and block.any()]
    bodies = dict(beginnings(connection, dict.fromkeys(wanted, ALL)))
    found: list[list[Any]] = [[] for _ in tracks]
    for part, end in zip(parts, ends.tolist(), strict=True):
        mine = slice(end - len(part.lines), end)
        if not (chosen := read[mine]).any():
            continue
        place = known[mine][chosen]
        told = np.empty((2, len(place), BLOCK + 1), np.int32)
        told[:, place >= 0] = places[:, place[place >= 0]]
        values = _values(part, bodies.get(part.id, b""), chosen, rows[mine], told, place >= 0)
        of = np.repeat(np.arange(len(lines))[mine][chosen], rows[mine][chosen])
        found[whose[mine.start]].append((*values, left[of], silent[of]))
    return [_track(some) for some in found]


def _join(lines: Outline, parts: list[Part], at: Whole, whose: Whole) -> Whole:
    """The last line of a part goes on to the first place of the next, where that is known. Which do?"""
    own = whose[at[:-1]] == whose[at[:-1] + 1]
    at, befores, nexts = at[:-1][own], [*compress(parts, own)], [*compress(parts[1:], own)]
    silent = [min(next.since - before.last, LONG) for before, next in zip(befores, nexts, strict=True)]
    lines["gap"][at] = np.maximum(lines["gap"][at], np.array(silent, np.int64))
    most = np.maximum(lines["most"][at], lines["most"][at + 1])
    known = most < MOST
    at, places = at[known], np.array([next.place for next in nexts], np.int64).reshape(-1, 2)[known]
    lines["most"][at] = most[known]
    for which, low, high in ((0, "south", "north"), (1, "west", "east")):
        lines[low][at] = np.minimum(lines[low][at], places[:, which])
        lines[high][at] = np.maximum(lines[high][at], places[:, which])
    return at


def _values(part: Part, body: bytes, chosen: Mask, rows: Whole, told: Places, known: Mask) -> list[Any]:
    """What is looked at, of some blocks. `told`: of each a row of latitudes, and one of longitudes; some are known."""
    which = np.repeat(chosen, rows)
    if part.fixes is not None:
        return [getattr(part.fixes, name)[which] for name in LOOKED_AT]
    blocks = np.flatnonzero(chosen)
    others = decode_only(body, *LOOKED_AT[2:], blocks=blocks.tolist())
    fresh = blocks[~known]
    mine = part.lines[fresh]
    if (mine["end"] == 0).any() or not are_known(mine).all():
        return [*(one[which] for one in decode_only(body, "lat", "lon")), *others]
    if len(fresh):
        walked = np.zeros((len(fresh), 2, BLOCK), np.int32)
        steps(body, fresh.tolist(), walked)
        told[:, ~known] = placed(walked, mine)
    within = np.arange(BLOCK + 1) < rows[blocks, None]
    return [told[0][within], told[1][within], *others]


def are_known(lines: Outline) -> Mask:
    """Is the lowest place of each that of its box? Of what is never believed it is not told."""
    known: Mask = (lines["most"] < MOST) & (lines["east"].astype(np.int64) - lines["west"] < HALF)
    return known


def _track(parts: list[Any]) -> Excerpt:
    if not parts:
        return Excerpt.whole(Columns.empty())
    *values, left, silent = map(np.concatenate, zip(*parts, strict=True))
    return Excerpt(lean.told(dict(zip(LOOKED_AT, values, strict=True))), left, silent)


def _once(track: Excerpt, since: int, until: int) -> Excerpt:
    """Each fix time once, as `Columns.once` has it."""
    time = track.fixes.time
    wanted = np.flatnonzero((time >= since) & (time < until) & (track.fixes.taken != APART))
    return track.only(wanted[np.diff(time[wanted], prepend=-EVER) > 0])


def _places(connection: sqlite3.Connection, parts: list[Part], lines: Outline, ends: Whole, asked: Whole) -> Places:
    """Where the vehicles were in these blocks."""
    owners = np.searchsorted(ends, asked, "right")
    fresh = np.flatnonzero(np.diff(owners, prepend=-1)).tolist()
    blocks = {}
    for begin, end in pairwise([*fresh, len(asked)]):
        part = parts[owners[begin]]
        first = int(ends[owners[begin]]) - len(part.lines)
        blocks[part.id] = (asked[begin:end] - first).tolist(), int(lines["end"][asked[end - 1]])
    bodies = dict(beginnings(connection, {id: length for id, (_, length) in blocks.items()}))
    walked = np.zeros((len(asked), 2, BLOCK), np.int32)
    begin = 0
    for id, (which, _) in blocks.items():
        steps(bodies[id], which, walked[begin : begin + len(which)])
        begin += len(which)
    return placed(walked, lines[asked])


def placed(walked: Places, lines: Outline) -> Places:
    """Where one comes by these steps, whose lowest places are those of the lines: latitudes, then longitudes."""
    found = np.zeros((2, len(walked), BLOCK + 1), np.int32)
    np.cumsum(walked.swapaxes(0, 1), axis=2, out=found[:, :, 1:])
    found -= found.min(axis=2, keepdims=True)
    found += np.stack([lines["south"], lines["west"]])[:, :, None]
    return found


def beginnings(connection: sqlite3.Connection, wanted: dict[int, int]) -> Iterator[tuple[int, bytes]]:
    """Of these segments so many bytes. In one value (see `packed`), put together as text, which in SQLite is bytes."""
    told, bodies = connection.execute(
        """SELECT json_group_array(json_array(id, length(part))), CAST(group_concat(part, '') AS BLOB)
            FROM (SELECT segments.id, substr(body, 1, value ->> 1) AS part
                FROM json_each(?) CROSS JOIN segments ON segments.id = value ->> 0)""",
        (_encode([*wanted.items()]).decode(),),
    ).fetchone()
    at = 0
    for id, length in _lengths.decode(told):
        yield id, bodies[at : at + length]
        at += length
