"""How many told something in a step, and how many moved."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.film.test_frames import DAY, MINUTE, T0, Fix, tracks_of
from tracker.geometry.earth import distance_m
from tracker.history.film.activity import activity, far_m
from tracker.history.film.frames import Grid, Told

HOUR = 60 * MINUTE
LAT, LON = 601_700_000, 249_400_000


def counted(grid: Grid, *vehicles: list[Fix]) -> tuple[list[int], list[int]]:
    counts = activity(tracks_of(*vehicles), grid)
    return counts.known.tolist(), counts.moving.tolist()


def drive(since: int, until: int, metres: float) -> list[Fix]:
    """North, a fix each minute and so far in each; a receiver wavers by a few metres."""
    steps = range((until - since) // MINUTE + 1)
    return [(since + k * MINUTE, LAT + round(k * metres * 90) + (k % 3) * 400, LON) for k in steps]


def test_who_told_something_in_a_step_is_known_in_it_and_who_went_somewhere_moved() -> None:
    stands, drives = drive(HOUR, 3 * HOUR - 1, 0), drive(2 * HOUR, 4 * HOUR - 1, 500)
    assert counted(Grid(T0, HOUR, 5), stands, drives) == ([0, 1, 2, 1, 0], [0, 0, 1, 1, 0])


def test_who_came_back_moved() -> None:
    there = drive(0, 20 * MINUTE, 500)
    back = [(40 * MINUTE - time, lat, lon) for time, lat, lon in there[::-1]][1:]
    assert counted(Grid(T0, HOUR, 1), there + back) == ([1], [1])


def test_who_was_elsewhere_after_a_silence_moved_in_the_step_of_its_word() -> None:
    silent = [(0, LAT, LON), (2 * HOUR + MINUTE, LAT + 900_000, LON)]
    assert counted(Grid(T0, HOUR, 4), silent) == ([1, 0, 1, 0], [0, 0, 1, 0])
    over_a_day = [(0, LAT, LON), (DAY + 1, LAT + 900_000, LON)]
    assert counted(Grid(T0, DAY, 3), over_a_day) == ([1, 1, 0], [0, 0, 0])


def test_in_a_short_step_a_slow_one_moves_and_noise_does_not() -> None:
    assert counted(Grid(T0, 30_000, 4), drive(0, 2 * MINUTE, 120)) == ([1] * 4, [0, 1, 1, 1])
    assert counted(Grid(T0, 10_000, 12), drive(0, 2 * MINUTE, 0)) == ([1] * 12, [0] * 12)


def test_the_antimeridian_is_no_way() -> None:
    across = [(0, 0, 1_799_999_000), (MINUTE, 0, -1_799_999_000), (2 * MINUTE, 0, 1_799_999_000)]
    assert counted(Grid(T0, HOUR, 1), across) == ([1], [0])


def test_no_line_leads_from_one_visit_to_the_next() -> None:
    tracks = tracks_of([(0, LAT, LON), (4 * MINUTE, LAT + 900_000, LON)])
    seen = Told(np.array([T0 + 1, T0 + HOUR]), np.zeros(2))
    counts = activity(tracks, Grid(T0, MINUTE, 5), seen)
    assert (counts.known.tolist(), counts.moving.tolist()) == ([1, 0, 0, 0, 1], [0, 0, 0, 0, 0])


def plainly(fixes: list[Fix], grid: Grid) -> tuple[list[int], list[int]]:
    """Step by step."""
    known, moving = [0] * grid.instants, [0] * grid.instants
    for k in range(grid.instants):
        since, until = k * grid.step, (k + 1) * grid.step
        mine = [at for at, fix in enumerate(fixes) if since <= fix[0] < until]
        known[k] = int(bool(mine))
        if mine and mine[0] and fixes[mine[0]][0] - fixes[mine[0] - 1][0] <= DAY:
            mine = [mine[0] - 1, *mine]
        lats, lons = [fixes[at][1] for at in mine], [fixes[at][2] for at in mine]
        if mine:
            moving[k] = int(_far(min(lats), min(lons), max(lats), max(lons)) > far_m(grid.step))
        for one, other in pairwise(fixes):
            gap = other[0] - one[0]
            if one[0] < since and other[0] >= until and gap <= 5 * MINUTE:
                known[k] = 1
                moving[k] |= int(_far(*one[1:], *other[1:]) * grid.step / gap > far_m(grid.step))
    return known, moving


def _far(*places: int) -> float:
    return distance_m(*(one / 1e7 for one in places))


@given(
    st.lists(st.tuples(st.sampled_from([1, 20_000, 240_000, 300_001, DAY + 1]), st.integers(0, 2), st.integers(0, 2)),
             max_size=9),
    st.sampled_from([10_000, MINUTE, HOUR]), st.integers(-2, 2),
)  # fmt: skip
def test_each_step_is_as_the_rule_says(steps: list[tuple[int, int, int]], step: int, before: int) -> None:
    times = (np.cumsum([0, *(one for one, _, _ in steps)])[1:] + before * 7_000).tolist() if steps else []
    fixes = [(time, north * 20_000, east * 20_000) for time, (_, north, east) in zip(times, steps, strict=True)]
    grid = Grid(T0, step, 40)
    assert counted(grid, fixes, []) == plainly(fixes, grid)
