"""Whoever is granted one region finds nothing of another: at every address, by every method, in every message.

Every route has a row in ROUTES, every message a client can send one in OPERATIONS; a new one without fails.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.support.granted import FAR_LAT, FAR_LON, HERE, LAT, LON, THERE, Socket, Town, bearer, feature, town
from tests.support.grants import limited
from tests.support.reports import read_report
from tests.support.servers import circle, now
from tests.support.waiting import deadline, until
from tracker.access.grants import EVERYTHING, MAY, WATCH
from tracker.history.film import tape
from tracker.live.requests import Request
from tracker.model.records import Record
from tracker.protocols import spoken
from tracker.web.app import create_app
from tracker.web.live.channel import PATH as LIVE

V1 = "/api/v1"
POSITIONS = f"{V1}/positions"
INGEST = "/ingest/json/"  #: and a token
SESSION = f"{V1}/session"
NOBODY = "never-was"  #: an id that nothing ever had
GRANTS = {
    "here": limited(HERE, "not-drawn-yet", may=MAY, groups=frozenset({"home"})),
    "looks": limited(HERE),
    "blind": limited(HERE, may=MAY - {WATCH}),
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "data", **GRANTS) as made:
        yield made


async def ask(place: Town, method: str, path: str, word: str = "here", **more: Any) -> tuple[int, Any]:
    """The status and the document; whatever came is searched for what may not be in it."""
    answer = await place.ask(word, method, path, **more)
    body = await answer.get_data()
    if THERE in path or "stranger" in path or "nowhere-yet" in path:  # it may say what it was asked for
        await place.search(re.sub(rb"over-there|stranger|nowhere-yet", b"", body))
    else:
        await place.search(body + str(answer.headers).encode())
    kind = answer.headers.get("content-type", "")
    return answer.status_code, json.loads(body) if "json" in kind and body else body


class Asked:
    """A store, and what it was asked."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.for_: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.for_.append(name)
        return getattr(self.store, name)


async def looked_for(place: Town, method: str, path: str, **more: Any) -> tuple[Any, list[str]]:
    """The answer, and what the store was asked for it: whoever measures the time must not learn what there is."""
    store = place.node.store
    place.node.store = asked = Asked(store)
    try:
        return await place.ask("here", method, path, **more), asked.for_
    finally:
        place.node.store = store


async def same(place: Town, method: str, hidden: str, never: str, **more: Any) -> None:
    """What is not granted is answered as what does not exist, to the letter, and looked for as far."""
    told = []
    for path in (hidden, never):
        answer, asked = await looked_for(place, method, path, **more)
        assert answer.status_code == 404, path
        body = (await answer.get_data()).replace(re.split("[/?]", path)[4].encode(), b"ID")
        await place.search(body)
        told.append((body, sorted(answer.headers.keys()), asked))
    assert told[0] == told[1]


# ------------------------------------------------------------------------------------------------- the rows


async def vehicles(place: Town) -> None:
    status, page = await ask(place, "GET", f"{V1}/vehicles")
    assert status == 200
    assert [one["vehicle"] for one in page["vehicles"]] == ["comer", "resident"]
    assert [[region["id"] for region in one["regions"]] for one in page["vehicles"]] == [[HERE], [HERE]]
    for query in (f"?bbox={FAR_LON - 1},{FAR_LAT - 1},{FAR_LON + 1},{FAR_LAT + 1}", "?q=boris", "?q=emil"):
        assert (await ask(place, "GET", f"{V1}/vehicles{query}"))[1]["vehicles"] == []
    assert (await ask(place, "GET", f"{V1}/vehicles?region={HERE}&limit=1"))[1]["next"]
    for id in (THERE, NOBODY):
        for form in ("json", "geojson"):
            assert (await ask(place, "GET", f"{V1}/vehicles?region={id}&format={form}"))[0] == 404
    _, whole = await ask(place, "GET", f"{V1}/vehicles?format=geojson")
    assert [one["id"] for one in whole["features"]] == ["comer", "resident"]
    assert [one["properties"]["regions"] for one in whole["features"]] == [[HERE], [HERE]]


async def feed(place: Town) -> None:
    path = f"{V1}/gtfs-realtime/vehicle-positions"
    for form in ("protobuf", "json", "text"):
        _, told = await ask(place, "GET", f"{path}?max_age_s=0&format={form}")
        if form == "json":
            assert [one["id"] for one in told["entity"]] == ["comer", "resident"]
    for id in (THERE, NOBODY):
        assert (await ask(place, "GET", f"{path}?region={id}"))[0] == 404


async def vehicle(place: Town) -> None:
    assert (await ask(place, "GET", f"{V1}/vehicles/resident"))[1]["name"] == "Anna's van"
    for hidden in ("stranger", "leaver", "nowhere-yet"):
        await same(place, "GET", f"{V1}/vehicles/{hidden}", f"{V1}/vehicles/{NOBODY}")


async def put_vehicle(place: Town) -> None:
    assert (await ask(place, "PUT", f"{V1}/vehicles/resident", json={"name": "new"}))[0] == 200
    assert (await ask(place, "PUT", f"{V1}/vehicles/resident", "looks", json={"name": "x"}))[0] == 404
    for hidden in ("stranger", "nowhere-yet"):
        await same(place, "PUT", f"{V1}/vehicles/{hidden}", f"{V1}/vehicles/{NOBODY}", json={"name": "x"})
    assert NOBODY not in place.node.picture.register


