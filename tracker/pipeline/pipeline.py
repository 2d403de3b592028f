"""Pipeline: the one way into the fleet, from outside.

    request → inbox → fleet → store.commit: durable → bus.publish → relay: picture and hub → the sender's answer
                                            └ store.number_events: visible → bus.publish → events

`intake` is the order of it. Everything that can change the fleet is an entry of one `journal`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tracker.buses import Bus
from tracker.errors import Overloaded, StoreUnusable
from tracker.fleet.fleet import Fleet
from tracker.model.change import Change, Registered
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.model.records import Actor, Record
from tracker.nodes.audience import Within
from tracker.nodes.interest import Needs
from tracker.pipeline import deeds
from tracker.pipeline.clocks import Clocks
from tracker.pipeline.entries.batch import Answer, Batch, total
from tracker.pipeline.entries.inbox import Deed
from tracker.pipeline.evaluation import Evaluation
from tracker.pipeline.intake import Intake, Statistics
from tracker.pipeline.missed import Missed, as_stored
from tracker.pipeline.relay import Relay
from tracker.pipeline.saves import Save, new_id, take_together
from tracker.pipeline.shared.sharing import Sharing
from tracker.pipeline.shared.telling import Telling
from tracker.regions.importing import read_regions
from tracker.regions.region import Region
from tracker.stores import Store
from tracker.turns.lanes import Lane

CHUNK = 500  #: pings applied in one go: about 5 ms of the loop

log = logging.getLogger(__name__)

T = TypeVar("T")


class Pipeline:
    """`submit` and the edits return after the commit; by then what they changed can be read, but for events without a
    number.

    All of them raise Overloaded, StoreError or StoreFull when nothing was changed and it is worth trying again.
    """

    def __init__(
        self,
        fleet: Fleet,
        store: Store,
        bus: Bus,
        picture: Picture,
        *,
        clock: Callable[[], int],
        steady: Callable[[], int] | None = None,  # ms; never set: shows when the other was
        on_change: Callable[[Change], None] | None = None,
        on_lost: Callable[[Change], None] | None = None,
        relay: Lane | None = None,
        numbering: Lane | None = None,
        missing: Lane | None = None,
        sharing: Sharing | None = None,
        inbox_limit: int = 100_000,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._bus = bus
        self._picture = picture
        self._clocks = Clocks(clock, steady)
        self._sharing = sharing
        telling = None
        if sharing:
            following = sharing.following
            telling = Telling(picture, sharing.passing, following.hear_place, sharing.look_for_events)
            telling.place, telling.until_told = lambda: following.shown, sharing.until_told
        self._relay = Relay(bus, on_change or picture.apply, on_lost or picture.apply, relay or Lane("relay"), telling)
        self._numbering = numbering or Lane("numbering")
        self._missing = missing or Lane("missing")
        self._missed = Missed(
            store, picture, fleet.settings, self._clocks.now, self._relay.make_up, only_positions=sharing is not None
        )
        self._evaluation = Evaluation(fleet)
        self._intake = Intake(fleet, store, self._clocks, self._evaluation, self._relay, sharing)
        if sharing:
            sharing.join(self._intake.put, self._submit_here)
            sharing.wake = self._intake.wake
            sharing.hear_passed = lambda states: self._relay.hear_passed(states, self._missed)
            sharing.watching.read_stored = self._missed.read_stored
            sharing.watching.is_behind = lambda: self._missed.is_behind
            self._missed.marked = sharing.following.marked
            self._missed.on_read = sharing.watching.wake
            self._evaluation.on_settled = sharing.settled
        self._limit = inbox_limit
        self._refused = 0
        self._one_edit = asyncio.Lock()  # at a time
        self._edits = 0  # that wait for it …
        self._saves: deque[Save] = deque()  # … and regions to be saved
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------------------------------------- start and stop

    async def start(self) -> list[Record]:
        """Open store and bus, and go on where the last run ended; answers what is kept of those who may come in. Raises
        StoreLocked, StoreError."""
        assert not self._tasks, "it has started already"
        await self._bus.open()
        heard = self._bus.listen()  # interest first, then what is stored: nothing falls between
        try:
            loaded = await self._store.open()
        except BaseException:
            await self._bus.close()
            raise
        try:
            if self._sharing:
                await self._sharing.begin(loaded.deed)
        except BaseException:
            await self._bus.close()
            await self._store.close()
            raise
        self._clocks.begin()
        try:
            stored = as_stored(loaded, self._fleet.settings, self._intake.now()) if self._sharing else None
            self._fleet.restore(self._sharing.own_part(loaded) if self._sharing else loaded, self._intake.now())
        except Exception as fault:
            log.debug("could not read what is stored", exc_info=fault)
            await self._bus.close()
            await self._store.close()
            raise StoreUnusable(
                f"What is stored cannot be read ({type(fault).__name__}: {fault}): it is damaged. "
                "Restore a backup: tracker restore FILE.",
                "store_damaged",
            ) from fault
        self._picture.begin(stored or self._fleet.snapshot(), loaded.last_seq)
        now = self._intake.now()
        if misread := self._fleet.take_misread(now):
            self._intake.put(deeds.Reread(now, self._fleet, misread))
        self._tasks = [
            asyncio.create_task(self._intake.run(), name="intake"),
            asyncio.create_task(self._relay.hear(heard, self._missed), name="relay"),
            asyncio.create_task(self._numbering.keep(lambda: self._relay.number(self._store)), name="numbering"),
            asyncio.create_task(self._missing.keep(self._missed.catch_up), name="missing"),
        ]
        if self._sharing:
            self._sharing.go_on(lambda: self._evaluation.is_settled)
        self._missed.begin(loaded.records)
        return loaded.records

    async def wait_for_owners(self) -> None:
        """Return when every vehicle has an owner, where nodes share them, or soon."""
        if self._sharing:
            await self._sharing.wait_for_owners()

    def hears(self, needs: Needs) -> bool:
        """Does the picture show of this what is committed, at whichever node?"""
        return self._sharing is None or self._sharing.watching.hears(needs)

    async def hear_of(self, needs: Needs, *, once: bool = False) -> None:
        """Return when it does, or in a moment; it goes on doing so while somebody watches (`look`), or (`once`) for a
        while."""
        if self._sharing:
            await self._sharing.watching.hear_of(needs, once=once)

    def on_look(self, viewers: Callable[[], Iterable[Needs]], within: Within) -> Callable[[], None]:
        """`viewers`: what those who watch need; `within` finds the vehicles of cells. Answers what to call when they
        need something else without `hear`."""
        if self._sharing is None:
            return lambda: None
        self._sharing.watching.viewers = viewers
        self._sharing.watching.within = self._sharing.passing.within = within
        return self._sharing.watching.look_again

    async def hand_over(self) -> None:
        """Hand them over to other nodes."""
        if self._sharing:
            await self._sharing.hand_over()

    async def stop(self) -> None:
        """Whatever was submitted is committed or refused when this returns; bus and store are closed."""
        if self._sharing:
            await self._sharing.hand_over()
        self._intake.stop()
        if self._tasks:
            intake, _, numbering, missing = self._tasks
            await intake
            numbering.cancel()
            missing.cancel()
        if self._sharing:
            await self._sharing.stop()
        await self._bus.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._store.close()

    def statistics(self) -> Statistics:
        return self._intake.statistics(self._refused)

    # --------------------------------------------------------------------------------------------------- pings

    async def submit(self, pings: list[Ping]) -> Answer:
        """Store the pings of one request. When it raises, some may be stored: sent again they are duplicates."""
        return await _answered(self.offer(pings))

    def offer(self, pings: list[Ping]) -> list[asyncio.Future[Answer]]:
        """`submit` without waiting for the answers, which come in order."""
        if self._sharing and not self._sharing.owns_all(pings):
            return [asyncio.ensure_future(self._sharing.forwarding.store(pings))]
        return self._offer_here(pings)

    async def _submit_here(self, pings: list[Ping]) -> Answer:
        return await _answered(self._offer_here(pings))

    def _offer_here(self, pings: list[Ping]) -> list[asyncio.Future[Answer]]:
        intake = self._intake
        if intake.waiting and intake.waiting + len(pings) > self._limit:
            self._refused += len(pings)
            raise Overloaded(f"{intake.waiting} positions wait to be stored already; try again in a second")
        now = intake.now_of_messages()  # of all chunks: no timer goes off between them
        if len(pings) <= CHUNK:
            return [intake.put(Batch(now, pings))]
        # Chunks in fix order decide what the whole would have decided: nothing in a later one is older.
        pings = sorted(pings, key=lambda ping: ping.time)
        return [intake.put(Batch(now, pings[begin : begin + CHUNK])) for begin in range(0, len(pings), CHUNK)]

    # --------------------------------------------------------------------------------------------------- regions

    async def save_regions(
        self,
        features: list[dict[str, Any]],
        *,
        expect: dict[str, int | None] | None = None,
        create_only: bool = False,
        by: Actor | None = None,
    ) -> list[tuple[dict[str, Any], bool]]:
        """Create or replace regions, all or none; answers each Feature as stored, and whether it is new.

        Returns when every live vehicle was evaluated against them. A Feature without an id is given one. `expect`
        says which version an id must have (None: any). Raises Invalid, Conflict.
        """
        regions = await asyncio.to_thread(read_regions, features, self._clocks.now(), new_id)
        saved = await self.put_regions(regions, expect=expect, create_only=create_only, by=by)
        return [(region.feature(), created) for region, created in saved]

    async def put_regions(
        self,
        regions: list[Region],
        *,
        expect: dict[str, int | None] | None = None,
        create_only: bool = False,
        by: Actor | None = None,
    ) -> list[tuple[Region, bool]]:
        """The same of regions that were read already, and they are what it answers."""
        save = Save(regions, expect or {}, create_only)
        save.by = by
        self._check_room()
        self._saves.append(save)
        try:
            async with self._one_edit:  # the journal has the next when the last has reached every vehicle
                if save.done is None:
                    await self._evaluation.settled()
                    self._put_saves(take_together(self._saves))
                assert save.done is not None
                await asyncio.wait([save.done])
                if not save.done.exception():
                    await self._everywhere()
        finally:
            if save in self._saves:
                self._saves.remove(save)
        return save.result()

    def _put_saves(self, saves: list[Save]) -> None:
        done = self._intake.put(deeds.SaveRegions(self._intake.now_of_deed(), self._fleet, saves))
        for save in saves:
            save.done = done

    async def delete_region(self, id: str, *, expect: int | None = None, by: Actor | None = None) -> None:
        """Raises NotFound, Conflict."""
        self._check_room()
        self._edits += 1
        try:
            async with self._one_edit:
                await self._evaluation.settled()
                await self._put(deeds.DeleteRegion(self._intake.now_of_deed(), self._fleet, id, expect), by)
                await self._everywhere()
        finally:
            self._edits -= 1

    # ------------------------------------------------------------------------------------------ vehicles and events

    async def register(self, entry: Registered, by: Actor | None = None, what: str = "vehicle.save") -> Registered:
        """Keep what people say of a vehicle; `what` the audit calls it."""
        self._check_room()
        await self._put(deeds.Register(self._intake.now(), self._fleet, entry, what), by)
        await self._known()
        return entry

    async def remove_vehicle(
        self,
        id: str,
        *,
        history: bool = False,
        also: Callable[[], list[Record]] = list,
        by: Actor | None = None,
    ) -> None:
        """Take a vehicle off the map and out of the register. Its history stays, unless that is to be erased too, with
        these records `also`. Raises NotFound."""
        self._check_room()
        goes = also if history else None
        await self._put(deeds.RemoveVehicle(self._intake.now_of_deed(), self._fleet, self._picture, id, goes), by)
        await self._everywhere()

    async def ack(self, event_id: str, by: str | None, actor: Actor | None = None) -> Event:
        """Acknowledge an event, or (`by` None) take that back; answers it as it is then. Raises NotFound."""
        self._check_room()
        event = await self._put(deeds.Acknowledge(self._intake.now(), event_id, by), actor)
        await self._known()
        return event

    async def tell_events(self, events: list[Event], by: Actor | None = None) -> None:
        """Keep what another system decided; those that are known by their ids are not kept twice."""
        self._check_room()
        await self._put(deeds.TellEvents(self._intake.now(), events), by)

    # ------------------------------------------------------------------------------------------------- who may come in

    async def keep_records(self, plan: deeds.Plan) -> None:
        """Keep what `plan` says in its turn; in force everywhere when this returns. Raises what `plan` raises."""
        self._check_room()
        await self._intake.put(deeds.KeepRecords(self._intake.now(), plan))
        await self._known()

    async def _known(self) -> None:
        """Wait until other nodes have followed what was done, so that who goes on at another one is known there."""
        if self._sharing:
            await self._sharing.until_known()

    async def _everywhere(self) -> None:
        """Wait until every vehicle has seen what lasts, at other nodes as well. Raises StoreError."""
        if self._sharing:
            await self._sharing.following.everywhere(self._sharing.following.lasting)

    def _put(self, deed: Deed[T], by: Actor | None) -> asyncio.Future[T]:
        deed.by = by
        return self._intake.put(deed)

    def _check_room(self) -> None:
        if (waiting := self._intake.entries + self._edits + len(self._saves)) > self._limit:
            raise Overloaded(f"{waiting} changes wait already; try again in a second")


async def _answered(parts: list[asyncio.Future[Answer]]) -> Answer:
    """One answer to the chunks of a request."""
    answers = [await part for part in parts]
    return answers[0] if len(answers) == 1 else total(answers)
