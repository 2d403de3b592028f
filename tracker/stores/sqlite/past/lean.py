"""Lean: where vehicles were and when, of many at once, without the columns that "who was here" does not look at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from tracker.model.columns import NO_ALTITUDE, NOT_SAID, TYPES, Columns
from tracker.model.commit import APART
from tracker.stores.arrived import Asked
from tracker.stores.packing import DAY_MS
from tracker.stores.segments import decode, decode_only
from tracker.stores.sqlite.past import hot, log, packed
from tracker.stores.sqlite.past.picture import picture

LOOKED_AT = ("lat", "lon", "time", "taken", "speed", "accuracy")
_EMPTY = {"row": 0, "heading": NOT_SAID, "altitude": NO_ALTITUDE, "received": 0}

Wanted = tuple[int, int, int]  # n, since, until

_lengths = msgspec.json.Decoder(list[tuple[int, int, int, int]])


def fixes(connection: sqlite3.Connection, wanted: Sequence[Wanted]) -> list[Columns]:
    if not wanted:
        return []
    with picture(connection):
        below = packed.below(connection)
        parts: dict[int, list[Columns]] = {n: [] for n, _, _ in wanted}
        days = [(n, since // DAY_MS, (until - 1) // DAY_MS) for n, since, until in wanted]
        for n, columns in _segments(connection, days, below):
            parts[n].append(columns)
        first, last = min(since for _, since, _ in wanted), max(until for _, _, until in wanted)
        asked = Asked(first, last, after=below - 1, numbers=frozenset(parts))
        for place in (hot, log):
            numbers, columns = place.read(connection, asked)
            for n in np.unique(numbers).tolist():
                parts[n].append(columns.take(numbers == n).in_order())
    return [_joined([part.cut(since, until) for part in parts[n]]) for n, since, until in wanted]


def _joined(parts: list[Columns]) -> Columns:
    some = [part for part in parts if len(part)]
    if not some:
        return Columns.empty()
    fixes = some[0]
    if len(some) > 1:
        fixes = told({name: np.concatenate([getattr(part, name) for part in some]) for name in LOOKED_AT})
    sound = (np.diff(fixes.time) > 0).all() and not (fixes.taken == APART).any()
    return fixes if sound else fixes.in_order().once()


def _segments(
    connection: sqlite3.Connection, days: Iterable[tuple[int, int, int]], below: int
) -> Iterator[tuple[int, Columns]]:
    for n, r0, r1, body in bodies(connection, days):
        if r1 < below:
            yield n, _lean(body)
        elif r0 < below:
            whole = decode(body)
            yield n, whole.take(whole.row < below)


def bodies(
    connection: sqlite3.Connection, days: Iterable[tuple[int, int, int]]
) -> Iterator[tuple[int, int, int, bytes]]:
    """(n, r0, r1, body) of (n, first day, last day). In one value (see `packed`), put together as text, which in SQLite
    is bytes."""
    told, body = connection.execute(
        """SELECT json_group_array(json_array(n, r0, r1, length(body))), CAST(group_concat(body, '') AS BLOB)
            FROM (SELECT n, r0, r1, body FROM json_each(?) CROSS JOIN segments
                ON n = value ->> 0 AND day BETWEEN value ->> 1 AND value ->> 2 GROUP BY segments.id)""",
        (msgspec.json.encode(days).decode(),),
    ).fetchone()
    at = 0
    for n, r0, r1, length in _lengths.decode(told):
        yield n, r0, r1, body[at : at + length]
        at += length


def _lean(body: bytes) -> Columns:
    return told(dict(zip(LOOKED_AT, decode_only(body, *LOOKED_AT), strict=True)))


def told(known: Mapping[str, Any]) -> Columns:
    """The others say nothing, and take no room."""
    count = len(known["time"])
    arrays = (
        known[name].astype(kind, copy=False) if name in known else np.broadcast_to(kind(_EMPTY[name]), count)
        for name, kind in TYPES.items()
    )
    return Columns.from_arrays(arrays, {})
