"""Alarms: a fact of the message, however its fix was taken, told once."""

from __future__ import annotations

import random

import pytest

from tests.support.scenario import START, Drive, Town, box, place
from tracker.fleet.detectors import MOST_ALARMS
from tracker.fleet.fleet import Outcome
from tracker.model.commit import APART
from tracker.model.ping import Ping

YARD = box(-100, -100, 100, 100)


def van() -> Drive:
    return Town().region("yard", YARD).drive("van").at(0, 0).expect("enter yard")


def nowhere(drive: Drive, after: float = 10, late: float = 0, alarm: str = "sos") -> Drive:
    """A message of a receiver that has no fix."""
    drive.town.wait(after)
    drive.outcome = drive.town.ping("van", 0.0, 0.0, drive.town.now - round(late * 1000), alarm=alarm)
    return drive


def test_an_alarm_counts_however_its_fix_was_taken() -> None:
    van().at(0, 0, alarm="sos").expect("alarm", alarm="sos", outcome=Outcome.ACCEPTED, time=START + 20_000)
    van().at(0, 0, after=60).at(0, 0, late=20, alarm="sos").expect("alarm", outcome=Outcome.LATE, time=START + 60_000)
    van().at(9000, 0, alarm="sos").expect("alarm", outcome=Outcome.HELD, lon=place(9000, 0)[1])
    van().at(0, 0, fix=START + 10_000, alarm="sos").expect("alarm", outcome=Outcome.DUPLICATE, time=START + 10_000)
    van().at(5, 0, fix=START + 10_000, alarm="sos").expect("alarm", outcome=Outcome.CONFLICT)
    van().at(0, 0, accuracy_m=5000, alarm="sos").expect("alarm", outcome=Outcome.ACCEPTED)
    Town().drive("new").at(0, 0, alarm="sos").expect("alarm")


def test_an_event_of_a_place_that_decided_nothing_says_so() -> None:
    """So that it is not told to those who do not see where that was."""
    van().at(9000, 0, alarm="sos").expect("alarm", outcome=Outcome.HELD, apart=True)
    van().at(0, 0, after=60).at(5, 0, late=20, alarm="sos").expect("alarm", apart=True)
    van().at(500, 0, accuracy_m=5000, alarm="sos", battery_pct=5).expect("low_battery", "alarm", apart=True)
    van().at(0, 0, alarm="sos").expect("alarm", apart=None)


def test_an_alarm_without_a_place_has_the_last_known_one() -> None:
    drive = nowhere(van()).expect("alarm", placed=False, time=START + 20_000, outcome=Outcome.ACCEPTED)
    step = drive.town.steps[-1]
    assert (step.change.events[0].lat, step.change.events[0].lon) == place(0, 0)
    assert [moved.ping.time for moved in step.change.moved] == [START + 10_000], "it stays where it was"
    assert [(row.taken, row.ping.alarm) for row in step.commit.pings] == [(APART, "sos")]
    assert "placed" not in van().at(0, 0, alarm="sos").town.events[-1].detail


def test_an_alarm_of_a_vehicle_nobody_ever_saw_is_raised_and_shows_nothing() -> None:
    town = Town()
    for _ in range(2):
        drive = nowhere(town.drive("van")).expect("alarm", placed=False)
        assert town.fleet.snapshot().moved == []
        nowhere(drive).expect()  # the same alarm still
        town.now += 3_600_000
    assert town.steps[0].commit.vehicles[0].n == town.steps[1].commit.pings[0].n == 1
    drive.at(0, 0).expect(outcome=Outcome.ACCEPTED)


def test_a_fix_at_the_time_of_a_message_without_a_place_is_none_of_its_copies() -> None:
    drive = nowhere(van()).expect("alarm")
    nowhere(drive, after=0).expect(outcome=Outcome.DUPLICATE)
    drive.at(3, 0, after=0).expect(outcome=Outcome.ACCEPTED)
    drive.at(3, 0, after=0).expect(outcome=Outcome.DUPLICATE)


def test_who_says_alarm_without_a_place_is_not_silent() -> None:
    drive = Town(silence_s=60).drive("van").at(0, 0, speed_mps=9.0)
    nowhere(drive, after=55).wait(10).expect("alarm")
    drive.wait(200).expect("silent")
    nowhere(drive).expect("heard")  # the alarm goes on


