"""Trips, stops and sums over HTTP."""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from tests.support.granted import Words, bearer
from tests.support.grants import limited
from tests.support.rounds import BEGAN, LAT, LON, at, drive, driven, fixes
from tests.support.servers import circle
from tracker.access.grants import EVERYTHING
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
    store, later = client.app.extensions["node"].store, int(time.time() * 1000) + 3_600_000
    await send(client, mixed[:200], "late", 23)
    await store.compact(later)
    await send(client, mixed[200:], "late", 23)
    for what in ("trips", "stops", "summary"):
        batch, trickle, late = [await told(client, f"vehicles/{id}/{what}") for id in ("batch", "trickle", "late")]
        for one in (batch, trickle, late):
            del one["vehicle"]
        assert batch == trickle == late, what
    await store.compact(later)
    assert (await told(client, "vehicles/late/stops"))["stops"] == (await told(client, "vehicles/batch/stops"))["stops"]


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
    "query",
    [
        "tz=Mars/Olympus",
        "tz=../etc",
        "tz=localtime",
        "tz=right/UTC",
        "tz=",
        "from=x",
        "from=20&until=10",
        "limit=0",
        "cursor=x",
        "form=json",
    ],
)
async def test_what_cannot_be_asked_is_refused(client: Any, query: str) -> None:
    await send(client, DAY[:3])
    for path in ("vehicles/van/trips", "vehicles/van/stops", "vehicles/van/summary", "summary"):
        await told(client, f"{path}?{query}", 422)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak"])
async def test_at_the_ends_of_the_calendar_there_was_nothing(client: Any, zone: str) -> None:
    await send(client, DAY[:3])
    for span in ("from=9999-12-31T23:59:59.999Z", "until=0001-01-01T00:00:00Z"):
        for path in ("vehicles/van/summary", "summary"):
            told_of = await told(client, f"{path}?{span}&tz={zone}")
            assert all(one["distance_m"] == 0 for one in told_of.get("vehicles", [told_of]))


async def test_a_vehicle_without_fixes_has_nothing_to_tell_and_one_that_never_was_is_not_found(client: Any) -> None:
    await client.put(f"{V1}/vehicles/quiet", json={"name": "Nobody heard it"})
    assert (await told(client, "vehicles/quiet/trips"))["trips"] == []
    assert (await told(client, "vehicles/quiet/summary"))["days"] == []
    assert [one["trips"] for one in (await told(client, "summary"))["vehicles"]] == [0]
    for what in ("trips", "stops", "summary"):
        await told(client, f"vehicles/never-was/{what}", 404)


