"""Told: what is found, as it looks outside."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.support.scenario import START
from tracker.history.story import told
from tracker.history.story.stops import Stop
from tracker.history.story.summary import Totals
from tracker.history.story.trips import Quiet, Trip
from tracker.history.story.way import Way

NINE, LATER = "2026-11-23T09:00:00.000Z", "2026-11-23T09:01:40.500Z"
UNTIL = START + 100_500


class Region(NamedTuple):
    name: str


NAMES = {"r1": Region("Yard"), "r2": Region("Gate")}


def trip(speeds: list[float]) -> Trip:
    way = Way(
        np.array([START, START + 50_000, UNTIL]),
        [(60.0, 24.0), (60.1, 24.1), (60.2, 24.2)],
        np.array([0.0, 400.0, 1234.5678]),
        [(START + 20_000, START + 30_250)],
        np.array(speeds),
    )
    return Trip(START, UNTIL, (60.0, 24.0), (60.2, 24.2), way)


def test_a_trip_says_how_far_how_long_and_how_fast() -> None:
    assert told.trip(trip([-1.0, 9.0, 17.4567])) == {
        "from": NINE,
        "until": LATER,
        "start": {"lat": 60.0, "lon": 24.0},
        "end": {"lat": 60.2, "lon": 24.2},
        "distance_m": 1234.6,
        "duration_s": 100.5,
        "driving_s": 90.25,
        "idle_s": 10.25,
        "max_mps": 17.46,
    }
    assert told.trip(trip([-1.0, -1.0, -1.0]))["max_mps"] is None  # not known, and not 0


def test_a_stop_says_where_it_was_and_the_regions_around_it() -> None:
    assert told.stop(Stop(3, 8, 9, START, UNTIL, 60.1, 24.5), ["r2", "r1"], NAMES) == {
        "from": NINE,
        "until": LATER,
        "lat": 60.1,
        "lon": 24.5,
        "duration_s": 100.5,
        "regions": [{"id": "r2", "name": "Gate"}, {"id": "r1", "name": "Yard"}],
    }


def test_a_silence_says_from_where_to_where_nothing_is_known() -> None:
    assert told.gap(Quiet(START, UNTIL, (60.0, 24.0), (61.0, 25.0), 98_765.4321)) == {
        "from": NINE,
        "until": LATER,
        "start": {"lat": 60.0, "lon": 24.0},
        "end": {"lat": 61.0, "lon": 25.0},
        "distance_m": 98_765.4,
        "duration_s": 100.5,
    }


def test_sums_are_told_in_seconds_and_metres_with_the_time_in_each_region() -> None:
    whole = Totals(START, UNTIL, 1234.56, 33_000, 500, 40_000, 27_000, 2, 3, 21.987, {"r2": 1500, "r1": 40_000})
    assert told.totals(whole, NAMES) == {
        "from": NINE,
        "until": LATER,
        "distance_m": 1234.6,
        "driving_s": 33.0,
        "idle_s": 0.5,
        "stopped_s": 40.0,
        "silent_s": 27.0,
        "trips": 2,
        "stops": 3,
        "max_mps": 21.99,
        "utilisation": 0.3333,
        "regions": [
            {"id": "r1", "name": "Yard", "duration_s": 40.0},
            {"id": "r2", "name": "Gate", "duration_s": 1.5},
        ],
    }
