"""Who was here against an oracle: shapely for what is straight, many places along each line for what is round."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_geometry import CORNERS, areas
from tracker.fleet.fleet import FleetSettings
from tracker.geometry.earth import turn
from tracker.geometry.geojson import read_shape
from tracker.geometry.places import covered
from tracker.geometry.shape import Shape
from tracker.history.inside import believed, inside
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import NOWHERE, Ping

T0 = 1_795_424_400_000
EVERY_MS, STEP = 30_000, 0.0005  #: between two fixes at most about 60 m/s
SPAN = (T0 - 1000, T0 + 10**9)

Places = list[tuple[float, float]]
Stretch = tuple[int, int, int]  # ms from, until, fixes


@st.composite
def drives(draw: st.DrawFn, corner: tuple[float, float]) -> Places:
    """On a lattice, so that places fall on edges and corners; longitudes go on over ±180."""
    lat, lon = corner
    x, y = draw(st.integers(-2, 20)), draw(st.integers(-2, 14))
    steps = st.tuples(st.integers(-8, 8), st.integers(-8, 8))
    drive: Places = []
    for dx, dy in draw(st.lists(steps, min_size=1, max_size=12)):
        x, y = x + dx, y + dy
        at = round(max(-89.99, min(89.99, lat + y * STEP)), 7), round(lon + x * STEP, 7)
        drive.append(at if at != NOWHERE else (STEP, STEP))
    return drive


def found(shape: Shape, drive: Places) -> list[Stretch]:
    pings = [
        StoredPing(1, Ping("v", T0 + i * EVERY_MS, lat, turn(lon) if abs(lon) > 180 else lon), T0)
        for i, (lat, lon) in enumerate(drive)
    ]
    limits = FleetSettings(jump_mps=1e6)
    visits = inside(shape, believed(Columns.from_pings(pings), limits), *SPAN, limits, stays=False)
    return [(one.since - T0, one.until - T0, one.fixes) for one in visits]


def expected(touches: list[tuple[float, float] | None], held: list[bool]) -> list[Stretch]:
    """Fixes inside that follow each other, with what their lines to the fixes before and after touch; and lines."""
    stretches: list[Stretch] = []
    i = 0
    while i < len(held):
        if held[i]:
            last = i
            while last + 1 < len(held) and held[last + 1]:
                last += 1
            begins = i if i == 0 else i - 1 + (touches[i - 1] or (1.0, 1.0))[0]
            ends = last if last + 1 == len(held) else last + (touches[last] or (0.0, 0.0))[1]
            stretches.append((round(begins * EVERY_MS), round(ends * EVERY_MS), last - i + 1))
            i = last
        elif i + 1 < len(held) and not held[i + 1] and (touch := touches[i]):
            stretches.append((round((i + touch[0]) * EVERY_MS), round((i + touch[1]) * EVERY_MS), 0))
        i += 1
    return stretches


def along(a: tuple[float, float], b: tuple[float, float], area: Shape) -> tuple[float, float] | None:
    """Where on the line its part within the area begins and ends, 0 … 1."""
    found: list[float] = []
    for turns in (-360, 0, 360):
        line = shapely.LineString([(lon + turns, lat) for lat, lon in (a, b)])
        cut = shapely.intersection(line, area.parts)
        found += [
            shapely.line_locate_point(line, shapely.Point(at), normalized=True) for at in shapely.get_coordinates(cut)
        ]
    return (min(found), max(found)) if found else None


@given(st.data())
def test_visits_of_an_area_are_what_shapely_cuts_out_of_the_lines(data: st.DataObject) -> None:
    corner = data.draw(CORNERS)
    area = data.draw(areas(corner))
    drive = data.draw(drives(corner))
    cuts = [along(a, b, area) for a, b in pairwise(drive)]
    assert close(found(area, drive), expected(cuts, [held(area, *at) for at in drive]))


@given(st.data())
def test_visits_of_a_circle_and_a_corridor_are_where_places_along_the_lines_lie_within(data: st.DataObject) -> None:
    lat, lon = corner = data.draw(CORNERS)
    form = data.draw(st.sampled_from(["circle", "corridor"]))
    far = data.draw(st.sampled_from([30.0, 150.0, 400.0]))
    if form == "circle":
        shape = read_shape({"type": "Point", "coordinates": [lon, lat]}, radius_m=far)
    else:
        coordinates = [[lon, lat], [lon + 0.004, lat + 0.001]]
        shape = read_shape({"type": "LineString", "coordinates": coordinates}, buffer_m=far / 4)
    drive = data.draw(drives(corner))
    share = np.linspace(0, 1, 121)
    cuts: list[tuple[float, float] | None] = []
    for (lat1, lon1), (lat2, lon2) in pairwise(drive):
        at = [held(shape, lat1 + (lat2 - lat1) * t, lon1 + (lon2 - lon1) * t) for t in share.tolist()]
        cuts.append(
            (float(share[at.index(True)]), float(share[len(at) - 1 - at[::-1].index(True)])) if any(at) else None
        )
    told, seen = found(shape, drive), expected(cuts, [held(shape, *at) for at in drive])
    short = 2.5 * EVERY_MS / 120  # what lies between two places may not be seen at all
    near = EVERY_MS / 100
    assert [one for one in told if one[1] - one[0] > short and not any(close([one], [two], near) for two in seen)] == []
    assert [one for one in seen if not any(close([one], [two], near) for two in told)] == []


def held(shape: Shape, lat: float, lon: float) -> bool:
    """As many places at once are looked at; `covers` is compared with shapely elsewhere."""
    return bool(covered(shape, np.array([lat]), np.array([turn(lon) if abs(lon) > 180 else lon]))[0])


def close(some: list[Stretch], others: list[Stretch], within_ms: float = 1.0) -> bool:
    same = len(some) == len(others)
    return same and all(
        a[2] == b[2] and abs(a[0] - b[0]) <= within_ms and abs(a[1] - b[1]) <= within_ms
        for a, b in zip(some, others, strict=True)
    )
