"""Telling: what all nodes are told on the bus, and what only some are passed (passing.py): how vehicles are, and that
there is something. All else is in the store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

import msgspec

from tracker.model.change import Change, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.pipeline.shared.passing import Passing, Picked

WORD_S = 0.05  #: how long an event waits for the word of where its vehicle was, which comes on another way
MOST = 20_000  #: events of which that has come, and vehicles that were removed


class Parts(NamedTuple):
    """Of a change."""

    here: Change | None  # what only this node is told: the others follow it by themselves, or are passed it
    is_first: bool  # it is told that before all are told theirs
    told: Change | None  # what all are told
    picked: Picked  # what some are passed, once this node knows it
    anew: list[VehicleState]  # of vehicles that go here, and of which is known already that they came again


class Telling:
    def __init__(
        self,
        picture: Picture,
        passing: Passing,
        on_deed: Callable[[int], None],
        on_events: Callable[[], None],
    ) -> None:
        """`on_deed`: there is one at this place; `on_events`: there are some that may have no number yet."""
        self._picture = picture
        self.passing = passing
        self._on_deed = on_deed
        self._on_events = on_events
        self.place: Callable[[], int] = lambda: 0  # of the newest deed that is done here
        self._removed: dict[str, int] = {}  # vehicle → the place of that deed
        self._ahead: dict[str, int] = {}  # vehicle → what was done before its word, of which not all is done here
        self.until_told: Callable[[], Awaitable[None]] = nothing  # what was done before events that were numbered
        self._placed: dict[str, None] = {}  # events of which it is known where their vehicles were
        self._word = asyncio.Event()

    def parts(self, change: Change) -> Parts:
        """A vehicle that goes is told where it went before it is gone, one in a new region once that is known."""
        anew = self._note_removed(change.removed, change.after + 1)
        befell = {event.vehicle for event in change.unnumbered}.union(change.removed)
        picked = self.passing.pick(change.moved, befell)
        told = Change(moved=picked.told, unnumbered=change.unnumbered, deed=change.deed)
        here = msgspec.structs.replace(change, moved=picked.passed, unnumbered=[], deed=0, after=0)
        if told != Change():
            told.after = change.after
        return Parts(
            here if here != Change() else None,
            not change.removed,
            told if told != Change() else None,
            picked,
            anew,
        )

    def hear_change(self, change: Change) -> None:
        """Take out what is older than what is known: a node that was overtaken may speak late."""
        if change.moved:
            self._note_ahead(change)
            change.moved = [state for state in change.moved if self._is_news(state, change.after)]
        if change.unnumbered:
            self._placed |= dict.fromkeys(event.id for event in change.unnumbered)
            while len(self._placed) > MOST:
                del self._placed[next(iter(self._placed))]
            self._word.set()
            self._on_events()
        if change.deed:
            self._on_deed(change.deed)

    def renumbered(self, moved: list[VehicleState]) -> list[str]:
        """Vehicles that are another's by now, as the one of that name was erased: that is heard of later."""
        known = self._picture.vehicles
        return [name for state in moved if (name := state.ping.vehicle) in known and known[name].n != state.n]

    def hear_passed(self, states: list[VehicleState]) -> tuple[list[VehicleState], list[str]]:
        """Those that are news, and of whom not all is known yet that everybody is told: that comes on another way."""
        news, early = [], []
        for state in states:
            if not self._is_news(state, sys.maxsize):
                continue
            known = self._picture.vehicles.get(state.ping.vehicle)
            if known is None or known.n != state.n or known.regions != state.regions:
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

    def _note_removed(self, vehicles: list[str], place: int) -> list[VehicleState]:
        """Answers how those are that came again since: their owner had done this deed before."""
        self._removed |= dict.fromkeys(vehicles, place)
        while len(self._removed) > MOST:
            del self._removed[next(iter(self._removed))]
        again = [name for name in vehicles if self._ahead.get(name, 0) >= place]
        return [self._picture.vehicles[name] for name in again if name in self._picture.vehicles]

    def _note_ahead(self, change: Change) -> None:
        place = self.place()
        if self._ahead:
            self._ahead = {name: after for name, after in self._ahead.items() if after > place}
        if change.after > place:
            self._ahead |= {state.ping.vehicle: change.after for state in change.moved}

    def _is_news(self, state: VehicleState, after: int) -> bool:
        """`after`: what whoever says so had done."""
        known = self._picture.vehicles.get(state.ping.vehicle)
        if known is not None:
            return (state.received_at, state.ping.time) >= (known.received_at, known.ping.time)
        return after >= self._removed.get(state.ping.vehicle, 0)


async def nothing() -> None:
    pass
