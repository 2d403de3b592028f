"""Following: what some viewers follow, and what those of them are told who were told the same before."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from tracker.geometry.earth import tile
from tracker.live.awaited import Names, has, region_key, vehicle_key
from tracker.live.event_log import Told
from tracker.live.topics import Entry, Topic
from tracker.live.viewer import Viewer, Wish
from tracker.model.events import ERASED


class Body(NamedTuple):
    """What all viewers of an interest are told that were told the same before."""

    upto: int
    messages: list[tuple[bytes, bytes]]  # (end of the JSON, columns)


class Interest:
    """What some viewers follow: several connections that follow the same share one."""

    def __init__(
        self, wish: Wish, names: str, topics: list[Topic], singles: list[Topic], followed: bytes, awaits: Names
    ) -> None:
        self.wish = wish
        self.names = names  # a digest of all that was named, awaited or not
        self.topics = topics  # what it is told
        self.singles = singles  # vehicles that do not wait for the tick; among `topics` unless that is everything
        self.followed = followed
        self.awaits = awaits  # names nobody knows yet
        self.viewers: set[Viewer] = set()
        self.bodies: dict[tuple[int, bool], Body] = {}
        self.tables: Any = None  # of the binary snapshots of this second
        self._size = (-1, 0)

    @property
    def held(self) -> list[Topic]:
        """All the topics that are kept for it."""
        return [*self.topics, *self.singles] if self.wish.all else self.topics

    def find(self, topic: Topic, *, region: str | None = None, vehicle: str | None = None) -> None:
        """A name it awaited is known now."""
        wish, self._size = self.wish, (-1, 0)
        if region is not None:
            self.wish = msgspec.structs.replace(wish, regions=wish.regions | {region})
        if vehicle is not None:
            self.singles.append(topic)
            self.wish = msgspec.structs.replace(wish, vehicles=wish.vehicles | {vehicle})
        if not wish.all:
            self.topics.append(topic)
        for viewer in self.viewers:
            viewer.wish = self.wish

    def clear(self) -> None:
        self.bodies.clear()

    def still(self, n: int) -> bool:
        return any(n in topic.members for topic in self.topics)

    def sees_of(self, entry: Entry) -> Entry:
        """What these viewers are told of a vehicle: all of it, unless only regions bring it to them."""
        state = entry.state
        if self.wish.all or not (state.held or state.beyond):
            return entry
        seen = [entry.seen_from(topic.region) for topic in self.topics if state.n in topic.members]
        return seen[-1] if seen else entry

    def size(self) -> int:
        """How many vehicles it has, each counted once, in however many regions it is."""
        if len(self.topics) == 1 or not (self.wish.regions or self.wish.vehicles):  # no two cells share one
            return sum(len(topic.members) for topic in self.topics)
        peopled = max((topic.peopled for topic in self.topics), default=0)
        if self._size[0] != peopled:
            self._size = (peopled, len(self.numbers()))
        return self._size[1]

    def is_over(self, most: int) -> bool:
        """Whether it has more vehicles than that."""
        return sum(len(topic.members) for topic in self.topics) > most and self.size() > most

    def numbers(self) -> set[int]:
        return set().union(*(topic.members for topic in self.topics))

    def sees(self, told: Told) -> bool:
        """An event is the business of those who follow its vehicle, its region (without one: a region the vehicle was
        in), or a view of its place."""
        wish, event = self.wish, told.event
        if wish.all or event.vehicle in wish.vehicles:
            return True
        if self.awaits and has(self.awaits, vehicle_key(event.vehicle)):
            return True
        if event.kind == ERASED:
            return False
        if any(map(self._names_region, told.regions if event.region is None else (event.region,))):
            return True
        return any((z, *tile(event.lat, event.lon, z)) in wish.cells for z in {cell[0] for cell in wish.cells})

    def _names_region(self, region: str) -> bool:
        return region in self.wish.regions or (bool(self.awaits) and has(self.awaits, region_key(region)))
