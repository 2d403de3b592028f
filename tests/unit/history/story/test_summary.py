"""Summary: a story in numbers, of any span of it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.support.rounds import BEGAN, LAT, LON, at, columns_of, driven
from tracker.history.story.dwell import Drawn
from tracker.history.story.summary import days, midnights, totals
from tracker.history.story.trips import Story, story_of
from tracker.model.ping import Ping
from tracker.regions.region import Region


def story(pings: list[Ping]) -> Story:
    told = story_of(columns_of(pings))
    assert told is not None
    return told


TOLD = story(
    [
        *driven((300, 0), (300, 12), (60, 0), (300, 12), (300, 0)),
        *driven((300, 0), (300, 12), begins_s=5000, east=7200),
    ]
)


def test_times_add_up_to_the_span_from_the_first_to_the_last_fix() -> None:
    whole = totals(TOLD, {}, 0, 2**62)
    assert whole.driving_ms + whole.idle_ms + whole.stopped_ms + whole.silent_ms == TOLD.until - TOLD.since == 5_590_000
    assert whole.silent_ms == 5_000_000 - 1_250_000
    assert whole.driving_ms == pytest.approx(900_000, abs=30_000)
    assert whole.idle_ms == pytest.approx(60_000, abs=15_000)
    assert (whole.trips, whole.stops) == (2, 3)
    assert whole.metres == pytest.approx(7200 + 290 * 12, abs=30)
    assert whole.fastest_mps == pytest.approx(12, abs=0.1)


def test_parts_of_a_span_add_up_to_it() -> None:
    whole = totals(TOLD, {}, BEGAN, BEGAN + 6_000_000)
    parts = [totals(TOLD, {}, BEGAN + begin, BEGAN + begin + 400_000) for begin in range(0, 6_000_000, 400_000)]
    for name in ("metres", "driving_ms", "idle_ms", "stopped_ms", "silent_ms", "trips", "stops"):
        assert sum(getattr(part, name) for part in parts) == pytest.approx(getattr(whole, name), abs=1e-6), name
    assert max(part.fastest_mps or 0 for part in parts) == whole.fastest_mps
    assert totals(None, {}, 0, 1000).utilisation == 0


def test_utilisation_is_the_share_on_trips() -> None:
    whole = totals(TOLD, {}, BEGAN, BEGAN + 10_000_000)
    assert whole.utilisation == pytest.approx((whole.driving_ms + whole.idle_ms) / 10_000_000)


def ms(year: int, month: int, day: int, hour: int) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "zone, day, hours",
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("Asia/Kolkata", (2026, 3, 29), 24),
        ("Africa/Cairo", (2026, 4, 24), 23),  # the clock is put forward at midnight
        ("Atlantic/Azores", (2026, 10, 25), 25),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
    ],
)
def test_days_are_as_long_as_they_are_there(zone: str, day: tuple[int, int, int], hours: float) -> None:
    there = ZoneInfo(zone)
    noon = int(datetime(*day, 12, tzinfo=there).timestamp() * 1000)
    since, until = midnights(there, noon, noon)
    assert until - since == hours * 3_600_000
    [(found, span)] = days(there, since, until)
    assert (found.timetuple()[:3], span) == (day, (since, until))


def test_days_are_cut_to_what_is_asked_for_and_leave_nothing_out() -> None:
    there = ZoneInfo("Europe/Helsinki")
    since, until = ms(2026, 3, 27, 5), ms(2026, 3, 31, 19)
    told = list(days(there, since, until))
    assert [day.day for day, _ in told] == [27, 28, 29, 30, 31]
    assert (told[0][1][0], told[-1][1][1]) == (since, until)
    assert all(before[1][1] == after[1][0] for before, after in pairwise(told))
    apia = ZoneInfo("Pacific/Apia")  # it left out a day
    assert [day.day for day, _ in days(apia, ms(2011, 12, 29, 12), ms(2011, 12, 31, 12))] == [29, 31, 1]


def test_dwell_is_where_it_stood_and_what_it_drove_through() -> None:
    ways = [*driven((300, 0), (300, 12), (300, 0), step_s=10)]
    told = story(ways)
    shapes = {}
    for id, east, radius in (("home", 0, 100), ("yard", 3600, 200), ("on the way", 1800, 60), ("far", 9000, 100)):
        lon = at(0, east).lon
        geometry = {"type": "Point", "coordinates": [lon, LAT]}
        document = {"type": "Feature", "geometry": geometry, "properties": {"radius_m": radius}}
        shapes[id] = Region.read_feature(document, id="r", version=1, now=0).shape
    drawn = Drawn(shapes)
    dwells = drawn.dwells(told)
    lasted = {id: sum(until - since for since, until in spans) / 1000 for id, spans in dwells.items()}
    assert lasted["home"] == pytest.approx(300 + 100 / 12, abs=6)
    assert lasted["yard"] == pytest.approx(290 + 200 / 12, abs=6)
    assert lasted["on the way"] == pytest.approx(10, abs=1)
    assert "far" not in lasted
    assert drawn.covering(LAT, LON) == ["home"]
    assert totals(told, dwells, BEGAN, BEGAN + 60_000).dwells == {"home": 60_000}
    assert Drawn({}).dwells(told) == {} and Drawn({}).covering(LAT, LON) == []


def test_dwell_of_a_way_over_the_antimeridian_is_half_of_the_leg_that_leads_over() -> None:
    """Where it was in between is not asked of a line that the map breaks there."""
    stands, gap = [1, 2, 3, 4], 40
    seconds = [*range(0, 300, 10), *(300 + gap * one for one in stands), *range(500, 800, 10)]
    east = {300 + gap * one: 480 * one for one in stands}
    way = [at(second, east.get(second, 0 if second < 300 else 2400), lat=0.0, lon=179.99) for second in seconds]
    told = story(way)
    before, after = ([one for one in way if (one.lon > 0) is west] for west in (True, False))
    assert before and after
    shapes = {
        id: Region.read_feature({"type": "Feature", "geometry": geometry, "properties": {}}, id="r", version=1, now=0).shape
        for id, geometry in (
            ("west", sides(179.9, 180.0)), ("east", sides(-180.0, -179.9)), ("both", sides(179.9, 180.1)),
            ("aside", sides(179.9, 180.0, north=5.0)), ("amid", sides(10.0, 10.1)),
        )
    }  # fmt: skip
    over = (after[0].time - before[-1].time) // 2
    dwells = Drawn(shapes).dwells(told)
    assert dwells == {
        "west": [(told.since, before[-1].time + over)],
        "east": [(after[0].time - over, told.until)],
        "both": [(told.since, told.until)],
    }


def sides(west: float, east: float, north: float = 0.0) -> dict[str, object]:
    lats = (north - 0.1, north + 0.1)
    corners = [(west, lats[0]), (east, lats[0]), (east, lats[1]), (west, lats[1]), (west, lats[0])]
    return {"type": "Polygon", "coordinates": [corners]}
