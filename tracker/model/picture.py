"""Picture: what a node knows of the fleet, built from a snapshot and every committed change since."""

from __future__ import annotations

from typing import Any

from tracker.model.change import Change, Registered, VehicleState


class Picture:
    """The newest committed state. The API answers from it, the hub routes by it; nobody else writes it."""

    def __init__(self) -> None:
        self.vehicles: dict[str, VehicleState] = {}
        self.register: dict[str, Registered] = {}
        self.regions: dict[str, dict[str, Any]] = {}  # region id → Feature
        self.inside: dict[str, set[str]] = {}  # region id → vehicles
        self.last_seq = 0

    def begin(self, snapshot: Change, last_seq: int) -> None:
        """What a store holds at the start."""
        assert not self.vehicles and not self.regions, "a picture begins once"
        self.apply(snapshot)
        self.last_seq = last_seq

    def apply(self, change: Change) -> None:
        """Take one committed change. Older news about a vehicle than what is known is harmless."""
        for feature in change.regions:
            self.regions[feature["id"]] = feature
        for region in change.regions_deleted:
            self.regions.pop(region, None)
            self.inside.pop(region, None)
        vehicles = self.vehicles
        for state in change.moved:
            vehicle = state.ping.vehicle
            before = vehicles.get(vehicle)
            vehicles[vehicle] = state
            if before is None or before.regions is not state.regions:
                self._place(vehicle, before.regions if before else {}, state.regions)
        for entry in change.registered:
            self.register[entry.vehicle] = entry
        for vehicle in change.removed:
            self._remove(vehicle)
        if change.events:
            self.last_seq = max(self.last_seq, change.events[-1].seq)

    def group_of(self, vehicle: str) -> str | None:
        entry = self.register.get(vehicle)
        return entry.group if entry else None

    def _place(self, vehicle: str, before: dict[str, int], now: dict[str, int]) -> None:
        for region in before:
            if region not in now and region in self.inside:
                self.inside[region].discard(vehicle)
        for region in now:
            self.inside.setdefault(region, set()).add(vehicle)

    def _remove(self, vehicle: str) -> None:
        self.register.pop(vehicle, None)
        state = self.vehicles.pop(vehicle, None)
        for region in state.regions if state else ():
            self.inside.get(region, set()).discard(vehicle)
