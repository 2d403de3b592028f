"""Ownership: which vehicles are this node's to decide about. Asked of the database in rounds; those of a partition are
loaded before it is served and dropped when it is not, in the intake's turn like everything that touches the fleet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from tracker.errors import Overloaded, StoreError, TrackerError
from tracker.fleet.fleet import Fleet, Step
from tracker.model.change import Change
from tracker.model.commit import Commit, SavedVehicle
from tracker.model.picture import Picture
from tracker.nodes.leases import Leases, Row, Terms, View
from tracker.nodes.partitions import partition_of
from tracker.pipeline.entries.inbox import Deed
from tracker.stores import SharedStore, Store

AGAIN_S = 0.1  #: before what could not be loaded is tried once more
LOADED_S = 1.0  #: how long another node waits for what is ours to be loaded
KNOWN = 1 << 18  #: vehicles whose partition is remembered

log = logging.getLogger(__name__)


class Adopt(Deed[None]):
    """Vehicles of partitions that are this node's from now on; as they were stored once the lease had begun."""

    is_shared = False
    is_urgent = True

    def __init__(
        self, now: int, store: SharedStore, picture: Picture, partitions: list[int], then: Callable[[], None]
    ) -> None:
        super().__init__(now)
        self._then = then
        self._store = store
        self._picture = picture
        self._partitions = partitions
        self._saved: list[SavedVehicle] = []
        self._removed: list[tuple[str, bool]] = []

    async def prepare(self, _store: Store) -> None:
        self._saved = await self._store.load_partitions(self._partitions)
        self._removed = await self._store.removed_unseen(self._partitions)

    def decide(self, fleet: Fleet) -> Step | None:
        live = fleet.adopt(self._saved, self.now)
        step = Step(Commit(), Change(), [])
        known = {saved.vehicle for saved in self._saved}
        for name, is_erased in self._removed:  # nobody knows whether who owned it had done so
            if name in live:
                entry = fleet.register_entries.get(name)  # said of it since
                did = fleet.remove_vehicle(name, self.now)
                if entry is not None:
                    fleet.register(entry)
                step.commit.vehicles += did.commit.vehicles
                step.commit.events += did.commit.events
            elif is_erased and name not in known and partition_of(name, self._store.partitions) in self._partitions:
                step.commit.erased.append(name)  # with what its owner told of it without having heard
        seen = self._picture.vehicles.get  # what its last owner did may have been told to nobody
        states = (fleet.vehicles[name].published() for name in live if name in fleet.vehicles)
        step.change.moved += [state for state in states if seen(state.ping.vehicle) != state]
        return step

    def answer(self) -> None:
        self._then()


class Drop(Deed[None]):
    """Somebody else decides about these partitions, or will."""

    is_shared = False
    is_urgent = True

    def __init__(self, now: int, is_gone: Callable[[str], bool]) -> None:
        super().__init__(now)
        self._is_gone = is_gone

    def decide(self, fleet: Fleet) -> Step | None:
        fleet.drop(self._is_gone)
        return None

    def answer(self) -> None:
        pass


