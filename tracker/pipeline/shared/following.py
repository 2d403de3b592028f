"""Following: what people did at any node, one deed after the other, done here as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tracker.errors import StoreError
from tracker.fleet.fleet import Fleet, Step
from tracker.model.change import Change
from tracker.model.commit import Commit, SharedDeed
from tracker.pipeline.entries import inbox
from tracker.regions.region import Region
from tracker.stores import SharedStore, Store

SEEN_S = 10.0  #: how long who did something lasting waits until every vehicle has seen it
LOOK_S = 0.02  #: how often that is looked at
SHOWN_S = 3.0  #: how long who may be told an event waits for what was done before it


def deed_of(commit: Commit, at: int) -> SharedDeed:
    """What other nodes have to do as well of what is committed here."""
    return SharedDeed(
        at=at,
        regions=commit.regions,
        registered=commit.registered,
        removed=commit.unregistered,
        erased=commit.erased,
        acked=commit.acked,
        records=commit.records,
        edit=commit.meta.get("edit", ""),
    )


def change_of(deed: SharedDeed) -> Change:
    """What a picture takes of it."""
    return Change(
        regions=[saved.feature for saved in deed.regions if saved.feature is not None],
        regions_deleted=[saved.id for saved in deed.regions if saved.feature is None],
        registered=deed.registered,
        removed=deed.removed,
        acked=deed.acked,
        erased=deed.erased,
        records=deed.records,
    )


class Follow(inbox.Deed[None]):
    """A deed of another node. What it makes of our own vehicles is committed here, and nothing else of it."""

    is_shared = False

    def __init__(self, place: int, deed: SharedDeed, following: Following) -> None:
        super().__init__(deed.at)
        self.place = place
        self.deed = deed
        self._following = following
        self._regions: list[Region] = []

    async def prepare(self, _store: Store) -> None:
        if self.deed.edit:
            self._regions = await asyncio.to_thread(self._read)

    def _read(self) -> list[Region]:
        return [
            Region.read_feature(one.feature, id=one.id, version=one.version, now=one.updated_at).as_decided(one.feature)
            for one in self.deed.regions
            if one.feature is not None
        ]

    def decide(self, fleet: Fleet) -> Step | None:
        step = Step(Commit(), Change(), [])
        done = self.place <= self._following.place  # in what was read from the store
        if self.deed.edit and not done:
            step = fleet.follow_edit(self.deed.edit, self._regions)
        for entry in () if done else self.deed.registered:
            fleet.register(entry)
        for name in self.deed.removed:
            ours = name in fleet.vehicles
            did = (fleet.erase_vehicle if name in self.deed.erased else fleet.remove_vehicle)(name, self.now)
            if ours:
                step.commit.vehicles += did.commit.vehicles
                step.commit.events += did.commit.events
                step.commit.erased += did.commit.erased
                step.change.moved += did.change.moved
        step.commit.regions = []  # they are stored
        told = change_of(self.deed)
        told.moved, told.events = step.change.moved, step.commit.events
        return Step(step.commit, told, [])

    def answer(self) -> None:
        pass


class Following:
    def __init__(self, store: SharedStore, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake
        self.place = 0  # what the fleet has done
        self.shown = 0  # … and the picture, or soon
        self._told = 0  # … and those who watch
        self._telling = asyncio.Event()
        self._newest = 0  # that there is, as far as is known
        self.lasting = 0  # the newest that every vehicle has to see
        self._seen = 0  # what every vehicle has seen, as far as is known
        self._looking: asyncio.Task[None] | None = None

    def begin(self, place: int) -> None:
        self.place = self.shown = self._told = self._newest = place

    @property
    def is_behind(self) -> bool:
        return self._newest > self.shown

    def hear_place(self, place: int) -> None:
        """There is a deed at this place."""
        if place > self._newest:
            self._newest = place
            self._wake()

    async def unfollowed(self) -> list[Follow]:
        """The next that were done, in order. Raises StoreError."""
        return [Follow(place, deed, self) for place, deed in await self._store.deeds_after(self.shown)]

    def went_back(self, place: int) -> None:
        """The fleet is as it was stored after that deed."""
        self.place = place

    def did(self, place: int, *, lasts: bool) -> None:
        """It is committed, ours or another's."""
        self.place = max(self.place, place)
        self.shown = place
        self._newest = max(self._newest, place)
        if lasts:
            self.lasting = place

    def told_deeds(self) -> None:
        """Those who watch know of all that is done here."""
        self._told = self.shown
        self._telling.set()

    async def until_told(self, place: int) -> None:
        """Return when they know of the deed of this place, or give up."""
        self.hear_place(place)
        with suppress(TimeoutError):
            async with asyncio.timeout(SHOWN_S):
                while self._told < place:
                    self._telling.clear()
                    await self._telling.wait()

    # -- until every vehicle has seen it -----------------------------------------------------------------------------

    def may_last(self) -> bool:
        """May the next deed that lasts be done? When it may, `wake` is called."""
        if self._seen >= self.lasting:
            return True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="seen")
        return False

    async def _look(self) -> None:
        while self._seen < self.lasting:
            with suppress(StoreError):
                self._seen = await self._store.marked()
            if self._seen < self.lasting:
                await asyncio.sleep(LOOK_S)
        self._wake()

    async def marked(self) -> int:
        """The newest that every vehicle has seen, as stored. Raises StoreError."""
        return await self._store.marked()

    async def everywhere(self, place: int) -> None:
        """Wait until every vehicle has seen the deed of this place. Raises StoreError when that takes too long."""
        until = asyncio.get_running_loop().time() + SEEN_S
        while self._seen < place:
            with suppress(StoreError):  # it is stored: nobody has to say it again
                self._seen = max(self._seen, await self._store.marked())
            if self._seen >= place:
                return
            if asyncio.get_running_loop().time() > until:
                raise StoreError("It is stored, and takes effect everywhere when every node has seen it.")
            await asyncio.sleep(LOOK_S)

    def stop(self) -> None:
        if self._looking:
            self._looking.cancel()
