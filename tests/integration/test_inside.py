"""Who was here, asked of a server: what is answered, in pages and as a file, and what cannot be asked."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.granted import HERE, LAT, LON, Town, town
from tests.support.grants import limited
from tracker.model.coarse import middle
from tracker.times import parse_time, rfc3339

PATH = "/api/v1/history/inside"
YARD = {"type": "Point", "coordinates": [LON, LAT]}
T0 = 1_795_424_400_000  #: 2026-11-23T09:00:00Z
SPAN = {"from": rfc3339(T0), "until": rfc3339(T0 + 3_600_000)}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "data", coarse=limited(HERE, coarse_m=1000)) as made:
        for vehicle, lats in (("van-1", (-0.01, 0.0, 0.01)), ("van-2", (-0.01, 0.01)), ("=1+1", (0.0, 0.001))):
            for at, lat in enumerate(lats):
                fix = {"vehicle": vehicle, "time": T0 + at * 60_000, "lat": LAT + lat, "lon": LON, "accuracy_m": 5}
                await made.do("POST", "/api/v1/positions", json=fix)
        yield made


async def ask(place: Town, query: str = "", word: str = "all", **asked: Any) -> Any:
    answer = await place.ask(word, "POST", PATH + query, json={"geometry": YARD, "radius_m": 300, **SPAN, **asked})
    return await (answer.get_json() if "json" in answer.headers["content-type"] else answer.get_data())


async def test_who_was_here_is_told_with_when_how_long_and_how_that_is_known(place: Town) -> None:
    told = await ask(place)
    assert [one["vehicle"] for one in told["visits"]] == ["=1+1", "van-1", "van-2"]
    stays, drives, passes = told["visits"]
    assert (stays["entered_at"], stays["exited_at"], stays["fixes"]) == (SPAN["from"], None, 2)
    assert (stays["entry"]["how"], stays["exit"]["how"], stays["duration_s"]) == ("fix", "beyond", 3600.0)
    assert stays["silent_s"] == 3540.0
    assert (drives["fixes"], drives["passed_through"], drives["entry"]["how"]) == (1, False, "crossed")
    assert parse_time(drives["entered_at"]) == pytest.approx(T0 + 43_850, abs=300)
    assert parse_time(drives["exited_at"]) == pytest.approx(T0 + 76_150, abs=300)
    assert drives["duration_s"] == pytest.approx(32.3, abs=0.5)
    assert drives["entry"]["lat"] == pytest.approx(LAT - 0.00269, abs=1e-4)
    assert (passes["fixes"], passes["passed_through"]) == (0, True)
    assert told["next"] is None


async def test_pages_and_files_tell_the_same_and_a_region_is_a_shape(place: Town) -> None:
    whole = (await ask(place))["visits"]
    paged, query = [], "?limit=1"
    while query:
        page = await ask(place, query)
        paged += page["visits"]
        query = f"?limit=1&cursor={page['next']}" if page["next"] else ""
    assert paged == whole
    assert (await ask(place, geometry=None, radius_m=None, region=HERE))["visits"] == whole
    assert [one["vehicle"] for one in (await ask(place, vehicles=["van-*", "nobody"]))["visits"]] == ["van-1", "van-2"]
    rows = list(csv.DictReader((await ask(place, "?format=csv")).decode().splitlines()))
    assert [row["vehicle"] for row in rows] == ["'=1+1", "van-1", "van-2"]
    assert [row["entered_at"] for row in rows] == [one["entered_at"] for one in whole]
    assert (rows[0]["exited_at"], rows[0]["exit"], rows[2]["passed_through"]) == ("", "beyond", "true")


async def test_a_visit_that_lasts_is_on_one_page_only(place: Town) -> None:
    told, query = [], "?limit=1"
    while query:
        asked: dict[str, Any] = {"from": rfc3339(place.clock - 3_600_000), "until": None}
        page = await ask(place, query, **asked)
        told += [(one["vehicle"], one["exit"]["how"]) for one in page["visits"]]
        query = f"?limit=1&cursor={page['next']}" if page["next"] else ""
    assert told == [("comer", "beyond"), ("leaver", "fix"), ("resident", "beyond")]


async def test_who_is_shown_cells_is_answered_from_cells(place: Town) -> None:
    lat, lon = middle(LAT, LON, 1000)
    told = await ask(place, word="coarse", geometry={"type": "Point", "coordinates": [lon, lat]}, radius_m=10)
    assert [one["vehicle"] for one in told["visits"]] == ["=1+1", "van-1"]
    assert {one["entry"]["lat"] for one in told["visits"]} == {round(lat, 7)}


CORNERS = [[LON, LAT], [LON + 0.01, LAT], [LON, LAT + 0.01], [LON, LAT]]

#: what is asked → the field that is wrong, and how
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"from": None}, "from", "missing"),
    ({"from": "2026-11-23T09:00:00"}, "from", "bad_parameter"),
    ({"from": True}, "from", "wrong_type"),
    ({"until": SPAN["from"]}, "until", "bad_parameter"),
    ({"from": rfc3339(T0 - 401 * 86_400_000)}, "until", "bad_parameter"),
    ({"geometry": None}, "geometry", "geometry_missing"),
    ({"radius_m": -1}, "radius_m", "size_range"),
    ({"radius_m": math.nan}, "radius_m", "size_range"),
    ({"radius_m": math.inf}, "radius_m", "size_range"),
    ({"radius_m": "300"}, "radius_m", "wrong_type"),
    ({"radius_m": None}, "radius_m", "size_missing"),
    ({"geometry": {}}, "geometry.type", "geometry_type"),
    ({"geometry": {"type": "Polygon", "coordinates": []}}, "geometry.coordinates", "too_few_points"),
    ({"geometry": {"type": "GeometryCollection", "geometries": []}}, "geometry.type", "geometry_type"),
    ({"radius_m": 4_000_000}, "geometry", "bad_parameter"),
    ({"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, "buffer_m", "size_missing"),
    ({"vehicles": "van-1"}, "vehicles", "wrong_type"),
    ({"vehicles": ["*"] * 21}, "vehicles", "bad_parameter"),
    ({"colour": "red"}, "colour", "unknown_field"),
    ({"region": HERE}, "region", "bad_parameter"),
    ({"buffer_m": 20}, "buffer_m", "bad_parameter"),
    ({"geometry": {"type": "Polygon", "coordinates": [CORNERS]}}, "radius_m", "bad_parameter"),
    ({"geometry": None, "region": HERE}, "radius_m", "bad_parameter"),
]


async def test_what_cannot_be_asked_is_refused_by_name(place: Town) -> None:
    for asked, field, code in WRONG:
        told = await ask(place, **asked)
        assert "errors" in told, asked
        assert (told["status"], told["errors"][0]["field"], told["errors"][0]["code"]) == (422, field, code), asked


async def test_what_has_not_been_yet_is_not_told(place: Town) -> None:
    later = {"from": rfc3339(4_000_000_000_000), "until": rfc3339(4_000_000_060_000)}
    assert (await ask(place, **later)) == {"visits": [], "next": None}
    now = time.time_ns() // 1_000_000
    await place.do("POST", "/api/v1/positions", json={"vehicle": "van-9", "time": now, "lat": LAT, "lon": LON})
    soon = {"from": rfc3339(now + 600_000), "until": rfc3339(now + 1_200_000)}
    assert (await ask(place, **soon)) == {"visits": [], "next": None}, "who is here now may be gone by then"
