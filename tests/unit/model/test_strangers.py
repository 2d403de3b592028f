from __future__ import annotations

import pytest

from tracker.model.ping import Ping
from tracker.model.strangers import Stranger, Strangers


def fixes(vehicle: str, *times: int) -> list[Ping]:
    return [Ping(vehicle, time, 60.0, 25.0) for time in times]


@pytest.fixture
def strangers() -> Strangers:
    return Strangers()


def come(strangers: Strangers, pings: list[Ping], now: int = 1, most: int = 3, most_fixes: int = 4) -> int:
    changed, again = strangers.with_fixes(pings, now, "10.0.0.1", "token:t1", most, most_fixes)
    for vehicle, one in changed.items():
        strangers.put_stranger(vehicle, one)
    return again


def test_fixes_are_kept_in_their_order_and_each_once(strangers: Strangers) -> None:
    assert come(strangers, fixes("van", 3, 1), now=10) == 0
    assert come(strangers, fixes("van", 2, 3, 2), now=20) == 2
    van = strangers.waiting["van"]
    assert [fix.time for fix in van.fixes] == [1, 2, 3]
    assert (van.count, van.first_at, van.last_at, van.address, van.token) == (3, 10, 20, "10.0.0.1", "t1")


def test_of_a_vehicle_the_newest_fixes_are_kept_and_all_are_counted(strangers: Strangers) -> None:
    come(strangers, fixes("van", *range(7)))
    come(strangers, fixes("van", 7))
    assert [fix.time for fix in strangers.waiting["van"].fixes] == [4, 5, 6, 7]
    assert strangers.waiting["van"].count == 8


def test_of_many_vehicles_those_heard_last_are_kept(strangers: Strangers) -> None:
    for now, vehicle in enumerate(("a", "b", "c", "a", "d")):
        come(strangers, fixes(vehicle, now), now)
    assert set(strangers.waiting) == {"c", "a", "d"}
    come(strangers, [fix for name in "uvwxyz" for fix in fixes(name, 1)], 9)
    assert len(strangers.waiting) == 3


def test_who_was_turned_away_takes_no_room_and_is_found(strangers: Strangers) -> None:
    strangers.put_stranger("bad", Stranger("bad", 0, 0, refused=True))
    for now, vehicle in enumerate("abcd"):
        come(strangers, fixes(vehicle, now), now)
    assert strangers["bad"] is strangers.refused["bad"]
    assert set(strangers.all()) == {"bad", "b", "c", "d"}
    strangers.put_stranger("bad", None)
    assert strangers["bad"] is None
