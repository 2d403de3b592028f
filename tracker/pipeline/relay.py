"""Relay: what is committed reaches every node, this one too, its picture and viewers; events when they are visible."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from tracker.buses import Bus, Gap, Heard
from tracker.model.change import Change
from tracker.pipeline.missed import Missed
from tracker.stores import Store
from tracker.turns.lanes import Lane

log = logging.getLogger(__name__)


class Relay:
    def __init__(
        self, bus: Bus, on_change: Callable[[Change], None], on_lost: Callable[[Change], None], lane: Lane
    ) -> None:
        self._bus = bus
        self._on_change = on_change
        self._on_lost = on_lost
        self._lane = lane

    async def publish(self, change: Change) -> None:
        try:
            await self._bus.publish(change)
        except Exception:  # it is committed: whoever missed it reads it from the store
            log.exception("could not publish a change")

    async def hear(self, heard: AsyncIterator[Heard], missed: Missed) -> None:
        """Every committed change of every node, this one's too, until the bus is closed."""
        async for what in heard:
            if isinstance(what, Gap):
                missed.note_gap(what)
            else:
                missed.note_change(what)
                self.take(what)

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
        await self.publish(Change(events=await store.number_events()))
