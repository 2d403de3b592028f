"""Edits: what a new, changed or deleted region does to one vehicle.

Every live vehicle is evaluated once per edit, some now and some later; each remembers the last edit it saw (`rev`).
There is one edit at a time: a new one waits until the last is done, so the regions in force are always enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tracker.fleet.cause import Occasion
from tracker.fleet.vehicle import Vehicle
from tracker.fleet.windows import by_our_clock, follow
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region


class Edit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One instant at which regions changed."""

    rev: int
    at: int
    changed: dict[str, str] = {}  # region id → reason: who is inside is decided anew
    kept: list[str] = []  # only names or rules changed: who is inside stays
    deleted: dict[str, dict[str, Any]] = {}  # region id → its last Feature
    versions: dict[str, int] = {}  # of the deletions
    read: dict[str, Any] = {}  # the deleted ones as Regions; not written

    def as_json(self) -> str:
        return msgspec.json.encode(msgspec.structs.replace(self, read={})).decode()

    @classmethod
    def from_json(cls, text: str) -> Edit:
        return msgspec.json.decode(text, type=cls)

    def deleted_region(self, id: str) -> Region:
        """The region as it was: events of its end name its last shape."""
        region: Region | None = self.read.get(id)
        if region is None:  # after a restart
            feature = self.deleted[id]
            region = Region.read(feature, id=id, version=feature["properties"]["version"], now=self.at)
            self.read[id] = region
        return region


def evaluate(book: RegionBook, vehicle: Vehicle, edit: Edit, inside: Sequence[str] | None = None) -> list[Event]:
    """Bring one vehicle up to date with an edit. Events are those of the edit's instant, whenever this is called.

    `inside`: of the changed regions, those that may cover it, as `Reach` found out; otherwise the book is asked.
    """
    vehicle.rev = edit.rev
    events: list[Event] = []
    if by_our_clock(vehicle):
        events = follow(book, vehicle, edit.at, edit.at, vehicle.delayed, passing=edit.changed)
    ping, visits = vehicle.decided, vehicle.visits
    if ping is None:
        return events
    if inside is None:
        vehicle.raw = raw = book.covering(ping.lat, ping.lon, vehicle.clock)
    else:  # what else covers it costs a cell that nobody may drive into again: the next fix asks
        vehicle.raw, raw = None, [key for key in inside if _covers(book.regions[key], ping, vehicle.clock)]
    concerned = {key for key in (*visits, *vehicle.touches) if key in edit.changed or key in edit.deleted}
    if vehicle.doubt is not None:
        concerned |= vehicle.doubt.named().intersection(edit.changed)
    concerned |= {key for key in raw if key in edit.changed}
    for key in concerned:
        vehicle.touches.pop(key, None)
        if vehicle.doubt is not None:
            vehicle.doubt.drop(key)
    gone = sorted(key for key in concerned if key in visits and key not in raw)
    new = sorted(key for key in concerned if key in raw and key not in visits)
    if gone or new:
        vehicle.write_peak()
    for key in gone:
        if key in edit.deleted:
            region, version, reason = edit.deleted_region(key), edit.versions[key], "region_deleted"
        else:
            region, version, reason = book.regions[key], book.regions[key].version, "region_changed"
        occasion = _occasion(reason, edit.at, version, edit.at, vehicle).by_our_clock()
        occasion.leave(region, visits.pop(key))
        events += occasion.events
    for key in new:
        region = book.regions[key]
        occasion = _occasion(edit.changed[key], edit.at, region.version, edit.at, vehicle).by_our_clock()
        visits[key] = occasion.enter(region)
        events += occasion.events
    for key, visit in visits.items():
        if visit.over_told and book.regions[key].rules.speed_limit_mps is None:
            occasion = _occasion("region_changed", edit.at, book.regions[key].version, edit.at, vehicle).by_our_clock()
            occasion.overspeed_end(book.regions[key], visit)
            events += occasion.events
    return events


def _covers(region: Region, ping: Ping, clock: int) -> bool:
    """Of one that `Reach` found."""
    shape = region.shape
    return region.open_at(clock) and (shape.certain or shape.covers(ping.lat, ping.lon))


def _occasion(reason: str, at: int, cause: str | int, now: int, vehicle: Vehicle) -> Occasion:
    return Occasion(reason, at, cause, now, vehicle.delayed, vehicle.decided or vehicle.ping)
