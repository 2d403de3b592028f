"""Messages without a place: stored and heard like any other; they move nobody, and nothing waits for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.scenario import START, Drive, Town, box, place
from tracker.fleet.fleet import Fleet, Known, Outcome
from tracker.model.commit import APART
from tracker.model.ping import NOWHERE, Ping
from tracker.model.states import IDLE, MOVING, OFFLINE, PARKED
from tracker.pipeline.entries.journal import Messages, decide

YARD = box(-100, -100, 100, 100)


def van(**settings: Any) -> Drive:
    return Town(**settings).region("yard", YARD).drive("van").at(0, 0).expect("enter yard")


def beat(drive: Drive, after: float = 10, late: float = 0, **known: Any) -> Drive:
    """A heartbeat."""
    drive.town.wait(after)
    drive.outcome = drive.town.ping("van", *NOWHERE, drive.town.now - round(late * 1000), **known)
    return drive


def test_a_heartbeat_is_stored_and_leaves_the_vehicle_where_it_is() -> None:
    drive = beat(van()).expect(outcome=Outcome.ACCEPTED)
    step = drive.town.steps[-1]
    assert [(row.taken, row.ping.time) for row in step.commit.pings] == [(APART, START + 20_000)]
    [state] = step.change.moved
    assert (state.ping.lat, state.ping.lon, state.ping.time) == (*place(0, 0), START + 10_000)
    assert (state.received_at, list(state.regions)) == (START + 20_000, ["yard"])


def test_who_sends_heartbeats_is_not_silent_and_comes_back_with_one() -> None:
    drive = Town(silence_s=60).drive("van").at(0, 0, speed_mps=9.0)
    for _ in range(10):
        beat(drive, after=50).expect()
    heard_at = drive.town.now
    drive.wait(200).expect("silent", heard_at=heard_at)
    beat(drive, after=20).expect("heard", silent_s=220.0)


def test_heartbeats_keep_nobody_from_coming_to_rest() -> None:
    """Its state follows from its fixes; only whether it is offline follows from what is heard."""
    drive = van().at(0, 0, speed_mps=9.0).at(5, 0, speed_mps=0.0)
    states = []
    for _ in range(20):
        states.append(beat(drive, after=30).town.fleet.vehicles["van"].state)
    assert states == [MOVING] + [IDLE] * 10 + [PARKED] * 9
    for _ in range(30):
        beat(drive, after=3600)
    assert drive.town.fleet.vehicles["van"].state == PARKED
    assert drive.wait(86_401).town.fleet.vehicles["van"].state == OFFLINE
    assert beat(drive).town.fleet.vehicles["van"].state != OFFLINE


def test_a_day_of_heartbeats_makes_no_recording_of_a_vehicle() -> None:
    """The windows of its regions go on by our clock."""
    hours = {"schedule": {"zone": "UTC", "weekly": {"wed": [["08:00", "12:00"]]}}}
    drive = Town().region("yard", YARD, rules=hours).drive("van").at(0, 0).expect()
    for _ in range(51):
        beat(drive, after=3600)
    drive.expect("enter yard", "exit yard")


def test_the_battery_is_what_was_said_last() -> None:
    drive = van().at(0, 0, battery_pct=25.0)
    beat(drive, battery_pct=19.0).expect("low_battery", battery_pct=19.0)
    assert drive.town.fleet.vehicles["van"].published().ping.battery_pct == 19.0
    beat(drive, late=15, battery_pct=80.0).expect()
    assert drive.town.fleet.vehicles["van"].published().ping.battery_pct == 19.0, "that was before"
    drive.at(300, 0, speed_mps=30.0).expect("exit yard")
    beat(drive, battery_pct=40.0).at(310, 0, battery_pct=10.0).expect("low_battery")


@pytest.mark.parametrize("restart", [False, True])
def test_a_message_sent_again_is_a_duplicate_and_takes_no_place_from_a_fix_of_its_time(restart: bool) -> None:
    drive = beat(van())
    time = drive.town.now
    if restart:
        drive.town.restart()
    known: Known = drive.town.stored()
    again, fix = Ping("van", time, *NOWHERE), Ping("van", time, *place(2, 0))
    outcomes = [decide(drive.town.fleet, Messages(time, [ping]), known).outcomes for ping in (again, fix, again, fix)]
    assert outcomes == [[Outcome.DUPLICATE], [Outcome.ACCEPTED], [Outcome.DUPLICATE], [Outcome.DUPLICATE]]


def test_who_never_had_a_place_is_heard_and_shows_nothing_until_it_has_one() -> None:
    fleet = Fleet()
    beats = [Ping("new", START + second * 1000, *NOWHERE, battery_pct=5.0) for second in (0, 10, 10)]
    step = decide(fleet, Messages(START + 10_000, beats))
    assert step.outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert [row.taken for row in step.commit.pings] == [APART, APART]
    assert ([one.n for one in step.commit.vehicles], step.change.moved, step.change.events) == ([1], [], [])
    known = {(1, row.ping.time): NOWHERE for row in step.commit.pings}
    assert fleet.unknown_fixes(beats[:1]) == [(1, START)]
    assert decide(fleet, Messages(START + 20_000, beats[:1]), known).outcomes == [Outcome.DUPLICATE]
    first = decide(fleet, Messages(START + 20_000, [Ping("new", START, *place(0, 0))]), known)
    assert (first.outcomes, [state.n for state in first.change.moved]) == ([Outcome.ACCEPTED], [1])


def test_a_heartbeat_neither_ends_an_alarm_nor_hides_one_of_its_time() -> None:
    drive = van().at(0, 0, alarm="sos").expect("alarm")
    beat(drive).at(0, 0, alarm="sos").expect()
    drive.at(0, 0)
    beat(drive).expect()
    beat(drive, after=0, alarm="sos").expect("alarm", placed=False, outcome=Outcome.DUPLICATE)
    assert [row.ping.alarm for row in drive.town.steps[-1].commit.pings] == ["sos"]
