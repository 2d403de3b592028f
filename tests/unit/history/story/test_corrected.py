"""A story as it is known: what one piece gets another gives up."""

from __future__ import annotations

from itertools import pairwise

from tests.support.rounds import LAT, LON, columns_of, driven
from tracker.history.story.corrected import corrected, in_order
from tracker.history.story.corrections import Correction
from tracker.history.story.trips import Story, story_of

DAY = driven((300, 0), (600, 12), (300, 0), (400, 8), (300, 0))
TOLD = story_of(columns_of(DAY))
assert TOLD is not None
BEFORE: Story = TOLD
FIRST, SECOND = BEFORE.trips
STOP = BEFORE.stops[1]
MINUTE = 60_000


def moved(begins: int | None, ends: int | None) -> Story:
    one = Correction(
        "c", "van", "move_stop", STOP.since, STOP.until, "so", "ada", 1, begins, ends, (STOP.lat, STOP.lon)
    )
    known = corrected(BEFORE, [one], BEFORE.since, BEFORE.until)
    assert known is not None
    parts = in_order(known)
    assert all(before.until == after.since for before, after in pairwise(parts))
    assert sum(trip.way.metres[-1] for trip in known.trips) == sum(trip.way.metres[-1] for trip in BEFORE.trips)
    return known


def test_a_stop_that_is_moved_takes_time_from_the_ways_beside_it_and_gives_it_back() -> None:
    longer = moved(STOP.since - MINUTE, STOP.until + MINUTE)
    assert [(one.since, one.until) for one in longer.trips] == [
        (FIRST.since, STOP.since - MINUTE),
        (STOP.until + MINUTE, SECOND.until),
    ]
    shorter = moved(STOP.since + MINUTE, None)
    assert shorter.trips[0].until == shorter.stops[1].since == STOP.since + MINUTE
    elsewhere = moved(STOP.until + MINUTE, STOP.until + 3 * MINUTE)
    assert [(one.since, one.until) for one in elsewhere.trips] == [
        (FIRST.since, STOP.until + MINUTE),
        (STOP.until + 3 * MINUTE, SECOND.until),
    ], "it drove through where it had stood"


def test_a_stop_that_lasts_past_the_end_of_a_day_is_in_the_next_one_too() -> None:
    ends = DAY[135].time
    one = Correction("c", "van", "move_stop", STOP.since, STOP.until, "so", "ada", 1, None, ends, (LAT, LON))
    since = DAY[125].time - 5_000  # the next day: the stop was over before
    after = story_of(columns_of(DAY[125:]))
    known = corrected(after, [one], since, DAY[-1].time + 1)
    assert after is not None and known is not None
    assert (known.stops[0].since, known.stops[0].until, known.trips[0].since) == (since, ends, ends)
    assert corrected(after, [one], ends, DAY[-1].time + 1) == after, "what it does not touch is as it was"
    assert corrected(None, [one], 0, 1) is None


def test_trips_are_joined_with_the_stop_between_as_waiting_and_what_fits_nothing_changes_nothing() -> None:
    join = Correction("c", "van", "join_trips", FIRST.since, SECOND.until, "so", "ada", 1)
    known = corrected(BEFORE, [join], BEFORE.since, BEFORE.until)
    assert known is not None
    [trip] = known.trips
    assert trip.way.waited_ms(trip.since, trip.until) == STOP.until - STOP.since
    alone = Correction("c", "van", "join_trips", FIRST.since, FIRST.until, "so", "ada", 1)
    assert corrected(BEFORE, [alone], BEFORE.since, BEFORE.until) == BEFORE
