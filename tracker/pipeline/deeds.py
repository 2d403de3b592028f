"""Deeds: what people do to a fleet, each looked up and checked in its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tracker.errors import Invalid, NotFound
from tracker.fleet.fleet import Fleet, Step
from tracker.model.change import Change, Registered
from tracker.model.commit import Commit
from tracker.model.events import ERASED, Ack, Event
from tracker.model.picture import Picture
from tracker.model.records import Audit, Record
from tracker.pipeline.entries.inbox import Deed, Edit
from tracker.pipeline.entries.journal import (
    ClockSet,
    Entry,
    EventAcknowledged,
    EventsTold,
    RegionsDeleted,
    RegionsSaved,
    VehicleRegistered,
    VehicleRemoved,
)
from tracker.pipeline.saves import Save, expect_version, named
from tracker.regions.region import Region
from tracker.stores import Store

#: what is to be kept: records, and who changed what. Raises TrackerError when it is refused
Plan = Callable[[], tuple[list[Record], list[Audit]]]


class Done(Deed[None]):
    """Something that has happened: nothing is left to be looked up or checked."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.now)
        self._entry = entry

    def means(self) -> Entry | None:
        return self._entry

    def answer(self) -> None:
        pass


class SetClock(Done):
    is_shared = False

    def __init__(self, now: int, by: int) -> None:
        super().__init__(ClockSet(now, by))
        self._by = by

    def audit(self) -> Iterator[Audit]:
        """A gap in what was received, or that it goes back, is no silence: whoever looks back has to know."""
        yield Audit(self.now, "clock", "", "clock.set", f"{self._by / 1000:+.3f}")


class Register(Done):
    def __init__(self, now: int, fleet: Fleet, entry: Registered, what: str) -> None:
        super().__init__(VehicleRegistered(now, entry))
        self._what = what
        self._fleet = fleet
        self._said = entry

    def means(self) -> Entry | None:
        """What is said once more changes nothing."""
        again = self._what == "vehicle.save" and self._before() == self._said
        return None if again else super().means()

    def _before(self) -> Registered | None:
        """As it is now: it may be asked again, of another fleet, when somebody at another node was quicker."""
        return self._fleet.register_entries.get(self._said.vehicle)

    def audit(self) -> Iterator[Audit]:
        if self.by:
            before = self._before()
            yield self.by.did(self.now, self._what, self._said.vehicle, before and _plain(before), _plain(self._said))


class Reread(Deed[None]):
    """What an older program had read otherwise, in force once more; unless somebody has put it so, or otherwise."""

    lasts = True

    def __init__(self, now: int, fleet: Fleet, regions: list[Region]) -> None:
        super().__init__(now)
        self._fleet = fleet
        self._regions = regions

    def means(self) -> Entry | None:
        live = self._fleet.regions.regions
        left = [one for one in self._regions if one.id in live and live[one.id].version < one.version]
        return RegionsSaved(self.now, left) if left else None

    def answer(self) -> None:
        pass


class SaveRegions(Edit[None]):
    """Those that waited for the same turn are one edit: to look round among all vehicles is done once."""

    def __init__(self, now: int, fleet: Fleet, saves: list[Save]) -> None:
        super().__init__(now)
        self._fleet = fleet
        self._saves = saves
        self._versions: dict[str, int] = {}  # of those that were deleted: numbers go on
        self._ids: list[str] = [region.id for save in saves for region in save.regions]
        self.regions = len(self._ids)

    async def prepare(self, store: Store) -> None:
        live = self._fleet.regions.regions
        self._versions = await store.newest_versions([id for id in self._ids if id not in live])

    def means(self) -> Entry:
        live = self._fleet.regions.regions
        saved = [region for save in self._saves for region in save.check_versions(live, self._versions, self.now)]
        if not saved:
            raise self._saves[0].error or Invalid("no_features", "there is nothing to save")
        return RegionsSaved(self.now, saved)

    def audit(self) -> Iterator[Audit]:
        live = self._fleet.regions.regions
        for save in self._saves:
            if save.by and save.error is None:
                yield save.audit(save.by, live, self.now)

    def answer(self) -> None:
        pass


class DeleteRegion(Edit[None]):
    def __init__(self, now: int, fleet: Fleet, id: str, version: int | None) -> None:
        super().__init__(now)
        self._fleet = fleet
        self._id = id
        self._version = version

    def means(self) -> Entry:
        current = self._fleet.regions.regions.get(self._id)
        if current is None:
            raise NotFound("unknown_region", f"there is no region {self._id[:64]!r}")
        expect_version(self._id, current, self._version)
        return RegionsDeleted(self.now, [self._id])

    def audit(self) -> Iterator[Audit]:
        if self.by:
            yield self.by.did(self.now, "region.delete", self._id, named(self._fleet.regions.regions[self._id]))

    def answer(self) -> None:
        pass