def test_successive_messages_with_one_text_are_one_alarm() -> None:
    drive = van().at(0, 0, alarm="sos").expect("alarm")
    drive.at(0, 0, alarm="sos").at(9000, 0, alarm="sos").expect(outcome=Outcome.HELD)
    nowhere(drive).expect()
    drive.at(0, 0).at(0, 0, alarm="sos").expect("alarm")  # a fix without it ended the first
    drive.at(0, 0, alarm="tow").expect("alarm", alarm="tow").at(0, 0, alarm="sos").expect("alarm")
    drive.at(0, 0, after=900, alarm="sos").expect()
    drive.at(0, 0, after=901, alarm="sos").expect("alarm")


def test_two_alarms_of_one_fix_time_have_two_ids() -> None:
    drive = van().at(0, 0, alarm="sos").at(0, 0, after=0, alarm="tow")
    one, other = drive.town.new()
    assert one.time == other.time
    assert one.id != other.id


@pytest.mark.parametrize("seed", range(20))
def test_in_whatever_order_messages_come_an_alarm_is_told_once(seed: int) -> None:
    """Two alarms with a fix between; each is told by the first message heard of it."""
    times = [("sos", 20), ("sos", 30), ("sos", 40), (None, 50), ("sos", 60), ("sos", 70), ("tow", 80), ("tow", 90)]
    rng = random.Random(seed)
    town = Town()
    town.drive("van").at(0, 0, after=100)
    town.took(town.fleet.apply([Ping("van", START + 50_000, *place(0, 0))], town.now))
    messages = [Ping("van", START + s * 1000, *place(0, 0), alarm=alarm) for alarm, s in times if alarm]
    messages += rng.choices(messages, k=3)  # sent again
    rng.shuffle(messages)
    for ping in messages:
        town.took(town.fleet.apply([ping], town.now))
        if rng.random() < 0.3:
            rows = [row.ping for step in town.steps for row in step.commit.pings]
            town.restart()
            for name, _, since, until in town.fleet.unknown_neighbours(messages):
                town.fleet.learn(name, [row for row in rows if since <= row.time < until])
    told = sorted((event.detail["alarm"], event.time >= START + 50_000) for event in town.events)
    assert told == [("sos", False), ("sos", True), ("tow", True)]
    assert len({event.id for event in town.events}) == len(town.events) == 3


def test_an_old_alarm_is_raised_with_its_time_and_marked() -> None:
    drive = van().at(0, 0, after=7200).at(0, 0, late=3600, alarm="sos")
    drive.expect("alarm", delayed=True, time=drive.town.now - 3_600_000, received_at=drive.town.now)


def test_an_alarm_that_goes_on_over_a_restart_is_told_once() -> None:
    drive = van().at(0, 0, alarm="sos").expect("alarm")
    drive.town.restart()
    drive.at(0, 0, alarm="sos").at(0, 0, fix=START + 20_000, alarm="sos").expect()
    nowhere(drive).expect()


def test_a_removed_vehicle_can_still_say_alarm() -> None:
    drive = van().at(0, 0)
    stored = drive.town.stored()
    drive.town.took(drive.town.fleet.remove_vehicle("van", drive.town.now))
    drive.expect("exit yard")
    for _ in range(2):
        again = Ping("van", START + 20_000, *place(0, 0), alarm="sos")
        drive.town.took(drive.town.fleet.apply([again], drive.town.now, stored))
    drive.expect("alarm", time=START + 20_000)
    assert "van" not in drive.town.fleet.vehicles


def test_alarms_without_end_cost_no_memory() -> None:
    drive = van()
    for n in range(3 * MOST_ALARMS):
        drive.at(0, 0, alarm=f"code {n}")
    assert len(drive.town.fleet.vehicles["van"].alarms) == MOST_ALARMS


def test_an_alarm_goes_on_whether_its_vehicle_is_on_the_map_or_not() -> None:
    drive = nowhere(Town().drive("van")).expect("alarm", placed=False)
    drive.at(0, 0, alarm="sos").expect()  # its first place
    drive.town.took(drive.town.fleet.remove_vehicle("van", drive.town.now))
    nowhere(drive).expect()
    drive.town.took(drive.town.fleet.erase_vehicle("van", drive.town.now))
    nowhere(drive).expect("alarm")  # another vehicle's


def test_a_repetition_by_which_an_alarm_lasts_longer_is_kept() -> None:
    """Who looks back has to know that the next message goes on with it."""
    drive = van().at(0, 0, alarm="sos").expect("alarm").at(0, 0)
    again = drive.town.ping("van", 0.0, 0.0, drive.town.now, alarm="sos")
    assert (again, [one.taken for one in drive.town.steps[-1].commit.pings]) == (Outcome.DUPLICATE, [APART])
    drive.town.ping("van", 0.0, 0.0, drive.town.now, alarm="sos")
    assert drive.town.steps[-1].commit.pings == []
    drive.at(0, 0, alarm="sos").expect()
