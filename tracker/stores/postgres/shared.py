"""The store of one node of several: each commits what is its own, and one of them packs for all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracker.errors import InTheWay, StoreLocked, StoreUnusable, TrackerError
from tracker.model.commit import Commit, SavedVehicle, SharedDeed
from tracker.stores import Shares
from tracker.stores.postgres import leases, packing, reads
from tracker.stores.postgres.faults import meaning
from tracker.stores.postgres.schema import MIGRATIONS, migrate, nodes_of, version_of
from tracker.stores.postgres.store import PostgresStore, connect, take_lock

if TYPE_CHECKING:
    from asyncpg import Connection

DEEDS = 1000  #: followed at once


class SharedStore(PostgresStore):
    """`node`: a name that no other run of a node has. `partitions`: how many there are to be where it is made; after
    `open` how many there are."""

    def __init__(self, url: str, node: str, partitions: int) -> None:
        super().__init__(url)
        self.node = node
        self.partitions = partitions
        self._one_round = asyncio.Lock()  # on the keeper's connection: it waits for no commit

    @property
    def _name(self) -> str:
        return self.node

    def _epochs(self, commit: Commit) -> tuple[list[int] | None, list[int]]:
        return list(commit.leases), list(commit.leases.values())

    # ------------------------------------------------------------------------------------------- being one of many

    async def _take(self) -> None:
        """The newest tables, made by one at a time. No part is this node's before it has taken it in a round."""
        self._keeper = await connect(self.place)
        async with self._keeper.transaction():
            await self._keeper.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", self.place.schema)
            version = await version_of(self._keeper, self.place)
            if version and version < len(MIGRATIONS) and await nodes_of(self._keeper, self.place):
                raise StoreLocked(f"Older nodes share {self.place}, and know only its older tables: stop them first.")
            await migrate(self._keeper, self.place)
            self.partitions = await self._keeper.fetchval("SELECT share_store($1)", self.partitions)
        await self._keeper.execute("SELECT adopt_rows()")

    async def _keep(self) -> None:
        """It needs no connection to be who it is."""

    async def lease_round(
        self,
        lease_ms: int,
        gives: Sequence[tuple[int, int]] = (),
        takes: Sequence[tuple[int, int]] = (),
        *,
        leaves: bool = False,
    ) -> Shares:
        """See `leases.lease_round`. Raises StoreError."""
        async with self._one_round:
            try:
                keeper = await self._connected()
                return await leases.lease_round(
                    keeper, self.node, len(MIGRATIONS), lease_ms, gives, takes, leaves=leaves
                )
            except Exception as error:
                if self._keeper is not None:
                    self._keeper.terminate()
                raise meaning(error, self.place) from error

    async def _connected(self) -> Connection:
        self._check()
        if self._keeper is None or self._keeper.is_closed():
            self._keeper, self._epoch = await connect(self.place), 0
        return self._keeper

    async def deeds_after(self, after: int) -> list[tuple[int, SharedDeed]]:
        """What was done after that, in order, by whichever node: the place of each."""
        try:
            return await self._picture(reads.deeds, after, DEEDS)
        except StoreUnusable as fault:
            self._gone = fault
            raise

    async def mark(self, leases: dict[int, int], place: int) -> None:
        """All vehicles of these partitions have seen what was done up to there, and what it made of them is stored."""
        async with self._writing() as connection:
            await connection.execute(
                "SELECT mark_parts($1, $2, $3, $4)", self.node, list(leases), list(leases.values()), place
            )

    async def marked(self) -> int:
        """Up to where every partition has."""
        return await self._read(reads.marked)

    async def number_vehicles(self, count: int) -> range:
        """Numbers for vehicles to come, which nobody else has."""
        async with self._writing() as connection:
            first = await connection.fetchval("SELECT next_numbers('vehicle_numbers', $1)", count)
        return range(first, first + count)

    async def load_partitions(self, some: list[int]) -> list[SavedVehicle]:
        """The vehicles in them, also those that are removed. What is read once a lease began is as it stays."""
        return await self._read(reads.vehicles_in, self.partitions, some)

    async def ping(self) -> None:
        """The smallest change there is."""
        async with self._writing() as connection:
            await connection.execute("UPDATE nodes SET until = until WHERE node = $1", self.node)

    def look_for_events(self) -> None:
        """Another node may have committed some, or given them their numbers."""
        self._unnumbered.set()

    # ------------------------------------------------------------------------------------------------ for all of them

    async def removed_unseen(self, some: list[int]) -> list[tuple[str, bool]]:
        return await self._read(reads.removed_unseen, some)

    async def does_chores(self) -> bool:
        """One node at a time, while its connection lasts; and by an epoch, as it may not know that it ended."""
        async with self._one_round:
            try:
                keeper = await self._connected()
                if not self._epoch and await take_lock(keeper, self.place):
                    self._epoch = await keeper.fetchval("SELECT take_chores()")
            except Exception as error:
                raise meaning(error, self.place) from error
            return self._epoch > 0

    def _lose(self, fault: StoreUnusable) -> TrackerError:
        """Another node packs now: this one has not lost more than that."""
        if self._gone is not None:
            return fault
        self._epoch = 0
        return InTheWay("elsewhere", "another node does this for all of them now")

    async def compact(self, now: int) -> None:
        if await self.does_chores():
            await super().compact(now)
            await self._change(packing.prune)
