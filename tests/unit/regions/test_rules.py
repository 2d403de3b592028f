from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from tracker.errors import Invalid
from tracker.fleet.states import at_rest, moves
from tracker.model.states import IDLE, MOVING, OFFLINE, PARKED, STATES, UNKNOWN
from tracker.regions.rules import Rules, read_rules
from tracker.regions.schedule import Schedule


def test_rules_are_written_as_they_were_read() -> None:
    value = {
        "dwell_s": 60,
        "speed_limit_mps": 13.9,
        "min_s": 5,
        "schedule": {"zone": "UTC", "weekly": {"mon": [["08:00", "17:00"]]}},
    }
    rules = read_rules(value)
    assert rules == Rules(60, 13.9, 5, Schedule("UTC", {"mon": [["08:00", "17:00"]]}))
    assert rules.as_json() == value
    assert read_rules({}) == Rules()
    assert read_rules({"dwell_s": None, "schedule": None}).as_json() == {}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ([], ["rules"]),
        ({"dwell_s": 0}, ["rules.dwell_s"]),
        ({"dwell_s": -1}, ["rules.dwell_s"]),
        ({"dwell_s": "60"}, ["rules.dwell_s"]),
        ({"dwell_s": True}, ["rules.dwell_s"]),
        ({"dwell_s": nan}, ["rules.dwell_s"]),
        ({"dwell_s": inf}, ["rules.dwell_s"]),
        ({"dwell_s": 3e7}, ["rules.dwell_s"]),
        ({"speed_limit_mps": 0}, ["rules.speed_limit_mps"]),
        ({"speed_limit_mps": 13, "min_s": -1}, ["rules.min_s"]),
        ({"min_s": 3}, ["rules.min_s"]),
        ({"speed_limit_kmh": 50}, ["rules.speed_limit_kmh"]),
        ({"schedule": {"zone": "UTC"}, "dwell_s": 0}, ["rules.schedule.weekly", "rules.dwell_s"]),
    ],
)
def test_every_fault_is_named(value: Any, fields: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        read_rules(value)
    assert [error["field"] for error in caught.value.errors] == fields


def test_speed_says_whether_a_vehicle_moves() -> None:
    assert moves(5 / 3.6, 0, 20)
    assert not moves(1.38, 50, 20)


def test_without_a_speed_the_distance_says_it() -> None:
    assert moves(None, 21, 20)
    assert not moves(None, 20, 20)


def test_a_receiver_that_always_says_0_is_not_believed_for_long() -> None:
    assert not moves(0, 120, 20)
    assert moves(0, 121, 20)


@pytest.mark.parametrize(
    ("state", "still_s", "ignition", "then"),
    [
        (MOVING, 59, None, MOVING),
        (MOVING, 60, None, IDLE),
        (MOVING, 359, True, IDLE),
        (MOVING, 360, None, PARKED),
        (MOVING, 0, False, PARKED),
        (PARKED, 10, True, PARKED),
        (IDLE, 10, None, IDLE),
        (UNKNOWN, 10, None, UNKNOWN),
        (OFFLINE, 10, None, UNKNOWN),
    ],
)
def test_who_stands_is_idle_then_parked(state: int, still_s: int, ignition: bool | None, then: int) -> None:
    assert STATES[at_rest(state, still_s * 1000, ignition)] == STATES[then]
