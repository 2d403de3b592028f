"""A store of Python lists that several nodes share, as `tracker.stores.SharedStore` says it: leases, a journal of what
people did, marks, numbers in blocks. What it is asked can be made to fail.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import msgspec

from tests.support.leasing import Database
from tests.support.lists import Kept, ListStore
from tracker.errors import StoreError
from tracker.model.commit import Commit, Loaded, SavedVehicle, SharedDeed
from tracker.model.events import Event
from tracker.nodes.leases import Round, Row, Terms
from tracker.nodes.partitions import partition_of
from tracker.stores import Shares

_encode = msgspec.json.Encoder().encode
_deed = msgspec.json.Decoder(SharedDeed).decode


class Place:
    """What is stored, and the time there is for everybody."""

    def __init__(self, now: int, partitions: int = 64) -> None:
        self.now = now
        self.kept = Kept()
        self.leases = Database(partitions, Terms().lease_ms)
        self.journal: list[bytes] = []  # the deed of place 1 comes first
        self.lasting = 0
        self.marks = [0] * partitions
        self.numbers = 0  # given
        self.erased: set[int] = set()  # … and never given again
        self.stores: list[SharedList] = []

    def refuse(self, node: str, leases: dict[int, int]) -> None:
        living = node in self.leases.living(self.now)
        if not living or not all(self.leases.commits(node, *one) for one in leases.items()):
            raise StoreError("the lease of this node is over", "fenced")

    def write_deed(self, deed: SharedDeed) -> None:
        if deed.after != len(self.journal):
            raise StoreError("another deed came first", "outrun")
        if deed.lasts and min(self.marks) < self.lasting:
            raise StoreError("the deed before has not reached every vehicle", "outrun")
        self.journal.append(_encode(msgspec.structs.replace(deed, after=0)))
        if deed.lasts:
            self.lasting = len(self.journal)


class SharedList(ListStore):
    """`fails`: of a method, how often it still does, and `fault` how. `gate`: commits wait for it."""

    at_once = False

    def __init__(self, place: Place, node: str) -> None:
        super().__init__("")
        self.place = place
        self.node = node
        self.partitions = len(place.marks)
        self.fails: Counter[str] = Counter()
        self.fault = StoreError("the database is away")
        self.asked: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self._some = asyncio.Event()
        self._heard = self.deed = 0

    @property
    def _kept(self) -> Kept:
        if not self._open:
            raise StoreError("the store is closed", "stopping")
        return self.place.kept

    async def _ask(self, what: str) -> None:
        await asyncio.sleep(0)
        self.asked[what] += 1
        if self.fails[what]:
            self.fails[what] -= 1
            raise self.fault
        _ = self._kept

    async def open(self) -> Loaded:
        self._open = True
        self.place.stores.append(self)
        loaded = await self.load()
        self._heard = loaded.last_seq
        self._some.set()
        return loaded

    async def close(self) -> None:
        self._open = False

    async def load(self) -> Loaded:
        await self._ask("load")
        loaded = await super().load()
        loaded.deed = len(self.place.journal)
        return loaded

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        await self._ask("reload")
        return await super().reload(vehicles)

    async def ping(self) -> None:
        await self._ask("ping")

    async def commit(self, commit: Commit) -> list[Event]:
        await self.gate.wait()
        await self._ask("commit")
        place = self.place
        place.refuse(self.node, commit.leases)
        for n, name in [(one.n, one.vehicle) for one in commit.vehicles] + [
            (one.n, one.ping.vehicle) for one in commit.pings
        ]:
            assert partition_of(name, self.partitions) in commit.leases, "a commit names the partitions it is of"
            known = place.kept.vehicles.get(name)
            if known is not None and known.n != n and name not in commit.erased:
                raise StoreError(f"{name} has two numbers")
        if commit.deed:
            place.write_deed(commit.deed)
        place.erased |= {self._kept.vehicles[name].n for name in commit.erased if name in self._kept.vehicles}
        commit = msgspec.structs.replace(commit, vehicles=[one for one in commit.vehicles if one.n not in place.erased])
        events = self._write(commit)
        self._some.set()
        return events

    # -- events: numbered by whoever asks, told to each node -----------------------------------------------------------

    def look_for_events(self) -> None:
        self._some.set()

    async def number_events(self) -> list[Event]:
        while True:
            await self._some.wait()
            self._some.clear()
            await self._ask("number_events")
            self._number()
            if fresh := self._kept.events[self._heard :]:
                self._heard += len(fresh)
                self.deed = len(self.place.journal)
                return fresh

    # -- being one of several ------------------------------------------------------------------------------------------

    async def lease_round(
        self,
        lease_ms: int,
        gives: Sequence[tuple[int, int]] = (),
        takes: Sequence[tuple[int, int]] = (),
        *,
        leaves: bool = False,
    ) -> Shares:
        await self._ask("lease_round")
        assert lease_ms == self.place.leases.lease_ms, "all nodes have leases of one length"
        view = self.place.leases.take_round(Round(self.node, 0, gives, takes, leaves), self.place.now)
        return Shares(view.living, [_plain(row) for row in view.rows], len(self.place.journal), self.place.now)

    async def load_partitions(self, some: list[int]) -> list[SavedVehicle]:
        await self._ask("load_partitions")
        kept = self._kept.vehicles
        return [one for name, one in kept.items() if partition_of(name, self.partitions) in some]

    async def removed_unseen(self, some: list[int]) -> list[tuple[str, bool]]:
        await self._ask("removed_unseen")
        seen = min(self.place.marks[one] for one in some)
        deeds = [deed for _, deed in await self.deeds_after(seen)]
        return [(name, name in deed.erased) for deed in deeds for name in deed.removed]

    async def number_vehicles(self, count: int) -> range:
        await self._ask("number_vehicles")
        self.place.numbers += count
        return range(self.place.numbers - count + 1, self.place.numbers + 1)

    async def deeds_after(self, after: int) -> list[tuple[int, SharedDeed]]:
        await self._ask("deeds_after")
        return [(place, _deed(body)) for place, body in enumerate(self.place.journal, 1) if place > after]

    async def mark(self, leases: dict[int, int], place: int) -> None:
        await self._ask("mark")
        self.place.refuse(self.node, leases)
        for one in leases:
            self.place.marks[one] = max(self.place.marks[one], place)

    async def marked(self) -> int:
        await self._ask("marked")
        return min(self.place.marks)


def _plain(row: Row) -> tuple[str | None, int]:
    return row.owner, row.epoch
