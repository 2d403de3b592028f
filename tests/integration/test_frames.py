"""Where everybody was, asked of a server: at instants, as JSON and as a tape, in pages, by whoever may see how much."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.granted import FAR_LAT, FAR_LON, HERE, LAT, LON, THERE, Town, town
from tests.support.grants import limited
from tracker.access.grants import Grant, Part
from tracker.history.film import tape
from tracker.model.coarse import middle
from tracker.times import rfc3339

PATH = "/api/v1/history/frames"
T0 = 1_795_424_400_000  #: 2026-11-23T09:00:00Z
MINUTE, HOUR = 60_000, 3_600_000

#: (minute, degrees north of HERE's middle)
DRIVES = {
    "van-1": [(0, 0.0), (4, 0.0004), (5, 0.02), (30, 0.02)],
    "van-2": [(1, 0.001), (2, 0.002)],
    "=1+1": [(3, 0.0)],
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    grants = {"here": limited(HERE), "coarse": Grant(parts=(Part(None, coarse_m=1000.0),))}
    async with town(tmp_path / "data", **grants) as made:
        for vehicle, fixes in DRIVES.items():
            for minute, north in fixes:
                fix = {"vehicle": vehicle, "time": T0 + minute * MINUTE, "lat": LAT + north, "lon": LON}
                await made.do("POST", "/api/v1/positions", json=fix | {"accuracy_m": 5})
        yield made


async def ask(place: Town, query: str, word: str = "all", **headers: str) -> Any:
    answer = await place.ask(word, "GET", f"{PATH}?{query}", headers=headers)
    return await (answer.get_json() if "json" in answer.headers["content-type"] else answer.get_data())


def span(minutes: int, since: int = 0, step_s: int = 60) -> str:
    return f"from={rfc3339(T0 + since * MINUTE)}&until={rfc3339(T0 + (since + minutes) * MINUTE)}&step_s={step_s}"


async def test_at_each_instant_everybody_is_between_two_fixes_or_stands_where_it_fell_silent(place: Town) -> None:
    told = await ask(place, span(32, step_s=120))
    assert (told["from"], told["until"], told["step_s"]) == (rfc3339(T0), rfc3339(T0 + 32 * MINUTE), 120)
    assert [one["time"] for one in told["frames"]] == [rfc3339(T0 + k * 2 * MINUTE) for k in range(16)]
    assert told["frames"][0]["positions"] == [{"vehicle": "van-1", "lat": LAT, "lon": LON, "age_s": 0.0}]
    assert told["frames"][1]["positions"] == [
        {"vehicle": "van-1", "lat": 60.1702, "lon": LON, "age_s": 120.0},
        {"vehicle": "van-2", "lat": 60.172, "lon": LON, "age_s": 0.0, "gap": True},
    ]
    assert [(one["lat"], one["age_s"], one.get("gap")) for one in told["frames"][14]["positions"]] == [
        (LAT, 1500.0, True), (60.19, 1380.0, True), (60.172, 1560.0, True)
    ]  # fmt: skip
    assert told["next"] is None


async def test_what_is_held_as_a_jump_is_nowhere(place: Town) -> None:
    """As on the map then: it is in the track, and moved nobody."""
    jump = {"vehicle": "van-2", "time": T0 + 2 * MINUTE + 30_000, "lat": LAT + 3, "lon": LON, "accuracy_m": 5}
    await place.do("POST", "/api/v1/positions", json=jump)
    told = await ask(place, f"from={rfc3339(T0 + 3 * MINUTE)}&vehicle=van-2")
    assert [(one["lat"], one["age_s"]) for one in told["frames"][0]["positions"]] == [(60.172, 60.0)]


async def test_one_instant_is_asked_with_from_alone_and_late_fixes_count(place: Town) -> None:
    late = {"vehicle": "van-2", "time": T0 - 30_000, "lat": LAT, "lon": LON, "accuracy_m": 5}
    await place.do("POST", "/api/v1/positions", json=late)
    for query in (f"from={rfc3339(T0 + 15_000)}", span(0, step_s=7).replace("00:00.000Z", "00:15.000Z")):
        told = await ask(place, f"{query}&vehicle=van-2,nobody")
        [frame] = told["frames"]
        assert frame["positions"] == [{"vehicle": "van-2", "lat": 60.1705, "lon": LON, "age_s": 45.0}]


async def test_a_tape_tells_the_same_with_what_everybody_is_called_now(place: Town) -> None:
    await place.do("PUT", "/api/v1/vehicles/van-2", json={"name": "Väinö", "group": "north", "kind": "lorry"})
    frames = (await ask(place, span(32)))["frames"]
    packed = await ask(place, f"{span(32)}&format=tape", **{"accept-encoding": "gzip"})
    body = await ask(place, f"{span(32)}&format=tape")
    assert gzip.decompress(packed) == body
    head, known, lat, lon = tape.read(body)
    called = [(one["vehicle"], one["name"], one["group"], one["kind"]) for one in head["vehicles"]]
    assert called[1:] == [("van-1", None, None, None), ("van-2", "Väinö", "north", "lorry")]
    assert (head["from"], head["step_ms"], head["instants"], head["digits"], head["next"]) == (T0, MINUTE, 32, 5, None)
    for k, frame in enumerate(frames):
        seen = [at for at in range(3) if known[at, k]]
        assert [head["vehicles"][at]["vehicle"] for at in seen] == [one["vehicle"] for one in frame["positions"]]
        for at, one in zip(seen, frame["positions"], strict=True):
            assert (lat[at, k], lon[at, k]) == pytest.approx((one["lat"], one["lon"]), abs=0.51e-5)
            assert known[at, k] == (1 if one.get("gap") else 2)


async def test_pages_together_are_the_whole_and_what_is_known_is_not_sent_again(place: Town) -> None:
    whole = (await ask(place, span(6)))["frames"]
    paged: list[list[Any]] = [[] for _ in whole]
    query = f"{span(6)}&limit=2"
    pages = 0
    while query:
        page = await ask(place, query)
        for frame, more in zip(paged, page["frames"], strict=True):
            frame += more["positions"]
        query = f"{span(6)}&limit=2&cursor={page['next']}" if page["next"] else ""
        pages += 1
    assert (pages, paged) == (2, [one["positions"] for one in whole])
    for form in ("json", "tape"):
        first = await place.ask("all", "GET", f"{PATH}?{span(6)}&format={form}")
        again = await place.ask(
            "all", "GET", f"{PATH}?{span(6)}&format={form}", headers={"if-none-match": first.headers["etag"]}
        )
        assert (again.status_code, await again.get_data()) == (304, b"")


async def test_who_sees_a_region_or_cells_is_told_of_these_at_every_instant(place: Town) -> None:
    told = await ask(place, span(8), "here")
    seen: dict[str, list[int]] = {}
    for k, frame in enumerate(told["frames"]):
        for one in frame["positions"]:
            seen.setdefault(one["vehicle"], []).append(k)
    assert seen == {"=1+1": [3, 4, 5, 6, 7], "van-1": [0, 1, 2, 3, 4, 5], "van-2": [1, 2, 3, 4, 5, 6, 7]}
    told = await ask(place, span(32, step_s=45), "coarse")
    spots = {(one["lat"], one["lon"]) for frame in told["frames"] for one in frame["positions"]}
    assert spots == {middle(*spot, 1000.0) for spot in spots}
    assert len(spots) > 2, "van-1 crosses some"


async def test_nobody_learns_whom_one_may_not_see(place: Town) -> None:
    before = await ask(place, span(8), "here")
    far = [{"vehicle": "far", "time": T0 + k, "lat": FAR_LAT, "lon": FAR_LON, "accuracy_m": 5} for k in range(3)]
    await place.do("POST", "/api/v1/positions", json=far)
    assert await ask(place, span(8), "here") == before
    assert await ask(place, f"{span(8)}&vehicle=far", "here") == await ask(place, f"{span(8)}&vehicle=never", "here")


#: what is asked → the parameter that is wrong
WRONG = [
    ("", "from"),
    ("from=yesterday", "from"),
    (f"from={T0}&until={T0 - 1}", "until"),
    (f"from={T0}&until={T0 + 93 * 86_400_000}&step_s=86400", "until"),
    (f"from={T0}&until={T0 + 2 * 86_400_000}&step_s=1", "step_s"),
    (f"from={T0}&step_s=0", "step_s"),
    (f"from={T0}&step_s=1.5", "step_s"),
    (f"from={T0}&format=xml", "format"),
    (f"from={T0}&cursor=zzz", "cursor"),
    (f"from={T0}&limit=0", "limit"),
    (f"from={T0}&speed=2", "speed"),
]


async def test_what_cannot_be_asked_is_refused_by_name(place: Town) -> None:
    for query, field in WRONG:
        told = await ask(place, query)
        assert (told["status"], told["errors"][0]["field"]) == (422, field), query


async def test_what_has_not_been_yet_is_not_told(place: Town) -> None:
    assert (await ask(place, "from=4000000000"))["frames"][0]["positions"] == []


async def test_regions_are_told_as_they_were_drawn_then_and_called_what_they_are_now(place: Town) -> None:
    path = "/api/v1/history/regions"
    before = (await (await place.ask("all", "GET", f"/api/v1/regions/{HERE}/versions/1")).get_json())["geometry"]
    moved = (await (await place.ask("all", "GET", f"/api/v1/regions/{HERE}")).get_json())["properties"]["updated_at"]
    await place.do("PATCH", f"/api/v1/regions/{HERE}", json={"properties": {"name": "Yard of today"}})
    told = (await (await place.ask("all", "GET", f"{path}?from=0&until={rfc3339(1 << 42)}")).get_json())["versions"]
    here = [one for one in told if one["id"] == HERE]
    assert [(one["version"], one["feature"]["geometry"]) for one in here][:2] == [(1, before), (2, before)]
    assert {one["feature"]["properties"]["name"] for one in here} == {"Yard of today"}
    assert here[0]["until"] == here[1]["from"] == moved
    assert here[-1]["until"] is None
    there = (await (await place.ask("all", "GET", f"/api/v1/regions/{THERE}")).get_json())["properties"]["updated_at"]
    await place.do("DELETE", f"/api/v1/regions/{THERE}")
    for word, seen in (("all", [HERE, THERE]), ("here", [HERE])):
        now = await (await place.ask(word, "GET", f"{path}?from={there}")).get_json()
        assert [(one["id"], one["version"]) for one in now["versions"]] == [(id, 2) for id in seen]
        later = await (await place.ask(word, "GET", f"{path}?from={rfc3339(1 << 42)}")).get_json()
        assert [one["id"] for one in later["versions"]] == [HERE]


async def test_activity_counts_who_told_something_and_who_moved_in_each_step(place: Town) -> None:
    path = f"/api/v1/history/activity?from={rfc3339(T0)}&until={rfc3339(T0 + 60 * MINUTE)}&step_s=900"
    told = await (await place.ask("all", "GET", path)).get_json()
    assert (told["from"], told["step_s"]) == (rfc3339(T0), 900)
    assert (told["known"], told["moving"]) == ([3, 0, 1, 0], [1, 0, 0, 0])
    mine = await (await place.ask("all", "GET", f"{path}&vehicle=van-2")).get_json()
    assert (mine["known"], mine["moving"]) == ([1, 0, 0, 0], [0, 0, 0, 0])
    long = f"from={rfc3339(T0 - 4 * 86_400_000)}&until={rfc3339(T0 + 4 * HOUR)}&step_s=3600&vehicle=van-1"
    about = await (await place.ask("all", "GET", f"/api/v1/history/activity?{long}")).get_json()
    assert (about["exact"], about["known"][-5:], about["moving"][-5:]) == (False, [0, 1, 0, 0, 0], [0, 1, 0, 0, 0])
    seen = await (await place.ask("here", "GET", f"/api/v1/history/activity?{long}")).get_json()
    assert (seen["exact"], seen["known"][-5:], seen["moving"][-5:]) == (True, [0, 1, 0, 0, 0], [0] * 5)
    hidden = await (await place.ask("here", "GET", path)).get_json()
    assert (hidden["known"], hidden["moving"]) == ([3, 0, 0, 0], [0, 0, 0, 0]), "van-1 moves outside"
    for query, field in (("from=0", "until"), (f"from={T0}&until={T0 + 9 * 86_400_000}&step_s=60", "step_s")):
        answer = await place.ask("all", "GET", f"/api/v1/history/activity?{query.replace('from=0', 'from=1&until=0')}")
        assert (await answer.get_json())["errors"][0]["field"] == field
