"""Which fixes make the line of a track."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from tests.support.drives import drive
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping
from tracker.reports.thin import LATE_M, kept, metres, unrolled

SINCE = 1_764_028_800_000


def track(*places: tuple[int, float, float]) -> Columns:
    """(second, metres east, metres north) at the equator."""
    pings = [Ping("v", SINCE + 1000 * second, north / 111_195, east / 111_195) for second, east, north in places]
    return Columns.from_pings([StoredPing(1, ping, ping.time) for ping in pings])


@pytest.mark.parametrize("tolerance_m", [6.0, 20.0])
def test_the_line_passes_near_every_fix_and_is_near_it_in_time(tolerance_m: float) -> None:
    columns = drive(3, SINCE, 7200)
    at = kept(columns, tolerance_m)
    assert len(at) < len(columns) / 3
    east, north = metres(columns.lat / 1e7, columns.lon / 1e7)
    line = shapely.linestrings(np.column_stack((east[at], north[at])))
    assert shapely.distance(line, shapely.points(east, north)).max() <= tolerance_m * 1.01
    late = np.hypot(
        np.interp(columns.time, columns.time[at], east[at]) - east,
        np.interp(columns.time, columns.time[at], north[at]) - north,
    )
    assert late.max() <= max(LATE_M, 2 * tolerance_m)


def test_who_stands_on_a_straight_road_is_there_all_the_while() -> None:
    straight = [(second, 10.0 * second, 0.0) for second in range(0, 60, 5)]
    stood = [(60 + second, 600.0, 0.0) for second in range(0, 600, 5)]
    on = [(660 + second, 600 + 10.0 * second, 0.0) for second in range(0, 60, 5)]
    columns = track(*straight, *stood, *on)
    at = kept(columns, 6.0)
    there = np.interp(300_000, columns.time[at] - SINCE, columns.lon[at] / 1e7 * 111_195)
    assert abs(there - 600) <= LATE_M
    assert len(at) < 12


def test_a_stop_is_drawn_as_standing_however_the_receiver_wandered() -> None:
    stood = [(second, 30.0 * (-1) ** (second // 5), 0.0) for second in range(0, 600, 5)]
    columns = track((-60, -500.0, 0.0), *stood, (700, 900.0, 0.0))
    assert len(kept(columns, 6.0)) > 100
    assert kept(columns, 6.0, [(SINCE, SINCE + 595_000)]).tolist() == [0, 1, 120, 121]


def test_both_ends_of_a_silence_are_kept() -> None:
    columns = track((0, 0, 0), (5, 50, 0), (10, 100, 0), (910, 5000, 0), (915, 5050, 0), (920, 5100, 0))
    assert kept(columns, 6.0).tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_of_few_fixes_all_are_kept(count: int) -> None:
    columns = track(*[(second, 0.0, 0.0) for second in range(count)])
    assert kept(columns, 6.0).tolist() == list(range(count))


def test_longitudes_go_on_over_180_degrees() -> None:
    assert unrolled(np.array([179.9, -179.9, -179.7, 179.8])).tolist() == pytest.approx([179.9, 180.1, 180.3, 179.8])
