"""Search: who was in a shape, asked of all that is stored, vehicle by vehicle in the order of their ids.

Whoever may not see everything is answered from the fixes they may be told, as they may be. When they saw a vehicle is
asked of every one there is, also of those that they do not ask for: the time it takes tells nobody who is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

from tracker.geometry.shape import Shape
from tracker.history.inside import SILENT_MS, Limits, Visit, believed, inside
from tracker.history.visits import Shown
from tracker.model.columns import Columns
from tracker.stores import Store
from tracker.turns.slices import batched

DAY_MS = 86_400_000
AT_ONCE = 16  #: vehicles read together, of a range of a day; fewer of a longer one


class Question(msgspec.Struct, frozen=True):
    shape: Shape
    since: int  # half-open
    until: int
    names: Callable[[str], bool]  # is this vehicle asked for?


class Search:
    def __init__(self, store: Store, question: Question, limits: Limits, shown: Shown | None) -> None:
        """`shown`: for whoever may not see everything."""
        self._store, self._question, self._limits, self._shown = store, question, limits, shown

    async def found(self, after: str | None = None) -> AsyncIterator[tuple[str, list[Visit]]]:
        """Those with visits, from the vehicle `after` on."""
        asked = self._question
        numbers = await self._store.numbers()
        ids = sorted(id for id in numbers if self._shown or self._asks(id, after))
        days = 2 + (asked.until - asked.since) // DAY_MS
        for some in batched(ids, max(1, AT_ONCE * 3 // days)):
            tracks = await asyncio.gather(*(self._read(id, numbers[id], after) for id in some))
            for id, visits in zip(some, await asyncio.to_thread(self._visits, tracks), strict=True):
                if visits:
                    yield id, visits

    def _asks(self, vehicle: str, after: str | None) -> bool:
        return (after is None or vehicle >= after) and self._question.names(vehicle)

    async def _read(self, vehicle: str, n: int, after: str | None) -> list[tuple[Columns, bool]]:
        """What may be told of it: stretches without a gap, and whether what follows is silence."""
        since, until = self._question.since - SILENT_MS, self._question.until + SILENT_MS
        if self._shown is None:
            return [(believed(await self._store.columns(n, since, until), self._limits), True)]
        visits = await self._shown.visits(vehicle)
        told: list[tuple[Columns, bool]] = []
        if not self._asks(vehicle, after):
            return told
        for span in visits.cut(since, until):
            fixes = believed(await self._store.columns(n, *span), self._limits)
            told.append((await asyncio.to_thread(visits.admit, fixes), span[1] == until))
        return told

    def _visits(self, tracks: list[list[tuple[Columns, bool]]]) -> list[list[Visit]]:
        asked = self._question
        return [
            [
                visit
                for fixes, silent in stretches
                for visit in inside(asked.shape, fixes, asked.since, asked.until, self._limits, silent)
            ]
            for stretches in tracks
        ]
