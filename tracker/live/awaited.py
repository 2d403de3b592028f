"""Awaited: what is followed by its name before anybody knows it.

A name costs 8 bytes of hash, however long it is, so inventing names gains nothing; and a vehicle that was followed
before its first fix is heard from that fix on. The hashes are Python's own: salted in every run.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import Protocol, TypeAlias

MOST = 2_000_000  #: names awaited at once, by all followers: 16 MB
SLOTS = 1 << 22

Names: TypeAlias = "array[int]"  #: hashes, ascending


class Follower(Protocol):
    awaits: Names


def region_key(name: str) -> int:
    return hash("r" + name)


def vehicle_key(name: str) -> int:
    return hash("v" + name)


def names(keys: Iterable[int]) -> Names:
    return array("q", sorted(keys))


def has(awaits: Names, key: int) -> bool:
    at = bisect_left(awaits, key)
    return at < len(awaits) and awaits[at] == key


class Awaited:
    """All followers with names that are awaited. Nearly all news concern none of them: a table of counts says so."""

    def __init__(self) -> None:
        self.count = 0
        self._followers: set[Follower] = set()
        self._slots = bytearray(SLOTS)  # how many awaited names fall into each; 255 stays

    def has_room(self, more: int) -> bool:
        return self.count + more <= MOST

    def hold(self, follower: Follower) -> None:
        if follower.awaits:
            self._followers.add(follower)
            self._count(follower.awaits, 1)

    def release(self, follower: Follower) -> None:
        if follower in self._followers:
            self._followers.discard(follower)
            self._count(follower.awaits, -1)

    def take(self, key: int) -> list[Follower]:
        """Those that await this name; from now on they do not any more."""
        if not self._slots[key % SLOTS]:
            return []
        found = [follower for follower in self._followers if has(follower.awaits, key)]
        for follower in found:
            del follower.awaits[bisect_left(follower.awaits, key)]
            self._count((key,), -1)
            if not follower.awaits:
                self._followers.discard(follower)
        return found

    def _count(self, keys: Collection[int], step: int) -> None:
        slots = self._slots
        self.count += step * len(keys)
        for key in keys:
            if slots[key % SLOTS] < 255:
                slots[key % SLOTS] += step
