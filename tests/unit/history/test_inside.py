"""Who was here: when a vehicle came and went, read off its fixes and the lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.scenario import START, box, place, point
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.geometry.shape import Shape
from tracker.history.inside import BEYOND, CROSSED, FIX, SILENT_MS, Visit, believed, inside
from tracker.model.columns import Columns
from tracker.model.commit import HELD, LATE, LIVE, StoredPing
from tracker.model.ping import Ping

YARD = read_shape(box(0, 0, 400, 300))
DAY = (START - SILENT_MS, START + SILENT_MS)
HOUR = 3600

Fix = tuple[Any, ...]  # seconds since START, metres east, metres north, and how it was taken


def fixes(*drive: Fix, accuracy_m: float | None = None, speed_mps: float | None = None) -> Columns:
    pings = []
    for after_s, east, north, *taken in drive:
        ping = Ping("van", START + round(after_s * 1000), *place(east, north), speed_mps, accuracy_m=accuracy_m)
        pings.append(StoredPing(1, ping, ping.time, taken[0] if taken else LIVE))
    return Columns.from_pings(pings)


def visits(shape: Shape, told: Columns, span: tuple[int, int] = DAY, stays: bool = True) -> list[Visit]:
    limits = FleetSettings()
    return list(inside(shape, believed(told, limits), *span, limits, stays))


def seconds(found: Sequence[Visit]) -> Any:
    """(entered, exited, fixes, passed through)"""
    return [(_s(one.entry.at), _s(one.exit.at), one.fixes, one.passed_through) for one in found]


def _s(at: int | None) -> float | None:
    return None if at is None else (at - START) / 1000


def test_who_drives_through_comes_and_goes_where_the_lines_cross_the_boundary() -> None:
    [visit] = visits(YARD, fixes((0, -100, 100), (20, 100, 100), (40, 300, 100), (60, 600, 100)))
    assert seconds([visit]) == [(10.0, pytest.approx(46.667, abs=0.002), 2, False)]
    assert (visit.entry.how, visit.exit.how) == (CROSSED, CROSSED)
    assert visit.entry.place == pytest.approx(place(0, 100), abs=1e-7)
    assert visit.exit.place == pytest.approx(place(400, 100), abs=1e-7)
    assert visit.silent_ms == 20_000


def test_who_crosses_between_two_fixes_passed_through_without_one() -> None:
    assert seconds(visits(YARD, fixes((0, -400, 100), (30, 800, 100)))) == [(10.0, 20.0, 0, True)]
    assert visits(YARD, fixes((0, -400, 400), (30, 800, 400))) == []


def test_each_way_in_is_a_visit_of_its_own() -> None:
    drive = fixes((0, -100, 100), (20, 100, 100), (40, -100, 100), (60, -100, 400), (80, 500, 290), (100, 100, 200))
    assert [passed for *_, passed in seconds(visits(YARD, drive))] == [False, False]
    assert len(visits(YARD, fixes((0, -50, 100), (9, 450, 100), (18, -50, 100)))) == 2


def test_a_circle_and_a_corridor_are_measured_in_metres() -> None:
    circle, road = read_shape(point(200, 0), radius_m=100), read_shape(line((0, 0), (400, 0)), buffer_m=25)
    drive = fixes((0, 200, -300), (60, 200, 300))
    assert seconds(visits(circle, drive)) == [(pytest.approx(20, abs=0.02), pytest.approx(40, abs=0.02), 0, True)]
    assert seconds(visits(road, drive)) == [(pytest.approx(27.5, abs=0.02), pytest.approx(32.5, abs=0.02), 0, True)]
    assert visits(circle, fixes((0, 90, -300), (60, 90, 300))) == []


def line(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in (place(*at) for at in corners)]}


def test_a_hole_is_outside_and_the_boundary_inside() -> None:
    outer, inner = box(0, 0, 400, 400)["coordinates"][0], box(100, 100, 300, 300)["coordinates"][0]
    ring = read_shape({"type": "Polygon", "coordinates": [outer, inner]})
    assert seconds(visits(ring, fixes((0, 200, 200), (10, 200, 250)))) == []
    assert len(visits(ring, fixes((0, 200, 200), (20, 200, 350), (40, 200, 500)))) == 1
    on_edge = Columns.from_pings([StoredPing(1, Ping("van", START, *outer[0][::-1]), START)])
    assert [one.fixes for one in visits(ring, on_edge)] == [1]


def test_across_the_antimeridian_and_at_a_pole_the_line_goes_the_short_way() -> None:
    def track(*at: tuple[int, float, float]) -> Columns:
        return Columns.from_pings(
            StoredPing(1, Ping("ship", START + after * 1000, lat, lon), START) for after, lat, lon in at
        )

    strait = read_shape(
        {"type": "Polygon", "coordinates": [[[179.99, 0], [180.01, 0], [180.01, 1], [179.99, 1], [179.99, 0]]]}
    )
    [visit] = visits(strait, track((0, 0.5, 179.98), (100, 0.5, -179.98)))
    assert seconds([visit]) == [(pytest.approx(25, abs=0.01), pytest.approx(75, abs=0.01), 0, True)]
    assert visit.exit.place == pytest.approx((0.5, -179.99))
    assert visits(strait, track((0, 0.5, 0.01), (100, 0.5, -0.01))) == []
    assert [one.fixes for one in visits(strait, track((0, 0.5, 180.0), (10, 0.5, -180.0)))] == [2]
    pole = read_shape({"type": "Point", "coordinates": [0, 90]}, radius_m=5000)
    assert [one.fixes for one in visits(pole, track((0, 89.99, 10), (60, 89.99, -170)))] == [2]


def test_what_reaches_beyond_the_range_is_said_to() -> None:
    stay = fixes((0, 100, 100), (60, 120, 100), (120, 100, 100), (180, 100, 100))
    [visit] = visits(YARD, stay, (START + 30_000, START + 150_000))
    assert (visit.entry.how, visit.exit.how) == (BEYOND, BEYOND)
    assert (visit.entry.at, visit.exit.at, visit.fixes) == (None, None, 2)
    assert visit.until - visit.since == 120_000
    [within] = visits(YARD, stay, (START - 60_000, START + 150_000))
    assert (within.entry.how, _s(within.entry.at)) == (FIX, 0.0), "nothing is known of before"


def test_silence_is_no_exit_for_a_day() -> None:
    night = fixes((0, 100, 100), (8 * HOUR, 110, 100), (8 * HOUR + 60, 800, 100))
    [visit] = visits(YARD, night, (START + 2 * HOUR * 1000, START + 3 * HOUR * 1000))
    assert (visit.fixes, visit.silent_ms, visit.exit.how) == (0, HOUR * 1000, BEYOND)
    assert (
        visits(YARD, fixes((0, 100, 100), (25 * HOUR, 110, 100)), (START + HOUR * 1000, START + 2 * HOUR * 1000)) == []
    )
    parked = fixes((-60, -500, 100), (0, 100, 100))
    assert [one.exit.how for one in visits(YARD, parked, (START, START + HOUR * 1000))] == [BEYOND]
    assert [one.exit.how for one in visits(YARD, parked, (START, START + HOUR * 1000), stays=False)] == [FIX]
    long = visits(YARD, parked, (START - 60_000, START + 2 * SILENT_MS))
    assert [(one.exit.how, _s(one.exit.at)) for one in long] == [(FIX, 0.0)]


def test_a_line_over_a_long_gap_crosses_nothing() -> None:
    assert visits(YARD, fixes((0, -400, 100), (301, 800, 100))) == []
    [visit] = visits(YARD, fixes((0, -400, 100), (301, 100, 100), (700, 800, 100)))
    assert (visit.entry.how, visit.exit.how, _s(visit.entry.at), _s(visit.exit.at)) == (FIX, FIX, 301.0, 301.0)


def test_nobody_drives_so_fast() -> None:
    assert visits(YARD, fixes((0, -5000, 100), (10, 5000, 100))) == []
    jump = (0, -5000, 100), (10, 100, 100, LATE), (20, -5000, 100)
    assert visits(YARD, fixes(*jump)) == [], "a fix to which and from which nobody drives"
    away = fixes((0, 100, 100), (10, 9000, 100, LATE), (20, 120, 100), (30, 800, 100))
    assert [one.fixes for one in visits(YARD, away)] == [2], "and one that would have interrupted a visit"
    plane = fixes((0, -1000, 100), (10, 1000, 100), speed_mps=200)
    assert [passed for *_, passed in seconds(visits(YARD, plane))] == [True], "its own speed agrees"


def test_what_was_held_and_what_is_poor_is_not_believed() -> None:
    assert visits(YARD, fixes((0, -500, 100), (30, 100, 100, HELD), (60, -500, 100))) == []
    assert visits(YARD, fixes((0, -500, 100), (30, 100, 100), (60, -500, 100), accuracy_m=250)) == []
    assert len(visits(YARD, fixes((0, -500, 100), (30, 100, 100), (60, -500, 100), accuracy_m=150))) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_a_vehicle_with_next_to_nothing_is_answered(count: int) -> None:
    assert len(visits(YARD, fixes(*[(0, 100, 100)][:count]))) == count
