"""What a report tells, packed: read back as its script reads it, and never too large."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from tests.support.drives import drive
from tests.support.reports import Read, read_body
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.events import Event
from tracker.model.ping import NOWHERE, Ping
from tracker.reports import payload as module
from tracker.reports.asked import DAY_MS, Asked, Heard
from tracker.reports.payload import Payload, Stood, Vehicle
from tracker.reports.retold import Reteller

SINCE = 1_764_028_800_000
LAND: dict[str, Any] = {"steps": 100, "coarse": []}


def read(payload: Payload, most: int | None = None) -> Read:
    head, columns = read_body(zlib.decompress(payload.packed(LAND, most)))
    return Read(head, columns, "")


def asked(**more: Any) -> Asked:
    return Asked(SINCE, SINCE + DAY_MS, SINCE + DAY_MS, **more)


def event(kind: str, vehicle: str, second: int, region: str | None, lat: float = 60.1, lon: float = 24.9) -> Event:
    detail = {"duration_s": 60} if kind == "exit" else {}
    return Event(f"{kind}{second}", kind, vehicle, SINCE + 1000 * second, 0, "moved", lat, lon, region, detail=detail)


def line(*places: tuple[int, float, float]) -> Columns:
    return Columns.from_pings([StoredPing(1, Ping("v", SINCE + 1000 * at, lat, lon), SINCE) for at, lat, lon in places])


def test_tracks_come_back_to_a_metre_and_a_second() -> None:
    payload = Payload(asked())
    payload.add_vehicle(Vehicle("a", None, None, line((0, 60.0, 24.0), (60, 60.01, 24.0), (120, 60.01, 24.02)), 3))
    payload.add_vehicle(Vehicle("b", None, None, line(), 0))
    payload.add_vehicle(Vehicle("c", None, None, line((86_399, -33.5, 179.9999), (86_400, -33.5, -179.9999)), 2))
    made = read(payload)
    assert made.track("a") == [(6_000_000, 2_400_000, 0), (6_001_000, 2_400_000, 60), (6_001_000, 2_402_000, 120)]
    assert made.track("b") == []
    assert made.track("c") == [(-3_350_000, 17_999_990, 86_399), (-3_350_000, 18_000_010, 86_400)]
    assert (made.head["fixes"], made.head["points"]) == (5, 5)


def test_events_and_stops_name_vehicles_and_regions_by_place() -> None:
    shape = {"type": "Polygon", "coordinates": [[[24, 60], [25, 60], [25, 61], [24, 60]]]}
    region = {"id": "yard", "geometry": shape, "properties": {"name": "Yard", "color": "#112233", "group": "secret"}}
    payload = Payload(asked(regions=(region,)))
    payload.add_events([event("enter", "b", 5, "yard"), event("exit", "b", 65, "gone"), event("silent", "x", 70, None)])
    payload.add_events([event("alarm", "a", 80, None, *NOWHERE)])
    stop = Stood(SINCE, SINCE + 600_000, 60.5, 24.5, ["yard"], (SINCE, SINCE))
    payload.add_vehicle(Vehicle("a", "A", None, line((0, 60.5, 24.5)), 1, [stop]))
    payload.add_vehicle(Vehicle("b", None, "north", line(), 0))
    made = read(payload).head
    assert [one["id"] for one in made["regions"]] == ["yard", "gone"]
    assert made["regions"][0].keys() == {"id", "geometry", "name", "color"}, "and nothing else that is known of it"
    assert made["vehicles"][0]["stops"] == [[0, 600, 6_050_000, 2_450_000, [0]]]
    kinds = made["kinds"]
    assert [[*one[:1], kinds[one[1]], *one[2:]] for one in made["events"]] == [
        [1, "enter", 5, 6_010_000, 2_490_000, 0, None],
        [1, "exit", 65, 6_010_000, 2_490_000, 1, 60],
        [0, "alarm", 80, None, None, None, None],
    ], "of a vehicle that is not told of nothing is, and without a place none"


def test_of_too_many_events_the_newest_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 3)
    payload = Payload(asked())
    payload.add_vehicle(Vehicle("a", None, None, line(), 0))
    for second in range(0, 8, 2):
        payload.add_events([event("enter", "a", second, None), event("exit", "a", second + 1, None)])
    made = read(payload).head
    assert ([one[2] for one in made["events"]], made["left_out"]) == ([5, 6, 7], 5)


def test_a_fleet_that_would_be_too_large_is_drawn_more_coarsely_and_says_how() -> None:
    payload = Payload(asked())
    for seed in range(4):
        columns = drive(seed, SINCE, 7200, noise_m=12.0)
        payload.add_vehicle(Vehicle(f"van-{seed}", None, None, columns, len(columns)))
    fine = read(payload)
    whole = len(payload.packed(LAND))
    coarse = read(payload, most=whole // 2)
    assert len(payload.packed(LAND, whole // 2)) <= whole // 2
    assert fine.head["tolerance_m"] == 6 < coarse.head["tolerance_m"] < 200
    assert all(coarse.track(one)[::-1][0] == fine.track(one)[-1] for one in fine.vehicles)


def test_a_report_may_be_larger_where_it_is_of_more_than_sixty_days_of_vehicles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SIZE", 1000)
    monkeypatch.setattr(module, "FLEET", 1)
    sizes = []
    for days in (1, 4):
        payload = Payload(Asked(SINCE, SINCE + days * DAY_MS, SINCE))
        columns = drive(1, SINCE, 20_000)
        payload.add_vehicle(Vehicle("van", None, None, columns, len(columns)))
        sizes.append(len(payload.packed(LAND)))
    assert sizes[0] <= 1000 < sizes[1] <= 4000


def test_the_box_goes_around_tracks_on_both_sides_of_the_antimeridian() -> None:
    payload = Payload(asked())
    assert payload.box is None
    payload.add_vehicle(Vehicle("a", None, None, line((0, -17.0, 179.5), (600, -17.5, 179.9)), 2))
    payload.add_vehicle(Vehicle("b", None, None, line((0, -16.0, -179.5)), 1))
    assert payload.box == pytest.approx((179.5, -17.5, 180.5, -16.0))


def test_what_became_of_a_vehicle_is_told_with_its_regions() -> None:
    circle = {"type": "Point", "coordinates": [24.9, 60.2]}
    region = {"id": "depot", "geometry": circle, "properties": {"name": "Depot", "radius_m": 300}}
    stood = [(at, 60.2 + 1e-5 * (at % 2), 24.9) for at in range(0, 900, 5)]
    drove = [(900 + 10 * step, 60.2 + 0.001 * step, 24.9) for step in range(1, 60)]
    poor = Ping("v", SINCE + 950_500, 61.9, 24.9, accuracy_m=2000)
    columns = Columns.from_pings([*line(*stood, *drove).pings("v", 1), StoredPing(1, poor, SINCE)])
    told = Reteller(asked(regions=(region,))).retell(Heard.told_of("v", None, None, columns))
    assert told.fixes == len(columns) == 240
    assert told.columns.lat.max() < 610_000_000, "a fix so poor is not drawn"
    [stop] = told.stops
    assert (stop.regions, stop.since, round(stop.lat, 3)) == (["depot"], SINCE, 60.2)
    assert told.summary is not None
    assert 6_000 < told.summary["distance_m"] < 7_000 and told.summary["stopped_s"] >= 880
    [inside] = told.summary["regions"]
    assert (inside["region"], inside["visits"]) == ("depot", 1) and 880 < inside["duration_s"] < 1000
