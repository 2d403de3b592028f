"""A few fixes of a long past: as many days are read as hold them, and what is told is the same."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tracker.model.columns import Columns
from tracker.model.commit import LIVE, StoredPing
from tracker.model.ping import Ping
from tracker.stores import packing
from tracker.stores.sqlite.past import packed, questions
from tracker.stores.sqlite.store import SqliteStore

DAY_MS = 86_400_000
DAYS = [20_000, 20_001, 20_002, 20_300, 20_301, 20_700]  # and long silence between
FIXES = 10  # of each
LAST = 1 << 62


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    store = SqliteStore(str(tmp_path))
    await store.open()
    await store.close()
    with closing(sqlite3.connect(tmp_path / "tracker.db", isolation_level=None)) as connection:
        for place, day in enumerate(DAYS):
            times = [day * DAY_MS + at * 8_000_000 for at in range(FIXES)]
            told = Columns.all_of([StoredPing(1, Ping("van", time, 60.0, 24.0), time, LIVE) for time in times])
            told.row[:] = np.arange(FIXES) + place * FIXES + 1
            packed.replace(connection, [], [packing.pack(1, day, told)])
        connection.execute("INSERT INTO vehicles(n, id, state) VALUES (1, 'van', x'')")
        connection.execute("UPDATE compacted SET below = 1000")
        yield connection


def test_a_track_is_told_in_pages_as_it_is_at_once(past: sqlite3.Connection) -> None:
    whole = questions.track(past, 1, 0, LAST, None, 1000)
    assert len(whole) == len(DAYS) * FIXES
    for limit in (1, 3, 10, 11, 37, 60):
        paged: list[StoredPing] = []
        while page := questions.track(past, 1, 0, LAST, paged[-1].ping.time if paged else None, limit):
            paged += page
        assert paged == whole
    since, until = DAYS[2] * DAY_MS + 1, DAYS[3] * DAY_MS + 1
    assert questions.track(past, 1, since, until, None, 1000) == whole[21:31]
    assert questions.track(past, 1, DAYS[1] * DAY_MS, DAYS[3] * DAY_MS, None, 1000) == whole[10:30]


def test_of_a_few_fixes_no_more_days_are_read_than_hold_them(
    past: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    columns = questions.columns

    def counted(*asked: int) -> Columns:
        found = columns(*asked)  # type: ignore[arg-type]
        read.append(len(found))
        return found

    monkeypatch.setattr(questions, "columns", counted)
    assert len(questions.track(past, 1, 0, LAST, None, 1)) == 1
    assert len(questions.track(past, 1, DAYS[2] * DAY_MS + DAY_MS, LAST, None, 1)) == 1
    assert read == [FIXES, FIXES]
    assert questions.track(past, 1, 0, DAYS[0] * DAY_MS, None, 5) == []
