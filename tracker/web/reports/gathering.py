"""Gathering: what a report tells whoever asked: fixes, events and regions as they may see them, a vehicle at a time."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from fnmatch import translate
from functools import lru_cache
from typing import Any, NamedTuple

from tracker.access.grants import Grant
from tracker.history.story.corrections import Correction, without
from tracker.history.visits import Shown
from tracker.model.columns import Columns, concatenate
from tracker.node import Node
from tracker.outputs.sight import Sight
from tracker.reports.asked import Asked, Befell, Heard, Message
from tracker.stores import EventQuery
from tracker.web.api import events
from tracker.web.api.tracks import sees_whole

Tell = Callable[[Message], Awaitable[None]]


class Choice(NamedTuple):
    """Which vehicles: those of an id, or that match a pattern, and are of a group, where these are given."""

    vehicles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def about(self) -> str:
        return " · ".join(", ".join(some) for some in self if some)

    def takes(self, vehicle: str, group: str | None) -> bool:
        named = not self.vehicles or vehicle in self.vehicles or _any_of(self.vehicles).match(vehicle) is not None
        return named and (not self.groups or group in self.groups)


@lru_cache(maxsize=8)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)))


class Gathering:
    """`lasts`: raises when what may be seen is another by now."""

    def __init__(self, node: Node, grant: Grant, choice: Choice, lasts: Callable[[], None] = lambda: None) -> None:
        self._node, self._grant, self._choice, self._lasts = node, grant, choice, lasts
        self._shown = None if grant.everything else Shown(node.store, node.fleet.regions, node.picture, grant)

    @property
    def is_over(self) -> bool:
        """Is what was told of not to be told any more, since one of the vehicles is of another group by now?"""
        return self._shown is not None and self._shown.is_over

    def given(self) -> dict[str, Any]:
        """What is known beforehand."""
        seen = (feature for id, feature in self._node.picture.regions.items() if self._grant.sees_region(id))
        settings = self._node.settings
        return {"regions": tuple(seen), "demo": settings.demo, "max_accuracy_m": settings.max_accuracy_m}

    async def tell(self, asked: Asked, tell: Tell, progress: Callable[[float], None]) -> None:
        """Events first, a page at a time; then each vehicle that was heard of, or to which something happened."""
        node, picture = self._node, self._node.picture
        numbers = await node.store.numbers()
        sight = Sight(picture, self._grant)
        if self._shown is not None:  # the time it takes tells nobody whom there is to choose from
            for id in numbers:
                await self._shown.visits(id)
        chosen = sorted((id for id in numbers if self._choice.takes(id, self._group(id, sight))), key=_naturally)
        named = None if self._choice == Choice() else frozenset(chosen)
        query = EventQuery(since=asked.since, until=asked.until, vehicles=named)
        befell: set[str] = set()
        async for some in events.told(node, self._grant, query):
            self._lasts()
            befell.update(event.vehicle for event in some)
            await tell(Befell(some))
        for at, vehicle in enumerate(chosen):
            progress(at / len(chosen))
            columns = await self._columns(vehicle, numbers[vehicle], asked.since, asked.until)
            columns = without(columns, node.corrections.wrong(vehicle))
            self._lasts()
            if len(columns) or vehicle in befell:
                entry = picture.register.get(vehicle) if sight.knows_vehicle(vehicle) else None
                name, group = (entry.name, entry.group) if entry else (None, None)
                await tell(Heard.told_of(vehicle, name, group, columns, self._said(vehicle, asked)))
        progress(1.0)

    def _said(self, vehicle: str, asked: Asked) -> list[Correction]:
        """What of the range is known otherwise, where it may be told."""
        whole = sees_whole(self._node, self._grant, vehicle)
        return self._node.corrections.standing(vehicle, asked.since, asked.until) if whole else []

    def _group(self, vehicle: str, sight: Sight) -> str | None:
        """As far as it may be known."""
        return self._node.picture.group_of(vehicle) if sight.knows_vehicle(vehicle) else None

    async def _columns(self, vehicle: str, n: int, since: int, until: int) -> Columns:
        if self._shown is None:
            return await self._node.store.columns(n, since, until)
        visits = await self._shown.visits(vehicle)
        parts = [await self._node.store.columns(n, *span) for span in visits.cut(since, until)]
        return visits.admit(concatenate(parts))


def _naturally(id: str) -> tuple[list[tuple[int, int, str]], str]:
    """`van 2` before `van 10`."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", id.casefold())], id
