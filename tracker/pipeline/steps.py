"""Steps: what several entries did, as one transaction and one change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tracker.fleet.fleet import Step
from tracker.model.change import Change
from tracker.model.commit import Commit, SavedVehicle


def merged(steps: Sequence[Step]) -> tuple[Commit, Change]:
    """Of a vehicle only the newest state counts, of events each."""
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
        _extend(commit, one, ("events", "regions", "registered", "unregistered", "acked", "erased", "records", "audit"))
        _extend(
            change,
            said,
            ("events", "regions", "regions_deleted", "registered", "removed", "acked", "erased", "records"),
        )
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
