"""Step: what one input to the fleet did, ready to be written and then told. Draft: one in the making."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tracker.fleet.vehicle import Vehicle
from tracker.model.change import Change
from tracker.model.commit import Commit, SavedVehicle
from tracker.model.events import Event


class Outcome:
    """How one ping was taken."""

    ACCEPTED = "accepted"
    LATE = "late"  # older than the newest: history only
    HELD = "held"  # a jump: waits for the next ping to agree
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"  # a duplicate with another place: the first wins


class Step(msgspec.Struct):
    """What one input did. The pipeline writes all of it in one transaction, then publishes `change`."""

    commit: Commit
    change: Change
    outcomes: list[str]  # one per ping, in the order given


class Draft:
    """Collects; each vehicle is packed and published once, as it is in the end."""

    __slots__ = ("change", "commit", "events", "touched")

    def __init__(self) -> None:
        self.commit = Commit()
        self.change = Change()
        self.events: list[Event] = []
        self.touched: dict[int, Vehicle] = {}

    def add_vehicle(self, vehicle: Vehicle, events: Sequence[Event] = ()) -> None:
        self.touched[vehicle.n] = vehicle
        if events:
            self.events += events

    def remove(self, vehicle: Vehicle) -> None:
        self.touched.pop(vehicle.n, None)
        self.commit.vehicles.append(SavedVehicle(vehicle.n, vehicle.ping.vehicle, None))

    def says_anything(self) -> bool:
        return bool(self.touched or self.events or self.commit.meta)

    def step(self, outcomes: list[str] | None = None) -> Step:
        commit, change = self.commit, self.change
        commit.events = change.events = self.events
        commit.vehicles += [SavedVehicle(v.n, v.ping.vehicle, v.pack()) for v in self.touched.values()]
        change.moved = [v.published() for v in self.touched.values()]
        return Step(commit, change, outcomes or [])


class Told(Draft):
    """Of a fleet that nobody stores or shows: what it tells is all that is made of a step."""

    __slots__ = ()

    def step(self, outcomes: list[str] | None = None) -> Step:
        self.change.events = self.events
        return Step(self.commit, self.change, outcomes or [])