async def patch_vehicle(place: Town) -> None:
    assert (await ask(place, "PATCH", f"{V1}/vehicles/resident", json={"name": "new"}))[0] == 200
    assert (await ask(place, "PATCH", f"{V1}/vehicles/resident", "looks", json={"name": "x"}))[0] == 404
    await same(place, "PATCH", f"{V1}/vehicles/stranger", f"{V1}/vehicles/{NOBODY}", json={"name": "x"})


async def delete_vehicle(place: Town) -> None:
    for query in ("", "?history=true"):
        await same(place, "DELETE", f"{V1}/vehicles/stranger{query}", f"{V1}/vehicles/{NOBODY}{query}")
        assert (await ask(place, "DELETE", f"{V1}/vehicles/resident{query}", "looks"))[0] == 404
    assert (await ask(place, "DELETE", f"{V1}/vehicles/resident?history=true"))[0] == 404, "not all of it is theirs"
    assert (await ask(place, "DELETE", f"{V1}/vehicles/resident"))[0] == 204
    assert (await ask(place, "GET", f"{V1}/vehicles/resident"))[0] == 404


async def payloads(place: Town) -> None:
    """They tell of everywhere a vehicle was: not for who sees it in some regions."""
    address = f"{V1}/vehicles/resident/payloads"
    for word in ("here", "looks"):
        assert (await ask(place, "GET", address, word))[0] == 404
    await same(place, "GET", f"{V1}/vehicles/stranger/payloads", f"{V1}/vehicles/{NOBODY}/payloads")
    assert (await place.ask("all", "GET", address)).status_code == 200


async def track(place: Town) -> None:
    for form in ("json", "geojson", "gpx", "csv"):
        for mine, fixes in (("leaver", 4), ("comer", 4), ("resident", 5)):
            for limit in ("", "&limit=10000", "&limit=2"):
                status, told = await ask(place, "GET", f"{V1}/vehicles/{mine}/track?format={form}{limit}")
                assert status == 200
                if form == "json":
                    assert len(told["positions"]) == (2 if "=2" in limit else fixes), mine
        for hidden in ("stranger", "nowhere-yet"):
            path = f"track?format={form}"
            await same(place, "GET", f"{V1}/vehicles/{hidden}/{path}", f"{V1}/vehicles/{NOBODY}/{path}")


async def history(place: Town) -> None:
    for what in ("trips", "stops", "summary"):
        for mine in ("leaver", "comer", "resident"):
            assert (await ask(place, "GET", f"{V1}/vehicles/{mine}/{what}"))[0] == 200
        for hidden in ("stranger", "nowhere-yet"):
            await same(place, "GET", f"{V1}/vehicles/{hidden}/{what}", f"{V1}/vehicles/{NOBODY}/{what}")


async def summary(place: Town) -> None:
    status, told = await ask(place, "GET", f"{V1}/summary")
    assert (status, [one["vehicle"] for one in told["vehicles"]]) == (200, ["comer", "leaver", "resident"])
    assert (await ask(place, "GET", f"{V1}/summary?vehicle=stranger"))[1]["vehicles"] == []
    for id in ("leaver", "resident"):
        await place.do("PATCH", f"{V1}/vehicles/{id}", json={"group": "of-late"})
    _, told = await ask(place, "GET", f"{V1}/summary")
    assert [one["group"] for one in told["vehicles"]] == [None, None, "of-late"], "the leaver's is that of one not seen"
    assert [one["vehicle"] for one in (await ask(place, "GET", f"{V1}/summary?group=of-late"))[1]["vehicles"]] == [
        "resident"
    ]


async def regions(place: Town) -> None:
    for query in ("", "?limit=1", "?format=geojson"):
        status, told = await ask(place, "GET", f"{V1}/regions{query}")
        [only] = told.get("regions") or told["features"]
        assert (status, only["id"], only["properties"]["inside_count"], told["next"]) == (200, HERE, 2, None)


async def post_regions(place: Town) -> None:
    mine, theirs = feature(HERE, LAT, LON, "mine"), feature(THERE, LAT, LON, "mine")
    assert (await ask(place, "POST", f"{V1}/regions", json=mine))[0] == 200
    assert (await ask(place, "POST", f"{V1}/regions", json=feature("not-drawn-yet", LAT, LON, "new")))[0] == 201
    assert (await ask(place, "POST", f"{V1}/regions", "looks", json=mine))[0] == 404
    before = len(place.node.picture.regions)
    for drawn, status in ((theirs, 404), (feature(NOBODY, LAT, LON, "x", "faraway"), 422)):
        for body in (drawn, {"type": "FeatureCollection", "features": [mine, drawn]}):
            answer = await place.ask("here", "POST", f"{V1}/regions", json=body)
            assert answer.status_code == status
            await place.search((await answer.get_data()).replace(THERE.encode(), b""))
    assert len(place.node.picture.regions) == before
    assert place.node.picture.regions[THERE]["properties"]["version"] == 2


