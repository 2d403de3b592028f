"""Events that wait: found as those in the table are, and each once."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest

from tracker.model.events import Event
from tracker.stores import EventQuery
from tracker.stores.sqlite import happened, reads, schema


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(";".join(schema.MIGRATIONS))
        yield connection


def made(count: int) -> list[Event]:
    dice = random.Random(7)
    regions = ("a", "b", "c", None)
    return [
        Event(
            f"e{n}", dice.choice(("enter", "exit")), f"v{dice.randrange(6)}", n + dice.randrange(9), n, "moved", 1.0, 2.0,
            dice.choice(regions), seq=n,
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


def keep(connection: sqlite3.Connection, events: list[Event]) -> None:
    if events:
        connection.execute("INSERT INTO happened VALUES (?, ?)", happened.pack(events))


def queries() -> Iterator[EventQuery]:
    dice = random.Random(3)
    for _ in range(300):
        some = {
            name: dice.random() < 0.4 for name in ("after", "before", "since", "until", "kinds", "vehicles", "regions")
        }
        asked: dict[str, Any] = {
            name: dice.randrange(60) for name in ("after", "before", "since", "until") if some[name]
        }
        sets = {
            "kinds": frozenset(dice.sample(("enter", "exit", "alarm"), 2)),
            "vehicles": frozenset(dice.sample([f"v{n}" for n in range(7)], dice.randrange(4))),
            "regions": frozenset(dice.sample("abcd", dice.randrange(3))),
        }
        inside = frozenset(dice.sample(["v0", "v1", "v2"], dice.randrange(2)))
        told: dict[str, Any] = {name: value for name, value in sets.items() if some[name]}
        yield EventQuery(**asked, **told, roaming=dice.random() < 0.5, inside=inside, limit=dice.choice((1, 5, 100)))


def test_whether_events_wait_or_are_put_the_same_are_found(connection: sqlite3.Connection) -> None:
    events = made(60)
    happened.put(connection, events)
    expected = [(query, reads.events(connection, query)) for query in queries()]
    assert sum(bool(found) for _, found in expected) > 100
    for put in (0, 30, 59):
        connection.execute("DELETE FROM events")
        happened.put(connection, events[:put])
        keep(connection, events[put : put + 1])
        keep(connection, events[put + 1 :])
        for query, found in expected:
            assert reads.events(connection, query) == found, query
        assert [reads.event(connection, event.id) for event in events] == events
        assert (reads.first_seq(connection), reads.last_seq(connection)) == (1, 60)


def test_an_event_that_was_put_while_somebody_reads_is_found_once(connection: sqlite3.Connection) -> None:
    events = made(20)
    happened.put(connection, events[:15])
    waiting = {event.id: event for event in events[10:]}
    assert reads.events(connection, EventQuery(), lambda _: waiting) == events
    assert reads.events(connection, EventQuery(before=13, limit=5), lambda _: waiting) == events[11:6:-1]


def test_what_is_put_is_what_was_kept_and_nothing_waits_any_more(connection: sqlite3.Connection) -> None:
    event = msgspec.structs.replace(made(1)[0], vehicle="Zoë \u2028 \U0001f69a", detail={"why": {"edge_m": -14.2}})
    keep(connection, [event])
    waiting = happened.waiting(connection)
    assert waiting == {"e1": event}
    happened.put(connection, waiting.values())
    assert happened.waiting(connection) == {}
    assert reads.events(connection, EventQuery()) == [event] == [reads.event(connection, "e1")]


def test_a_file_without_events_begins_at_the_first(connection: sqlite3.Connection) -> None:
    assert (reads.first_seq(connection), reads.last_seq(connection)) == (1, 0)
    assert happened.pack([]) == (None, None)
