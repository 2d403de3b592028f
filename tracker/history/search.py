"""Search: who was in a shape, asked of all that is stored, vehicle by vehicle in the order of their ids.

The index says who may have been near, and on which days; only these are read. Whoever may not see everything is
answered from the fixes they may be told, as they may be, and the index is not asked: when they saw a vehicle is asked
of every one there is, also of those that they do not ask for. So the time it takes tells nobody who is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import msgspec

from tracker.fleet.membership import CROSS_GAP_MS
from tracker.geometry.shape import Shape
from tracker.history.inside import SILENT_MS, Limits, Visit, believed, credible, inside
from tracker.history.meeting import Meeting
from tracker.history.story.corrections import without
from tracker.history.visits import Shown
from tracker.model.columns import Columns
from tracker.model.outline import Excerpt
from tracker.stores import Store
from tracker.turns.slices import ahead, batched

DAY_MS = 86_400_000
AT_ONCE = 48  #: days of vehicles read together

Span = tuple[int, int]  # since <= fix time < until
Stretch = tuple[Columns | Excerpt, bool]  # without a gap; is what follows silence?
Wanted = tuple[str, int, Span]  # vehicle, its number, and when


class Question(msgspec.Struct, frozen=True):
    shape: Shape
    since: int  # half-open
    until: int
    names: Callable[[str], bool]  # is this vehicle asked for?


class Search:
    def __init__(
        self,
        store: Store,
        question: Question,
        limits: Limits,
        shown: Shown | None,
        wrong: Callable[[str], Sequence[Span]] = lambda _id: (),
    ) -> None:
        """`shown`: for whoever may not see everything; `wrong`: when the fixes of a vehicle are, which are left out."""
        self._store, self._question, self._limits, self._shown = store, question, limits, shown
        self._wrong = wrong
        self._look = Meeting(question.shape, question.since, question.until, limits)

    async def found(self, after: str | None = None) -> AsyncIterator[tuple[str, list[Visit]]]:
        """Those with visits, from the vehicle `after` on."""
        asked, numbers = self._question, await self._store.numbers()
        if asked.since == asked.until:
            return
        if self._shown is None:
            near = await self._store.near(list(asked.shape.boxes), asked.since - SILENT_MS, asked.until + CROSS_GAP_MS)
            for id, n in numbers.items():  # without them it may have gone where none of its fixes was near
                if beside := self._beside(id):
                    near[n] = [*near.get(n, ()), *beside]
            spans = {n: self._days(times) for n, times in near.items()}
            named = {id: n for id, n in numbers.items() if n in spans and self._asks(id, after)}
            shares = _shares(sorted(named), lambda id: sum(b - a for a, b in spans[named[id]]) // DAY_MS + 1)
            wanted = [[(id, named[id], span) for id in some for span in spans[named[id]]] for some in shares]
            async for stretches in ahead(self._read, wanted):
                for one in await asyncio.to_thread(self._all, stretches):
                    yield one
            return
        for ids in batched(sorted(numbers), AT_ONCE):
            told = await asyncio.gather(*(self._told(id, numbers[id], after) for id in ids))
            for one in await asyncio.to_thread(self._all, list(zip(ids, told, strict=True))):
                yield one

    def _asks(self, vehicle: str, after: str | None) -> bool:
        return (after is None or vehicle >= after) and self._question.names(vehicle)

    def _beside(self, vehicle: str) -> list[Span]:
        """As far as the line reaches that leads past its wrong fixes, of what is asked for."""
        first, end = self._question.since - SILENT_MS, self._question.until + SILENT_MS
        some = [(max(since - SILENT_MS, first), min(until + SILENT_MS, end)) for since, until in self._wrong(vehicle)]
        return [(since, until - 1) for since, until in some if since < until]

    def _days(self, times: Iterable[Span]) -> list[Span]:
        """The days of these times (last included), those that follow each other as one: between two such stretches lies
        a whole day, longer than any silence that is no exit."""
        first, end = self._question.since - SILENT_MS, self._question.until + SILENT_MS
        days = sorted({day for since, last in times for day in range(since // DAY_MS, last // DAY_MS + 1)})
        spans: list[Span] = []
        for day in days:
            since, until = max(day * DAY_MS, first), min((day + 1) * DAY_MS, end)
            if spans and spans[-1][1] == since:
                spans[-1] = spans[-1][0], until
            elif since < until:
                spans.append((since, until))
        return spans

    async def _read(self, wanted: list[Wanted]) -> list[tuple[str, list[Stretch]]]:
        """By vehicle."""
        read = await self._store.excerpts([(n, *span) for _, n, span in wanted], self._look)
        for i, (id, n, span) in enumerate(wanted):
            if self._beside(id):  # what was left out of an excerpt may be what is right
                [fixes] = await self._store.fixes([(n, *span)])
                read[i] = Excerpt.whole(without(fixes, self._wrong(id)))
        found = [one.only(credible(one.fixes, self._limits)) for one in read]
        later = [
            (i, (n, until, int(track.fixes.time[-1]) + SILENT_MS + 1))
            for i, ((_, n, (_, until)), track) in enumerate(zip(wanted, found, strict=True))
            if self._may_stay(track.fixes, until)
        ]
        more = await self._store.fixes([span for _, span in later])
        for (i, _), fixes in zip(later, more, strict=True):
            right = without(fixes, self._wrong(wanted[i][0]))
            found[i] = found[i].then(believed(right, self._limits).take(slice(1)))
        stretches: dict[str, list[Stretch]] = {}
        for (id, _, _), track in zip(wanted, found, strict=True):
            stretches.setdefault(id, []).append((track, True))
        return list(stretches.items())

    def _may_stay(self, fixes: Columns, until: int) -> bool:
        """Is it inside at the last of these, and said nothing of where it was at the end of the range?"""
        asked = self._question
        if not len(fixes) or not asked.until - SILENT_MS <= fixes.time[-1] < asked.until:
            return False
        return until <= fixes.time[-1] + SILENT_MS and asked.shape.covers(fixes.lat[-1] / 1e7, fixes.lon[-1] / 1e7)

    async def _told(self, vehicle: str, n: int, after: str | None) -> list[Stretch]:
        """What may be told of it."""
        assert self._shown is not None
        visits = await self._shown.visits(vehicle)
        if not self._asks(vehicle, after):
            return []
        since, until = self._question.since - SILENT_MS, self._question.until + SILENT_MS
        told: list[Stretch] = []
        for span in visits.cut(since, until):
            [fixes] = await self._store.fixes([(n, *span)])
            right = without(fixes, self._wrong(vehicle))
            admitted = await asyncio.to_thread(visits.admit, believed(right, self._limits))
            told.append((admitted, span[1] == until))
        return told

    def _all(self, tracks: list[tuple[str, list[Stretch]]]) -> list[tuple[str, list[Visit]]]:
        asked = self._question
        found = [
            (
                vehicle,
                [
                    visit
                    for fixes, silent in stretches
                    for visit in inside(asked.shape, fixes, asked.since, asked.until, self._limits, silent)
                ],
            )
            for vehicle, stretches in tracks
        ]
        return [one for one in found if one[1]]


def _shares(ids: list[str], days: Callable[[str], int]) -> Iterable[list[str]]:
    """Of so many days together, or of one vehicle."""
    some: list[str] = []
    left = AT_ONCE
    for id in ids:
        if some and days(id) > left:
            yield some
            some, left = [], AT_ONCE
        some.append(id)
        left -= days(id)
    if some:
        yield some
