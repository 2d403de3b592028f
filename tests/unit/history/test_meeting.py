"""Which blocks of a track are read for a shape: all that can make a difference, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.scenario import box, place
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.history.inside import inside
from tracker.history.meeting import Meeting
from tracker.model import outline
from tracker.model.columns import Columns
from tracker.model.commit import APART, HELD, LIVE, StoredPing
from tracker.model.outline import Choice, Excerpt, outline_of
from tracker.model.ping import Ping

YARD = read_shape(box(0, 0, 400, 300))
DAY = 20_780 * 86_400_000
MINUTE = 60_000
FAR, NEAR, HERE, BEYOND = (2000, 100), (-500, 100), (200, 100), (900, 100)
LIMITS = FleetSettings()

Spot = tuple[float, float]


@pytest.fixture(autouse=True)
def two_fixes_are_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "BLOCK", 2)


def track(*spots: Spot, taken: dict[int, int] | None = None, poor: tuple[int, ...] = (), lon: float = 0.0) -> Columns:
    """One fix a minute."""
    told = []
    for at, spot in enumerate(spots):
        lat, its = place(*spot)
        accuracy = 900.0 if at in poor else 5.0
        told.append(StoredPing(1, Ping("van", DAY + at * MINUTE, lat, its + lon, accuracy_m=accuracy), DAY, LIVE))
    columns = Columns.from_pings(told)
    for at, how in (taken or {}).items():
        columns.taken[at] = how
    return columns


def chosen(*tracks: Columns, until: int = 99, since: int = -9) -> Choice:
    parts = [outline_of(one) for one in tracks]
    last = np.zeros(sum(map(len, parts)), np.bool_)
    last[np.cumsum([len(one) for one in parts]) - 1] = True
    look = Meeting(YARD, DAY + since * MINUTE, DAY + until * MINUTE, LIMITS)
    lines = np.concatenate(parts)
    whose = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    choice = look.choose(lines, whose, last)
    return choice._replace(met=look.around(choice.met, lines, whose) & ~choice.skipped)


@pytest.mark.parametrize(
    ("fixes", "read"),
    [
        (track(*8 * [FAR]), []),
        (track(*4 * [FAR], HERE, *5 * [FAR]), [1, 2, 3]),
        (track(*3 * [FAR], NEAR, BEYOND, *5 * [FAR]), [1, 2]),
        (track(*3 * [FAR], HERE, *6 * [FAR], taken={3: HELD}), []),
        (track(*3 * [FAR], NEAR, FAR, *5 * [BEYOND], taken={4: HELD}), [1, 2]),
        (track(*3 * [FAR], NEAR, *4 * [FAR], *4 * [BEYOND], poor=(4, 5, 6, 7)), [1, 2, 3, 4]),
        (track(*3 * [FAR], NEAR, *4 * [FAR], *4 * [BEYOND], taken={4: APART, 5: HELD, 6: HELD, 7: HELD}), [1, 2, 3, 4]),
        (track(*6 * [FAR], lon=170.0), []),
        (track(*6 * [FAR], lon=-180.0 - place(*FAR)[1]), [0, 1, 2]),
    ],
)
def test_a_block_is_read_where_a_line_of_it_may_meet_the_shape(fixes: Columns, read: list[int]) -> None:
    assert np.flatnonzero(chosen(fixes).met).tolist() == read


def test_lines_do_not_lead_from_one_vehicle_to_the_next() -> None:
    assert not chosen(track(*4 * [NEAR]), track(*4 * [BEYOND])).met.any()
    assert np.flatnonzero(chosen(track(*4 * [NEAR]), track(*4 * [HERE])).met).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("fixes", "span", "skipped"),
    [
        (track(*14 * [HERE]), (-9, 99), [1, 2, 3, 4]),
        (track(*14 * [HERE]), (5, 99), [4]),
        (track(*14 * [HERE]), (-9, 9), [1, 2]),
        (track(*6 * [HERE], FAR, *7 * [HERE]), (-9, 99), []),
        (track(*14 * [HERE], taken={6: HELD}), (-9, 99), []),
        (track(*14 * [HERE], poor=(6,)), (-9, 99), []),
    ],
)
def test_of_a_time_inside_only_the_ends_are_read(fixes: Columns, span: tuple[int, int], skipped: list[int]) -> None:
    assert np.flatnonzero(chosen(fixes, since=span[0], until=span[1]).skipped).tolist() == skipped


def test_what_is_left_out_between_two_fixes_inside_is_counted_and_its_silence_told() -> None:
    whole = track(NEAR, *9 * [HERE], BEYOND)
    kept = np.array([0, 1, 2, 7, 8, 9, 10])
    some = Excerpt(whole.take(kept), np.array([0, 0, 0, 4, 4, 4, 4]), np.array([0, 0, 0, 150_000, 0, 0, 0]))
    [all_of_it], [told] = (list(inside(YARD, one, 0, DAY * 2, LIMITS)) for one in (whole, some))
    assert all_of_it.silent_ms == MINUTE
    assert told == all_of_it._replace(silent_ms=150_000)


def test_between_two_fixes_outside_with_others_left_out_nobody_passes_through() -> None:
    fixes = track(NEAR, BEYOND)
    assert len(list(inside(YARD, fixes, 0, DAY * 2, LIMITS))) == 1
    assert list(inside(YARD, Excerpt(fixes, np.array([0, 5]), np.zeros(2, np.int64)), 0, DAY * 2, LIMITS)) == []
