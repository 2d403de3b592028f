"""Pings as 0.1.0 kept them, each a row of `hot`: read and erased, never written. Every row is in one block."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from tracker.model.columns import NO_ALTITUDE, TYPES, Columns
from tracker.model.commit import APART
from tracker.stores.arrived import Arrived, Asked
from tracker.stores.sqlite.past.log import keep_count, last_row

BLOCK_BITS = 15  #: 32,768 rows are a block: what one look into the past reads at least

_rows = msgspec.json.Decoder(list[tuple[list[int], str | None]])
_COLUMNS = f"""n, row, t, lat, lon, coalesce(speed, -1), coalesce(heading, -1), coalesce(altitude, {NO_ALTITUDE}),
    coalesce(accuracy, -1), received, taken"""


def read(connection: sqlite3.Connection, asked: Asked) -> Arrived:
    found = connection.execute(
        f"""WITH wanted AS MATERIALIZED (SELECT value AS n FROM json_each(:numbers)),
        fixes AS MATERIALIZED (SELECT value ->> 0 AS n, value ->> 1 AS t FROM json_each(:fixes)),
        places AS MATERIALIZED (SELECT block << {BLOCK_BITS} AS first FROM blocks
            WHERE t1 >= :since AND t0 < :until AND received >= :came_since AND block << {BLOCK_BITS} < :below
                AND (block + 1) << {BLOCK_BITS} > :after + 1
                AND (:numbers IS NULL OR EXISTS (SELECT 1 FROM wanted CROSS JOIN zones USING (n)
                    WHERE zones.block = blocks.block AND zones.t1 >= :since AND zones.t0 < :until))
            ORDER BY block)
        SELECT json_group_array(json_array(json_array({_COLUMNS}), extra)) FROM (
            SELECT hot.* FROM places CROSS JOIN hot ON hot.row >= first AND hot.row < first + (1 << {BLOCK_BITS})
            WHERE row > :after AND row < :below AND t >= :since AND t < :until AND n <> 0
                AND received >= :came_since AND received < :came_until AND (:apart OR taken <> {APART})
                AND (:numbers IS NULL OR n IN (SELECT n FROM wanted))
                AND (:fixes IS NULL OR (n, t) IN (SELECT n, t FROM fixes))
            ORDER BY row LIMIT :limit)""",
        asked._asdict() | {"numbers": _text(asked.numbers), "fixes": _text(asked.fixes)},
    ).fetchone()[0]
    rows = _rows.decode(found)
    if not rows:
        return Arrived(np.empty(0, np.int64), Columns.empty())
    n, *arrays = np.array([row for row, _ in rows], np.int64).T
    extra = {at: one.encode() for at, (_, one) in enumerate(rows) if one is not None}
    kinds = (array.astype(kind) for array, kind in zip(arrays, TYPES.values(), strict=True))
    return Arrived(n, Columns.from_arrays(kinds, extra))


def pieces(connection: sqlite3.Connection, asked: Asked) -> Iterator[Arrived]:
    """The same, never much at once."""
    spans = "SELECT min(row) >> ?1, max(row) >> ?1 FROM hot WHERE row > ?2 AND row < ?3"
    first, last = connection.execute(spans, (BLOCK_BITS, asked.after, asked.below)).fetchone()
    for block in range(first, last + 1) if first is not None else ():
        begin, end = block << BLOCK_BITS, (block + 1) << BLOCK_BITS
        yield read(connection, asked._replace(after=max(asked.after, begin - 1), below=min(asked.below, end)))


def _text(numbers: Iterable[object] | None) -> str | None:
    return None if numbers is None else msgspec.json.encode(list(numbers)).decode()


def extents(connection: sqlite3.Connection, came_since: int, first: int, most: int) -> tuple[int, list[list[int]]]:
    """Of the `most` pings from row `first` on that are not APART: how many there are, and [n, south, north, west,
    east] of each vehicle. Told by SQL: there may be half a million."""
    found = connection.execute(
        f"""WITH some AS (SELECT n, lat, lon FROM blocks CROSS JOIN hot
                ON hot.row >= block << {BLOCK_BITS} AND hot.row < (block + 1) << {BLOCK_BITS}
            WHERE blocks.received >= ?1 AND hot.received >= ?1 AND row >= ?3 AND taken <> {APART} AND n <> 0
            ORDER BY row LIMIT ?2)
        SELECT coalesce(sum(count), 0), json_group_array(json_array(n, south, north, west, east)) FROM (
            SELECT n, count(*) AS count, min(lat) AS south, max(lat) AS north, min(lon) AS west, max(lon) AS east
            FROM some GROUP BY n)""",
        (came_since, most, first),
    ).fetchone()
    return found[0], msgspec.json.decode(found[1], type=list[list[int]])


def erase(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Rows stay where they are, since blocks count by them, and tell of nobody."""
    for n in numbers:
        connection.execute(
            f"""UPDATE hot SET n = 0, lat = 0, lon = 0, speed = NULL, heading = NULL, altitude = NULL, accuracy = NULL,
                extra = NULL WHERE row IN (SELECT one.row FROM blocks
                    CROSS JOIN zones ON zones.block = blocks.block AND zones.n = ?1
                    CROSS JOIN hot AS one ON one.row >= zones.block << {BLOCK_BITS}
                        AND one.row < (zones.block + 1) << {BLOCK_BITS}
                    WHERE +one.n = ?1)""",
            (n,),
        )
        connection.execute("DELETE FROM zones WHERE n = ?1 AND block IN (SELECT block FROM blocks)", (n,))


def drop(connection: sqlite3.Connection, below: int) -> None:
    """Delete the rows with a smaller number, and what is known of the blocks that went whole."""
    last = last_row(connection)
    connection.execute("DELETE FROM hot WHERE row < ?", (below,))
    connection.execute(f"DELETE FROM zones WHERE (block + 1) << {BLOCK_BITS} <= ?", (below,))
    connection.execute(f"DELETE FROM blocks WHERE (block + 1) << {BLOCK_BITS} <= ?", (below,))
    keep_count(connection, last)
