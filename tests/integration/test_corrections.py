"""The past is corrected over HTTP: what was told stays, who and why is told."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_history import DAY, send, told
from tests.support.reports import read_body
from tests.support.rounds import BEGAN
from tracker.access.grants import EVERYTHING
from tracker.config import Settings
from tracker.reports.asked import Asked, Heard, Message, next_message, packed
from tracker.reports.payload import Payload
from tracker.reports.retold import Reteller
from tracker.stores.sqlite.files import backup, restore
from tracker.times import parse_time, rfc3339
from tracker.web.app import create_app
from tracker.web.reports.gathering import Choice, Gathering

V1 = "/api/v1"
PATH = f"{V1}/history/corrections"
WHAT = ("track", "trips", "stops", "summary")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with create_app(Settings(data=str(tmp_path / "data"), tiles="")).test_app() as running:
        one = running.test_client()
        await send(one, DAY)
        yield one


async def correct(client: Any, what: str, since: Any, until: Any, status: int = 201, **more: Any) -> Any:
    said = {"vehicle": "van", "what": what, "from": since, "until": until, "why": "the driver said so"} | more
    answer = await client.post(PATH, json=said)
    body = await answer.get_json(force=True)
    assert answer.status_code == status, body
    return body


async def take_back(client: Any, one: Any, said: Any) -> Any:
    body = json.dumps(said).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    return await client.delete(f"{PATH}/{one['id']}", data=body, headers=headers)


async def everything(client: Any, query: str = "") -> list[Any]:
    return [await told(client, f"vehicles/van/{what}?limit=1000{query}") for what in WHAT]


async def test_what_is_corrected_is_known_and_what_was_told_stays(client: Any) -> None:
    before = await everything(client)
    assert await everything(client, "&as=told") == before
    first, second = before[1]["trips"]
    _, stop, _ = before[2]["stops"]

    moved = await correct(client, "move_stop", stop["from"], stop["until"], new_until=rfc3339(DAY[130].time), by="ada")
    assert (moved["by"], moved["why"], moved["taken_back"]) == ("ada", "the driver said so", None)
    _, trips, stops, sums = await everything(client)
    note = {name: moved[name] for name in ("id", "what", "by", "at", "why")}
    assert stops["stops"][1]["until"] == trips["trips"][1]["from"] == rfc3339(DAY[130].time)
    assert [one.get("corrected") for one in stops["stops"]] == [None, [note], None]
    assert trips["corrections"] == stops["corrections"] == sums["corrections"] == [moved]
    assert sums["distance_m"] == before[3]["distance_m"], "a time was moved, no way"
    assert sums["stopped_s"] - before[3]["stopped_s"] == before[3]["driving_s"] - sums["driving_s"] == 100

    joined = await correct(client, "join_trips", first["from"], second["until"])
    _, trips, stops, _ = await everything(client)
    [trip] = trips["trips"]
    assert (trip["from"], trip["until"], len(stops["stops"])) == (first["from"], second["until"], 2)
    assert trip["distance_m"] == first["distance_m"] + second["distance_m"] and trip["idle_s"] == 400
    assert [one["id"] for one in trip["corrected"]] == [moved["id"], joined["id"]]

    wrong = await correct(client, "wrong_fixes", rfc3339(DAY[40].time), rfc3339(DAY[45].time))
    track = (await everything(client))[0]
    assert len(track["positions"]) == len(before[0]["positions"]) - 5 and track["corrections"] == [wrong]
    at = f"history/frames?from={DAY[42].time}"
    frames = [(await told(client, at + more))["frames"][0]["positions"] for more in ("", "&as=told")]
    assert [one["age_s"] for [one] in frames] == [30, 0], "it is between the fixes that are right"
    csv = await client.get(f"{V1}/vehicles/van/track?format=csv")
    assert len((await csv.get_data()).splitlines()) == len(DAY) - 5 + 1 and csv.headers["x-corrected"] == "1"
    assert await everything(client, "&as=told") == before

    for one in (wrong, joined, moved):
        answer = await take_back(client, one, {"why": "it was right", "by": "ben"})
        taken = (await answer.get_json())["taken_back"]
        assert (taken["by"], taken["why"]) == ("ben", "it was right")
        again = await client.delete(f"{PATH}/{one['id']}")
        assert (await again.get_json())["taken_back"] == taken, "the first stands"
    assert await everything(client) == before
    kept = (await told(client, "history/corrections?vehicle=van"))["corrections"]
    assert [one["id"] for one in kept] == [wrong["id"], joined["id"], moved["id"]]
    entries = (await told(client, "audit?what=correction.take_back"))["audit"]
    assert [one["after"]["id"] for one in entries] == [moved["id"], joined["id"], wrong["id"]]


async def visits(client: Any, query: str = "") -> Any:
    asked = {"region": "yard", "from": rfc3339(BEGAN), "until": rfc3339(DAY[-1].time)}
    answer = await client.post(f"{V1}/history/inside{query}", json=asked)
    return (await answer.get_json())["visits"]


async def test_what_a_wrong_fix_decided_stays_with_a_doubt_and_it_was_nowhere(tmp_path: Path) -> None:
    async with create_app(Settings(data=str(tmp_path / "data"), tiles="")).test_app() as running:
        client = running.test_client()
        at = {"type": "Point", "coordinates": [DAY[42].lon, DAY[42].lat]}
        yard = {"type": "Feature", "geometry": at, "properties": {"name": "Yard", "radius_m": 300}}
        assert (await client.put(f"{V1}/regions/yard", json=yard)).status_code == 201
        await send(client, DAY)
        enter, leave = before = (await told(client, "events"))["events"]
        assert [enter["kind"], leave["kind"]] == ["enter", "exit"]
        stood = await visits(client)
        assert [one["passed_through"] for one in stood] == [False]
        counted = [f"history/activity?from={BEGAN}&until={BEGAN + days * 86_400_000}&step_s=1800" for days in (1, 5)]
        moved = [(await told(client, one))["moving"] for one in counted]

        one = await correct(client, "wrong_fixes", enter["why"]["to"]["time"], rfc3339(DAY[43].time))
        note = {name: one[name] for name in ("id", "what", "by", "at", "why")}
        assert (await told(client, "events"))["events"] == [enter | {"doubted": [note]}, leave]
        assert await told(client, f"events/{enter['id']}") == enter | {"doubted": [note]}
        rest = await correct(client, "wrong_fixes", rfc3339(DAY[43].time), leave["why"]["to"]["time"])
        assert [one["passed_through"] for one in await visits(client)] == [True], "of the two fixes beside them"
        assert await visits(client, "?as=told") == stood
        whole = await correct(client, "wrong_fixes", rfc3339(BEGAN), rfc3339(DAY[-1].time))
        assert await visits(client) == []
        for way, there in zip(counted, moved, strict=True):
            assert sum((await told(client, way))["moving"]) == 0 < sum(there)
            assert (await told(client, f"{way}&as=told"))["moving"] == there
        for each in (one, rest, whole):
            await take_back(client, each, {})
        assert (await told(client, "events"))["events"] == before and await visits(client) == stood


async def test_a_report_obeys_and_names_them_and_a_file_of_a_fleet_says_how_many(client: Any) -> None:
    [_, stop, _] = (await told(client, "vehicles/van/stops"))["stops"]
    moved = await correct(client, "move_stop", stop["from"], stop["until"], new_until=rfc3339(DAY[130].time), by="ada")
    asked, said = Asked(BEGAN, DAY[-1].time + 1, 0), list[Message]()

    async def tell(message: Message) -> None:
        said.append(next_message(BytesIO(packed(message))))

    await Gathering(client.app.extensions["node"], EVERYTHING, Choice()).tell(asked, tell, lambda _: None)
    [heard] = [one for one in said if isinstance(one, Heard)]
    payload = Payload(asked)
    payload.add_vehicle(Reteller(asked).retell(heard))
    [van] = read_body(zlib.decompress(payload.packed({})))[0]["vehicles"]
    span = [round((parse_time(time) - BEGAN) / 1000) for time in (moved["from"], moved["new_until"])]
    assert van["stops"][1][:2] == span
    assert van["corrections"] == [
        {"what": "move_stop", "from": span[0], "until": span[1], "by": "ada", "at": parse_time(moved["at"])}
        | {"why": "the driver said so"}
    ]
    for way, count in (("", "1"), ("&as=told", None)):
        file = await client.get(f"{V1}/summary?format=csv&from={BEGAN}&until={DAY[-1].time}{way}")
        assert file.headers.get("x-corrected") == count


async def test_said_twice_it_is_one_and_it_survives_a_backup_but_no_erasing(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"), tiles="")
    async with create_app(settings).test_app() as running:
        client = running.test_client()
        await send(client, DAY)
        since, until = rfc3339(DAY[40].time), rfc3339(DAY[45].time)
        first = await correct(client, "wrong_fixes", since, until)
        assert await correct(client, "wrong_fixes", since, until, 200) == first
        other = await correct(client, "wrong_fixes", since, until, why="another reason")
        page = await told(client, "history/corrections?limit=1")
        assert [one["id"] for one in page["corrections"]] == [other["id"]]
        page = await told(client, f"history/corrections?limit=1&cursor={page['next']}")
        assert ([one["id"] for one in page["corrections"]], page["next"]) == ([first["id"]], None)
    backup(tmp_path / "data", str(tmp_path / "copy.db"))
    restore(str(tmp_path / "copy.db"), tmp_path / "restored")
    app = create_app(Settings(data=str(tmp_path / "restored"), tiles=""))
    async with app.test_app() as running:
        client = running.test_client()
        assert await told(client, f"history/corrections/{first['id']}") == first
        assert len((await told(client, "vehicles/van/track?limit=1000"))["positions"]) == len(DAY) - 5
        assert (await client.delete(f"{V1}/vehicles/van?history=true")).status_code == 204
        assert (await told(client, "history/corrections"))["corrections"] == []
        assert await app.extensions["node"].store.record_versions("correction", first["id"]) == []


STOP = (rfc3339(DAY[90].time), rfc3339(DAY[120].time))


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("vehicle", {"vehicle": None}),
    ("vehicle", {"vehicle": 7}),
    ("what", {"what": "delete"}),
    ("from", {"from": None}),
    ("from", {"from": "yesterday"}),
    ("from", {"from": True}),
    ("until", {"until": STOP[0]}),
    ("until", {"from": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}),
    ("until", {"until": "2999-01-01T00:00:00Z"}),
    ("from", {"from": "2026-05-28T10:00:00Z", "until": "2026-05-28T11:00:00Z"}),  # nothing was there
    ("why", {"why": None}),
    ("why", {"why": "  "}),
    ("why", {"why": "x" * 501}),
    ("why", {"why": "\x00"}),
    ("by", {"by": 5}),
    ("new_from", {"new_from": STOP[0]}),
    ("new_from", {"what": "move_stop"}),
    ("new_until", {"what": "move_stop", "new_until": STOP[0]}),
    ("new_from", {"what": "move_stop", "new_from": rfc3339(DAY[20].time)}),  # it drove off later
    ("new_until", {"what": "move_stop", "new_until": rfc3339(DAY[-1].time)}),
    ("new_from", {"what": "move_stop", "new_from": "2026-04-01T00:00:00Z"}),
    ("from", {"what": "move_stop", "from": rfc3339(DAY[40].time), "new_from": rfc3339(DAY[35].time)}),
    ("from", {"what": "join_trips", "from": rfc3339(DAY[35].time), "until": rfc3339(DAY[40].time)}),
    ("colour", {"colour": "red"}),
]


async def test_what_cannot_be_is_refused_with_its_field(client: Any) -> None:
    for field, change in REFUSED:
        said = {"vehicle": "van", "what": "wrong_fixes", "from": STOP[0], "until": STOP[1], "why": "so"} | change
        answer = await client.post(PATH, json=said)
        body = await answer.get_json(force=True)
        assert (answer.status_code, [one["field"] for one in body["errors"]]) == (422, [field]), (change, body)
    assert (await told(client, "history/corrections"))["corrections"] == []


async def test_who_corrects_what_is_not_there_is_told_so(client: Any) -> None:
    assert (await client.post(PATH, json=[])).status_code == 422
    missing = await correct(client, "wrong_fixes", *STOP, status=404, vehicle="none")
    assert missing["code"] == "unknown_vehicle"
    await client.put(f"{V1}/vehicles/new", json={"name": "New"})
    assert (await correct(client, "wrong_fixes", *STOP, status=422, vehicle="new"))["errors"][0]["field"] == "vehicle"
    assert (await client.delete(f"{PATH}/none")).status_code == (await client.get(f"{PATH}/none")).status_code == 404
    one = await correct(client, "wrong_fixes", *STOP)
    bodies: tuple[Any, ...] = ([], {"whom": 1}, {"why": 7}, {"by": " "})
    for body in bodies:
        assert (await take_back(client, one, body)).status_code == 422, body
    assert (await client.get(f"{V1}/vehicles/van/trips?as=guessed")).status_code == 422
    assert (await client.get(f"{PATH}?cursor=zzz")).status_code == 422
    assert (await told(client, f"history/corrections?from={BEGAN + 10**9}"))["corrections"] == []


async def test_what_is_too_old_to_be_kept_takes_its_corrections_along(tmp_path: Path) -> None:
    app = create_app(Settings(data=str(tmp_path / "data"), tiles="", retention=["*:30"]))
    async with app.test_app() as running:
        client, node = running.test_client(), app.extensions["node"]
        await send(client, DAY)
        one = await correct(client, "wrong_fixes", *STOP)
        await node.retention.work(BEGAN + 86_400_000, at_once=True)
        assert await told(client, f"history/corrections/{one['id']}") == one, "its day is kept yet"
        await node.retention.work(BEGAN + 40 * 86_400_000, at_once=True)
        await told(client, f"history/corrections/{one['id']}", 404)
