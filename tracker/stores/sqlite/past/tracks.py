"""Where many vehicles were, some of them at a time and yet as of one moment: what the log holds is read once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tracker.model.columns import SILENT_MS, Array, Part, Tracks, Whole
from tracker.stores.arrived import EVER, Arrived, Asked
from tracker.stores.sqlite.past import hot, log, packed, stretches
from tracker.stores.sqlite.past.picture import picture


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
    begin, below = since - SILENT_MS, later.below
    fresh = list(_recent(later, numbers))
    heard = _newest(Tracks.joined(len(numbers), (part.cut(begin, since + 1) for part in fresh)), since)
    with picture(connection):
        found = stretches.heads(connection, numbers, begin, until, below)
        parts, reaches = stretches.read(connection, found, heard, since, until, below)
        made = Tracks.joined(len(numbers), (part.cut(begin, until) for part in (*parts, *fresh)))
        doubtful = (reaches >= begin) & (_newest(made, since) <= reaches)
        if doubtful.any():  # what was read of them before the span is no place, or of one time with what was not
            parts = [part for part in parts if not doubtful[part.which]]
            parts += stretches.whole(connection, found, np.flatnonzero(doubtful[found.which]), below)
            made = Tracks.joined(len(numbers), (part.cut(begin, until) for part in (*parts, *fresh)))
    return made


def _newest(made: Tracks, since: int) -> Whole:
    """When each was somewhere last, until then."""
    if not len(made.time):
        return np.full(len(made.begins) - 1, -EVER)
    until = np.concatenate(([0], np.cumsum(made.time <= since)))
    count = until[made.begins[1:]] - until[made.begins[:-1]]
    return np.where(count > 0, made.time[made.begins[:-1] + count - 1], -EVER)


def _recent(later: Recent, numbers: Sequence[int]) -> Iterator[Part]:
    begins, ends = (np.searchsorted(later.n, numbers, side).tolist() for side in ("left", "right"))
    for at, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        if begin < end:
            yield later.fixes.kept(slice(begin, end))._replace(which=at)
