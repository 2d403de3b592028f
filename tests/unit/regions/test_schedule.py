from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Invalid
from tracker.regions.schedule import DAYS, MOST_SPANS, Schedule, read_schedule

BERLIN = "Europe/Berlin"
HOUR = 3_600_000


def ms(text: str, zone: str = "UTC", fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def daily(*windows: list[str], zone: str = BERLIN) -> Schedule:
    return Schedule(zone, {day: list(windows) for day in DAYS})


def test_it_is_open_by_the_clock_on_the_wall_there() -> None:
    week = Schedule(BERLIN, {"mon": [["08:00", "17:00"]]})
    assert not week.open_at(ms("2026-11-23T06:59:59.999"))  # Berlin is an hour ahead in winter
    assert week.open_at(ms("2026-11-23T07:00"))
    assert week.open_at(ms("2026-11-23T15:59:59.999"))
    assert not week.open_at(ms("2026-11-23T16:00"))
    assert not week.open_at(ms("2026-11-24T10:00")), "Tuesday"
    assert week.open_at(ms("2026-07-06T06:00")), "two hours in summer"
    assert not week.open_at(ms("2026-07-06T15:00"))


def test_a_night_window_belongs_to_the_day_it_starts() -> None:
    week = Schedule("UTC", {"fri": [["22:00", "06:00"]]})
    assert not week.open_at(ms("2026-11-27T05:00"))
    assert week.open_at(ms("2026-11-27T22:00"))
    assert week.open_at(ms("2026-11-28T05:59"))
    assert not week.open_at(ms("2026-11-28T06:00"))
    assert Schedule("UTC", {"sun": [["22:00", "06:00"]]}).open_at(ms("2026-11-23T05:00")), "Sunday night is Monday"


def test_24_00_is_the_end_of_the_day() -> None:
    week = Schedule("UTC", {"mon": [["18:00", "24:00"]], "tue": [["00:00", "24:00"]], "wed": [["08:00", "08:00"]]})
    assert week.open_at(ms("2026-11-23T23:59:59.999"))
    assert week.open_at(ms("2026-11-24T12:00"))
    assert week.change_after(ms("2026-11-23T19:00")) == ms("2026-11-25T00:00"), "no seam at midnight"
    assert week.open_at(ms("2026-11-26T07:59")), "from eight to eight"
    assert not week.open_at(ms("2026-11-26T08:00"))


@pytest.mark.parametrize(
    ("evening", "hours"),
    [("2026-03-28T22:00", 7), ("2026-10-24T22:00", 9), ("2026-11-24T22:00", 8)],
)
def test_a_night_is_an_hour_shorter_in_spring_and_longer_in_autumn(evening: str, hours: int) -> None:
    night = daily(["22:00", "06:00"])
    opens = ms(evening, BERLIN)
    assert night.change_after(opens - 1) == opens
    assert night.change_after(opens) == opens + hours * HOUR
    assert night.change_before(opens + hours * HOUR) == opens + hours * HOUR
    assert night.change_before(opens + hours * HOUR - 1) == opens


def test_an_hour_that_is_skipped_opens_nothing() -> None:
    gone = daily(["02:15", "02:45"])
    before = ms("2026-03-29T00:00", BERLIN)
    assert gone.change_after(before) == ms("2026-03-30T02:15", BERLIN)
    cut = daily(["01:30", "02:30"])
    assert cut.change_after(ms("2026-03-29T01:30", BERLIN)) == ms("2026-03-29T03:00", BERLIN), "at two it is three"


def test_an_hour_that_comes_twice_opens_twice() -> None:
    twice = daily(["02:15", "02:45"])
    first, second = ms("2026-10-25T02:15", BERLIN), ms("2026-10-25T02:15", BERLIN, fold=1)
    assert second == first + HOUR
    assert twice.change_after(first - 1) == first
    assert twice.change_after(first) == first + HOUR // 2
    assert twice.change_after(first + HOUR // 2) == second


def test_a_window_only_in_the_skipped_hour_waits_for_the_next_week() -> None:
    rare = Schedule(BERLIN, {"sun": [["02:15", "02:45"]]})
    assert rare.change_after(ms("2026-03-23T12:00")) == ms("2026-04-05T02:15", BERLIN)


def test_an_empty_week_never_opens_and_a_full_one_never_closes() -> None:
    for week, is_open in ((Schedule("UTC", {}), False), (daily(["00:00", "24:00"]), True)):
        now = ms("2026-11-23T09:00")
        assert week.open_at(now) is is_open
        assert week.change_after(now) is None
        assert week.change_before(now) is None


ZONES = [
    BERLIN,
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/Sao_Paulo",
]
CLOCK = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
WEEKS = st.dictionaries(st.sampled_from(DAYS), st.lists(st.tuples(CLOCK, CLOCK).map(list), max_size=2), max_size=7)


def brute(weekly: dict[str, list[list[str]]], zone: str, time: int) -> bool:
    """The definition, minute by minute."""
    wall = datetime.fromtimestamp(time / 1000, ZoneInfo(zone))
    clock = f"{wall:%H:%M}"
    today, yesterday = DAYS[wall.weekday()], DAYS[wall.weekday() - 1]
    return any(start <= clock < end if start < end else start <= clock for start, end in weekly.get(today, [])) or any(
        start >= end and clock < end for start, end in weekly.get(yesterday, [])
    )


@given(WEEKS, st.sampled_from(ZONES), st.integers(0, 900), st.integers(0, 1439))
def test_it_agrees_with_the_definition_at_every_change(
    weekly: dict[str, list[list[str]]], zone: str, day: int, minute: int
) -> None:
    week = Schedule(zone, weekly)
    time = ms("2025-01-01T00:00") + day * 24 * HOUR + minute * 60_000
    is_open = week.open_at(time)
    assert is_open == brute(weekly, zone, time)
    change = week.change_after(time)
    if change is not None:
        assert change > time
        assert brute(weekly, zone, change) != is_open
        assert brute(weekly, zone, change - 1) == is_open
        for step in range(1, 6):
            assert brute(weekly, zone, time + (change - time) * step // 6) == is_open
        assert week.change_before(change) == change
    else:
        assert all(brute(weekly, zone, time + hour * HOUR) == is_open for hour in range(0, 8 * 24, 5))


def faults(value: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        read_schedule(value, "rules.schedule")
    return {error["field"]: error["message"] for error in caught.value.errors}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("always", ["rules.schedule"]),
        ({}, ["rules.schedule.zone", "rules.schedule.weekly"]),
        ({"zone": "Mars/Base", "weekly": {}}, ["rules.schedule.zone"]),
        ({"zone": "../etc/passwd", "weekly": {}}, ["rules.schedule.zone"]),
        ({"zone": "", "weekly": {}}, ["rules.schedule.zone"]),
        ({"zone": 1, "weekly": {}}, ["rules.schedule.zone"]),
        ({"zone": "UTC", "weekly": [], "from": 1}, ["rules.schedule.from", "rules.schedule.weekly"]),
        ({"zone": "UTC", "weekly": {"monday": []}}, ["rules.schedule.weekly.monday"]),
        ({"zone": "UTC", "weekly": {"mon": "08:00-17:00"}}, ["rules.schedule.weekly.mon"]),
        ({"zone": "UTC", "weekly": {"mon": [["08:00", "17:00"]] * 25}}, ["rules.schedule.weekly.mon"]),
        ({"zone": "UTC", "weekly": {"mon": [["08:00"]]}}, ["rules.schedule.weekly.mon[0]"]),
        ({"zone": "UTC", "weekly": {"mon": [["8:00", "17:00"]]}}, ["rules.schedule.weekly.mon[0][0]"]),
        ({"zone": "UTC", "weekly": {"mon": [["24:00", "25:00"]]}},
         ["rules.schedule.weekly.mon[0][0]", "rules.schedule.weekly.mon[0][1]"]),
        ({"zone": "UTC", "weekly": {"mon": [["08:00", 17]]}}, ["rules.schedule.weekly.mon[0][1]"]),
    ],
)  # fmt: skip
def test_every_fault_is_named(value: Any, fields: list[str]) -> None:
    assert sorted(faults(value)) == sorted(fields)


def test_it_is_written_as_it_was_read() -> None:
    value = {"zone": BERLIN, "weekly": {"mon": [["08:00", "12:00"], ["22:00", "06:00"]], "sun": []}}
    schedule = read_schedule(value)
    assert schedule.as_json() == value
    assert schedule == read_schedule(value)
    assert schedule != Schedule(BERLIN, {})
    assert schedule != value


def test_the_beginning_of_time_is_no_trouble() -> None:
    assert not daily(["08:00", "17:00"]).open_at(0)
    assert datetime(1970, 1, 1) + timedelta(milliseconds=daily(["08:00", "17:00"]).change_after(0) or 0) == datetime(
        1970, 1, 1, 7
    )


def test_equal_weeks_are_one_object() -> None:
    value = {"zone": BERLIN, "weekly": {"mon": [["08:00", "12:00"]]}}
    assert read_schedule(value) is read_schedule(value)


def test_a_schedule_asked_about_very_many_weeks_keeps_few_and_answers_the_same() -> None:
    week, start = daily(["08:00", "17:00"]), ms("2026-11-23T12:00")
    days = [start + n * 7 * 24 * HOUR for n in range(-MOST_SPANS, MOST_SPANS)]
    assert [week.change_after(day) for day in days] == [daily(["08:00", "17:00"]).change_after(day) for day in days]
    assert len(week._spans) <= MOST_SPANS
