"""Telling: what all nodes are told on the bus, and what only some are passed (passing.py): how vehicles are, and that
there is something. All else is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

import msgspec

from tracker.model.change import Change, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.pipeline.shared.passing import Passing, Picked

LATE_MS = 60_000  #: for so long it is known of whom a late word may come
WORD_S = 0.05  #: how long an event waits for the word of where its vehicle was, which comes on another way
MOST = 20_000  #: events of which that has come


class Parts(NamedTuple):
    """Of a change."""

    here: Change | None  # what only this node is told: the others follow it by themselves, or are passed it
    is_first: bool  # it is told that before all are told theirs
    told: Change | None  # what all are told
    picked: Picked  # what some are passed, once this node knows it


class Telling:
    def __init__(
        self,
        picture: Picture,
        passing: Passing,
        now: Callable[[], int],
        on_deed: Callable[[int], None],
        on_events: Callable[[], None],
    ) -> None:
        """`on_deed`: there is one at this place; `on_events`: there are some that may have no number yet."""
        self._picture = picture
        self.passing = passing
        self._now = now
        self._on_deed = on_deed
        self._on_events = on_events
        self._removed: dict[str, int] = {}  # and when we heard of it
        self._placed: dict[str, None] = {}  # events of which it is known where their vehicles were
        self._word = asyncio.Event()

    def parts(self, change: Change) -> Parts:
        """A vehicle that goes is told where it went before it is gone, one in a new region once that is known."""
        self.note_removed(change.removed)
        befell = {event.vehicle for event in change.unnumbered}.union(change.removed)
        picked = self.passing.pick(change.moved, befell)
        told = Change(moved=picked.told, unnumbered=change.unnumbered, deed=change.deed)
        here = msgspec.structs.replace(change, moved=picked.passed, unnumbered=[], deed=0)
        return Parts(
            here if here != Change() else None,
            not change.removed,
            told if told != Change() else None,
            picked,
        )

    def hear_change(self, change: Change) -> None:
        """Take out what is older than what is known: a node that was overtaken may speak late."""
        if change.moved:
            change.moved = [state for state in change.moved if self._is_news(state)]
        if change.unnumbered:
            self._placed |= dict.fromkeys(event.id for event in change.unnumbered)
            while len(self._placed) > MOST:
                del self._placed[next(iter(self._placed))]
            self._word.set()
            self._on_events()
        if change.deed:
            self._on_deed(change.deed)

    def hear_passed(self, states: list[VehicleState]) -> tuple[list[VehicleState], list[str]]:
        """Those that are news, and of whom not all is known yet that everybody is told: that comes on another way."""
        news, early = [], []
        for state in filter(self._is_news, states):
            known = self._picture.vehicles.get(state.ping.vehicle)
            if known is None or known.regions != state.regions:
                early.append(state.ping.vehicle)
            elif known != state:
                news.append(state)
        return news, early

    async def placed(self, events: Iterable[Event]) -> None:
        """Return when it is known where the vehicles of all of these were, or a moment later: they have their numbers,
        and who may see some of them that depends on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WORD_S):
                for event in events:
                    while event.id not in self._placed:
                        self._word.clear()
                        await self._word.wait()

    def note_removed(self, vehicles: list[str]) -> None:
        if vehicles:
            now = self._now()
            self._removed = {name: at for name, at in self._removed.items() if now - at < LATE_MS}
            self._removed |= dict.fromkeys(vehicles, now)

    def _is_news(self, state: VehicleState) -> bool:
        known = self._picture.vehicles.get(state.ping.vehicle)
        if known is not None:
            return (state.received_at, state.ping.time) >= (known.received_at, known.ping.time)
        return state.received_at > self._removed.get(state.ping.vehicle, -1)
