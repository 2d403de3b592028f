"""A store that nodes share, as one of them sees it that has the whole fleet: `shared:…` where the other is
`postgresql:…`. Every commit says by which leases it is made."""

from __future__ import annotations

import secrets

from tracker.model.commit import Commit, Loaded
from tracker.model.events import Event
from tracker.nodes.partitions import partition_of
from tracker.stores import ENGINES, Finding, Store
from tracker.stores.backups import postgres
from tracker.stores.postgres.shared import SharedStore

PARTS = 8
LEASE_MS = 3_600_000


class WholeStore(SharedStore):
    _leases: dict[int, int]

    async def open(self) -> Loaded:
        loaded = await super().open()
        free = (await self.lease_round(LEASE_MS)).rows
        shares = await self.lease_round(LEASE_MS, takes=[(part, epoch) for part, (_, epoch) in enumerate(free)])
        assert {owner for owner, _ in shares.rows} == {self.node}
        self._leases = {part: epoch for part, (_, epoch) in enumerate(shares.rows)}
        assert await self.does_chores()
        return loaded

    async def close(self) -> None:
        if not self._closed:
            await self.lease_round(LEASE_MS, leaves=True)
        await super().close()

    async def commit(self, commit: Commit) -> list[Event]:
        names = {one.ping.vehicle for one in commit.pings} | {one.vehicle for one in commit.vehicles}
        commit.leases = {part: self._leases[part] for part in sorted({partition_of(one, PARTS) for one in names})}
        return await super().commit(commit)


def _schema(url: str) -> str:
    return url.replace("shared:", "postgresql:", 1)


class Shared:
    """The engine."""

    def open_store(self, url: str, _accept_loss: bool) -> Store:
        return WholeStore(_schema(url), f"node-{secrets.token_hex(4)}", PARTS)

    def read_store(self, url: str) -> Store:
        return postgres.read_store(_schema(url))

    def restore_store(self, url: str, file: str) -> str | None:
        return postgres.restore_store(_schema(url), file)

    def backup_store(self, url: str, file: str) -> None:
        postgres.backup_store(_schema(url), file)

    def examine_store(self, url: str) -> list[Finding]:
        return postgres.examine_store(_schema(url))


ENGINES["shared"] = Shared