async def test_trips_stops_and_sums_are_files_too(client: Any) -> None:
    """Read back by what reads such files; a text that is a formula is none in any of them."""
    evil = '=HYPERLINK("x")'
    await client.put(f"{V1}/regions/yard", json=circle(LAT, at(0, 7200).lon, 200, name="=1+1"))
    await send(client, DAY, evil)

    async def file(what: str, form: str) -> bytes:
        answer = await client.get(f"{V1}/{what}", query_string={"format": form, "tz": "Europe/Berlin"})
        assert answer.status_code == 200 and answer.headers["etag"]
        assert "attachment" in answer.headers["content-disposition"]
        again = {"if-none-match": answer.headers["etag"]}
        query = {"format": form, "tz": "Europe/Berlin"}
        assert (await client.get(f"{V1}/{what}", query_string=query, headers=again)).status_code == 304
        return bytes(await answer.get_data())

    address = f"vehicles/{quote(evil)}"
    for what, rows in (("trips", 2), ("stops", 3), ("summary", 1)):
        table = list(csv.DictReader(io.StringIO((await file(f"{address}/{what}", "csv")).decode())))
        assert [row["vehicle"] for row in table] == ["'" + evil] * rows
        book = load_workbook(io.BytesIO(await file(f"{address}/{what}", "xlsx")))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not any(cell.data_type == "f" or str(cell.value).startswith("=") for cell in cells)
        assert book.worksheets[0].max_row == rows + 1
        columns = parquet.read_table(io.BytesIO(await file(f"{address}/{what}", "parquet")))
        assert columns.num_rows == rows and columns["vehicle"].to_pylist() == ["'" + evil] * rows
        map = json.loads(await file(f"{address}/{what}", "geojson"))["features"]
        kinds = {"trips": ["trip"] * 2, "stops": ["stop"] * 3, "summary": ["trip"] * 2 + ["stop"] * 3}[what]
        assert [one["properties"]["kind"] for one in map] == kinds
        for form, name in (("gpx", "{http://www.topografix.com/GPX/1/1}"), ("kml", "{http://www.opengis.net/kml/2.2}")):
            tree = ElementTree.fromstring(await file(f"{address}/{what}", form))
            things = {"gpx": ("trk", "wpt"), "kml": ("LineString", "Point")}[form]
            drawn = [len(list(tree.iter(name + one))) for one in things]
            assert drawn == [kinds.count("trip"), kinds.count("stop")], (what, form)
    assert [sheet.title for sheet in book] == ["Days", "Trips", "Stops", "Gaps"]
    begins = book["Trips"]["B2"].value
    assert book["Trips"]["B1"].value == "from (Europe/Berlin)"
    assert begins == datetime.fromtimestamp(DAY[30].time / 1000, ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
    fleet = list(csv.DictReader(io.StringIO((await file("summary", "csv")).decode())))
    assert [(row["vehicle"], row["day"], row["regions"]) for row in fleet] == [("'" + evil, "2026-05-28", "'=1+1")]
    await told(client, "summary?format=gpx", 422)
    await told(client, f"{address}/trips?format=xls", 422)


async def test_a_trip_over_the_antimeridian_is_drawn_in_two_lines(client: Any) -> None:
    over = [at(10 * k, 200 * k, lat=-17.0, lon=179.95) for k in range(100)]
    await send(client, over)
    [line] = (await told(client, "vehicles/van/trips?format=geojson"))["features"]
    assert line["geometry"]["type"] == "MultiLineString"
    west, east = line["geometry"]["coordinates"]
    assert (west[-1][0], east[0][0]) == (180, -180) and west[-1][1] == east[0][1]
    assert all(lon > 0 for lon, _ in west) and all(lon < 0 for lon, _ in east)
    assert line["properties"]["distance_m"] == pytest.approx(99 * 200, rel=0.01)


async def test_without_its_extra_parquet_is_refused_with_what_to_install(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    await send(client, DAY[:3])
    assert "live-map-tracker[parquet]" in (await told(client, "vehicles/van/trips?format=parquet", 422))["detail"]


async def test_who_sees_a_part_is_told_of_what_was_done_there(tmp_path: Path) -> None:
    """Of the fixes of its visits alone; coarse ones where places are coarse."""
    grants = {"yard": limited("yard"), "rough": limited("yard", coarse_m=2000), "other": limited("elsewhere")}
    app = create_app(Settings(data=str(tmp_path / "data"), tiles=""), access=Words(all=EVERYTHING, **grants))
    async with app.test_app() as running:
        client = running.test_client()

        async def ask(word: str, path: str) -> Any:
            return await client.get(f"{V1}/{path}", headers=bearer(word))

        yard = circle(LAT, at(0, 7200).lon, 300, name="Yard")
        await client.put(f"{V1}/regions/yard", json=yard, headers=bearer("all"))
        said = [{"vehicle": "van", "time": ping.time, "lat": ping.lat, "lon": ping.lon} for ping in DAY]
        answer = await client.post(f"{V1}/positions", json=said, headers=bearer("all"))
        assert (await answer.get_json())["accepted"] == len(DAY)
        [stop] = (await (await ask("yard", "vehicles/van/stops")).get_json())["stops"]
        assert (stop["lat"], stop["lon"]) == pytest.approx((yard["geometry"]["coordinates"][::-1]), abs=1e-4)
        for path in ("vehicles/van/summary", "summary"):
            told = await (await ask("yard", path)).get_json()
            sums = told if "days" in told else told["vehicles"][0]
            assert sums["distance_m"] < 1000 and sums["stops"] == 1
            assert (await (await ask("all", path)).get_json()) != told
        for form in ("json", "csv", "geojson", "gpx"):
            body = await (await ask("rough", f"vehicles/van/stops?format={form}")).get_data()
            exact = f"{stop['lat']:.4f}", f"{stop['lon']:.4f}"
            assert not any(place.encode() in body for place in exact)
        for path in ("vehicles/van/trips", "vehicles/van/stops", "vehicles/van/summary"):
            assert (await ask("other", path)).status_code == 404
        assert (await (await ask("other", "summary")).get_json())["vehicles"] == []


async def test_a_track_is_a_sheet_and_a_kml_too(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = [msgspec.structs.replace(DAY[0], driver="=\x01x", odometer_m=12.5, ignition=True), *DAY[1:50]]
    await send(client, odd)
    address = f"{V1}/vehicles/van/track?format="
    book = load_workbook(io.BytesIO(await (await client.get(f"{address}xlsx")).get_data()))
    assert book["Track"].max_row == 51
    first = dict(zip([cell.value for cell in book["Track"][1]], [cell.value for cell in book["Track"][2]], strict=True))
    assert first["driver"] == "'=\ufffdx" and (first["odometer_m"], first["ignition"]) == (12.5, True)
    assert first["time (UTC)"] == datetime.fromtimestamp(BEGAN / 1000, UTC).replace(tzinfo=None)
    part = await client.get(f"{address}xlsx&limit=10")
    assert load_workbook(io.BytesIO(await part.get_data()))["Track"].max_row == 11 and part.headers["x-next"]
    monkeypatch.setattr("tracker.web.api.tracks.MOST_CELLS", 20)
    assert (await client.get(f"{address}xlsx")).status_code == 422
    drawn = ElementTree.fromstring(await (await client.get(f"{address}kml")).get_data())
    places = [one.text for one in drawn.iter("{http://www.google.com/kml/ext/2.2}coord")]
    assert len(places) == 50 and places[0] == f"{LON:.7f} {LAT:.7f} 0.00"
    assert len(list(drawn.iter("{http://www.opengis.net/kml/2.2}when"))) == 50
