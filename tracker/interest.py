"""Interest: what some viewers follow, and what those of them are told who were told the same before."""

from __future__ import annotations

from typing import NamedTuple

from tracker.events import ERASED
from tracker.geo import tile
from tracker.recent import Told
from tracker.topics import Entry, Topic
from tracker.viewer import Viewer, Wish


class Body(NamedTuple):
    """What all viewers of an interest are told that were told the same before."""

    upto: int
    messages: list[tuple[bytes, bytes]]  # (end of the JSON, columns)


class Interest:
    """What some viewers follow: several connections that follow the same share one."""

    def __init__(self, wish: Wish, topics: list[Topic], singles: list[Topic], followed: bytes) -> None:
        self.wish = wish
        self.topics = topics  # what it is told
        self.singles = singles  # vehicles that do not wait for the tick; among `topics` unless that is everything
        self.followed = followed
        self.viewers: set[Viewer] = set()
        self.bodies: dict[tuple[int, bool], Body] = {}
        self.counts: tuple[int, int, bytes] = (0, -1, b"")

    @property
    def held(self) -> list[Topic]:
        """All the topics that are kept for it."""
        return [*self.topics, *self.singles] if self.wish.all else self.topics

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
        return sum(len(topic.members) for topic in self.topics)

    def numbers(self) -> set[int]:
        return set().union(*(topic.members for topic in self.topics))

    def sees(self, told: Told) -> bool:
        """An event is the business of those who follow its vehicle, its region (without one: a region the vehicle was
        in), or a view of its place."""
        wish, event = self.wish, told.event
        if wish.all or event.vehicle in wish.vehicles:
            return True
        if event.kind == ERASED:
            return False
        if event.region in wish.regions if event.region is not None else not wish.regions.isdisjoint(told.regions):
            return True
        return any((z, *tile(event.lat, event.lon, z)) in wish.cells for z in {cell[0] for cell in wish.cells})
