"""Whatever fixes come, in whatever order: one story, whose parts follow each other and add up."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.support.rounds import BEGAN, at, columns_of
from tracker.history.story.corrected import corrected, in_order
from tracker.history.story.corrections import MOVE_STOP, WHAT, WRONG_FIXES, Correction, without
from tracker.history.story.stops import LEAST_MS, Stops
from tracker.history.story.summary import totals
from tracker.history.story.trips import story_of
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping

STEPS = st.sampled_from([0.001, 1, 1, 5, 10, 10, 10, 30, 60, 300, 601, 1800, 7200])
MOVES = st.sampled_from([0, 0, 0, 0, 3, -4, 10, 30, -30, 45, 120, -120, 900, 6000, -400_000])
MAYBE = st.sampled_from([None, None, 0.0, 5.0, 20.0, 150.0])


@st.composite
def pings(draw: st.DrawFn) -> list[Ping]:
    told, second, east, north = [], 0.0, 0.0, 0.0
    lat, lon = draw(st.sampled_from([(60.17, 24.94), (0.0, 179.999), (89.99, 0.0), (-45.0, -180.0)]))
    for _ in range(draw(st.integers(1, 40))):
        step, x, y = draw(STEPS), draw(MOVES), draw(MOVES)
        for _ in range(draw(st.integers(1, 8))):  # it goes on like that
            second += step
            told.append(at(second, east, north, lat=lat, lon=lon, accuracy_m=draw(MAYBE), speed_mps=draw(MAYBE)))
        east, north = east + x, north + y
        if lat > 80:
            north = 0.0  # it would be over the pole
    return told


@given(pings(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_story_is_the_same_however_its_fixes_came_and_adds_up(
    told: list[Ping], size: int, rng: random.Random
) -> None:
    columns = columns_of(told)
    story = story_of(columns)
    assert story is not None
    mixed = list(told)
    rng.shuffle(mixed)
    late = Columns.from_pings(StoredPing(1, ping, BEGAN + k) for k, ping in enumerate(mixed))
    again = story_of(late)
    assert again is not None and (again.stops, again.silences) == (story.stops, story.silences)
    assert [trip[:4] for trip in again.trips] == [trip[:4] for trip in story.trips]
    pieces = Stops()
    for begin in range(0, len(columns), size):
        pieces.take_fixes(columns.take(slice(begin, begin + size)))
    whole = Stops()
    whole.take_fixes(columns)
    assert pieces.done() == whole.done()

    parts = sorted((one.since, one.until) for some in (story.stops, story.trips, story.silences) for one in some)
    assert all(before[1] <= after[0] for before, after in pairwise(parts))
    assert all(story.since <= since < until <= story.until for since, until in parts)
    assert all(one.until - one.since >= LEAST_MS for one in story.stops)
    sums = totals(story, {}, story.since, story.until + 1)
    times = (sums.driving_ms, sums.idle_ms, sums.stopped_ms, sums.silent_ms)
    assert sum(times) == story.until - story.since and min(times) >= 0
    assert sums.metres >= 0 and (sums.trips, sums.stops) == (len(story.trips), len(story.stops))
    for trip in story.trips:
        way = trip.way
        assert (way.times[1:] >= way.times[:-1]).all() and (way.metres[1:] >= way.metres[:-1]).all()
        assert 0 <= way.waited_ms(trip.since, trip.until) <= trip.until - trip.since
        assert abs(way.metres_in(trip.since, trip.until) - float(way.metres[-1])) < 1e-6


@st.composite
def corrections(draw: st.DrawFn, seconds: int) -> list[Correction]:
    """Whatever somebody may say, of whatever time: what fits nothing is told nowhere."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        since, until, begins, ends = (BEGAN + 1000 * draw(st.integers(-100, seconds + 100)) for _ in range(4))
        moved = draw(st.sampled_from([(begins, None), (None, ends), (begins, ends)]))
        what = draw(st.sampled_from(WHAT))
        given = moved if what == MOVE_STOP else (None, None)
        one = Correction(f"c{number}", "van", what, since, until, "so", "ada", number, *given, place=(60.0, 24.0))
        made.append(one)
    return [one for one in made if one.since < one.until and one.target[0] < one.target[1]]


@given(st.data(), pings(), st.integers(0, 3))
def test_whatever_is_corrected_what_is_known_follows_each_other_and_adds_up(
    data: st.DataObject, told: list[Ping], cut: int
) -> None:
    columns = columns_of(told)
    seconds = int(columns.time[-1] - BEGAN) // 1000
    said = data.draw(corrections(seconds))
    asked = (BEGAN + cut * 100_000, BEGAN + (seconds + 1) * 1000)
    kept = without(columns.cut(*asked), [(one.since, one.until) for one in said if one.what == WRONG_FIXES])
    before = story_of(kept)
    known = corrected(before, said, *asked)
    if before is None or known is None:
        return
    parts = in_order(known)
    assert all(one.since < one.until for one in parts)
    assert all(one.until <= two.since for one, two in pairwise(parts))
    assert all(known.since <= one.since and one.until <= known.until for one in parts)
    assert asked[0] <= known.since <= before.since and before.until <= known.until <= asked[1]
    sums = totals(known, {}, known.since, known.until + 1)
    times = (sums.driving_ms, sums.idle_ms, sums.stopped_ms, sums.silent_ms)
    assert sum(times) == known.until - known.since and min(times) >= 0
    for trip in known.trips:
        way = trip.way
        assert (way.times[1:] >= way.times[:-1]).all() and (way.metres[1:] >= way.metres[:-1]).all()
        assert len(way.times) == len(way.places) == len(way.metres) == len(way.speeds)
        assert 0 <= way.waited_ms(trip.since, trip.until) <= trip.until - trip.since
    touched = {id for one in parts for id in one.corrected}
    assert touched <= {one.id for one in said}
    if not touched:
        assert known == before, "what nobody corrected is what it was"
