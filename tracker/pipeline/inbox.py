"""Inbox: the entries that change the fleet, one after the other, and what several of them did together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from tracker.fleet.fleet import Known, Step
from tracker.model.change import Change
from tracker.model.commit import Commit, SavedVehicle
from tracker.model.ping import Ping

T = TypeVar("T")


class Entry(Generic[T]):
    """One thing that happened. `now` is when it came: never before the entry in front of it.

    `apply(now, known)` gives it to the fleet; `answer(step)` says what its sender hears after the commit.
    """

    def __init__(
        self,
        now: int,
        apply: Callable[[int, Known], Step | None],
        answer: Callable[[Step | None], T],
        *,
        pings: Sequence[Ping] = (),
        prepare: Callable[[], Awaitable[None]] | None = None,
        alone: bool = False,
        lasting: bool = False,
        long: bool = False,
    ) -> None:
        self.now = now
        self.apply = apply
        self.answer = answer
        self.pings = pings
        self.prepare = prepare  # what must be read from the store first
        self.alone = alone  # a transaction of its own: decides on what is committed, fails for nobody else
        self.lasting = lasting  # done only when every vehicle was evaluated against it
        self.long = long  # applied in a thread: nobody else touches the fleet meanwhile, and the loop stays free
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def resolve(self, step: Step | None) -> None:
        if self.done.done():  # it is when the sender has gone
            return
        try:
            self.done.set_result(self.answer(step))
        except Exception as fault:
            self.fail(fault)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # nobody may be waiting for it: that is no fault


class Inbox:
    """Entries in the order they came."""

    def __init__(self) -> None:
        self._entries: deque[Entry[Any]] = deque()
        self.waiting = 0  # pings

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first(self) -> Entry[Any] | None:
        return self._entries[0] if self._entries else None

    def put(self, entry: Entry[Any]) -> None:
        self._entries.append(entry)
        self.waiting += len(entry.pings)

    def put_back(self, entries: Sequence[Entry[Any]]) -> None:
        self._entries.extendleft(reversed(entries))
        self.waiting += sum(len(entry.pings) for entry in entries)

    def take(self, most: int) -> list[Entry[Any]]:
        """What has arrived: about `most` pings, or one entry that wants to be alone."""
        taken: list[Entry[Any]] = []
        pings = 0
        while self._entries and pings < most and not (taken and self._entries[0].alone):
            entry = self._entries.popleft()
            taken.append(entry)
            pings += len(entry.pings)
            if entry.alone:
                break
        self.waiting -= pings
        return taken


def merged(steps: Sequence[Step]) -> tuple[Commit, Change]:
    """What several steps did, as one transaction and one change. Of a vehicle only the newest state counts."""
    if len(steps) == 1:
        return steps[0].commit, steps[0].change
    commit, change = Commit(), Change()
    vehicles: dict[int, SavedVehicle] = {}
    moved = {}
    for step in steps:
        one, said = step.commit, step.change
        commit.pings += one.pings
        for saved in one.vehicles:
            vehicles[saved.n] = saved
        for state in said.moved:
            moved[state.n] = state
        _extend(commit, one, ("events", "regions", "registered", "unregistered", "acked", "erased"))
        _extend(change, said, ("events", "regions", "regions_deleted", "registered", "removed", "acked", "erased"))
        commit.meta |= one.meta
        commit.room = max(commit.room, one.room)
    commit.vehicles = list(vehicles.values())
    change.moved = list(moved.values())
    return commit, change


def _extend(whole: Any, part: Any, fields: tuple[str, ...]) -> None:
    for field in fields:
        if more := getattr(part, field):
            setattr(whole, field, getattr(whole, field) + more)


def says_anything(struct: msgspec.Struct) -> bool:
    return any(getattr(struct, field) for field in struct.__struct_fields__)