async def preview(place: Town) -> None:
    for lat, lon, radius in ((FAR_LAT, FAR_LON, 1000), (LAT, LON, 1000), (61, 26, 500_000)):
        answer = await place.ask("here", "POST", f"{V1}/regions/preview", json=circle(lat, lon, radius))
        told = await answer.get_json()
        del told["region"]  # what was drawn
        await place.search(json.dumps(told))
        assert set(told["inside"]) <= {"resident", "comer"}
        assert told["pings_read"] <= 13, "only what may be seen is counted"
        assert {event["vehicle"] for event in told["events"]} <= {"resident", "comer", "leaver"}
    _, told = await ask(place, "POST", f"{V1}/regions/preview", json=circle(LAT, LON, 300))
    assert told["inside"] == ["comer", "resident"]
    assert told["counts"]["enter"] == 3


async def was_inside(place: Town) -> None:
    """From the fixes that are shown; nothing tells of others, the cursor neither."""
    since, told = int(time.time()) - 86_400, []
    for lat, lon, radius in ((FAR_LAT, FAR_LON, 1000), (LAT, LON, 1000), (61, 26, 500_000)):
        shape = {"geometry": {"type": "Point", "coordinates": [lon, lat]}, "radius_m": radius, "from": since}
        for query in ("", "?limit=1", "?format=csv", "?format=csv&limit=1"):
            answer = await place.ask("here", "POST", f"{V1}/history/inside{query}", json=shape)
            body = await answer.get_data()
            await place.search(body + str(answer.headers).encode())
            if not query:
                told.append([(one["vehicle"], one["fixes"]) for one in json.loads(body)["visits"]])
        _, hidden = await looked_for(place, "POST", f"{V1}/history/inside", json=shape | {"vehicles": ["stranger"]})
        _, never = await looked_for(place, "POST", f"{V1}/history/inside", json=shape | {"vehicles": [NOBODY]})
        assert hidden == never
    assert told[0] == []
    assert told[1] == [("comer", 4), ("leaver", 4), ("resident", 5)]
    assert told[1] == told[2], "however large: only what was made here is told"
    for id in (THERE, NOBODY):
        answer = await place.ask("here", "POST", f"{V1}/history/inside", json={"region": id, "from": since})
        said = (await answer.get_json())["detail"].replace(id, "ID")
        assert (answer.status_code, said) == (404, "there is no region 'ID'")


async def frames(place: Town) -> None:
    """Where everybody was, and what it was called, of whom one may see."""
    since = int(time.time()) - 3600
    path = f"{V1}/history/frames?from={since}&until={since + 7200}"
    for more in ("", "&limit=1", "&step_s=7", "&vehicle=stranger,resident"):
        answer = await place.ask("here", "GET", path + more)
        told = await answer.get_json()
        for one in (one for frame in told["frames"] for one in frame["positions"]):
            one.pop("age_s")  # any number
        await place.search(json.dumps(told).replace("stranger", "") + str(answer.headers))
        seen = {one["vehicle"] for frame in told["frames"] for one in frame["positions"]}
        assert seen <= {"comer", "leaver", "resident"}
        for one in (one for frame in told["frames"] for one in frame["positions"]):
            assert abs(one["lat"] - LAT) < 0.01
            assert abs(one["lon"] - LON) < 0.01
    assert seen == {"resident"}
    _, body = await ask(place, "GET", f"{path}&format=tape")
    head, _, lat, _ = tape.read(body)
    called = {one["vehicle"]: one["name"] for one in head["vehicles"]}
    assert called == {"comer": "Dora's bus", "leaver": None, "resident": "Anna's van"}, "the leaver is not seen now"
    assert abs(lat - LAT).max() < 0.01
    _, hidden = await looked_for(place, "GET", f"{path}&vehicle=stranger")
    _, never = await looked_for(place, "GET", f"{path}&vehicle={NOBODY}")
    assert hidden == never


async def activity(place: Town) -> None:
    since = int(time.time()) - 3600
    path = f"{V1}/history/activity?from={since}&until={since + 7200}&step_s=7200"
    for more, known in (("", 3), ("&vehicle=stranger,resident", 1), ("&vehicle=stranger", 0)):
        assert (await ask(place, "GET", path + more))[1]["known"] == [known]
    _, hidden = await looked_for(place, "GET", f"{path}&vehicle=stranger")
    _, never = await looked_for(place, "GET", f"{path}&vehicle={NOBODY}")
    assert hidden == never


async def regions_then(place: Town) -> None:
    since = int(time.time()) - 3600
    status, told = await ask(place, "GET", f"{V1}/history/regions?from={since}&until={since + 7200}")
    assert (status, [(one["id"], one["version"]) for one in told["versions"]]) == (200, [(HERE, 1), (HERE, 2)])
    await place.do("PATCH", f"{V1}/regions/{HERE}", json={"properties": {"group": "hidden-from-them"}})
    _, page = await ask(place, "GET", f"{V1}/history/regions?from={since}&until={since + 7200}&limit=1")
    _, told = await ask(place, "GET", f"{V1}/history/regions?from={since}&until={since + 7200}&cursor={page['next']}")
    assert [one["version"] for one in (*page["versions"], *told["versions"])] == [1, 2, 3]


