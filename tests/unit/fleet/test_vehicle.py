from __future__ import annotations

import random
from typing import Any

import msgspec

from tests.support.scenario import START, Town, box
from tracker.fleet.vehicle import ASK, MOST_FIXES, NEW, OTHER, SAME, Vehicle
from tracker.model.ping import Ping


def fix(time: int, lat: float = 52.5) -> Ping:
    return Ping("van", time, lat, 13.4)


def test_a_fix_is_known_by_its_time_and_place() -> None:
    vehicle = Vehicle(1, fix(START), START)
    vehicle.remember(fix(START))
    assert vehicle.knows(fix(START)) == SAME
    assert vehicle.knows(fix(START, 52.6)) == OTHER
    assert vehicle.knows(fix(START + 1)) == NEW
    assert vehicle.knows(fix(START - 1)) == NEW


def test_fixes_may_come_in_any_order() -> None:
    times = list(range(START, START + MOST_FIXES - 1))
    random.Random(1).shuffle(times)
    vehicle = Vehicle(1, fix(times[0]), START)
    for time in times:
        assert vehicle.knows(fix(time)) == NEW
        vehicle.remember(fix(time))
    assert all(vehicle.knows(fix(time)) == SAME for time in times)
    assert vehicle.top == max(times)


def test_only_so_many_fixes_are_remembered_for_older_ones_the_store_is_asked() -> None:
    vehicle = Vehicle(1, fix(START), START)
    for step in range(5 * MOST_FIXES):
        vehicle.remember(fix(START + step * 1000))
    assert len(vehicle.fixes) <= MOST_FIXES
    assert vehicle.knows(fix(START)) == ASK
    assert vehicle.knows(fix(vehicle.floor - 1)) == ASK
    assert vehicle.knows(fix(vehicle.floor)) == SAME
    assert vehicle.knows(fix(vehicle.floor + 1)) == NEW


def test_it_is_packed_and_unpacked_unchanged() -> None:
    town = Town().region("depot", box(0, 0, 400, 300)).region("stop", box(0, 0, 30, 30))
    town.drive("van").at(200, 100, speed_mps=12.0).at(2, 2, speed_mps=3.0).at(9000, 0)
    vehicle = town.fleet.vehicles["van"]
    assert vehicle.visits
    assert vehicle.touches
    assert vehicle.held
    state = vehicle.pack()
    again = Vehicle.unpack(vehicle.n, state)
    again.floor = vehicle.floor
    assert again.pack() == state
    assert again.regions == vehicle.regions
    assert again.knows(vehicle.ping) == SAME
    assert again.knows(vehicle.held) == SAME


def test_its_state_is_small() -> None:
    town = Town().region("depot", box(0, 0, 400, 300))
    town.drive("van-1234").at(200, 100, speed_mps=12.5, heading=90.0, accuracy_m=5.0).at(250, 100, speed_mps=12.5)
    assert len(town.fleet.vehicles["van-1234"].pack()) < 300


def test_a_fix_before_its_floor_is_asked_for_after_a_restart() -> None:
    vehicle = Vehicle(1, fix(START), START)
    vehicle.remember(fix(START))
    again = Vehicle.unpack(1, vehicle.pack())
    assert again.knows(fix(START)) == SAME
    assert again.knows(fix(START - 1)) == ASK
    assert again.knows(fix(START + 1)) == NEW


def test_a_state_of_the_first_layout_is_read() -> None:
    """As 0.1 wrote it: it knew nothing of doubts, and every newest fix decided."""
    van, held = fix(START), fix(START + 1000, 60.0)
    old: tuple[Any, ...] = (
        1, 4, START, START + 1000, START, START, 2, START, START, (52.5, 13.4), 5000.0, -1.0, False, False, False,
        van, held, {"depot": (START, START)}, {},
    )  # fmt: skip
    vehicle = Vehicle.unpack(7, msgspec.msgpack.encode(old))
    assert (vehicle.ping, vehicle.sure, vehicle.held, vehicle.doubt) == (van, van, held, None)
    assert (vehicle.doubts, list(vehicle.alarms), vehicle.stood) == (1, [], None)
    assert vehicle.regions == {"depot": START}
    again = Vehicle.unpack(7, vehicle.pack())
    assert again.pack() == vehicle.pack()