def _plain(entry: Registered) -> dict[str, Any]:
    told = msgspec.structs.replace(entry, attributes=entry.told())
    return {name: value for name, value in msgspec.to_builtins(told).items() if name != "vehicle"}


class KeepRecords(Deed[None]):
    """Who may come in changes: no fleet is concerned. What is to be kept is planned in its turn."""

    def __init__(self, now: int, plan: Plan) -> None:
        super().__init__(now)
        self._plan = plan

    def decide(self, _fleet: Fleet) -> Step | None:
        records, audit = self._plan()
        return Step(Commit(records=records, audit=audit), Change(records=records), [])

    def answer(self) -> None:
        pass


class RemoveVehicle(Deed[None]):
    lasts = True

    def __init__(
        self, now: int, fleet: Fleet, picture: Picture, id: str, history: Callable[[], list[Record]] | None
    ) -> None:
        """`history`: what is kept of it in records and goes with it; None: its history stays."""
        super().__init__(now)
        self._fleet = fleet
        self._picture = picture  # of all vehicles, also of those of other nodes
        self._id = id
        self._history = history
        self._number: int | None = None
        self._is_stored = False

    async def prepare(self, store: Store) -> None:
        self._number = await store.number(self._id) if self._history else None
        if not self._is_known():  # another node may have met it, and not been heard
            self._is_stored = any(saved.state is not None for saved in await store.reload([self._id]))

    def _is_known(self) -> bool:
        fleet, picture = self._fleet, self._picture
        return self._id in fleet.vehicles or self._id in fleet.register_entries or self._id in picture.vehicles

    def means(self) -> Entry:
        if not self._is_known() and not self._is_stored and self._number is None:
            raise NotFound(
                "unknown_vehicle",
                f"there is no vehicle {self._id!r}: it had no position and no entry yet, or was deleted",
            )
        return VehicleRemoved(self.now, self._id, self._history is not None)

    def decide(self, fleet: Fleet) -> Step | None:
        step = super().decide(fleet)
        if step is not None and self._history is not None:
            records = self._history()
            step.commit.records += records
            step.change.records += records
        return step

    def audit(self) -> Iterator[Audit]:
        if self.by:
            entry, what = (
                self._fleet.register_entries.get(self._id),
                "vehicle.erase" if self._history else "vehicle.remove",
            )
            yield self.by.did(self.now, what, self._id, entry and _plain(entry))

    def answer(self) -> None:
        pass


class Acknowledge(Deed[Event]):
    """Or, `by` nobody, take that back. The first acknowledgement stands: which one that is, its turn decides."""

    def __init__(self, now: int, event: str, by: str | None) -> None:
        super().__init__(now)
        self._id = event
        self._by = by
        self._event: Event | None = None
        self._was: Event | None = None  # before

    async def prepare(self, store: Store) -> None:
        event = await store.event(self._id)
        self._event = event if event is not None and event.kind != ERASED else None

    def means(self) -> Entry | None:
        if self._event is None:
            raise NotFound("unknown_event", f"there is no event {self._id[:64]!r} to acknowledge")
        if (self._by is None) == (self._event.ack is None):
            return None
        ack = None if self._by is None else Ack(self._by, self.now)
        self._was, self._event = self._event, msgspec.structs.replace(self._event, ack=ack)
        return EventAcknowledged(self.now, self._id, self._by)

    def audit(self) -> Iterator[Audit]:
        if self.by and self._was and self._event:
            what = "event.acknowledge" if self._by else "event.take_back"
            yield self.by.did(self.now, what, self._id, _acked(self._was), _acked(self._event))

    def answer(self) -> Event:
        assert self._event is not None  # else it was refused
        return self._event


class TellEvents(Done):
    is_shared = False  # every node reads its events

    def __init__(self, now: int, events: list[Event]) -> None:
        super().__init__(EventsTold(now, events))
        self._events = events

    def audit(self) -> Iterator[Audit]:
        if self.by:
            first = self._events[0].detail
            yield self.by.did(self.now, "event.tell", str(first.get("told_by")), None, {"events": len(self._events)})


def _acked(event: Event) -> dict[str, Any]:
    by = event.ack.by if event.ack else None
    return {"kind": event.kind, "vehicle": event.vehicle, "region": event.region, "acknowledged_by": by}
