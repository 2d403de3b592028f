"""Catching up: what viewers missed and the hub does not remember is told from the store, step by step."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Set
from typing import NamedTuple

from tracker.errors import StoreError
from tracker.history.visits import inside_then
from tracker.live.cursor import mark_of
from tracker.live.event_log import MOST, Told, with_regions
from tracker.live.viewer import PENDING, Viewer
from tracker.model.events import Event
from tracker.node import Node
from tracker.stores import EventQuery

log = logging.getLogger(__name__)

AGAIN_S = 0.05  #: before a viewer that does not read is looked at again
STORE_S = 1.0  #: before a store that cannot be read is asked again
TRIES = 10  #: to find the event of an acknowledgement
REPLAYS = 4  #: viewers continued from the store at once
REPLAYED = 1000  #: events read from the store at once


class Missed(NamedTuple):
    """What viewers missed and only the store knows: told step by step, to whoever waits for it."""

    what: str
    waiting: Callable[[], Set[Viewer]]
    tell: Callable[[Viewer], Awaitable[None]]
    served: set[Viewer]  # somebody does it already


class CatchUp:
    def __init__(
        self,
        node: Node,
        *,
        spawn: Callable[[Awaitable[None]], None],
        fail: Callable[[Viewer, Exception], None],
        wake: Callable[[], None],
    ) -> None:
        """`spawn` runs a task, `fail` lets go of a viewer after a fault of ours, `wake` is called after each viewer."""
        self.node = node
        self.hub = node.hub
        self._spawn, self._fail, self._wake = spawn, fail, wake
        self._acks = asyncio.Event()
        self._tries: Counter[str] = Counter()  # to place an acknowledgement
        self._missed = (
            Missed("events", lambda: self.hub.behind, self.replay_some, set()),
            Missed("acknowledgements", lambda: self.hub.away, self.tell_acks, set()),
        )
        self._replays = asyncio.Semaphore(REPLAYS)

    def begin(self) -> None:
        """Serve whoever waits for the store by now."""
        for missed in self._missed:
            for viewer in missed.waiting() - missed.served:
                missed.served.add(viewer)
                self._spawn(self._serve(viewer, missed))
        if self.hub.next_unplaced():
            self._acks.set()

    def leave_to_itself(self, viewer: Viewer) -> None:
        """Whoever opened it calls `replay_some` and `tell_acks`."""
        for missed in self._missed:
            missed.served.add(viewer)

    def forget_viewer(self, viewer: Viewer) -> None:
        for missed in self._missed:
            missed.served.discard(viewer)

    async def _serve(self, viewer: Viewer, missed: Missed) -> None:
        """Tell a viewer what it missed and the hub does not remember."""
        try:
            async with self._replays:
                while viewer in missed.waiting():
                    if viewer.outlet.pending > PENDING:
                        await asyncio.sleep(AGAIN_S)
                    else:
                        await missed.tell(viewer)
        except StoreError as fault:
            log.warning("%s cannot be read: %s", missed.what, fault.detail)
            await asyncio.sleep(STORE_S)
        except Exception as fault:
            self._fail(viewer, fault)
        finally:
            missed.served.discard(viewer)
            self._wake()

    async def replay_some(self, viewer: Viewer) -> None:
        hub, store, seq = self.hub, self.node.store, viewer.seq
        interest = viewer.interest
        if hub.recent.mark_of(seq) is None:
            first = await store.first_seq()
            if seq + 1 < first and viewer.seq == seq:
                hub.lose(viewer, first)
                return
            if seq >= first and not await self._is_ours(viewer):
                hub.diverge(viewer)
                return
        events = await store.events(EventQuery(after=seq, limit=REPLAYED))
        inside: dict[str, frozenset[str]] = {}
        silent = {event.vehicle for event in events if event.region is None}
        if silent and interest is not None and interest.asks_where != frozenset():
            inside = await self._inside_after(events[-1].seq, silent, interest.asks_where)
        if viewer.seq == seq and viewer.interest is interest:
            hub.replay(viewer, with_regions(events, inside))

    async def tell_acks(self, viewer: Viewer) -> None:
        """Some of what was acknowledged while a viewer was away: since the last event it has heard of was received."""
        store, away = self.node.store, self.hub.was_away(viewer)
        if away is None:
            return
        newest = await store.events(EventQuery(after=away.upto - 1, limit=1))
        since = newest[0].received_at if newest and newest[0].seq == away.upto else 0
        found = [(ack, await self._told(event)) for ack, event in await store.acknowledged(since, away.told, REPLAYED)]
        self.hub.tell_acks(viewer, away, found, more=len(found) == REPLAYED)

    async def _is_ours(self, viewer: Viewer) -> bool:
        """Whether the event a cursor ends at is in this log."""
        seq, mark = viewer.seq, viewer.mark
        found = await self.node.store.events(EventQuery(after=seq - 1, limit=1))
        return viewer.seq != seq or (bool(found) and found[0].seq == seq and mark_of(found[0].id) == mark)

    async def _inside_after(
        self, seq: int, vehicles: set[str], regions: frozenset[str] | None
    ) -> dict[str, frozenset[str]]:
        """In which of these regions the vehicles were just after an event: the first enter or exit since tells."""
        states = self.node.picture.vehicles
        now = {vehicle: set(states[vehicle].regions) if vehicle in states else set() for vehicle in vehicles}
        later = await self.node.store.events(
            EventQuery(
                after=seq,
                vehicles=frozenset(vehicles),
                regions=regions,
                kinds=frozenset({"enter", "exit"}),
                limit=MOST,
            )
        )
        for event in reversed(later):
            if event.kind == "exit":
                now[event.vehicle].add(str(event.region))
            else:
                now[event.vehicle].discard(str(event.region))
        return {vehicle: frozenset(names) for vehicle, names in now.items()}

    async def _told(self, event: Event) -> Told:
        """An event of the store, and of one without a region where its vehicle was then."""
        inside = frozenset[str]() if event.region else await inside_then(self.node.store, self.node.picture, event)
        return Told(event, inside)

    async def place_acks(self) -> None:
        """Find the event of an acknowledgement the hub does not remember, for the followers of its region."""
        await self._acks.wait()
        while (ack := self.hub.next_unplaced()) is not None:
            try:
                event = await self.node.store.event(ack.id)
                self.hub.place_ack(ack, None if event is None else await self._told(event))
            except Exception as fault:
                self._tries[ack.id] += not isinstance(fault, StoreError)  # that will pass
                if self._tries[ack.id] < TRIES:
                    self.hub.put_off(ack)
                else:
                    self.hub.place_ack(ack, None)
                    del self._tries[ack.id]
                raise
            self._tries.pop(ack.id, None)
        self._acks.clear()
