"""Watching: what is looked at on this node, and that the others know it: they pass on that and nothing else.

Interest first, then how it is by now: who widens what they look at is answered when the others have passed all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from tracker.buses import Asking
from tracker.model.picture import Picture
from tracker.nodes.audience import Within, joining
from tracker.nodes.interest import ALL, NOTHING, Needs, united
from tracker.pipeline.shared.passing import AGAIN_S, ANSWER_S, NOT_PASSED, ROWS
from tracker.pipeline.shared.questions import Wanted, encode
from tracker.turns.slices import in_slices

HEAR_S = 1.0  #: who looks waits no longer for other nodes
KEEP_S = 15.0  #: how often it is found out what nobody looks at any more
EVERY_S = 0.02  #: between two words to one node: who moves their map adds to what the next one says
READ_S = 30.0  #: so long what was read once is heard of, and up to twice as long
MOST = 5000  #: cells, regions, vehicles and groups together; who needs more hears everything
MOST_KNOWN = 5000  #: vehicles that are named in one question


class _Other:
    """Another node, and what it was told."""

    def __init__(self) -> None:
        self.knows = NOTHING  # of what we need; and has passed all of it
        self.partitions: frozenset[int] = frozenset()  # it owns
        self.behind = asyncio.Event()
        self.task: asyncio.Task[None]
        self.beginnings = 0

    def begin_again(self) -> None:
        """What it said is worth nothing: it may have forgotten us, or owns more."""
        self.knows = NOTHING
        self.beginnings += 1
        self.behind.set()


class Watching:
    def __init__(
        self,
        me: str,
        asking: Asking,
        picture: Picture,
        owner_of: Callable[[str], str | None],
        is_settled: Callable[[], bool],
    ) -> None:
        """`is_settled`: does every vehicle have an owner?"""
        self._me = me
        self._asking = asking
        self._picture = picture
        self._owner_of = owner_of
        self._is_settled = is_settled
        self._others: dict[str, _Other] = {}
        self._needs = NOTHING
        self._version = 0
        self._read = self._read_before = NOTHING  # lately, and in the time before that
        self._read_since = float("-inf")  # by the loop's clock
        self._look = asyncio.Event()
        self.within: Within | None = None  # what finds the vehicles of cells, if there is something that does
        self._changed = asyncio.Event()  # somebody has passed all of something, or it is known better whose what is
        self.viewers: Callable[[], Iterable[Needs]] = list
        self.read_stored: Callable[[], Awaitable[None]] = nothing  # what nobody could be asked about
        self.is_behind: Callable[[], bool] = lambda: False  # … and is something missed of what all are told?

    # -- the other nodes -----------------------------------------------------------------------------------------------

    def set_others(self, owned: dict[str, frozenset[int]]) -> None:
        """The other nodes that live, and their partitions."""
        for node in self._others.keys() - owned.keys():
            self._others.pop(node).task.cancel()
        for node, partitions in owned.items():
            other = self._others.get(node)
            if other is None:
                other = self._others[node] = _Other()
                other.behind.set()
                other.task = asyncio.create_task(self._tell(node, other), name="watching")
            if not partitions <= other.partitions:  # their last owner may not have passed all of it
                other.begin_again()
            other.partitions = partitions
        self.wake()

    def wake(self) -> None:
        """More may be heard by now."""
        self._changed.set()

    def tell_again(self) -> None:
        """They may have forgotten us."""
        for other in self._others.values():
            other.begin_again()

    # -- what is looked at ---------------------------------------------------------------------------------------------

    def hears(self, needs: Needs) -> bool:
        """Is what the picture shows of this what the owners know?"""
        if self.is_behind() or not self._is_settled():
            return False
        return all(other.knows.covers(needs) for other in self._others.values())

    async def hear_of(self, needs: Needs, *, once: bool = False) -> None:
        """Returns when it is, or in a moment. `once`: nobody is attached who goes on looking at it."""
        if needs == NOTHING:
            return
        if once and not self._read.covers(needs):
            self._read = bounded(self._read | needs)
        if not self._needs.covers(needs):
            self._need(bounded(self._needs | needs))
        if self.hears(needs):
            return
        try:
            async with asyncio.timeout(0 if self._asking.away else HEAR_S):
                while not self.hears(needs):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            await self.read_stored()

    def _need(self, needs: Needs) -> None:
        if needs != self._needs:
            self._needs = needs
            self._version += 1
            for other in self._others.values():
                other.behind.set()

    async def keep_needs(self) -> None:
        """Find out, now and then, what is not looked at any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(KEEP_S):
                await self._look.wait()
        self._look.clear()
        now = asyncio.get_running_loop().time()
        if now - self._read_since >= READ_S:
            self._read, self._read_before, self._read_since = NOTHING, self._read, now
        self._need(bounded(united([*self.viewers(), self._read, self._read_before])))

    def look_again(self) -> None:
        """They look at something else now."""
        self._look.set()

    # -- telling them --------------------------------------------------------------------------------------------------

    async def _tell(self, node: str, other: _Other) -> None:
        while True:
            await other.behind.wait()
            if self._asking.away:  # and then it costs nothing
                await asyncio.sleep(AGAIN_S)
                continue
            other.behind.clear()
            needs, version, before, begun = self._needs, self._version, other.knows, other.beginnings
            if not needs.covers(before):  # from when it hears this on it passes less
                other.knows = NOTHING
            partitions = sorted(other.partitions)
            wanted = Wanted(self._me, version, needs, await self._known(node, before, needs), partitions)
            try:
                await self._asking.ask(node, encode(wanted), ANSWER_S)
            except NOT_PASSED:
                other.behind.set()
                await asyncio.sleep(AGAIN_S)
                continue
            if other.beginnings == begun:  # else once more
                other.knows = needs
                self.wake()
            await asyncio.sleep(EVERY_S)

    async def _known(self, node: str, before: Needs, now: Needs) -> list[str] | None:
        """Vehicles of it that we believe to be where we look now, and did not: they may be elsewhere."""
        if now.everything:  # it passes all it has
            return []
        more = Needs(cells=now.cells)  # of all else it is known who is in it
        known: list[str] = []
        async for name in in_slices(joining(self._picture, before, more, self.within), ROWS):
            if name is not None and self._owner_of(name) in (node, None):
                known.append(name)
        return known if len(known) <= MOST_KNOWN else None

    async def stop(self) -> None:
        tasks = [other.task for other in self._others.values()]
        for task in tasks:
            task.cancel()
        self._others.clear()
        await asyncio.gather(*tasks, return_exceptions=True)


async def nothing() -> None:
    pass


def bounded(needs: Needs) -> Needs:
    named = len(needs.cells) + len(needs.regions) + len(needs.vehicles) + len(needs.groups)
    return ALL if needs.everything or named > MOST else needs
