"""Inbox: what waits for its turn in the journal. In its turn each says what it means there, or is refused."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from tracker.fleet.fleet import Fleet, Step
from tracker.model.ping import Ping
from tracker.model.records import Actor, Audit
from tracker.pipeline.entries import journal
from tracker.stores import Store

T = TypeVar("T")


class Entry(Generic[T]):
    """One thing that happened, and whoever waits for what became of it. `now` is when it came; `step`, what it did."""

    pings: Sequence[Ping] = ()

    def __init__(self, now: int) -> None:
        self.now = now
        self.step: Step | None = None
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def decide(self, fleet: Fleet) -> Step | None:
        """Its turn has come. Raises TrackerError when it is refused."""
        raise NotImplementedError

    def answer(self) -> T:
        """What its sender hears after the commit."""
        raise NotImplementedError

    def resolve(self) -> None:
        if self.done.done():  # it is when the sender has gone
            return
        try:
            self.done.set_result(self.answer())
        except Exception as fault:
            self.fail(fault)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # nobody may be waiting for it: that is no fault


class Own(Entry[None]):
    """What the journal's own time brings: nobody sent it, and nothing of it is written down."""

    def __init__(
        self, now: int, does: Callable[[Fleet, int], Step | None], then: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(now)
        self._does = does
        self._then = then

    def decide(self, fleet: Fleet) -> Step | None:
        return self._does(fleet, self.now)

    def answer(self) -> None:
        self._then()


class Deed(Entry[T]):
    """What somebody does. It has a transaction of its own: it decides on what is committed, fails for nobody else."""

    by: Actor | None = None  #: None: nobody has to be told of who did it
    is_shared = True  #: where several nodes write, all of them do it
    lasts = False  #: … and it is done when every vehicle has seen it
    is_urgent = False  #: it does not wait behind one that waits for that
    tries = 0  #: how often others were quicker

    async def prepare(self, store: Store) -> None:
        """Read what its meaning depends on."""

    def means(self) -> journal.Entry | None:
        """What it is in the journal; None: there is nothing to do. Raises TrackerError."""
        raise NotImplementedError

    def decide(self, fleet: Fleet) -> Step | None:
        meant = self.means()
        if meant is None:
            return None
        audit = list(self.audit())  # before it is done
        step = journal.decide(fleet, meant)
        step.commit.audit += audit
        return step

    def audit(self) -> Iterator[Audit]:
        """What is kept of who did what."""
        yield from ()


class Edit(Deed[T]):
    """A deed that is done only when every vehicle was evaluated against it."""

    regions = 1  #: how many it puts in force or takes out of it
    lasts = True


class Inbox:
    """Entries in the order they came."""

    def __init__(self) -> None:
        self._entries: deque[Entry[Any]] = deque()
        self._urgent: deque[Entry[Any]] = deque()  # of these
        self.waiting = 0  # pings

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first(self) -> Entry[Any] | None:
        return self._entries[0] if self._entries else None

    def put(self, entry: Entry[Any]) -> None:
        assert not entry.done.done(), "an entry has one turn"
        self._entries.append(entry)
        if isinstance(entry, Deed) and entry.is_urgent:
            self._urgent.append(entry)
        self.waiting += len(entry.pings)

    def put_back(self, entries: Sequence[Entry[Any]]) -> None:
        self._entries.extendleft(reversed(entries))
        self.waiting += sum(len(entry.pings) for entry in entries)

    def take_entries(self, most: int) -> list[Entry[Any]]:
        """What has arrived: one deed, or about `most` pings of those before the next deed."""
        taken: list[Entry[Any]] = []
        pings = 0
        while self._entries and pings < most and not (taken and isinstance(self._entries[0], Deed)):
            entry = self._entries.popleft()
            taken.append(entry)
            pings += len(entry.pings)
            if isinstance(entry, Deed):
                if entry.is_urgent:
                    self._urgent.popleft()
                break
        self.waiting -= pings
        return taken

    def take_urgent(self) -> list[Entry[Any]]:
        """The first that waits behind nobody, if there is one."""
        if not self._urgent:
            return []
        entry = self._urgent.popleft()
        self._entries.remove(entry)
        return [entry]
