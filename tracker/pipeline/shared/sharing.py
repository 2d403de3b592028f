"""Sharing: what makes a pipeline one of several that share a store. Whoever has a store alone has none of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, NamedTuple

import msgspec

from tracker.buses import Asking
from tracker.errors import StoreError
from tracker.fleet.fleet import Fleet
from tracker.model.change import VehicleState
from tracker.model.commit import Commit, Loaded
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.pipeline.entries.batch import Answer
from tracker.pipeline.entries.inbox import Deed
from tracker.pipeline.shared.calling import Calling
from tracker.pipeline.shared.clock import SharedClock
from tracker.pipeline.shared.following import Following, deed_of
from tracker.pipeline.shared.forwarding import Forwarding
from tracker.pipeline.shared.ownership import Ownership
from tracker.pipeline.shared.passing import Passing
from tracker.pipeline.shared.questions import Called, Done, Moved, Store, decode, encode, state_of
from tracker.pipeline.shared.watching import Watching
from tracker.stores import SharedStore
from tracker.turns.lanes import Lanes

BLOCK = 100  #: numbers of vehicles to come that are asked for at once
SETTLE_S = 3.0  #: how long a start waits for every vehicle to have an owner
LEAVE_S = 3.0  #: … and a stop, for others to take over
KNOWN_S = 0.3  #: … and who did something, for others to know of it


class Statistics(NamedTuple):
    owned: int  # partitions
    living: int  # nodes
    rounds: int
    taken: int  # partitions, since the start
    lost: int  # … without having been asked for them
    asked: int  # pings that went to their owner
    answered: int  # pings of others that came here
    passed: int  # states, to each node that needs them
    spared: int  # … that other nodes do not need


class Sharing:
    def __init__(
        self,
        store: SharedStore,
        asking: Asking,
        picture: Picture,
        clock: SharedClock,
        steady: Callable[[], int],
        lanes: Lanes,
    ) -> None:
        self._store = store
        self._asking = asking
        self._picture = picture
        self.clock = clock
        self._steady = steady
        self._lanes = lanes
        self._unmarked = asyncio.Event()
        self._marked: dict[int, tuple[int, int]] = {}  # partition → its epoch, and the deed it was marked at
        self._tasks: list[asyncio.Task[None]] = []
        self.wake: Callable[[], None] = lambda: None
        self.following = Following(store, lambda: self.wake())
        self.calling = Calling(store.node, asking, lambda: self.ownership.others())
        self.ownership: Ownership
        self.forwarding: Forwarding
        self.passing = Passing(
            asking, picture, lambda name: self.ownership.knows(name), lambda name: self.ownership.partition_of(name)
        )
        self.watching: Watching
        self.hear_passed: Callable[[list[VehicleState]], list[str]]

    def join(
        self, put: Callable[[Deed[None]], asyncio.Future[None]], here: Callable[[list[Ping]], Awaitable[Answer]]
    ) -> None:
        """Into this intake go the vehicles and pings of ours."""
        self.ownership = Ownership(self._store, self._picture, self._steady, self.clock, put, self._heard)
        self.ownership.on_ready = self._adopted
        self.ownership.on_view = self._know_others
        self.ownership.on_lapse = lambda: self.watching.tell_again()
        self.forwarding = Forwarding(self.ownership, self._asking, here)
        self.watching = Watching(
            self._store.node, self._asking, self._picture, self.ownership.owner_of, lambda: self.ownership.is_owned
        )

    def _heard(self, deed: int, clock: int, asked: int, answered: int) -> None:
        self.clock.hear_time(clock, asked, answered)
        self.following.hear_place(deed)
        self._store.look_for_events()

    def _adopted(self, partitions: Collection[int]) -> None:
        self.passing.adopted(partitions)
        self.watching.wake()
        self._unmarked.set()

    def _know_others(self) -> None:
        others = self.ownership.others()
        self.passing.set_others(others.keys())
        self.watching.set_others(others)

    def statistics(self) -> Statistics:
        return Statistics(*self.ownership.counts(), self.passing.passed, self.passing.spared)

    def look_for_events(self) -> None:
        self._store.look_for_events()

    # -- start and stop -----------------------------------------------------------------------------------------------

    async def begin(self, place: int) -> None:
        """The store is open, and this is where its journal was. Raises StoreError."""
        self.following.begin(place)
        await self.ownership.ask_store()  # from now on we are counted, and know the time
        await self._asking.open(self.reply)

    def go_on(self, is_settled: Callable[[], bool]) -> None:
        """By itself, from now on. `is_settled`: have all of our vehicles seen the newest edit?"""
        work = {
            "leases": self.ownership.keep_round,
            "marks": lambda: self._mark(is_settled),
            "watching": self.watching.keep_needs,
        }
        self._tasks = [asyncio.create_task(self._lanes[name].keep(does), name=name) for name, does in work.items()]

    async def wait_for_owners(self) -> None:
        """Return when every vehicle has an owner, or soon."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while not self.ownership.is_settled:
                    await self.ownership.next_round(SETTLE_S)

    async def hand_over(self) -> None:
        """Hand over what is ours; pings that come go to their new owners."""
        self.ownership.give_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self.ownership.left.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.following.stop()
        await self.ownership.stop()
        await self.watching.stop()
        await self.passing.stop()
        await self._asking.close()

    # -- what other nodes ask -----------------------------------------------------------------------------------------

    async def reply(self, question: bytes) -> bytes:
        match decode(question):
            case Store(pings):
                return await self.forwarding.reply(pings)
            case Done(place):
                await self.following.until_told(place)
                return b""
            case Called() as called:
                return await self.calling.answer(called)
            case Moved(states):
                return encode(self.hear_passed([state_of(state) for state in states]))
            case wanted:
                await self.ownership.until_loaded(wanted.partitions)
                await self.passing.take_needs(wanted)
                return b""

    # -- what was done ------------------------------------------------------------------------------------------------

    async def until_told(self) -> None:
        """Return when those who watch know what was done before the events that were read last, or give up: who may see
        an event depends on it."""
        await self.following.until_told(self._store.deed)

    async def until_known(self) -> None:
        """Return when the other nodes know what was done up to now, or in a moment."""
        await self.calling.ask_all(encode(Done(self.following.shown)), KNOWN_S)

    # -- what the intake asks -----------------------------------------------------------------------------------------

    async def stock(self, fleet: Fleet, wanted: int) -> None:
        """Have numbers for so many new vehicles. Raises StoreError."""
        if fleet.numbers_ahead < wanted:
            fleet.give_numbers(await self._store.number_vehicles(max(wanted, BLOCK)))

    def sign(self, commit: Commit, deed: Deed[Any] | None) -> None:
        """By which epochs it may be made. Raises StoreError (fenced)."""
        vehicles = {saved.vehicle for saved in commit.vehicles} | {stored.ping.vehicle for stored in commit.pings}
        if deed is not None and not deed.is_shared:
            vehicles |= set(commit.erased)
        commit.leases = self.ownership.epochs(vehicles)
        if deed is not None and deed.is_shared:
            commit.deed = deed_of(commit, deed.now)
            commit.deed.after = self.following.shown

    def own_part(self, loaded: Loaded) -> Loaded:
        """Of what is stored, what this fleet decides about. Whether all have seen the newest edit nobody has said."""
        has = self.ownership.has
        meta = {key: value for key, value in loaded.meta.items() if key != "edit_done"}
        return msgspec.structs.replace(loaded, vehicles=[one for one in loaded.vehicles if has(one.vehicle)], meta=meta)

    def owns_all(self, pings: Iterable[Ping]) -> bool:
        return self.ownership.owns_all({ping.vehicle for ping in pings})

    # -- how far our vehicles are ------------------------------------------------------------------------------------

    def settled(self) -> None:
        """Our vehicles have seen every deed that was followed, and what it made of them is stored."""
        self._unmarked.set()

    async def _mark(self, is_settled: Callable[[], bool]) -> None:
        await self._unmarked.wait()
        self._unmarked.clear()
        if not is_settled():
            return  # and then we hear of it
        place, lasting = self.following.shown, self.following.lasting
        behind = {
            partition: epoch
            for partition, epoch in self.ownership.served().items()
            if self._marked.get(partition, (0, -1)) < (epoch, lasting)
        }
        if behind:
            try:
                await self._store.mark(behind, place)
            except StoreError as fault:
                self._unmarked.set()
                if fault.code != "fenced":
                    raise
                await self.ownership.next_round(1.0)
                return
            self._marked |= {partition: (epoch, place) for partition, epoch in behind.items()}
