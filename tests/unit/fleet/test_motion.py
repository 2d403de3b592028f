"""Motion states, as drives. The last number of each row is what a map would show."""

from __future__ import annotations

from tests.support.scenario import START, Drive, Town
from tracker.model.states import IDLE, MOVING, OFFLINE, PARKED, STATES, UNKNOWN


def state(drive: Drive) -> tuple[str, int]:
    """(state, seconds from the start to when it began)"""
    vehicle = drive.town.fleet.vehicles[drive.vehicle]
    return STATES[vehicle.state], (vehicle.since - START) // 1000


def shown(drive: Drive) -> list[str]:
    """What was published, one after the other."""
    return [STATES[moved.state] for step in drive.town.steps for moved in step.change.moved]


def is_(state: int, since: int) -> tuple[str, int]:
    return STATES[state], since


def test_who_drives_stops_and_sleeps_is_moving_idle_parked_offline() -> None:
    drive = Town().drive("van").at(0, 0, speed_mps=10)
    assert state(drive) == is_(MOVING, 10)
    drive.at(100, 0, speed_mps=0.5)
    assert state(drive) == is_(MOVING, 10)
    drive.at(100, 0, speed_mps=0, after=59)
    assert state(drive) == is_(MOVING, 10)
    drive.at(100, 0, speed_mps=0, after=1)
    assert state(drive) == is_(IDLE, 20)
    drive.at(100, 0, speed_mps=0, after=300)
    assert state(drive) == is_(PARKED, 20)
    drive.wait(86_399)
    assert state(drive) == is_(PARKED, 20)
    drive.wait(2)
    assert state(drive) == is_(OFFLINE, 380)
    drive.at(100, 0, speed_mps=9)
    assert state(drive)[0] == "moving"


def test_timers_say_so_too() -> None:
    drive = Town().drive("van").at(0, 0, speed_mps=10).at(100, 0, speed_mps=0)
    drive.wait(61)
    assert state(drive) == is_(IDLE, 20)
    drive.wait(300)
    assert state(drive) == is_(PARKED, 20)
    assert shown(drive) == ["moving", "moving", "idle", "parked"]


def test_where_old_fixes_come_faster_than_they_were_made_it_is_idle_by_the_last_of_them() -> None:
    drive = Town().drive("van").at(0, 0, speed_mps=10, late=300)
    for late in (270, 260, 250, 240):  # it stood for 33 s by the last one, and for 3 s by our clock
        drive.at(5, 0, speed_mps=0, after=1, late=late)
    drive.wait(26)
    assert state(drive)[0] == "moving"
    drive.wait(2)
    assert state(drive) == is_(IDLE, -259)
    assert shown(drive) == [*["moving"] * 5, "idle"]


def test_who_falls_silent_while_moving_is_offline_after_ten_minutes() -> None:
    drive = Town().drive("van").at(0, 0, speed_mps=10).at(100, 0, speed_mps=10)
    drive.wait(599)
    assert state(drive) == is_(MOVING, 10)
    drive.wait(2)
    assert state(drive) == is_(OFFLINE, 20)
    drive.expect("silent")


def test_who_reports_rarely_is_missed_later() -> None:
    drive = Town().drive("van")
    for step in range(20):
        drive.at(step * 900, 0, speed_mps=10, after=120)
    drive.wait(1000)
    assert state(drive)[0] == "moving"
    drive.wait(1000)
    assert state(drive)[0] == "offline"


def test_a_switched_off_engine_is_parked_at_once() -> None:
    drive = Town().drive("van").at(0, 0, speed_mps=10).at(100, 0, speed_mps=0, ignition=False)
    assert state(drive) == is_(PARKED, 20)
    drive.at(300, 0, speed_mps=8, ignition=False)
    assert state(drive)[0] == "moving", "towed, or stolen"


def test_without_speeds_places_tell() -> None:
    drive = Town().drive("van").at(0, 0)
    assert state(drive) == is_(UNKNOWN, 10)
    drive.at(15, 0)
    assert state(drive)[0] == "unknown", "15 m may be an error of two fixes good to 10 m"
    drive.at(30, 0)
    assert state(drive) == is_(MOVING, 30)
    drive.at(31, 0).at(29, 0, after=60)
    assert state(drive) == is_(IDLE, 40)


def test_first_seen_standing_is_idle() -> None:
    assert state(Town().drive("van").at(0, 0, speed_mps=0)) == is_(IDLE, 10)


def test_first_seen_with_the_engine_off_is_parked() -> None:
    assert state(Town().drive("van").at(0, 0, ignition=False)) == is_(PARKED, 10)


def test_a_recording_of_long_ago_moves() -> None:
    """Fix times are years old; silence counts from receipt."""
    drive = Town().drive("bus")
    year = 365 * 86_400_000
    for step in range(10):
        drive.at(step * 100, 0, after=0.1, fix=START - 10 * year + step * 10_000, speed_mps=10)
    assert state(drive)[0] == "moving"
    drive.wait(599)
    assert state(drive)[0] == "moving"
    drive.wait(2)
    assert state(drive)[0] == "offline"
