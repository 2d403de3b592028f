"""The log: the pings of each commit as one row (see stores/logged.py), in the order they came, until they are
compacted. SQL can look through `numbers`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from tracker.stores.arrived import Arrived, Asked, chosen, joined
from tracker.stores.logged import CODEC, NUMBER, RECORD, bytes_of, columns_of, extras_in, extras_of

PIECE = 1 << 16  #: pings read at once: their bodies are held a few times over
LIST = 1 << 13  #: rows listed at once
FEW = 8  #: vehicles SQL looks for in a row; of more, most rows hold one

_extras = msgspec.json.Decoder(list[tuple[int, list[tuple[int, msgspec.Raw]]]])
_pairs = msgspec.json.Decoder(list[tuple[int, int]])


def last_row(connection: sqlite3.Connection) -> int:
    """The number of the newest ping there ever was."""
    newest = "(SELECT row + count - 1 FROM log ORDER BY row DESC LIMIT 1), (SELECT max(row) FROM hot)"
    return int(connection.execute(f"SELECT coalesce({newest}, 0)").fetchone()[0])


def read(connection: sqlite3.Connection, asked: Asked) -> Arrived:
    return joined(pieces(connection, asked))


def pieces(connection: sqlite3.Connection, asked: Asked) -> Iterator[Arrived]:
    """The same, never much at once."""
    where, values = _conditions(asked)
    left, first, size = asked.limit, asked.after + 1, min(asked.limit, PIECE)
    most = min(max(asked.limit, 64), LIST)
    listed = f"SELECT json_group_array(json_array(row, count)) FROM (SELECT row, count FROM log {where} LIMIT {most})"
    rows = [(0, 0)] * most
    while len(rows) == most:
        rows = _pairs.decode(connection.execute(listed, {**values, "first": first}).fetchone()[0])
        at = 0
        while at < len(rows):
            begin, count = at, 0
            while at < len(rows) and (not count or count + rows[at][1] <= size):
                count += rows[at][1]
                at += 1
            bounds = {"first": rows[begin][0], "below": min(asked.below, sum(rows[at - 1]))}
            found = chosen(_bodies(connection, where, {**values, **bounds}), asked)
            if len(found.n) > left:
                found = found.take(slice(left))
            yield found
            left -= len(found.n)
            if not left:
                return
            size = min(4 * size, PIECE)  # few of those looked at are wanted
        first = sum(rows[-1]) if rows else 0


def _conditions(asked: Asked) -> tuple[str, dict[str, Any]]:
    """Which rows may hold some of it."""
    tests = ["row >= coalesce((SELECT max(row) FROM log WHERE row <= :first), 0)", "row + count > :first"]
    tests += ["row < :below", "t1 >= :since", "t0 < :until", "r1 >= :came_since", "r0 < :came_until"]
    values: dict[str, Any] = {
        name: getattr(asked, name) for name in ("below", "since", "until", "came_since", "came_until")
    }
    if asked.numbers is not None and len(asked.numbers) <= FEW:
        wanted = {f"n{at}": bytes_of([n]) for at, n in enumerate(sorted(asked.numbers))}
        tests.append(f"({' OR '.join(f'instr(numbers, :{name})' for name in wanted) or 'false'})")
        values |= wanted
    return f"WHERE {' AND '.join(tests)} ORDER BY row", values


def _bodies(connection: sqlite3.Connection, where: str, values: dict[str, Any]) -> Arrived:
    """Whole rows, in one value each: a row at a time would ask for the GIL as often. Put together as text, which in
    SQLite is bytes: what is told as hex has to be read with the GIL held."""
    rows, codecs, numbers, bodies, extras = connection.execute(
        f"""SELECT json_group_array(json_array(row, count)), group_concat(DISTINCT hex(substr(body, 1, 1))),
            CAST(group_concat(numbers, '') AS BLOB), CAST(group_concat(substr(body, 2), '') AS BLOB),
            json_group_array(json_array(row, json(extra))) FILTER (WHERE extra IS NOT NULL)
            FROM (SELECT row, count, numbers, body, extra FROM log {where})""",
        values,
    ).fetchone()
    spans = np.array(_pairs.decode(rows), np.int64)
    counts = spans[:, 1]
    begins = np.cumsum(counts) - counts
    n = np.frombuffer(numbers, NUMBER).astype(np.int64)
    records = np.frombuffer(bodies, RECORD) if codecs == CODEC.hex() else np.empty(0, RECORD)
    if not len(n) == len(records) == counts.sum():
        raise sqlite3.DatabaseError(f"the rows of the log from {spans[0, 0]} on are not as they were written")
    row = np.repeat(spans[:, 0] - begins, counts) + np.arange(len(n))
    extra: dict[int, bytes] = {}
    if extras != "[]":
        places = dict(zip(spans[:, 0].tolist(), begins.tolist(), strict=True))
        for one, told in _extras.decode(extras):
            extra |= {places[one] + at: bytes(raw) for at, raw in told}
    return Arrived(n, columns_of(row, records, extra))


# ---------------------------------------------------------------------------------------------- in a transaction


def drop(connection: sqlite3.Connection, below: int) -> None:
    """Delete the pings with a smaller row number. Their numbers are never given again."""
    last = last_row(connection)
    cut = connection.execute("SELECT * FROM log WHERE row < ?1 AND row + count > ?1", (below,)).fetchone()
    connection.execute("DELETE FROM log WHERE row < ?", (below,))
    if cut is not None:
        row, count, r0, r1, t0, t1, numbers, body, extra = cut
        gone = below - row
        extras = [b"[%d,%b]" % (at - gone, one) for at, one in extras_in(extra) if at >= gone]
        kept = (numbers[gone * NUMBER.itemsize :], body[:1] + body[1 + gone * RECORD.itemsize :], extras_of(extras))
        _insert(connection, (below, count - gone, r0, r1, t0, t1, *kept))
    keep_count(connection, last)


def keep_count(connection: sqlite3.Connection, last: int) -> None:
    """After the newest ping went, of here or of `hot`: one of nobody stands for its number."""
    if last_row(connection) < last:
        _insert(connection, (last, 1, 0, 0, 0, 0, bytes_of([0]), CODEC + bytes(RECORD.itemsize), None))


def erase(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Leave nothing of these vehicles; every row keeps its length and its number."""
    for n in numbers:
        wanted = bytes_of([n])
        rows = connection.execute("SELECT row FROM log WHERE instr(numbers, ?)", (wanted,)).fetchall()
        for (row,) in rows:
            whose, body, extra = connection.execute(
                "SELECT numbers, body, extra FROM log WHERE row = ?", (row,)
            ).fetchone()
            mine = np.frombuffer(whose, NUMBER) == n
            left, records = np.frombuffer(whose, NUMBER).copy(), np.frombuffer(body, RECORD, offset=1).copy()
            left[mine], records[mine] = 0, np.zeros(1, RECORD)
            extras = [b"[%d,%b]" % (at, one) for at, one in extras_in(extra) if not mine[at]]
            connection.execute(
                "UPDATE log SET numbers = ?, body = ?, extra = ? WHERE row = ?",
                (left.tobytes(), body[:1] + records.tobytes(), extras_of(extras), row),
            )


def _insert(connection: sqlite3.Connection, values: tuple[Any, ...]) -> None:
    connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
