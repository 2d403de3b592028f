"""Relay: what is committed reaches every node, this one too, its picture and viewers; events when they are visible."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from tracker.buses import Bus, Gap, Heard
from tracker.model.change import Change, VehicleState
from tracker.pipeline.missed import Missed
from tracker.pipeline.shared.telling import Telling
from tracker.stores import Store
from tracker.turns.lanes import Lane

log = logging.getLogger(__name__)


class Relay:
    """`telling`: where several nodes share a store. They follow what was done there and read their events there."""

    def __init__(
        self,
        bus: Bus,
        on_change: Callable[[Change], None],
        on_lost: Callable[[Change], None],
        lane: Lane,
        telling: Telling | None = None,
    ) -> None:
        self._bus = bus
        self._on_change = on_change
        self._on_lost = on_lost
        self._lane = lane
        self._telling = telling

    async def publish(self, change: Change) -> None:
        if self._telling is None:
            await self._say(change)
            return
        here, is_first, told, picked, anew = self._telling.parts(change)
        if here and is_first:
            self.take(here)
        if told:
            await self._say(told)
        if here and not is_first:
            self.take(here)
            if anew:
                self.take(Change(moved=anew))
        self._telling.passing.put_picked(picked, (entry.vehicle for entry in change.registered))

    async def _say(self, change: Change) -> None:
        try:
            await self._bus.publish(change)
        except Exception:  # it is committed: whoever missed it reads it from the store
            log.exception("could not publish a change")

    async def hear(self, heard: AsyncIterator[Heard], missed: Missed) -> None:
        """Every committed change of every node, this one's too, until the bus is closed."""
        async for what in heard:
            if isinstance(what, Gap):
                missed.note_gap(what)
                continue
            missed.note_change(what)
            self.make_up(what)

    def hear_passed(self, states: list[VehicleState], missed: Missed) -> list[str]:
        """What another node passed to this one; answers of whom it comes too early."""
        assert self._telling, "nobody passes anything to a node that is alone"
        news, early = self._telling.hear_passed(states)
        if news:
            change = Change(moved=news)
            missed.note_change(change)
            self.take(change)
        return early

    def make_up(self, change: Change) -> None:
        """What was told, or missed, as far as it is news by now: it may be older than what is known."""
        if self._telling:
            self._telling.hear_change(change)
            if gone := self._telling.renumbered(change.moved):
                self.take(Change(removed=gone))
        self.take(change)

    def take(self, change: Change) -> None:
        try:
            self._on_change(change)
            self._lane.went_well()
        except Exception as fault:  # one change that cannot be shown must not end the showing of all others
            self._lane.failed(fault)
            try:
                self._on_lost(change)
            except Exception as worse:
                self._lane.failed(worse)

    async def number(self, store: Store) -> None:
        """One round of making events visible that were durable only."""
        numbered = Change(events=await store.number_events())
        if self._telling is None:
            await self.publish(numbered)
        else:  # every node reads them by itself
            if not self._bus.away:
                await self._telling.placed(numbered.events)
            await self._telling.until_told()
            self.take(numbered)