class Ownership:
    def __init__(
        self,
        store: SharedStore,
        picture: Picture,
        steady: Callable[[], int],
        now: Callable[[], int],
        put: Callable[[Deed[None]], asyncio.Future[None]],
        heard: Callable[[int, int, int, int], None],
    ) -> None:
        """`heard`: the newest deed, the database's clock, and our steady one before and after."""
        self._store = store
        self._picture = picture
        self._steady = steady
        self._now = now
        self._put = put
        self._heard = heard
        self._terms = Terms()
        self._leases = Leases(store.node, self._terms)
        self._partitions: dict[str, int] = {}
        self._gives: set[int] = set()  # partitions that are to be given up in the next round
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self.changed = asyncio.Condition()  # there was a round
        self.left = asyncio.Event()
        self._loaded = asyncio.Event()
        self.on_ready: Callable[[Collection[int]], None] = lambda _partitions: None
        self.on_view: Callable[[], None] = lambda: None  # a round has said how everything is
        self.on_lapse: Callable[[], None] = lambda: None  # … and others may have thought that this node is gone
        self._renewed = 0  # when the newest round that was answered was asked
        self._rounds = self._taken = self._lost = 0
        self.asked = self.answered = 0

    @property
    def me(self) -> str:
        return self._store.node

    def counts(self) -> tuple[int, int, int, int, int, int, int]:
        """The first of the Statistics (sharing.py)."""
        leases = self._leases
        return len(leases.owned()), len(leases.living), self._rounds, self._taken, self._lost, self.asked, self.answered

    # -- rounds -------------------------------------------------------------------------------------------------------

    async def keep_round(self) -> None:
        """Wait until one is due, and ask. Raises StoreError."""
        wait_s = (self._leases.due - self._steady()) / 1000
        if wait_s > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
        await self.ask_store()

    async def ask_store(self) -> None:
        asked = self._leases.ask(self._steady())
        lease_ms = self._terms.lease_ms
        try:
            async with asyncio.timeout(lease_ms / 1000):
                shares = await self._store.lease_round(lease_ms, asked.gives, asked.takes, leaves=asked.leaves)
        except TimeoutError:
            raise StoreError("The database did not answer in the time of a lease.") from None
        self._heard(shares.deed, shares.clock, int(asked.sent), self._steady())
        turn = self._leases.take_view(asked, View(shares.living, [Row(*row) for row in shares.rows]))
        self._rounds += 1
        self._taken += len(turn.gained)
        given = [place for place in turn.lost if place in self._gives]
        self._gives.difference_update(given)
        if lost := [place for place in turn.lost if place not in given]:
            self._lost += len(lost)
            log.warning("another node decides about %d of %d parts of the fleet: this one was not heard in time",
                len(lost), self._store.partitions,
            )  # fmt: skip
            self._begin(self._give(lost))
        if turn.stops:
            self._begin(self._give(turn.stops))
        if turn.gained:
            self._begin(self._adopt(dict(turn.gained)))
        if self._leases.has_left:
            self.left.set()
        if self._steady() - self._renewed > self._terms.safe_ms:
            self.on_lapse()
        self._renewed = int(asked.sent)
        self.on_view()
        self._loaded.set()  # or they are another's now
        async with self.changed:
            self.changed.notify_all()

    async def next_round(self, seconds: float) -> None:
        """Return after the next one, or when these seconds are over."""
        try:
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait()
        except TimeoutError:
            pass

    def give_up(self) -> None:
        """Everything is to be somebody else's."""
        if turn := self._leases.give_up().stops:
            self._begin(self._give(turn))
        self._wake.set()

    @property
    def is_settled(self) -> bool:
        """Does somebody take every ping?"""
        leases, now = self._leases, self._steady()
        return bool(leases.living) and all(
            leases.owner_of(place, now) is not None for place in range(self._store.partitions)
        )

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hurry(self) -> None:
        """Something says that what is known is old: ask at once."""
        self._wake.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="hand over")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _adopt(self, gained: dict[int, int]) -> None:
        """Until it is done, or they are not ours any more."""
        while mine := [place for place, epoch in gained.items() if self._leases.owned().get(place) == epoch]:
            try:
                await self._put(
                    Adopt(self._now(), self._store, self._picture, mine, partial(self._ready, gained, mine))
                )
            except Exception as fault:  # whatever it is: without this nobody would take these vehicles
                log.log(
                    logging.DEBUG if isinstance(fault, TrackerError) else logging.ERROR,
                    "could not load %d parts of the fleet", len(mine), exc_info=fault,
                )  # fmt: skip
                await asyncio.sleep(AGAIN_S)
                continue
            return

    def _ready(self, gained: dict[int, int], some: list[int]) -> None:
        for place in some:
            self._leases.ready(place, gained[place])
        self.on_ready(some)
        self._loaded.set()

    async def _give(self, some: list[int]) -> None:
        gone = set(some)
        while True:
            try:
                await self._put(
                    Drop(self._now(), lambda name: self.partition_of(name) in gone and not self._serves(name))
                )
                break
            except TrackerError:
                await asyncio.sleep(AGAIN_S)
        for place in some:
            if self._leases.drained(place):
                self._gives.add(place)
        self._wake.set()

    def _serves(self, vehicle: str) -> bool:
        """It was given up and taken again meanwhile, and is loaded; whether the lease lasts just now or not."""
        return self._leases.epoch_of(self.partition_of(vehicle), float("-inf")) is not None

    # -- whose ---------------------------------------------------------------------------------------------------------

    def partition_of(self, vehicle: str) -> int:
        place = self._partitions.get(vehicle)
        if place is None:
            if len(self._partitions) >= KNOWN:
                self._partitions.clear()
            place = self._partitions[vehicle] = partition_of(vehicle, self._store.partitions)
        return place

    def others(self) -> dict[str, frozenset[int]]:
        """The other nodes that live, and what they own."""
        return {node: owned for node, owned in self._leases.owned_by().items() if node != self.me}

    @property
    def is_owned(self) -> bool:
        """Does every vehicle have an owner who lives, and are ours in memory?"""
        leases = self._leases
        owned = leases.owned_by()
        return sum(map(len, owned.values())) == self._store.partitions and all(map(leases.is_known, leases.owned()))

    async def until_loaded(self, partitions: list[int]) -> None:
        """Return when all of these are ours and their vehicles in memory. Raises Overloaded: they are not, for now."""
        leases = self._leases
        if any(place not in leases.owned() for place in partitions):  # others may have heard of it before us
            await self.next_round(LOADED_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOADED_S):
                while any(place in leases.owned() and not leases.is_known(place) for place in partitions):
                    self._loaded.clear()
                    await self._loaded.wait()
        if not all(map(leases.is_known, partitions)):
            raise Overloaded("this node does not own these vehicles, or has not loaded them yet", code="no_owner")

    def owner_of(self, vehicle: str) -> str | None:
        return self._leases.owner_of(self.partition_of(vehicle), self._steady())

    def owns_all(self, vehicles: Iterable[str]) -> bool:
        """Are all of them this node's to take now?"""
        now, epoch_of = self._steady(), self._leases.epoch_of
        return all(epoch_of(self.partition_of(one), now) is not None for one in vehicles)

    def has(self, vehicle: str) -> bool:
        """Are its vehicles in memory, as far as is known?"""
        return self._leases.is_loaded(self.partition_of(vehicle))

    def knows(self, vehicle: str) -> bool:
        """Does nobody know better how it is? Also when it is about to be given up."""
        return self._leases.is_known(self.partition_of(vehicle))

    def epochs(self, vehicles: Iterable[str]) -> dict[int, int]:
        """By which to commit something of these. Raises StoreError (fenced)."""
        found: dict[int, int] = {}
        now = self._steady()
        for place in sorted({self.partition_of(one) for one in vehicles}):
            epoch = self._leases.may_commit(place, now)
            if epoch is None:
                raise StoreError("Another node takes these vehicles over: send the same again.", "fenced")
            found[place] = epoch
        return found

    def served(self) -> dict[int, int]:
        """Partitions whose vehicles are here, and their epochs."""
        return self._leases.owned(ready=True)
