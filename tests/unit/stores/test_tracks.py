"""Where many vehicles were, read while what came is being packed: a segment counts as far as the log does not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tracker.model.columns import Columns
from tracker.model.commit import APART, HELD, LIVE, StoredPing
from tracker.model.ping import Ping
from tracker.stores.sqlite.past import packed, tracks
from tracker.stores.sqlite.store import SqliteStore

DAY_MS = 86_400_000
DAY = 20_700 * DAY_MS


async def test_of_a_segment_that_is_half_in_force_only_that_half_is_told(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path))
    await store.open()
    await store.close()
    taken = [APART, LIVE, HELD, LIVE, LIVE, LIVE]
    fixes = [StoredPing(1, Ping("van", DAY + at, 60.0, 24.0), DAY, how) for at, how in enumerate(taken)]
    with closing(sqlite3.connect(tmp_path / "tracker.db", isolation_level=None)) as connection:
        packed.replace(connection, [], [packed.pack(1, DAY // DAY_MS, Columns.all_of(fixes))])
        told = []
        for below in (1, 3, 5, 7):
            connection.execute("UPDATE compacted SET below = ?", (below,))
            span = (DAY + 10, DAY + 20)
            found = tracks.tracks(connection, [1], *span, tracks.recent(connection, [1], *span))
            told.append([time - DAY for time in found.time.tolist()])
    assert told == [[], [1], [1, 3], [1, 3, 4, 5]]
