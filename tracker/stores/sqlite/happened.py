"""The newest events, as commits leave them: those of a commit are one row of `happened`, whose number is that of the
last. They are put into `events` many at once: six trees are searched by there, in each of which an event by itself
writes a page of its own, and thousands share one (decisions/events-are-put-many-at-once.md)."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence

import msgspec

from tracker.model.events import Event
from tracker.stores import EventQuery
from tracker.stores.sqlite.rows import text

PUT_AFTER = 4_000  #: that wait at most, about: the next commit waits as well while they are put

_encode = msgspec.json.Encoder().encode
_rows = msgspec.json.Decoder(list[list[Event]])
_ids = msgspec.json.Decoder(list[str])


def pack(events: Sequence[Event]) -> tuple[int | None, bytes | None]:
    """The row: its number and its body, a JSON list."""
    return (events[-1].seq, _encode(events)) if events else (None, None)


def waiting(connection: sqlite3.Connection) -> dict[str, Event]:
    """Those that are not in `events` yet, by id, ascending."""
    bodies = "SELECT json_group_array(json(CAST(body AS TEXT))) FROM (SELECT body FROM happened ORDER BY seq)"
    rows = _rows.decode(connection.execute(bodies).fetchone()[0])
    return {event.id: event for row in rows for event in row}


def put(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """All that wait, in a transaction that has begun."""
    bodies: list[bytes] = []
    rows: list[tuple[int, int, int]] = []  # seq, where its body begins, its length
    begin = 1
    for event in events:
        bodies.append(_encode(event))
        rows.append((event.seq, begin, len(bodies[-1])))
        begin += len(bodies[-1])
    connection.execute(
        """INSERT INTO events(seq, body)
            SELECT value ->> 0, CAST(substr(?2, value ->> 1, value ->> 2) AS TEXT) FROM json_each(?1)""",
        (text(rows), b"".join(bodies)),
    )
    connection.execute("DELETE FROM happened")


def asked_for(connection: sqlite3.Connection, waiting: Collection[Event], query: EventQuery) -> list[Event]:
    """Which of them a query is for, as `reads.events` says it in SQL."""
    found = [event for event in waiting if _is_asked_for(event, query)]
    if query.regions is None or not found:
        return found
    here = [event for event in found if event.region in query.regions]
    if not query.roaming or not (others := {event.vehicle for event in found if event.region is None}):
        return here
    been = query.inside | visitors(waiting, query) | _stored_visitors(connection, others, query.regions)
    return [event for event in found if event.region in query.regions or (not event.region and event.vehicle in been)]


def visitors(waiting: Iterable[Event], query: EventQuery) -> frozenset[str]:
    """Vehicles that were in one of the regions asked for."""
    return frozenset(event.vehicle for event in waiting if event.region in (query.regions or ()))


def _is_asked_for(event: Event, query: EventQuery) -> bool:
    """But for regions."""
    return (
        (query.after is None or event.seq > query.after)
        and (query.before is None or event.seq < query.before)
        and (query.since is None or event.time >= query.since)
        and (query.until is None or event.time < query.until)
        and (query.kinds is None or event.kind in query.kinds)
        and (query.vehicles is None or event.vehicle in query.vehicles)
    )


def _stored_visitors(connection: sqlite3.Connection, vehicles: Collection[str], regions: Collection[str]) -> set[str]:
    sql = """SELECT json_group_array(DISTINCT vehicle) FROM events
        WHERE vehicle IN (SELECT value FROM json_each(?)) AND region IN (SELECT value FROM json_each(?))"""
    return set(_ids.decode(connection.execute(sql, (text([*vehicles]), text([*regions]) or "[]")).fetchone()[0]))