async def report(place: Town) -> None:
    """It holds what its owner sees, and is nobody else's: packed as it is, nothing of others is in it."""
    asked = {"from": int(time.time()) - 86_400, "until": int(time.time()) + 86_400}
    status, told = await ask(place, "POST", f"{V1}/reports", json=asked)
    assert status == 202
    mine = f"{V1}/reports/{told['id']}"
    while told["state"] in ("waiting", "working"):
        _, told = await ask(place, "GET", f"{mine}?wait_s=20")
    assert (told["state"], told["error"]) == ("done", None)
    for path in (mine, f"{mine}/file"):
        assert (await ask(place, "GET", path, "looks"))[0] == 404
    assert (await ask(place, "DELETE", mine, "looks"))[0] == 404
    status, file = await ask(place, "GET", f"{mine}/file")
    assert status == 200
    made = read_report(file.decode())
    await place.search(made.text.encode())
    assert made.vehicles == ["comer", "leaver", "resident"]
    assert [one["id"] for one in made.head["regions"]] == [HERE]
    assert {one["name"] for one in made.head["vehicles"] if one["id"] == "leaver"} == {None}, "it is not seen now"
    far = [(lat, lon) for one in made.vehicles for lat, lon, _ in made.track(one) if abs(lat / 1e5 - LAT) > 0.1]
    assert far == []
    assert (await ask(place, "DELETE", mine))[0] == 204
    assert (await ask(place, "GET", mine))[0] == 404


async def region(place: Town) -> None:
    status, told = await ask(place, "GET", f"{V1}/regions/{HERE}")
    assert (status, told["properties"]["inside_count"]) == (200, 2)
    await same(place, "GET", f"{V1}/regions/{THERE}", f"{V1}/regions/{NOBODY}")


async def put_region(place: Town) -> None:
    body = circle(LAT, LON, 250, name="moved", group="home")
    assert (await ask(place, "PUT", f"{V1}/regions/{HERE}", json=body))[0] == 200
    assert (await ask(place, "PUT", f"{V1}/regions/{HERE}", "looks", json=body))[0] == 404
    unheard = circle(LAT, LON, 250, name="moved", group="nobody-s")
    for one, headers in ((unheard, {}), (body, {"if-match": '"1"'}), (body, {"if-match": "*"})):
        told = []
        for id in (THERE, NOBODY):
            answer = await place.ask("here", "PUT", f"{V1}/regions/{id}", json=one, headers=headers)
            told.append(
                (answer.status_code, (await answer.get_data()).replace(id.encode(), b"ID"), "etag" in answer.headers)
            )
        assert told[0] == told[1]
        assert told[0][0] in (412, 422)
    for headers in ({}, {"if-none-match": "*"}):
        assert (await ask(place, "PUT", f"{V1}/regions/{THERE}", json=body, headers=headers))[0] == 404
    assert set(place.node.picture.regions) == {HERE, THERE}
    assert (await ask(place, "PUT", f"{V1}/regions/not-drawn-yet", json=circle(LAT, LON, 250)))[0] == 201
    assert place.node.picture.regions["not-drawn-yet"]["properties"]["group"] == "home"
    await place.do("PUT", f"{V1}/regions/no-more", json=circle(FAR_LAT, FAR_LON, 250, group="faraway"))
    for id in ("no-more", HERE):
        await place.do("DELETE", f"{V1}/regions/{id}")
    again = body | {"id": "no-more"}
    for method, path, one in (
        ("PUT", "/no-more", body),
        ("POST", "", again),
        ("POST", "", {"type": "FeatureCollection", "features": [again]}),
    ):
        told = await place.ask("here", method, f"{V1}/regions{path}", json=one)
        assert told.status_code == 404, "its version would tell that there was one"
    assert (await ask(place, "PUT", f"{V1}/regions/{HERE}", json=body))[0] == 201, "what one saw comes back"


async def patch_region(place: Town) -> None:
    body = {"properties": {"name": "renamed"}}
    assert (await ask(place, "PATCH", f"{V1}/regions/{HERE}", json=body))[0] == 200
    assert (await ask(place, "PATCH", f"{V1}/regions/{HERE}", "looks", json=body))[0] == 404
    await same(place, "PATCH", f"{V1}/regions/{THERE}", f"{V1}/regions/{NOBODY}", json=body)


async def delete_region(place: Town) -> None:
    await same(place, "DELETE", f"{V1}/regions/{THERE}", f"{V1}/regions/{NOBODY}")
    assert (await ask(place, "DELETE", f"{V1}/regions/{HERE}", "looks"))[0] == 404
    assert (await ask(place, "DELETE", f"{V1}/regions/{HERE}"))[0] == 204
    assert (await ask(place, "GET", f"{V1}/vehicles"))[1]["vehicles"] == [], "nobody is in it any more"


async def versions(place: Town) -> None:
    assert len((await ask(place, "GET", f"{V1}/regions/{HERE}/versions"))[1]["versions"]) == 2
    await same(place, "GET", f"{V1}/regions/{THERE}/versions", f"{V1}/regions/{NOBODY}/versions")


async def version(place: Town) -> None:
    assert (await ask(place, "GET", f"{V1}/regions/{HERE}/versions/1"))[0] == 200
    await same(place, "GET", f"{V1}/regions/{THERE}/versions/1", f"{V1}/regions/{NOBODY}/versions/1")


