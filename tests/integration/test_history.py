"""Trips, stops and sums over HTTP."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.rounds import BEGAN, LAT, LON, at, drive, driven, fixes
from tests.support.servers import circle
from tracker.config import Settings
from tracker.model.ping import Ping
from tracker.times import rfc3339
from tracker.web.app import create_app

V1 = "/api/v1"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    app = create_app(Settings(data=str(tmp_path / "data"), tiles=""))
    async with app.test_app() as running:
        yield running.test_client()


async def send(client: Any, pings: Sequence[Ping], vehicle: str = "van", size: int = 1000) -> None:
    said = [
        {name: value for name, value in msgspec.structs.asdict(ping).items() if value is not None}
        | {"vehicle": vehicle}
        for ping in pings
    ]
    for begin in range(0, len(said), size):
        answer = await client.post(f"{V1}/positions", json=said[begin : begin + size])
        assert answer.status_code == 200


async def told(client: Any, path: str, status: int = 200) -> Any:
    answer = await client.get(f"{V1}/{path}")
    assert answer.status_code == status
    return await answer.get_json(force=True)


DAY = driven((300, 0), (600, 12), (300, 0), (400, 8), (300, 0))


async def test_a_day_is_told_as_trips_stops_and_sums(client: Any) -> None:
    await client.put(f"{V1}/regions/yard", json=circle(LAT, at(0, 7200).lon, 200, name="Yard"))
    await send(client, DAY)
    trips = await told(client, "vehicles/van/trips")
    assert (trips["vehicle"], trips["gaps"], trips["next"]) == ("van", [], None)
    first, second = trips["trips"]
    assert first.keys() == {
        *("from", "until", "start", "end"),
        *("distance_m", "duration_s", "driving_s", "idle_s", "max_mps"),
    }
    assert first["distance_m"] == pytest.approx(7200, abs=15)
    assert first["duration_s"] == first["driving_s"] + first["idle_s"]
    assert first["start"] == pytest.approx({"lat": LAT, "lon": LON}, abs=1e-6)
    stops = await told(client, "vehicles/van/stops")
    assert [one["regions"] for one in stops["stops"]] == [[], [{"id": "yard", "name": "Yard"}], []]
    assert stops["stops"][1]["from"] == first["until"] and stops["stops"][1]["until"] == second["from"]
    sums = await told(client, f"vehicles/van/summary?from={BEGAN}&until={BEGAN + 1_900_000}&tz=Europe/Berlin")
    assert (sums["trips"], sums["stops"], sums["tz"]) == (2, 3, "Europe/Berlin")
    assert sums["distance_m"] == pytest.approx(first["distance_m"] + second["distance_m"], abs=0.2)
    assert [(one["id"], one["name"]) for one in sums["regions"]] == [("yard", "Yard")]
    assert (sums["from"], sums["until"]) == (rfc3339(BEGAN), rfc3339(BEGAN + 1_900_000))


async def test_lists_come_in_pages_and_spans_are_half_open(client: Any) -> None:
    await send(client, DAY)
    pages = [await told(client, "vehicles/van/stops?limit=2")]
    pages.append(await told(client, f"vehicles/van/stops?limit=2&cursor={pages[0]['next']}"))
    assert [len(page["stops"]) for page in pages] == [2, 1] and pages[1]["next"] is None
    whole = await told(client, "vehicles/van/stops")
    assert pages[0]["stops"] + pages[1]["stops"] == whole["stops"]
    until = DAY[28].time
    [stop] = (await told(client, f"vehicles/van/stops?until={until}"))["stops"]
    assert stop["until"] == rfc3339(DAY[27].time)
    assert (await told(client, f"vehicles/van/trips?from={BEGAN + 10**9}"))["trips"] == []


async def test_late_fixes_and_those_that_trickle_in_make_the_same_story(client: Any) -> None:
    pings = fixes(drive(2), 2, 10, 5)[:500]
    pings += [at(3 + ping.time / 1000 - BEGAN / 1000, 40_000) for ping in pings[100:120:10]]  # jumps, held as they come
    mixed = list(pings)
    random.Random(5).shuffle(mixed)
    await send(client, sorted(pings, key=lambda ping: ping.time), "batch")
    await send(client, sorted(pings, key=lambda ping: ping.time), "trickle", 9)
    await send(client, mixed, "late", 23)
    for what in ("trips", "stops", "summary"):
        batch, trickle, late = [await told(client, f"vehicles/{id}/{what}") for id in ("batch", "trickle", "late")]
        for one in (batch, trickle, late):
            del one["vehicle"]
        assert batch == trickle == late, what


async def test_a_fleet_is_told_by_vehicle_and_day(client: Any) -> None:
    await client.put(f"{V1}/vehicles/a", json={"group": "North"})
    await send(client, DAY, "a")
    await send(client, driven((300, 0)), "b")
    whole = await told(client, "summary?tz=Asia/Tokyo")
    assert [(one["vehicle"], one["group"], one["trips"]) for one in whole["vehicles"]] == [
        ("a", "North", 2),
        ("b", None, 0),
    ]
    assert [day["day"] for day in whole["vehicles"][0]["days"]] == ["2026-05-29"]
    assert [one["vehicle"] for one in (await told(client, "summary?group=North"))["vehicles"]] == ["a"]
    first = await told(client, "summary?limit=1")
    rest = await told(client, f"summary?limit=1&cursor={first['next']}")
    assert [one["vehicle"] for one in first["vehicles"] + rest["vehicles"]] == ["a", "b"] and rest["next"] is None


async def test_what_has_not_changed_is_not_sent_again(client: Any) -> None:
    await send(client, DAY)
    for path in ("vehicles/van/trips", "vehicles/van/summary", "summary"):
        tag = (await client.get(f"{V1}/{path}")).headers["etag"]
        assert (await client.get(f"{V1}/{path}", headers={"if-none-match": tag})).status_code == 304
    await send(client, [at(5000, 9000)])
    assert (await client.get(f"{V1}/{path}", headers={"if-none-match": tag})).status_code == 200


@pytest.mark.parametrize(
    "query", ["tz=Mars/Olympus", "tz=../etc", "from=x", "from=20&until=10", "limit=0", "cursor=x", "form=json"]
)
async def test_what_cannot_be_asked_is_refused(client: Any, query: str) -> None:
    await send(client, DAY[:3])
    for path in ("vehicles/van/trips", "vehicles/van/stops", "vehicles/van/summary", "summary"):
        await told(client, f"{path}?{query}", 422)


async def test_a_vehicle_without_fixes_has_nothing_to_tell_and_one_that_never_was_is_not_found(client: Any) -> None:
    await client.put(f"{V1}/vehicles/quiet", json={"name": "Nobody heard it"})
    assert (await told(client, "vehicles/quiet/trips"))["trips"] == []
    assert (await told(client, "vehicles/quiet/summary"))["days"] == []
    assert [one["trips"] for one in (await told(client, "summary"))["vehicles"]] == [0]
    for what in ("trips", "stops", "summary"):
        await told(client, f"vehicles/never-was/{what}", 404)
