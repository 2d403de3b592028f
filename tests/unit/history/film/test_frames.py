"""Where vehicles were at instants: the rule, told fix by fix, and as it is worked out for all of them at once."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scenario import box, feature, place
from tracker.access import grants
from tracker.history.film.frames import BETWEEN, GAP, NOTHING, Frames, Grid, admitted, sample
from tracker.history.visits import Visits
from tracker.model.coarse import middle
from tracker.model.columns import Part, Tracks
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

T0 = 20_780 * 86_400_000
MINUTE, DAY = 60_000, 86_400_000
ROUND = 3_600_000_000

Fix = tuple[int, int, int]  # ms since T0, and a place in 1e-7 degrees
Seen = tuple[int, int, int, int]  # what is known, the place, the age


def tracks_of(*vehicles: list[Fix]) -> Tracks:
    parts: list[Any] = [(at, *np.array(fixes or np.empty((0, 3)), np.int64).T) for at, fixes in enumerate(vehicles)]
    told = [Part(at, time + T0, lat, lon, lat > -ROUND) for at, time, lat, lon in parts]
    return Tracks.joined(len(vehicles), told)


def frames_of(grid: Grid, *vehicles: list[Fix], now: int = 1 << 50) -> Frames:
    return sample(tracks_of(*vehicles), grid, now)


def told(frames: Frames, vehicle: int = 0) -> list[Seen]:
    columns = (one[vehicle].tolist() for one in frames)
    return [(known, lat, lon, age) for known, lat, lon, age in zip(*columns, strict=True)]


def plainly(fixes: list[Fix], at: int) -> Seen:
    """The rule, word for word."""
    times = [fix[0] for fix in fixes]
    i = bisect_right(times, at) - 1
    if i < 0 or at - times[i] > DAY:
        return NOTHING, 0, 0, 0
    time, lat, lon = fixes[i]
    if i + 1 == len(fixes) or times[i + 1] - time > 5 * MINUTE:
        return GAP, lat, lon, at - time
    until, north, east = fixes[i + 1]
    share = Fraction(at - time, until - time)
    way = (east - lon + ROUND // 2) % ROUND - ROUND // 2
    over = lon + floor(way * share + Fraction(1, 2))
    over -= ROUND * (over > ROUND // 2) - ROUND * (over < -ROUND // 2)
    return BETWEEN, lat + floor((north - lat) * share + Fraction(1, 2)), over, at - time


DRIVES = st.lists(
    st.tuples(
        st.sampled_from([1, 999, 10_000, 299_999, 300_000, 300_001, 3_600_000, DAY, DAY + 1]),
        st.integers(-900_000_000, 900_000_000),
        st.one_of(st.integers(-1_800_000_000, 1_800_000_000), st.sampled_from([-1_799_990_000, 1_799_990_000])),
    ),
    max_size=12,
)  # fmt: skip


@given(DRIVES, DRIVES, st.integers(-DAY, 2 * DAY), st.sampled_from([1, 7_001, 120_000, 3_600_000]))
def test_every_instant_of_every_vehicle_is_as_the_rule_says(
    one: list[Fix], other: list[Fix], since: int, step: int
) -> None:
    drives = []
    for steps in (one, other):
        times = np.cumsum([step for step, *_ in steps], dtype=np.int64).tolist()
        drives.append([(time, *spot) for time, (_, *spot) in zip(times, steps, strict=True)])
    grid = Grid(T0 + since, step, 9)
    frames = frames_of(grid, *drives)
    for vehicle, fixes in enumerate(drives):
        assert told(frames, vehicle) == [plainly(fixes, since + k * step) for k in range(9)]


def test_a_grid_has_one_instant_at_least_and_none_of_its_end() -> None:
    assert [Grid.over(0, until, 10).instants for until in (0, 1, 10, 11, 20)] == [1, 1, 1, 2, 2]


def test_the_antimeridian_is_crossed_the_short_way() -> None:
    frames = frames_of(Grid(T0, MINUTE, 3), [(0, 0, 1_799_000_000), (2 * MINUTE, 0, -1_799_000_000)])
    assert [lon for _, _, lon, _ in told(frames)] == [1_799_000_000, 1_800_000_000, -1_799_000_000]


def test_what_has_not_been_yet_is_not_told() -> None:
    frames = frames_of(Grid(T0, MINUTE, 3), [(0, 1, 1)], now=T0 + MINUTE)
    assert [known for known, *_ in told(frames)] == [GAP, GAP, NOTHING]


def book() -> RegionBook:
    made = RegionBook()
    made.put(Region.read_feature(feature(box(0, 0, 400, 300)), id="depot", version=1, now=0))
    return made


def as_e7(spot: tuple[float, float]) -> tuple[int, int]:
    return round(spot[0] * 1e7), round(spot[1] * 1e7)


def test_who_sees_a_region_sees_a_vehicle_from_its_entry_to_its_exit_and_no_line_from_visit_to_visit() -> None:
    inside, outside = as_e7(place(200, 100)), as_e7(place(900, 100))
    fixes = [(0, *inside), (1, *inside), (2, *outside), (3, *inside), (4, *inside), (9, *inside)]
    drive = [(at * MINUTE, lat, lon) for at, lat, lon in fixes]
    spans = {"depot": [(T0, T0 + MINUTE), (T0 + 3 * MINUTE, T0 + 5 * MINUTE)]}
    seen = Visits(spans, [grants.Part(frozenset({"depot"}))], book())
    frames = sample(*_with(drive, seen, Grid(T0 - MINUTE, MINUTE, 12)))
    known = [one[0] for one in told(frames)]
    assert known == [NOTHING, BETWEEN, GAP, NOTHING, BETWEEN, GAP, GAP, *[NOTHING] * 5]


def _with(drive: list[Fix], visits: Visits, grid: Grid) -> Any:
    tracks, limits = admitted(tracks_of(drive), [visits])
    return tracks, grid, 1 << 50, limits


def test_who_is_shown_cells_is_told_the_middle_of_one_at_every_instant() -> None:
    drive = [(0, *as_e7(place(0, 0))), (4 * MINUTE, *as_e7(place(9_000, 5_000)))]
    visits = Visits({}, [grants.Part(None, coarse_m=1000.0)], book())
    frames = sample(*_with(drive, visits, Grid(T0, MINUTE, 5)))
    spots = [(lat / 1e7, lon / 1e7) for _, lat, lon, _ in told(frames)]
    assert spots == [middle(*spot, 1000.0) for spot in spots]
    assert spots[0] == middle(*place(0, 0), 1000.0)
    assert spots[-1] == middle(*place(9_000, 5_000), 1000.0)
    assert len(set(spots)) == 5
