"""The same file, only read: beside the server that uses it, or without one. Nothing is locked, moved or written."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tracker.errors import StoreError
from tracker.model.commit import Commit, Loaded
from tracker.model.events import Event
from tracker.stores.sqlite import happened, reads
from tracker.stores.sqlite.faults import at_start
from tracker.stores.sqlite.schema import MIGRATIONS, check, connect
from tracker.stores.sqlite.store import READERS, SqliteStore


class Reading(SqliteStore):
    def _open(self) -> Loaded:
        if not self.path.is_file():
            raise StoreError(f"There is no data in {self.folder}: name the folder of a tracker.", "no_data")
        with at_start(self.path), closing(connect(self.path)) as first:
            if (version := check(first, self.path)) < len(MIGRATIONS):
                raise StoreError(
                    f"{self.path} was written by an older tracker (schema {version}). Start the server on it once, or "
                    "on a copy of it: that brings it up to date.",
                    "store_older",
                )
            self._spare = [self._reader() for _ in range(READERS)]
            return reads.load(first)

    def _close(self) -> None:
        self._read_threads.shutdown()
        for reader in self._readers:
            reader.close()

    def _waiting_events(self, connection: sqlite3.Connection) -> dict[str, Event]:
        return happened.waiting(connection)

    async def commit(self, commit: Commit) -> list[Event]:  # noqa: ARG002
        raise AssertionError("it was opened to be read only")
