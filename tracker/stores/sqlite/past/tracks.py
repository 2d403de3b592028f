"""Where many vehicles were, some of them at a time and yet as of one moment: what the log holds is read once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tracker.model.columns import SILENT_MS, Array, Part, Tracks, Whole
from tracker.stores.segments import decode_only
from tracker.stores.sqlite.past import hot, log, packed
from tracker.stores.sqlite.past.arrived import Arrived, Asked, picture
from tracker.stores.sqlite.past.lean import bodies
from tracker.stores.sqlite.past.packed import DAY_MS


class Recent(NamedTuple):
    """What is not packed, by vehicle, in order."""

    below: int  # rows under this one are in segments
    n: Whole
    fixes: Part


def recent(connection: sqlite3.Connection, numbers: Sequence[int], since: int, until: int) -> Recent:
    with picture(connection):
        below = packed.below(connection)
        few = frozenset(numbers) if len(numbers) <= log.FEW else None
        asked = Asked(since - SILENT_MS, until, after=below - 1, numbers=few, apart=False)
        found = [_bare(one) for one in (hot.read(connection, asked), *log.pieces(connection, asked))]
    n, time, taken, lat, lon = (np.concatenate(one) for one in zip(*found, strict=True))
    order = np.lexsort((time, n))
    return Recent(below, n[order], Part.stored(0, time[order], taken[order], lat[order], lon[order]))


def _bare(found: Arrived) -> tuple[Array, ...]:
    n, columns = found
    return n, columns.time, columns.taken, columns.lat, columns.lon


def tracks(connection: sqlite3.Connection, numbers: Sequence[int], since: int, until: int, later: Recent) -> Tracks:
    """Of these, in this order."""
    place = {n: at for at, n in enumerate(numbers)}
    days = [(n, since // DAY_MS, (until - 1) // DAY_MS) for n in numbers]
    found = [*_packed(connection, days, later.below, place), *_recent(later, numbers)]
    before = (since - SILENT_MS) // DAY_MS, since // DAY_MS - 1
    heard = _heard(found, since)
    silent = [(n, *before) for n, at in place.items() if at not in heard]
    found = [*_packed(connection, silent, later.below, place), *found]
    return Tracks.joined(len(numbers), (part.cut(since - SILENT_MS, until) for part in found))


def _heard(found: list[Part], since: int) -> set[int]:
    """Who surely told where it was on this day, and by then: what is not packed may be of the day before."""
    today = [part.cut(since // DAY_MS * DAY_MS, since + 1) for part in found]
    doubtful = {part.which for part in today if not part.told.all()}
    return {part.which for part in today if len(part.time)} - doubtful


def _packed(
    connection: sqlite3.Connection, days: list[tuple[int, int, int]], below: int, place: dict[int, int]
) -> Iterator[Part]:
    for n, r0, r1, body in bodies(connection, days):
        if r0 >= below:
            continue
        columns = decode_only(body, "time", "taken", "lat", "lon")
        if r1 >= below:
            is_packed = decode_only(body, "row")[0] < below
            columns = [column[is_packed] for column in columns]
        yield Part.stored(place[n], *columns)


def _recent(later: Recent, numbers: Sequence[int]) -> Iterator[Part]:
    begins, ends = (np.searchsorted(later.n, numbers, side).tolist() for side in ("left", "right"))
    for at, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        if begin < end:
            yield later.fixes.kept(slice(begin, end))._replace(which=at)
