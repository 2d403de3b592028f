"""Importing a file of positions over HTTP: read by its format, watched, given up; a file that is none changes nothing."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tracker.config import Settings
from tracker.errors import NotFound, Overloaded
from tracker.model.records import Actor
from tracker.stores import AuditQuery
from tracker.web.app import create_app

IMPORT = "/api/v1/store/import"
CSV = "vehicle,time,lat,lon\n" + "".join(
    f"van-{n % 3},2026-09-01T10:{n // 60:02d}:{n % 60:02d}Z,{60 + n * 1e-5:.5f},25\n" for n in range(2400)
)
GPX = """<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="1" lon="2"/><trk><trkseg>
<trkpt lat="60" lon="25"><time>2026-09-01T08:00:00Z</time></trkpt>
<trkpt lat="60.001" lon="25"><time>2026-09-01T08:00:10Z</time></trkpt></trkseg></trk></gpx>"""


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    app = create_app(Settings(data=str(tmp_path), tiles="", max_import=1_000_000))
    async with app.test_app():
        client: Any = app.test_client()
        client.node = app.extensions["node"]
        yield client


async def begin(client: Any, body: str | bytes, name: str, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post(
        IMPORT, data=body, query_string={"name": name, **more}, headers={"content-type": "application/octet-stream"}
    )
    return answer.status_code, await answer.get_json()


async def ended(client: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"state": "working"}
    while told["state"] == "working":
        told = await (await client.get(f"{IMPORT}?wait_s=5")).get_json()
    return told


async def positions(client: Any, vehicle: str) -> int:
    answer = await client.get(f"/api/v1/vehicles/{vehicle}/track?limit=10000")
    return len((await answer.get_json())["positions"]) if answer.status_code == 200 else 0


async def test_a_file_is_read_by_its_format_and_what_is_wrong_with_it_is_told_by_line(client: Any) -> None:
    broken = CSV + "van-0,2026-09-01T11:00:00Z,91,25\nvan-0,never,60,25\n"
    status, told = await begin(client, gzip.compress(broken.encode()), "monday.csv.gz")
    assert status == 202 and (told["state"], told["name"], told["accepted"]) == ("working", "monday.csv.gz", 0)
    told = await ended(client)
    assert (told["state"], told["progress"], told["error"]) == ("done", 1, None)
    assert [(one["name"], one["format"], one["items"]) for one in told["files"]] == [("monday.csv", "csv", 2402)]
    assert (told["items"], told["positions"], told["accepted"], told["rejected"]) == (2402, 2402, 2400, 2)
    assert {(one["where"], one["code"]) for one in told["errors"]} == {
        ("monday.csv line 2402", "lat_out_of_range"), ("monday.csv line 2403", "time_invalid"),
    }  # fmt: skip
    assert await positions(client, "van-1") == 800
    [entry] = await client.node.store.audit(AuditQuery(what="store.import"))
    assert entry.after == {"name": "monday.csv.gz"}
    await begin(client, GPX, "lorry.gpx")
    told = await ended(client)
    assert (told["files"][0]["format"], told["accepted"], await positions(client, "lorry")) == ("gpx", 2, 2)
    assert [(one["reason"], one["count"]) for one in told["skipped"]] == [("waypoint", 1)]
    await begin(client, CSV, "again.csv")
    assert (await ended(client))["duplicates"] == 2400


@pytest.mark.parametrize(
    "body, name",
    [
        ("once upon a time", "tale.txt"),
        ('{"type": "FeatureCollection", "features": []}', "areas.geojson"),
        (b"\x1f\x8b\x08\x00broken", "half.csv.gz"),
        ("vehicle,when\nvan-1,today\n", "places.csv"),
    ],
)
async def test_a_file_that_is_no_recording_changes_nothing_and_says_why(
    client: Any, body: str | bytes, name: str
) -> None:
    assert (await begin(client, body, name))[0] == 202
    told = await ended(client)
    assert told["state"] == "failed" and told["error"]["code"] == "unreadable" and told["accepted"] == 0
    assert (await (await client.get("/api/v1/vehicles")).get_json())["vehicles"] == []


async def test_what_was_taken_when_it_is_given_up_stays_and_is_counted(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, submit, taken = asyncio.Event(), client.node.pipeline.submit, []

    async def slowly(pings: list[Any]) -> Any:
        taken.append(len(pings))
        if len(taken) == 2:
            await goes_on.wait()
        return await submit(pings)

    monkeypatch.setattr(client.node.pipeline, "submit", slowly)
    await begin(client, CSV, "monday.csv")
    await until(lambda: len(taken) == 2, "the second thousand")
    assert (await begin(client, CSV, "monday.csv"))[0] == 409
    work = next(task for task in asyncio.all_tasks() if task.get_name() == "import")
    giving_up = asyncio.create_task(client.delete(IMPORT))
    await until(lambda: work.cancelling() == 1, "that it is given up")
    goes_on.set()
    assert (await giving_up).status_code == 204
    told = await ended(client)
    assert (told["state"], told["accepted"], sum(taken)) == ("given_up", 2000, 2000)
    assert sum([await positions(client, f"van-{n}") for n in range(3)]) == 2000


async def test_a_busy_server_is_waited_for_and_a_right_that_is_lost_ends_it(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, tries = client.node.pipeline.submit, []

    async def busy_once(pings: list[Any]) -> Any:
        tries.append(len(pings))
        if len(tries) == 1:
            raise Overloaded("too much", 0)
        return await submit(pings)

    monkeypatch.setattr(client.node.pipeline, "submit", busy_once)
    await begin(client, CSV, "monday.csv")
    assert ((await ended(client))["accepted"], tries) == (2400, [1000, 1000, 1000, 400])

    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        if len(asked) > 3:  # twice as it begins, then before each thousand
            raise NotFound("may_not", "not any more")

    monkeypatch.setattr("tracker.web.api.parameters.actor", lambda *_: Actor("ada", "", ask))
    assert (await begin(client, CSV, "more.csv"))[0] == 202
    told = await ended(client)
    assert (told["state"], told["duplicates"]) == ("failed", 1000)
    assert told["error"]["code"] == "may_not"


@pytest.mark.parametrize(
    "query",
    [
        {"name": "a" * 201},
        {"name": "a\nb"},
        {"format": "xls"},
        {"zone": "Mars/Crater"},
        {"zone": "localtime"},
        {"speed": "1"},
    ],
)
async def test_what_cannot_be_meant_is_refused(client: Any, query: dict[str, str]) -> None:
    answer = await client.post(IMPORT, data=CSV, query_string=query)
    assert answer.status_code == 422


async def test_a_file_may_be_so_large_and_a_path_is_no_name(client: Any) -> None:
    assert (await begin(client, "x" * 1_000_001, "large.csv"))[0] == 413
    assert (await begin(client, CSV, "../../etc/van.csv"))[1].get("name") == "van.csv"
    await ended(client)
