"""Trips: how far, how fast and how long, between stops and silences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import pytest

from tests.support.rounds import BEGAN, LON, at, columns_of, drive, driven, fixes
from tracker.history.story.trips import Story, story_of
from tracker.model.ping import Ping


def story(pings: Sequence[Ping]) -> Story:
    told = story_of(columns_of(pings))
    assert told is not None
    return told


def metres(told: Story) -> list[float]:
    return [round(float(trip.way.metres[-1]), 1) for trip in told.trips]


def with_odometer(pings: Sequence[Ping], begins: float, per_m: float = 1.0) -> list[Ping]:
    driven_m = [(ping.lon - LON) / (at(0, 1).lon - LON) for ping in pings]
    return [
        msgspec.structs.replace(ping, odometer_m=begins + metre * per_m)
        for ping, metre in zip(pings, driven_m, strict=True)
    ]


DAY = driven((300, 0), (600, 12), (300, 0), (400, 8), (300, 0))


def test_trips_lead_from_stop_to_stop() -> None:
    told = story(DAY)
    assert len(told.stops) == 3
    assert metres(told) == pytest.approx([7200, 3200], abs=15)
    for trip, before, after in zip(told.trips, told.stops, told.stops[1:], strict=False):
        assert (trip.since, trip.until) == (before.until, after.since)
        assert (trip.start, trip.end) == ((before.lat, before.lon), (after.lat, after.lon))
    assert told.trips[0].since == BEGAN + 300_000
    assert story_of(columns_of([])) is None


def test_a_long_way_is_as_long_as_it_was() -> None:
    one = drive(1)
    truth = sum(math.dist(a, b) for a, b in zip(one.places, one.places[1:], strict=False))
    for step_s, noise_m, off in ((1, 3, 0.03), (5, 5, 0.03), (10, 5, 0.05), (10, 20, 0.12)):
        assert sum(metres(story(fixes(one, 1, step_s, noise_m)))) == pytest.approx(truth, rel=off)


def test_who_wavers_where_it_stands_goes_nowhere() -> None:
    jitter = [at(10 * k, (k * 7 % 11) * 3 - 15, (k * 5 % 13) * 3 - 18) for k in range(400)]
    assert metres(story(jitter)) == []
    assert story([at(0, 0)]).trips == [] == story([at(0, 0), at(10, 5)]).trips


def test_where_nobody_can_have_driven_to_makes_no_way() -> None:
    drives = driven((900, 12))
    thrown = [
        *drives[:30],
        at(300, 3600, 900),
        *drives[31:60],
        at(600, 90_000),
        *drives[61:70],
        at(700, 8400, 350),
        *drives[71:],
    ]
    assert metres(story(thrown)) == pytest.approx(metres(story(drives)), abs=1)
    assert story(thrown).strays == 3


def test_one_that_counts_kilometres_makes_no_short_way_shorter() -> None:
    short = driven((300, 0), (20, 8), (300, 0), (20, 6), (300, 0))
    assert metres(story(short)) == pytest.approx([160, 120], abs=5)
    assert metres(story(with_odometer(short, 50, 0.001))) == metres(story(short))


def test_an_odometer_counts_where_it_says_about_as_much() -> None:
    assert metres(story(with_odometer(DAY, 50_000, 1.1))) == pytest.approx([7200 * 1.1, 3200 * 1.1], abs=20)
    for wrong in (0.001, 0.0, 5.0, -1.0):
        assert metres(story(with_odometer(DAY, 50_000, wrong))) == metres(story(DAY))
    half = with_odometer(DAY, 50_000, 1.1)
    told = [half[k] if k % 3 == 0 else ping for k, ping in enumerate(DAY)]
    assert metres(story(told)) == pytest.approx([7200 * 1.1, 3200 * 1.1], rel=0.01)


@pytest.mark.parametrize("speeds", [False, True])
def test_who_waits_on_the_way_is_idle(speeds: bool) -> None:
    [trip] = story(driven((300, 12), (60, 0), (300, 12), (30, 3), (300, 12), speeds=speeds)).trips
    assert trip.way.waited_ms(trip.since, trip.until) == pytest.approx(60_000, abs=10_000)
    assert trip.way.waited_ms(trip.since, BEGAN + 200_000) == 0


def test_the_top_speed_is_one_it_can_have_had() -> None:
    plain = driven((300, 12), (300, 25), (300, 12))
    [trip] = story(plain).trips
    assert trip.way.fastest_mps(trip.since, trip.until) == pytest.approx(25, abs=0.1)
    assert trip.way.fastest_mps(trip.since, BEGAN + 250_000) == pytest.approx(12, abs=0.1)
    spoken = driven((300, 12), (300, 25), (300, 12), speeds=True)
    spoken[10] = msgspec.structs.replace(spoken[10], speed_mps=113.995)  # what some say that do not know
    spoken[70] = msgspec.structs.replace(spoken[70], speed_mps=60.0)
    spoken[45] = msgspec.structs.replace(spoken[45], speed_mps=29.0)
    [trip] = story(spoken).trips
    assert trip.way.fastest_mps(trip.since, trip.until) == 29
    [trip] = story([msgspec.structs.replace(ping, speed_mps=0.0) for ping in plain]).trips
    assert trip.way.fastest_mps(trip.since, trip.until) == pytest.approx(25, abs=0.1)  # some say nothing else
    train = driven((600, 90), step_s=5, speeds=True)
    [trip] = story(train).trips
    assert trip.way.fastest_mps(trip.since, trip.until) == 90


def test_a_silence_parts_trips_and_says_how_far_it_went_at_least() -> None:
    told = story([*driven((600, 12)), *driven((600, 12), begins_s=3000, east=20_000)])
    assert [(one.since, one.until) for one in told.silences] == [(BEGAN + 590_000, BEGAN + 3_000_000)]
    assert told.silences[0].metres == pytest.approx(20_000 - 590 * 12, abs=5)
    assert len(told.trips) == 2


def test_who_leaps_a_little_goes_on_and_the_leap_is_no_way() -> None:
    """A receiver that finds itself again after a tunnel."""
    drives = [*driven((300, 12), step_s=1), *driven((300, 12), step_s=1, begins_s=300, east=3600 + 500)]
    told = story(drives)
    assert told.silences == [] and metres(told) == pytest.approx([599 * 12], abs=60)
    [trip] = told.trips
    assert trip.way.fastest_mps(trip.since, trip.until) == pytest.approx(12, abs=0.2)


def test_a_short_way_between_two_stops_is_a_trip() -> None:
    told = story([*driven((300, 0), (10, 7), (300, 0), step_s=1)])
    assert len(told.stops) == 2
    assert metres(told) == pytest.approx([70], abs=30)
    told = story([*driven((200, 0), (20, 3), step_s=5), *driven((200, 0), begins_s=220, step_s=5, east=60)])
    assert metres(told) == pytest.approx([60], abs=30)
