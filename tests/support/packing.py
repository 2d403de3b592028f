"""The embedded store, of which all that is committed is compacted at once, and all events but those of the newest
commit are where they stay: what the port says holds of segments and of both places too."""

from __future__ import annotations

from tracker.model.commit import Commit
from tracker.model.events import Event
from tracker.stores import ENGINES, Finding, Store
from tracker.stores.sqlite import engine
from tracker.stores.sqlite.store import SqliteStore

NEVER = 1 << 42  #: ms: every quarter of an hour is closed, and its day is over


class PackedStore(SqliteStore):
    async def commit(self, commit: Commit) -> list[Event]:
        await self._on(self._write_thread, self._put_waiting)
        events = await super().commit(commit)
        await self.compact(NEVER)
        return events

    def _put_waiting(self) -> None:
        self._put_events(self._connection())
        self._presence.grown()


def _folder(url: str) -> str:
    return url.replace("packed:", "sqlite:", 1)


class Packed:
    """The engine."""

    def open_store(self, url: str, accept_loss: bool) -> Store:
        return PackedStore(_folder(url), accept_loss=accept_loss)

    def restore_store(self, url: str, file: str) -> str | None:
        return engine.restore_store(_folder(url), file)

    def read_store(self, url: str) -> Store:
        return engine.read_store(_folder(url))

    def backup_store(self, url: str, file: str) -> None:
        engine.backup_store(_folder(url), file)

    def examine_store(self, url: str) -> list[Finding]:
        return engine.examine_store(url)


ENGINES["packed"] = Packed
