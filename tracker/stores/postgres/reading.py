"""The same schema, only read: beside the server that uses it, or without one."""

from __future__ import annotations

from tracker.errors import StoreError
from tracker.model.commit import Commit, Loaded
from tracker.model.events import Event
from tracker.stores.postgres import reads
from tracker.stores.postgres.schema import MIGRATIONS, newer, version_of
from tracker.stores.postgres.store import PostgresStore


class Reading(PostgresStore):
    async def _begin(self) -> Loaded:
        await self._open_readers()
        version = await self._read(version_of, self.place)
        if version is None:
            raise StoreError(f"There is no data in {self.place}: name the schema of a tracker.", "no_data")
        if version > len(MIGRATIONS):
            raise newer(self.place, version)
        if version < len(MIGRATIONS):
            raise StoreError(
                f"{self.place} was written by an older tracker (schema {version}). Start the server on it once: "
                "that brings it up to date.",
                "store_older",
            )
        return await self._read(reads.load)

    async def commit(self, commit: Commit) -> list[Event]:  # noqa: ARG002
        raise AssertionError("it was opened to be read only")