async def events(place: Town) -> None:
    hidden = {event.seq for event in await place.hidden()}
    mine = [event.seq for event in await place.events() if event.seq not in hidden]
    for query in ("", "&before=1000000", f"&vehicle=stranger,resident,leaver&region={HERE},{THERE}"):
        status, told = await ask(place, "GET", f"{V1}/events?limit=1000{query}")
        assert status == 200
        assert told["last"] == max(mine)
        if "region" not in query:
            assert sorted(event["seq"] for event in told["events"]) == mine
            assert {event["kind"] for event in told["events"]} == {"enter", "exit", "dwell", "alarm"}
    found: list[int] = []
    after: int | None = 0
    while after is not None:
        _, told = await ask(place, "GET", f"{V1}/events?limit=1&after={after}")
        found += [event["seq"] for event in told["events"]]
        after = told["next"]
    assert found == mine
    for query in (f"?region={THERE}", "?vehicle=stranger", "?kind=alarm&vehicle=leaver"):
        assert (await ask(place, "GET", f"{V1}/events{query}"))[1]["events"] == []


async def event(place: Town) -> None:
    for one in await place.events():
        path = f"{V1}/events/{one.id}"
        if one in await place.hidden():
            await same(place, "GET", path, f"{V1}/events/{one.id[::-1]}")
        else:
            assert (await ask(place, "GET", path))[1]["id"] == one.id


def acknowledged(method: str) -> Callable[[Town], Awaitable[None]]:
    async def ack(place: Town) -> None:
        body: dict[str, Any] = {"json": {"by": "Anna"}} if method == "POST" else {}
        for one in await place.events():
            path = f"{V1}/events/{one.id}/ack"
            if one in await place.hidden():
                await same(place, method, path, f"{V1}/events/{one.id[::-1]}/ack", **body)
            else:
                assert (await ask(place, method, path, "looks", **body))[0] == 404
                assert (await ask(place, method, path, **body))[0] == 200

    return ack


async def metrics(place: Town) -> None:
    assert (await ask(place, "GET", "/metrics", "looks"))[0] == 404


def told_to_all(path: str) -> Callable[[Town], Awaitable[None]]:
    """What says nothing of the fleet is the same whoever asks."""

    async def look(place: Town) -> None:
        status, _ = await ask(place, "GET", path)
        assert status in (200, 426)

    return look


async def stream(place: Town) -> None:
    for path in (f"{V1}/stream", f"{V1}/stream/"):
        await streamed(place, path)


async def streamed(place: Town, path: str) -> None:
    async with place.client.request(f"{path}?all=true", headers=bearer("here")) as connection:
        await connection.send_complete()
        told = ""

        async def hears(word: str) -> None:
            nonlocal told
            while word not in told:
                told += (await asyncio.wait_for(connection.receive(), deadline(10))).decode()

        await hears("resident")
        await news(place)
        await hears("the-last-name")
        await connection.disconnect()
    assert connection.status_code == 200
    await place.search(told)
    assert place.access.asked.count(("CONNECT", path)) == 1, "to open one is asked for, once"


async def changes(place: Town) -> None:
    sets = ("all=true", f"regions={HERE},{THERE}", f"bbox={FAR_LON - 1},{FAR_LAT - 1},{FAR_LON + 1},{FAR_LAT + 1}")
    for query in (*sets, "vehicles=stranger,resident,leaver", "all=true&max_vehicles=1"):
        _, told = await ask(place, "GET", f"{V1}/changes?{query}")
        await news(place)
        _, later = await ask(place, "GET", f"{V1}/changes?{query}&since={told['cursor']}")
        assert later["messages"]
        old = f"{query}&since={told['cursor'][:16]}{'A' * 20}"
        await ask(place, "GET", f"{V1}/changes?{old}")


async def positions(place: Town) -> None:
    item = {"vehicle": "resident", "time": now(), "lat": LAT, "lon": LON}
    for path in (POSITIONS, f"{INGEST}word"):
        assert (await ask(place, "POST", path, "looks", json=item))[0] == 404
        assert (await ask(place, "GET", path))[0] == 405


#: who may come in is for those who administer; `tests/integration/test_access.py` has more of it
PEOPLE = {
    "users": "GET POST",
    "users/<name>": "GET PATCH DELETE",
    "users/<name>/link": "POST",
    "users/<name>/tokens": "GET POST",
    "groups": "GET POST",
    "groups/<name>": "GET PATCH DELETE",
    "tokens": "GET POST",
    "tokens/<id>": "GET DELETE",
    "tokens/<id>/rotate": "POST",
    "tokens/<id>/payloads": "GET",
    "connect": "GET",
    "connect/qr": "POST",
    "targets": "GET POST",
    "targets/<id>": "GET PATCH DELETE",
    "targets/<id>/test": "POST",
    "quarantine": "GET",
    "quarantine/<vehicle>": "GET DELETE",
    "quarantine/<vehicle>/admit": "POST",
    "audit": "GET",
    "store": "GET",
    "store/compaction": "GET POST DELETE",
    "store/import": "GET POST DELETE",
}


