"""A rehearsal says what the fleet would have said; a preview reads the store and stores nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scenario import START, Town, box, feature, place
from tracker.errors import Invalid
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.history.preview import SPAN_MS, preview
from tracker.history.rehearsal import LISTED, TIMERS, Rehearsal
from tracker.model.commit import LATE, LIVE, StoredPing
from tracker.model.ping import Ping
from tracker.regions.region import Region
from tracker.stores import Box

DEPOT = box(0, 0, 400, 300)
RULES = {"dwell_s": 30, "schedule": {"zone": "UTC", "weekly": {"mon": [["09:00", "09:40"]]}}}


def region(geometry: dict[str, Any] = DEPOT, **properties: Any) -> Region:
    return Region.read_feature(feature(geometry, **properties), id="new", version=0, now=START)


def walk(seed: int, vehicles: int = 3, count: int = 60) -> list[tuple[Ping, int]]:
    """Near and far from the depot, with noise, leaps and late ones."""
    rng = random.Random(seed)
    pings: list[tuple[Ping, int]] = []
    for n in range(vehicles):
        east, north, time = rng.uniform(-3000, 3000), rng.uniform(-3000, 3000), START
        for _ in range(count):
            gap = rng.choice([5, 10, 60, 200, 400])
            time += gap * 1000
            east += (rng.uniform(0, 400) - east) * rng.choice([0, 0, 0.2, 0.6])
            north += (rng.uniform(0, 300) - north) * rng.choice([0, 0, 0.2, 0.6])
            if rng.random() < 0.1:
                east, north = rng.uniform(-3000, 3000), rng.uniform(-3000, 3000)
            leap = 30_000 if rng.random() < 0.05 else 0
            late = rng.choice([0, 0, 0, 90_000])
            pings.append((Ping(f"v{n}", time, *place(east + leap, north), accuracy_m=5.0), time + late))
    return sorted(pings, key=lambda one: one[1])


def rehearsed(one: Region, pings: list[tuple[Ping, int]]) -> Rehearsal:
    rehearsal = Rehearsal(one, FleetSettings(), START)
    for _ in rehearsal.take_pings(pings):
        pass
    return rehearsal


def lived(one: Region, pings: list[tuple[Ping, int]]) -> list[Any]:
    """What a fleet with this region says."""
    town = Town()
    town.fleet.save_regions([one], START)
    for ping, received_at in pings:
        town.wait((received_at - town.now) / 1000)
        town.took(town.fleet.apply([ping], town.now))
    return [event for event in town.events if event.region]


@given(st.integers(0, 100_000), st.sampled_from([{}, {"debounce": "none"}, {"rules": RULES}]))
def test_a_rehearsal_is_the_real_thing(seed: int, properties: dict[str, Any]) -> None:
    one, pings = region(**properties), walk(seed)
    rehearsal = rehearsed(one, pings)
    wanted = lived(one, pings)
    told = sorted((e.kind, e.vehicle, e.time, e.id) for e in rehearsal.events)
    assert told == sorted((e.kind, e.vehicle, e.time, e.id) for e in wanted)
    assert rehearsal.counts.total() == len(wanted)


def test_most_vehicles_cost_next_to_nothing() -> None:
    far = [(Ping("far", START + n * 1000, *place(9000 + n, 0)), START + n * 1000) for n in range(100)]
    rehearsal = rehearsed(region(), far)
    assert len(rehearsal._fleet.vehicles["far"].fixes) == 1, "the fleet took more than its first sight"


def test_a_region_across_the_antimeridian_sees_both_sides() -> None:
    ring = [[179.999, 0], [-179.999, 0], [-179.999, 0.002], [179.999, 0.002], [179.999, 0]]
    one = Region.read_feature(feature({"type": "Polygon", "coordinates": [ring]}), id="line", version=1, now=START)
    lons = [179.990, 179.997, 179.9995, -179.9995, -179.997, -179.99]
    sailed = [(Ping("boat", START + n * 60_000, 0.001, lon), START + n * 60_000) for n, lon in enumerate(lons)]
    rehearsal = rehearsed(one, sailed)
    assert [event.kind for event in rehearsal.events] == ["enter", "exit"]


def test_a_leap_over_a_region_across_the_antimeridian_is_seen() -> None:
    ring = [[179.999, -0.1], [-179.999, -0.1], [-179.999, 0.1], [179.999, 0.1], [179.999, -0.1]]
    one = Region.read_feature(feature({"type": "Polygon", "coordinates": [ring]}), id="line", version=1, now=START)
    lons = [179.95, -179.95, 179.95]
    flown = [(Ping("boat", START + n * 200_000, 0.001, lon), START + n * 200_000) for n, lon in enumerate(lons)]
    rehearsal = rehearsed(one, flown)
    assert [event.kind for event in rehearsal.events] == ["cross", "cross"]
    assert [event.id for event in rehearsal.events] == [event.id for event in lived(one, flown)]


def test_timers_that_are_due_together_go_off_in_short_steps() -> None:
    rehearsal = Rehearsal(region(), FleetSettings(), START)
    parked = [(Ping(f"v{n}", START, *place(10, 10), speed_mps=9.0), START) for n in range(10 * TIMERS)]
    for _ in rehearsal.take_pings(parked):
        pass
    assert len(list(rehearsal.finish(START + SPAN_MS))) >= 10
    assert len(list(rehearsal.forget_vehicles())) == 10 * TIMERS


@pytest.mark.parametrize(
    "properties, geometry",
    [
        ({}, DEPOT),
        ({"radius_m": 200}, {"type": "Point", "coordinates": [180, 60.0]}),
        ({"radius_m": 200}, {"type": "Point", "coordinates": [24.9, 60.2]}),
        ({}, {"type": "Polygon", "coordinates": [[[-180, 59], [-179, 59], [-179, 61], [-180, 61], [-180, 59]]]}),
    ],
)
def test_who_is_inside_now_is_asked_of_many_at_once_and_right(
    properties: dict[str, Any], geometry: dict[str, Any]
) -> None:
    one, rng, fleet = region(geometry, **properties), random.Random(4), Fleet()
    west, south, east, north = one.shape.boxes[0]
    for n in range(300):
        lon = rng.choice([180.0, -180.0, rng.uniform(west - 0.01, east + 0.01)])
        fleet.apply(
            [Ping(f"v{n}", START, rng.uniform(south, north), (lon + 180) % 360 - 180 if abs(lon) > 180 else lon)], START
        )
    rehearsal = Rehearsal(one, FleetSettings(), START)
    inside = [name for name, car in fleet.vehicles.items() if one.shape.covers(car.ping.lat, car.ping.lon)]
    assert rehearsal.holds(list(fleet.vehicles.values()), START) == inside
    assert inside
    assert rehearsal.holds([], START) == []


def test_only_so_many_events_are_listed_all_are_counted() -> None:
    there_and_back = [place(-5, 100), place(5, 100)]
    pings = [Ping("van", START + n * 1000, *there_and_back[n % 2]) for n in range(LISTED + 500)]
    rehearsal = rehearsed(region(debounce="none"), [(ping, ping.time) for ping in pings])
    assert len(rehearsal.events) == LISTED
    assert rehearsal.counts["enter"] + rehearsal.counts["exit"] == LISTED + 499


class Recorded:
    """As much of a store as a preview needs."""

    def __init__(self, pings: list[tuple[Ping, int]], taken: int = LIVE) -> None:
        numbers = {ping.vehicle: n for n, (ping, _) in enumerate(pings)}
        stored = [StoredPing(numbers[ping.vehicle], ping, at, taken) for ping, at in pings]
        self.rows = [(row, one, one.ping.vehicle) for row, one in enumerate(stored, 1)]

    async def pings_since(self, received_at: int, after_row: int, limit: int) -> list[tuple[int, StoredPing, str]]:
        rows = [row for row in self.rows if row[0] > after_row and row[1].received_at >= received_at]
        return rows[:limit]

    async def passed(self, box: Box, _received_at: int, _most: int) -> set[int]:
        west, _, east, _ = box
        return {row[1].n for row in self.rows if west <= row[1].ping.lon <= east}


async def run(pings: list[tuple[Ping, int]], now: int, taken: int = LIVE, **more: Any) -> dict[str, Any]:
    fleet = Fleet()
    for ping, received_at in pings:
        fleet.apply([ping], received_at)
    before = {name: vehicle.pack() for name, vehicle in fleet.vehicles.items()}
    wanted = feature(DEPOT, name="Depot", rules={"dwell_s": 30}) | {"id": "preview"}
    answer = await preview(fleet, Recorded(pings, taken), wanted, now, **more)  # type: ignore[arg-type]
    assert before == {name: vehicle.pack() for name, vehicle in fleet.vehicles.items()}, "nothing was touched"
    assert not fleet.regions.regions
    return answer


DAY = [(Ping("van", START + n * 10_000, *place(east, 100)), START + n * 10_000)
       for n, east in enumerate([-500, -100, 200, 300, 300])]  # fmt: skip


async def test_a_preview_says_who_is_inside_and_what_would_have_happened() -> None:
    answer = await run(DAY, START + 60_000)
    assert answer["inside"] == ["van"]
    assert answer["inside_count"] == 1
    assert answer["counts"] == {"enter": 1, "dwell": 1}
    assert [event["kind"] for event in answer["events"]] == ["enter", "dwell"]
    assert answer["events"][0]["time"] == "2026-11-23T09:00:20.000Z"
    assert "seq" not in answer["events"][0]
    assert (answer["pings_read"], answer["capped"], answer["events_count"]) == (5, False, 2)
    assert answer["until"] == "2026-11-23T09:01:00.000Z"
    assert answer["region"]["properties"]["name"] == "Depot"


async def test_only_a_day_is_looked_at() -> None:
    answer = await run(DAY, START + SPAN_MS + 30_000)
    assert answer["pings_read"] == 2
    assert answer["inside"] == ["van"]


async def test_who_was_never_near_is_not_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    apply = Fleet.apply
    far = [(Ping("far", START + n * 10_000, *place(90_000, 0)), START + n * 10_000) for n in range(5)]

    def watched(fleet: Fleet, pings: list[Ping], *rest: Any) -> Any:
        begun.extend(ping.vehicle for ping in pings)
        return apply(fleet, pings, *rest)

    fleet, stored = Fleet(), Recorded(sorted([*DAY, *far], key=lambda one: one[1]))
    monkeypatch.setattr(Fleet, "apply", watched)
    answer = await preview(fleet, stored, feature(DEPOT) | {"id": "preview"}, START + 60_000)  # type: ignore[arg-type]
    assert set(begun) == {"van"}
    assert (answer["pings_read"], answer["counts"]) == (10, {"enter": 1})


async def test_late_pings_make_no_events() -> None:
    assert (await run(DAY, START + 60_000, LATE))["counts"] == {}


async def test_the_work_is_capped_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.history.preview.PAGE", 2)
    answer = await run(DAY, START + 60_000, most=3)
    assert answer["capped"] is True
    assert answer["pings_read"] == 3
    assert answer["until"] == "2026-11-23T09:00:20.000Z"


async def test_a_wrong_region_is_refused() -> None:
    with pytest.raises(Invalid):
        await preview(Fleet(), Recorded([]), {"type": "Feature", "id": "preview"}, START)  # type: ignore[arg-type]
