"""Vehicles as files and feeds for other programs: GeoJSON, GTFS-realtime."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from tests.support.granted import HERE, LAT, LON, town
from tests.support.grants import limited
from tests.support.servers import circle
from tracker.config import Settings
from tracker.formats import Point, Reading, formats
from tracker.model.coarse import middle
from tracker.web.app import create_app

WHOLE = "/api/v1/vehicles?format=geojson"
FEED = "/api/v1/gtfs-realtime/vehicle-positions"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    """`near` in the yard, `far` elsewhere and two minutes ago, `silent` in the register alone."""
    app = create_app(Settings(data=str(tmp_path / "data"), tiles=""))
    async with app.test_app() as running:
        client = running.test_client()
        now = time.time()
        await client.put("/api/v1/regions/yard", json=circle(LAT, LON, 500, name="Yard"))
        entry = {"name": "Anna's van", "plate": "ABC-123", "group": "North", "attributes": {"route_id": "18"}}
        await client.put("/api/v1/vehicles/near", json=entry)
        await client.put("/api/v1/vehicles/silent", json={"name": "Nobody heard it"})
        near = {"vehicle": "near", "time": now, "lat": LAT, "lon": LON, "speed_kmh": 36, "heading": 90, "door": "open"}
        far = {"vehicle": "far", "time": now - 120, "lat": -33.0, "lon": -179.5, "attributes": {"trip_id": "T-1"}}
        assert (await client.post("/api/v1/positions", json=[near, far])).status_code == 200
        yield client


async def ids(client: Any, query: str = "", form: str = "geojson") -> list[str]:
    told = await (await client.get(f"/api/v1/vehicles?format={form}{query}")).get_json()
    return (
        [one["id"] for one in told["features"]] if form == "geojson" else [one["vehicle"] for one in told["vehicles"]]
    )


async def test_geojson_is_a_point_for_each_vehicle_that_has_a_place(client: Any) -> None:
    answer = await client.get(WHOLE)
    assert answer.headers["content-type"] == "application/geo+json"
    told = await answer.get_json(force=True)
    assert (told["type"], [one["id"] for one in told["features"]]) == ("FeatureCollection", ["far", "near"])
    near = told["features"][1]
    assert (near["type"], near["geometry"]) == ("Feature", {"type": "Point", "coordinates": [LON, LAT]})
    said = near["properties"]
    assert (said["vehicle"], said["name"], said["plate"], said["group"]) == ("near", "Anna's van", "ABC-123", "North")
    assert (said["speed_mps"], said["heading"], said["state"], said["regions"]) == (10.0, 90.0, "moving", ["yard"])
    assert (said["attributes"], said["said"]) == ({"route_id": "18"}, {"door": "open"})
    one = await (await client.get("/api/v1/vehicles/near")).get_json()
    assert (said["time"], said["received_at"]) == (one["position"]["time"], one["position"]["received_at"])


async def test_a_list_and_its_file_choose_alike(client: Any) -> None:
    soon = time.time() + 60
    for query, found in (
        ("&region=yard", ["near"]), ("&group=North", ["near"]), ("&group=North,South", ["near"]), ("&group=South", []),
        ("&bbox=24,60,25,61", ["near"]), ("&bbox=179,-34,-179,-32", ["far"]), (f"&since={soon}", []),
        (f"&since={soon - 600}", ["far", "near"]), ("&state=moving", ["near"]), ("&q=abc-1", ["near"]),
    ):  # fmt: skip
        assert await ids(client, query) == found, query
        assert await ids(client, query, "json") == found, query
    assert (await client.get(f"{WHOLE}&region=nowhere")).status_code == 404
    for query in ("&limit=1", "&grop=North", "&bbox=1", "&since=yesterday"):
        assert (await client.get(f"{WHOLE}{query}")).status_code == 422, query


async def test_who_has_it_already_is_told_so(client: Any) -> None:
    first = await client.get(WHOLE)
    again = await client.get(WHOLE, headers={"if-none-match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, await again.get_data()) == (304, b"")
    await client.post("/api/v1/positions", json={"vehicle": "near", "time": time.time() + 1, "lat": LAT, "lon": LON})
    later = await client.get(WHOLE, headers={"if-none-match": first.headers["etag"]})
    assert later.status_code == 200


@pytest.mark.parametrize("path", [WHOLE, f"{FEED}?max_age_s=0", f"{FEED}?max_age_s=0&format=json"])
async def test_what_is_told_can_be_replayed(client: Any, path: str) -> None:
    body = await (await client.get(path)).get_data()
    head = body[:4096].decode("latin-1")
    one = next(one for one in formats() if one.recognises("vehicles", head))
    played = [item for item in one.read(BytesIO(body), Reading("vehicles", "unnamed")) if isinstance(item, Point)]
    assert sorted(point.vehicle for point in played) == ["far", "near"]


async def test_a_feed_has_the_vehicles_of_now_with_their_journeys(client: Any) -> None:
    answer = await client.get(FEED)
    assert answer.headers["content-type"] == "application/x-protobuf"
    feed = gtfs_realtime_pb2.FeedMessage.FromString(await answer.get_data())
    [near] = feed.entity
    assert (near.id, near.vehicle.trip.route_id, near.vehicle.vehicle.label) == ("near", "18", "Anna's van")
    assert (near.vehicle.position.bearing, near.vehicle.position.speed) == (90.0, 10.0)
    assert near.vehicle.timestamp <= feed.header.timestamp
    older = gtfs_realtime_pb2.FeedMessage.FromString(await (await client.get(f"{FEED}?max_age_s=600")).get_data())
    assert [(one.id, one.vehicle.trip.trip_id) for one in older.entity] == [("far", "T-1"), ("near", "")]
    assert not gtfs_realtime_pb2.FeedMessage.FromString(await (await client.get(f"{FEED}?group=x")).get_data()).entity


async def test_a_large_fleet_is_told_whole_and_holds_nobody_up(client: Any) -> None:
    items = [{"vehicle": f"v{i}", "time": time.time(), "lat": 1 + i / 1e4, "lon": 2} for i in range(1200)]
    assert (await client.post("/api/v1/positions", json=items)).status_code == 200
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    assert len(await ids(client)) == 1202
    beside.cancel()
    assert turns > 20, "others have their turn meanwhile"
    feed = gtfs_realtime_pb2.FeedMessage.FromString(await (await client.get(FEED)).get_data())
    assert len(feed.entity) == 1201


async def test_a_coarse_place_is_as_coarse_in_every_output(tmp_path: Path) -> None:
    async with town(tmp_path / "data", coarse=limited(HERE, coarse_m=1000)) as place:
        cell = middle(LAT, LON, 1000)
        whole = await (await place.ask("coarse", "GET", WHOLE)).get_json(force=True)
        assert [tuple(reversed(one["geometry"]["coordinates"])) for one in whole["features"]] == [cell, cell]
        told = await (await place.ask("coarse", "GET", f"{FEED}?format=json&max_age_s=0")).get_json()
        places = [one["vehicle"]["position"] for one in told["entity"]]
        assert [(one["latitude"], one["longitude"]) for one in places] == [cell, cell]