WRONG = {"what": "wrong_fixes", "from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "why": "a test"}
CORRECTIONS = f"{V1}/history/corrections"


async def kept_correction(place: Town) -> None:
    one = {"vehicle": "resident", "since": 1, "until": 2**41, "id": "c1", "by": "boris", "at": 1} | {"why": "boris"}
    record = Record("correction", "c1", 1, one | {"what": "wrong_fixes"})
    await place.node.pipeline.keep_records(lambda: ([record], []))


async def corrections(place: Town) -> None:
    """They tell where a vehicle was, so only whoever sees all of it is told of any."""
    await kept_correction(place)
    assert await ask(place, "GET", CORRECTIONS) == (200, {"corrections": [], "next": None})
    await no_such(place, "GET")
    for what in ("track", "trips", "stops", "summary"):
        assert "corrections" not in (await ask(place, "GET", f"{V1}/vehicles/resident/{what}"))[1]
    _, told = await ask(place, "GET", f"{V1}/events?vehicle=resident")
    assert told["events"] and not any("doubted" in event for event in told["events"])
    _, told = await ask(place, "GET", f"{V1}/vehicles/resident/track")
    assert told["positions"] == [], "what is wrong is told nobody"
    _, told = await ask(place, "GET", f"{V1}/vehicles/resident/track?as=told")
    assert told["positions"]


async def correct(place: Town) -> None:
    status, told = await ask(place, "POST", CORRECTIONS, json=WRONG | {"vehicle": "resident"})
    assert (status, told["code"]) == (404, "may_not"), "they do not see where else it was"
    for hidden in ("stranger", "nowhere-yet", NOBODY):
        answer = await place.ask("here", "POST", CORRECTIONS, json=WRONG | {"vehicle": hidden})
        assert (answer.status_code, (await answer.get_json(force=True))["code"]) == (404, "unknown_vehicle")
    assert (await ask(place, "POST", CORRECTIONS, "looks", json=WRONG | {"vehicle": "resident"}))[0] == 404


async def no_such(place: Town, method: str) -> None:
    told = []
    for id in ("c1", "c2"):
        answer, asked = await looked_for(place, method, f"{CORRECTIONS}/{id}")
        assert answer.status_code == 404
        told.append(((await answer.get_data()).replace(id.encode(), b"ID"), asked))
    assert told[0] == told[1]


async def take_back(place: Town) -> None:
    await kept_correction(place)
    await no_such(place, "DELETE")


def not_for_them(method: str, path: str, **more: Any) -> Callable[[Town], Awaitable[None]]:
    async def check(place: Town) -> None:
        status, told = await ask(place, method, path, "looks", **more)
        assert status in (401, 404), told

    return check


async def arrivals(place: Town, what: str = "arrivals") -> None:
    status, told = await ask(place, "GET", f"{V1}/history/{what}", "looks")
    assert status == 404, told  # which may be a file
    assert told["code"] == "may_not" and "who may see everything" in told["detail"], (
        "they may watch, and are not told that they may not"
    )


ROUTES: dict[tuple[str, str], Callable[[Town], Awaitable[None]]] = {
    ("GET", f"{V1}/vehicles"): vehicles,
    ("GET", f"{V1}/vehicles/<id>"): vehicle,
    ("PUT", f"{V1}/vehicles/<id>"): put_vehicle,
    ("PATCH", f"{V1}/vehicles/<id>"): patch_vehicle,
    ("DELETE", f"{V1}/vehicles/<id>"): delete_vehicle,
    ("GET", f"{V1}/vehicles/<id>/track"): track,
    **{("GET", f"{V1}/vehicles/<id>/{what}"): history for what in ("trips", "stops", "summary")},
    ("GET", f"{V1}/summary"): summary,
    ("GET", f"{V1}/gtfs-realtime/vehicle-positions"): feed,
    ("GET", f"{V1}/regions"): regions,
    ("POST", f"{V1}/regions"): post_regions,
    ("POST", f"{V1}/regions/preview"): preview,
    ("POST", f"{V1}/history/inside"): was_inside,
    ("GET", CORRECTIONS): corrections,
    ("POST", CORRECTIONS): correct,
    ("GET", f"{CORRECTIONS}/<id>"): corrections,
    ("DELETE", f"{CORRECTIONS}/<id>"): take_back,
    ("POST", f"{V1}/history/rehearse"): not_for_them("POST", f"{V1}/history/rehearse"),
    ("GET", f"{V1}/history/frames"): frames,
    ("GET", f"{V1}/history/regions"): regions_then,
    ("GET", f"{V1}/history/activity"): activity,
    ("GET", f"{V1}/history/arrivals"): arrivals,
    ("GET", f"{V1}/history/bundle"): partial(arrivals, what="bundle?event=nobody-s"),
    ("GET", f"{V1}/history/day"): partial(arrivals, what="day?date=2026-11-22"),
    ("GET", f"{V1}/history/edits"): not_for_them("GET", f"{V1}/history/edits"),
    ("POST", f"{V1}/reports"): report,
    ("GET", f"{V1}/reports/<id>"): not_for_them("GET", f"{V1}/reports/x"),
    ("GET", f"{V1}/reports/<id>/file"): not_for_them("GET", f"{V1}/reports/x/file"),
    ("DELETE", f"{V1}/reports/<id>"): not_for_them("DELETE", f"{V1}/reports/x"),
    ("GET", f"{V1}/regions/<id>"): region,
    ("PUT", f"{V1}/regions/<id>"): put_region,
    ("PATCH", f"{V1}/regions/<id>"): patch_region,
    ("DELETE", f"{V1}/regions/<id>"): delete_region,
    ("GET", f"{V1}/regions/<id>/versions"): versions,
    ("GET", f"{V1}/regions/<id>/versions/<int:number>"): version,
    ("GET", f"{V1}/events"): events,
    ("POST", f"{V1}/history/told"): not_for_them("POST", f"{V1}/history/told", json={"events": []}),
    ("GET", f"{V1}/events/<id>"): event,
    ("POST", f"{V1}/events/<id>/ack"): acknowledged("POST"),
    ("DELETE", f"{V1}/events/<id>/ack"): acknowledged("DELETE"),
    ("GET", "/metrics"): metrics,
    ("GET", f"{V1}/stream"): stream,
    ("GET", f"{V1}/changes"): changes,
    ("GET", LIVE): told_to_all(LIVE),
    ("GET", "/"): told_to_all("/"),
    ("GET", "/signin"): told_to_all("/signin"),
    ("GET", "/people"): told_to_all("/people"),
    ("GET", "/connect"): told_to_all("/connect"),
    ("GET", "/favicon.ico"): told_to_all("/favicon.ico"),
    ("GET", "/static/<path:name>"): told_to_all("/static/js/main.js"),
    ("GET", "/fixtures/demo/<path:name>"): told_to_all("/fixtures/demo/streets.geojson"),
    ("GET", f"{V1}/page"): told_to_all(f"{V1}/page"),
    ("GET", "/healthz"): told_to_all("/healthz"),
    ("GET", "/readyz"): told_to_all("/readyz"),
    ("GET", "/openapi.json"): told_to_all("/openapi.json"),
    ("POST", POSITIONS): positions,  # answered before the router
    ("POST", INGEST): positions,
    ("GET", f"{V1}/vehicles/<id>/payloads"): payloads,
    ("POST", f"{V1}/ingest/echo"): not_for_them("POST", f"{V1}/ingest/echo?protocol=json", json={}),
    ("POST", SESSION): not_for_them("POST", SESSION, json={"name": "x", "password": "y"}),
    ("POST", f"{SESSION}/link"): not_for_them("POST", f"{SESSION}/link", json={"link": "x"}),
    ("GET", SESSION): told_to_all(SESSION),
    ("DELETE", SESSION): not_for_them("DELETE", SESSION),
    ("POST", f"{V1}/tickets"): not_for_them("POST", f"{V1}/tickets"),
    **{
        (method, f"{V1}/{path}"): not_for_them(
            method, f"{V1}/{path}".replace("<name>", "x").replace("<id>", "x"), json={}
        )
        for path, methods in PEOPLE.items()
        for method in methods.split()
    },
}


def test_every_route_has_its_row() -> None:
    rules = create_app().url_map.iter_rules()
    routes = {
        (method, rule.rule) for rule in rules for method in rule.methods or () if method not in ("HEAD", "OPTIONS")
    }
    assert routes | {("POST", POSITIONS), ("POST", INGEST)} == ROUTES.keys()


async def test_who_may_only_watch_sends_by_no_protocol(place: Town) -> None:
    for one in spoken():
        for address in (f"/ingest/{one.name}", f"/ingest/{one.name}/guess", *one.addresses):
            for method in one.methods:
                path = f"{address.replace('{token}', 'guess')}?id=resident&lat={LAT}&lon={LON}"
                status, _ = await ask(place, method, path, "looks", data=b"{}")
                assert status in (401, 404), (method, path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(route))
async def test_an_address_tells_nothing_that_is_not_granted(place: Town, route: tuple[str, str]) -> None:
    await ROUTES[route](place)
    await place.do("POST", POSITIONS, json=[])  # it goes on for others
    assert THERE in place.node.picture.regions


OPEN = {"/", "/signin", "/people", "/connect", "/favicon.ico", "/static/<path:name>", "/fixtures/demo/<path:name>"}
OPEN |= {f"{V1}/page", "/healthz", "/readyz", "/openapi.json", LIVE}


async def test_what_the_hub_has_forgotten_is_looked_for_as_far_as_what_never_was(place: Town) -> None:
    await place.drive("stranger", (FAR_LAT, FAR_LON), alarm="sos")
    place.node.hub.recent.restore([], place.node.picture.last_seq, {})
    for row in (event, acknowledged("DELETE")):
        await row(place)
    hidden, never = [
        (await looked_for(place, "GET", f"{V1}/events?vehicle={vehicle}"))[1] for vehicle in ("stranger", NOBODY)
    ]
    assert hidden == never


async def test_who_may_not_watch_is_told_nothing_at_all(place: Town) -> None:
    for method, rule in ROUTES:
        person = rule.removeprefix(f"{V1}/") in PEOPLE
        if (
            person
            or rule in OPEN
            or rule in ("/metrics", POSITIONS, INGEST, SESSION, f"{SESSION}/link", f"{V1}/tickets", f"{V1}/ingest/echo")
        ):
            continue  # nothing of the fleet is in these, or another word decides
        path = rule.replace("<int:number>", "1").replace("<id>", HERE if "regions" in rule else "resident")
        answer = await place.ask("blind", method, path, json={} if method in ("POST", "PUT", "PATCH") else None)
        assert (answer.status_code, (await answer.get_json())["code"]) == (404, "may_not"), (method, rule)


async def test_the_grant_is_asked_for_once_a_request(place: Town) -> None:
    before = len(place.access.asked)
    await place.ask("here", "GET", f"{V1}/vehicles/resident/track")
    await place.ask("here", "GET", f"{V1}/changes")
    assert place.access.asked[before:] == [
        ("GET", f"{V1}/vehicles/resident/track"),
        ("CONNECT", f"{V1}/changes"),
    ]


# ------------------------------------------------------------------------------------------ the live channel


async def news(place: Town) -> None:
    """Everything happens once more; the last of it is that a vehicle of HERE gets another name."""
    await place.drive("stranger", (FAR_LAT + 0.0001, FAR_LON), driver="Boris", alarm="again")
    await place.drive("leaver", (FAR_LAT, FAR_LON + 0.0001), alarm="again")
    await place.do("PUT", f"{V1}/vehicles/stranger", json={"name": "Boris's other lorry"})
    await place.do("PUT", f"{V1}/regions/{THERE}", json=feature(THERE, FAR_LAT, FAR_LON, "Secret quarry"))
    for one in await place.hidden():
        if one.kind == "enter":
            await place.do("POST", f"{V1}/events/{one.id}/ack", json={"by": "Boris"})
    await place.drive("resident", (LAT, LON + 0.0001))
    await place.drive("comer", (FAR_LAT, FAR_LON))  # too far for one step: held …
    await place.drive("comer", (LAT, LON))  # … and it was nothing
    await place.do("PUT", f"{V1}/vehicles/resident", json={"name": "the-last-name"})


class Listener:
    def __init__(self, place: Town, socket: Socket) -> None:
        self.place, self.socket, self.heard = place, socket, ""

    async def say(self, **message: Any) -> None:
        await self.socket.send(**message)

    async def hears(self, *words: str) -> None:
        """Reads until all of these were said."""
        while not all(word in self.heard for word in words):
            self.heard += await self.socket.receive()
        await self.place.search(self.heard)


async def follow(listener: Listener) -> None:
    for wish in (
        {"all": True},
        {"regions": [HERE, THERE]},
        {"regions": [HERE], "vehicles": ["stranger", "leaver"]},
        {"all": True, "max_vehicles": 0},
    ):
        listener.heard = ""
        await listener.say(op="follow", **wish)
        await listener.hears('"cells":' if "max_vehicles" in wish else "resident")
        await news(listener.place)
        await listener.say(op="ping", t=7)
        await listener.hears('"op":"pong"')


async def view(listener: Listener) -> None:
    await listener.say(op="follow", view={"bbox": [FAR_LON - 1, FAR_LAT - 1, FAR_LON + 1, FAR_LAT + 1], "zoom": 9})
    await listener.hears('"op":"snapshot"')
    await news(listener.place)
    await listener.say(op="view", bbox=[FAR_LON - 3, FAR_LAT - 3, FAR_LON + 1, FAR_LAT + 1], zoom=7)
    await listener.hears("resident")


async def got(listener: Listener) -> None:
    await listener.say(op="follow", all=True, window=1)
    await listener.hears("resident")
    for frame in range(1, 4):
        await news(listener.place)
        await listener.say(op="got", frame=frame)
    await listener.hears("the-last-name")


async def ping(listener: Listener) -> None:
    await listener.say(op="ping", t=7)
    await listener.hears('"t":7')


async def pong(listener: Listener) -> None:
    await listener.say(op="pong", t=7)
    await ping(listener)


OPERATIONS = {"follow": follow, "view": view, "got": got, "ping": ping, "pong": pong}


def test_every_message_a_client_can_send_has_its_row() -> None:
    assert {one.__struct_config__.tag for one in get_args(Request)} == OPERATIONS.keys()


@pytest.mark.parametrize("encoding", ["tracker.v1.json", "tracker.v1.bin"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_live_channel_tells_nothing_that_is_not_granted(place: Town, operation: str, encoding: str) -> None:
    async with place.socket("here", LIVE, encoding) as socket:
        await OPERATIONS[operation](Listener(place, socket))


async def test_what_was_missed_is_caught_up_with_within_the_grant(place: Town) -> None:
    """From the memory of the hub, and from the store when that has forgotten."""
    async with place.socket("here", LIVE) as socket:
        listener = Listener(place, socket)
        await listener.say(op="follow", all=True)
        await listener.hears("resident")
        cursor = re.findall(r'"cursor":"([^"]+)"', listener.heard)[-1]
    await news(place)
    mine = [event for event in await place.events() if event not in await place.hidden()]
    beginning = cursor[:16] + "A" * 20
    for resume, fresh in ((cursor, False), (cursor, True), (beginning, False)):
        if resume == beginning:
            place.node.hub.recent.restore([], place.node.hub.recent.last, {})
        async with place.socket("here", LIVE) as socket:
            listener = Listener(place, socket)
            await listener.say(op="follow", all=True, resume=resume, fresh=fresh)
            await listener.hears("the-last-name", *([mine[-1].id] if resume == beginning else []))


@pytest.mark.parametrize("path", [LIVE, POSITIONS])
async def test_a_socket_is_refused_to_who_may_not_open_it(place: Town, path: str) -> None:
    async with place.socket("blind" if path == LIVE else "looks", path) as socket:
        status, body = await socket.refused()
    assert (status, json.loads(body)["code"]) == (404, "may_not")


async def test_who_may_see_everything_still_does(place: Town) -> None:
    """The search finds what it looks for."""
    for path in ("vehicles", "regions", "events", "vehicles/stranger/track", "changes"):
        answer = await place.ask("all", "GET", f"{V1}/{path}")
        with pytest.raises(AssertionError):
            await place.search(await answer.get_data())
    assert EVERYTHING.sees_region(THERE)
    await until(lambda: len(place.node.hub.viewers) == 0, "nobody is left over")
