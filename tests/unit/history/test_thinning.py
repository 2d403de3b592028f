"""What stays of an old day: its minutes, turns, stops and alarms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tracker.history.thinning import EVERY_MS, OFF_M, staying
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping

T0 = 1_780_000_020_000  #: begins a minute
STEP = 1e-4  #: degrees: 11 m


def columns(places: Sequence[tuple[float, float]], every_s: float = 5, **said: dict[int, str]) -> Columns:
    pings = [
        StoredPing(1, Ping("van", T0 + int(at * every_s * 1000), lat, lon, alarm=said.get("alarm", {}).get(at)), T0)
        for at, (lat, lon) in enumerate(places)
    ]
    return Columns.from_pings(pings)


def kept(columns: Columns, *stops: tuple[int, int]) -> list[int]:
    return np.flatnonzero(staying(columns, stops)).tolist()


def test_of_a_straight_way_one_fix_a_minute_stays_and_the_last() -> None:
    assert kept(columns([(60 + at * STEP, 25) for at in range(31)])) == [0, 12, 24, 30]


def test_a_turn_stays() -> None:
    north = [(60 + at * STEP, 25.0) for at in range(6)]
    east = [(north[-1][0], 25 + at * STEP * 2) for at in range(1, 5)]
    assert kept(columns(north + east)) == [0, 5, 9]


def test_what_trembles_less_than_the_tolerance_is_no_turn() -> None:
    assert kept(columns([(60 + at * STEP, 25 + at % 2 * STEP / 4) for at in range(11)])) == [0, 10]


def test_the_first_and_the_last_fix_of_a_stop_stay() -> None:
    way = columns([(60 + at * STEP, 25) for at in range(11)])
    assert kept(way, (T0 + 14_000, T0 + 30_000)) == [0, 3, 6, 10]
    assert kept(way, (T0 + 16_000, T0 + 19_000)) == [0, 10], "no fix lies in it"


def test_an_alarm_stays() -> None:
    assert kept(columns([(60 + at * STEP, 25) for at in range(11)], alarm={7: "sos"})) == [0, 7, 10]


def test_over_the_antimeridian_a_straight_way_is_straight() -> None:
    way = [(0.0, (179.9995 + at * STEP + 180) % 360 - 180) for at in range(11)]
    assert kept(columns(way)) == [0, 10]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_of_hardly_any_all_stay(count: int) -> None:
    assert kept(columns([(60, 25), (60.1, 25)][:count])) == list(range(count))


def test_no_fix_that_goes_was_farther_off_than_is_said_and_twice_is_as_once() -> None:
    random = np.random.default_rng(7)
    steps = random.normal(0, STEP / 3, (2000, 2)).cumsum(axis=0)
    way = columns([(60 + north, 25 + east) for north, east in steps], 1)
    stays = staying(way)
    assert 2000 * 1000 / EVERY_MS < stays.sum() < 1000
    left = way.take(stays)
    assert staying(left).all()
    at = np.interp(np.arange(2000), np.flatnonzero(stays), np.arange(stays.sum()))
    scale = np.array([111_319.5, 111_319.5 * np.cos(np.radians(60))])
    corners = np.column_stack((left.lat, left.lon)) / 1e7 * scale
    for place, where in zip(np.column_stack((way.lat, way.lon)) / 1e7 * scale, at, strict=True):
        a, b = corners[int(where)], corners[min(int(where) + 1, len(corners) - 1)]
        along = np.clip(np.dot(place - a, b - a) / max(np.dot(b - a, b - a), 1e-9), 0, 1)
        assert np.linalg.norm(place - a - along * (b - a)) < OFF_M + 0.1
