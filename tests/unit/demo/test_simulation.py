"""The demo's vans drive real streets, the same ones every time."""

from __future__ import annotations

import json
from itertools import islice, pairwise

import msgspec
import pytest

from tracker.demo.simulation import Simulation, fixtures, play, regions
from tracker.demo.streets import Streets
from tracker.errors import StoreError
from tracker.fleet.fleet import Fleet
from tracker.geometry.earth import distance_m
from tracker.model.ping import Ping, read_ping
from tracker.regions.importing import read_regions
from tracker.times import rfc3339

START = 1_790_000_000_000
STREETS = Streets.load(fixtures() / "roads.json")


def pings(seconds: int, vehicles: int = 60, **how: object) -> list[Ping]:
    return list(Simulation(STREETS, vehicles, START, **how).due(START + seconds * 1000))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_pings_however_often_one_asks() -> None:
    at_once = pings(30)
    simulation = Simulation(STREETS, 60, START)
    assert [ping for ms in range(0, 30_001, 100) for ping in simulation.due(START + ms)] == at_once
    assert pings(30, seed=2) != at_once


def test_every_van_reports_each_one_to_three_seconds_and_not_in_lockstep() -> None:
    times: dict[str, list[int]] = {}
    for ping in pings(60):
        times.setdefault(ping.vehicle, []).append(ping.time)
    assert len(times) == 60
    gaps = {vehicle: {b - a for a, b in pairwise(of)} for vehicle, of in times.items()}
    assert all(1_000 <= min(gap) <= 3_000 for gap in gaps.values() if len(gap) == 1 and max(gap) <= 3_000)
    assert sum(max(gap) <= 3_000 for gap in gaps.values()) > 45  # parked ones report less often
    assert len({of[0] % 1_000 for of in times.values()}) > 40


def test_no_van_drives_faster_than_a_van_or_jumps() -> None:
    last: dict[str, Ping] = {}
    for ping in pings(300):
        assert 0 <= (ping.speed_mps or 0) < 16
        if before := last.get(ping.vehicle):
            metres = distance_m(before.lat, before.lon, ping.lat, ping.lon)
            assert metres < 16 * (ping.time - before.time) / 1000 + 12
        last[ping.vehicle] = ping


def test_what_a_van_says_passes_the_gate() -> None:
    for ping in islice(pings(60), 500):
        item = {name: value for name, value in msgspec.structs.asdict(ping).items() if value is not None}
        assert read_ping(item | {"time": rfc3339(ping.time)}, ping.time) == ping


def test_some_drive_some_stand_and_some_are_parked() -> None:
    last = {ping.vehicle: ping for ping in pings(60)}
    moving = sum((ping.speed_mps or 0) > 1 for ping in last.values())
    assert 25 < moving < 55
    assert any(ping.ignition is False for ping in last.values())
    assert all(ping.heading is not None for ping in last.values())  # a light does not turn a van


def test_the_first_van_enters_a_region_within_ten_seconds() -> None:
    fleet = Fleet()
    fleet.save_regions([msgspec.structs.replace(one, version=1) for one in read_regions(regions(), START, str)], START)
    entered = set()
    for ping in pings(10):
        for event in fleet.apply([ping], ping.time).change.events:
            if event.kind == "enter" and event.reason == "moved":
                entered.add(event.region)
    assert len(entered) >= 3


def test_the_demo_raises_what_a_real_fleet_would_and_at_most_one_alert_a_minute() -> None:
    fleet, told = Fleet(), []
    features = [msgspec.structs.replace(one, version=1) for one in read_regions(regions(), START, str)]
    notify = {one.id: one.notify for one in features}
    fleet.save_regions(features, START)
    for ping in pings(900):
        while (due := fleet.due_at()) is not None and due <= ping.time and (step := fleet.fire(ping.time)):
            told += step.change.events
        told += fleet.apply([ping], ping.time).change.events
    raised = [one for one in told if one.region is None or one.kind in notify[one.region]]
    assert all(b.time - a.time >= 60_000 for a, b in pairwise(raised)), [(one.kind, one.time) for one in raised]
    assert {one.kind for one in raised} >= {"dwell", "overspeed_start"}
    assert not {one.kind for one in raised} & {"enter", "exit", "cross"}


def test_after_a_restart_vans_go_on_near_where_they_were_seen() -> None:
    before = {ping.vehicle: (ping.lat, ping.lon) for ping in pings(60)}
    for ping in pings(1, places=before):
        assert distance_m(*before[ping.vehicle], ping.lat, ping.lon) < 150


def test_thousands_of_vans_can_drive() -> None:
    assert len({ping.vehicle for ping in pings(3, vehicles=1_000)}) == 1_000


def test_every_junction_can_be_reached_from_every_other() -> None:
    def reached(steps: list[list[int]]) -> int:
        seen, todo = {0}, [0]
        while todo:
            for other in steps[todo.pop()]:
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return len(seen)

    there = [[road.to for road in roads] for roads in STREETS.roads]
    back: list[list[int]] = [[] for _ in there]
    for start, ends in enumerate(there):
        for end in ends:
            back[end].append(start)
    assert reached(there) == reached(back) == len(STREETS.junctions) > 500


def test_the_map_is_attributed_and_has_streets_water_parks_and_buildings() -> None:
    streets = json.loads((fixtures() / "streets.geojson").read_text("utf-8"))
    assert "OpenStreetMap" in streets["attribution"]
    classes = {feature["properties"]["class"] for feature in streets["features"]}
    assert classes >= {"major", "minor", "path", "water", "park", "building", "rail"}


class _Enough(Exception):
    pass


async def test_a_store_that_is_busy_costs_pings_not_the_demo() -> None:
    clock, sent = [START], []

    async def submit(batch: list[Ping]) -> None:
        sent.append(batch)
        if len(sent) == 2:
            raise StoreError("away")

    async def sleep(seconds: float) -> None:
        clock[0] += round(seconds * 1000)
        if len(sent) > 5:
            raise _Enough

    with pytest.raises(_Enough):
        await play(submit, Simulation(STREETS, 60, START), lambda: clock[0], sleep)
    assert len(sent) > 5


async def test_time_the_machine_slept_is_left_out() -> None:
    clock, sent = [START], []

    async def submit(batch: list[Ping]) -> None:
        sent.extend(batch)

    async def sleep(seconds: float) -> None:
        clock[0] += 3_600_000 if not sent else round(seconds * 1000)
        if clock[0] > START + 3_700_000:
            raise _Enough

    with pytest.raises(_Enough):
        await play(submit, Simulation(STREETS, 60, START), lambda: clock[0], sleep)
    assert len(sent) < 60 * 101
    assert max(ping.time for ping in sent) > START + 3_600_000
