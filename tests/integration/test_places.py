"""Places: a node of several knows where those vehicles are that somebody there needs. So whatever answers where one is
has it heard of first, and nothing else waits for that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.support.elsewhere import OF_OLD, Elsewhere
from tests.support.granted import HERE, LAT, LON, Town, town
from tests.support.grants import limited
from tests.support.servers import circle, now
from tests.support.waiting import deadline
from tracker.access.grants import MAY, SEND, WATCH, Grant
from tracker.access.tokens import Token
from tracker.nodes.interest import ALL, NOTHING, Needs

V1 = "/api/v1"
RESIDENT, YARD = Needs(vehicles=frozenset({"resident"})), Needs(regions=frozenset({HERE}))

#: what answers where vehicles are: what more is asked, and what that needs for whoever sees everything, and HERE alone
TELLING: dict[str, list[tuple[str, Needs, Needs]]] = {
    f"{V1}/vehicles": [
        ("", ALL, YARD),
        ("?format=geojson", ALL, YARD),
        (f"?region={HERE}", YARD, YARD),
        ("?group=vans&bbox=20,50,30,70", Needs(groups=frozenset({"vans"})), YARD),
    ],
    f"{V1}/vehicles/<id>": [("", RESIDENT, RESIDENT)],
    f"{V1}/gtfs-realtime/vehicle-positions": [("?format=json", ALL, YARD)],
    f"{V1}/changes": [("?all=true", ALL, YARD), ("?vehicles=resident,nobody", RESIDENT, YARD)],
}
LASTING = {f"{V1}/stream", f"{V1}/live"}  #: tell it as the channel hears of it, to whoever stays
#: what has to be asked more than its address
ASKED = {
    f"{V1}/history/frames": "?from={now}",
    f"{V1}/history/regions": "?from={now}",
    f"{V1}/history/activity": "?from={now}",
    f"{V1}/history/day": "?date=2026-11-22",
    f"{V1}/history/bundle": "?event={event}",
}
FILES = {"/static/<path:name>": "js/main.js", "/fixtures/demo/<path:name>": "streets.geojson"}
#: of people and their things, and of what was ordered before: there are none here
OTHERS = re.compile(rf"{V1}/(targets|users|groups|tokens|quarantine|reports|history/corrections)/<")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    phone = Token("phone", "device", "", vehicles=("van-9",), shows=("crew",))
    grants = {
        "here": limited(HERE, may=MAY, groups=frozenset({"home"})),
        "phone": Grant(may=frozenset({SEND}), bearer="phone", sends=phone),
        "ada": msgspec.structs.replace(limited(HERE), may=frozenset({WATCH}), who="ada"),
    }
    async with town(tmp_path / "data", **grants) as made:
        yield made


@pytest.mark.parametrize("word", ["all", "here"])
async def test_whatever_answers_where_a_vehicle_is_has_heard_of_it_before_and_nothing_else_asks(
    place: Town, word: str
) -> None:
    elsewhere = Elsewhere(place.node)
    event = next(one.id for one in await place.events() if one.region == HERE)
    for rule in place.client.app.url_map.iter_rules():
        if rule.websocket or "GET" not in (rule.methods or ()) or rule.rule in LASTING:
            continue
        id = HERE if "regions" in rule.rule else event if "events" in rule.rule else "resident"
        path = rule.rule.replace("<id>", id).replace("<int:number>", "1")
        path = path.replace("<path:name>", FILES.get(rule.rule, ""))
        query = ASKED.get(rule.rule, "").format(now=now(), event=event)
        for more, of_all, of_here in TELLING.get(rule.rule, [(query, None, None)]):
            elsewhere.move()
            answer = await place.ask(word, "GET", path + more)
            told = await answer.get_data()
            assert answer.status_code == 200 or word != "all" or OTHERS.match(rule.rule), (path, told)
            assert not OF_OLD.search(told), f"{path}{more} tells where a vehicle was long ago"
            needs = of_all if word == "all" else of_here
            assert elsewhere.asked == ([] if needs is None else [needs]), f"{path}{more}"


@pytest.mark.parametrize("word", ["all", "here"])
async def test_what_is_changed_of_a_vehicle_is_answered_with_where_it_is(place: Town, word: str) -> None:
    elsewhere = Elsewhere(place.node)
    for method in ("PUT", "PATCH"):
        elsewhere.move()
        answer = await place.ask(word, method, f"{V1}/vehicles/resident", json={"name": "Anna's other van"})
        told = await answer.get_json()
        assert (answer.status_code, told["position"]["lat"], told["position"]["lon"]) == (200, LAT, LON), method
        assert elsewhere.asked == [RESIDENT]
    elsewhere.move()
    await place.do("PUT", f"{V1}/vehicles/nowhere-yet", json={"name": "Emil's other bike"})
    await place.do("DELETE", f"{V1}/vehicles/comer")
    await place.drive("resident", (LAT, LON))
    assert elsewhere.asked == [NOTHING], "what has no place, goes or only comes in waits for nobody"


async def test_a_vehicle_that_went_where_it_is_hidden_while_it_was_heard_of_is_not_told(place: Town) -> None:
    elsewhere = Elsewhere(place.node)
    state = elsewhere.now["resident"]
    elsewhere.now["resident"] = msgspec.structs.replace(state, regions={})
    for method in ("GET", "PATCH"):
        elsewhere.tell([state])
        answer = await place.ask("here", method, f"{V1}/vehicles/resident", json={} if method == "PATCH" else None)
        assert (answer.status_code, (await answer.get_json()).get("code")) == (404, "unknown_vehicle")


@pytest.mark.parametrize(
    ("word", "path", "stored"),
    [
        ("phone", "/ingest/owntracks", True),
        ("ada", "/ingest/owntracks", False),  # who only watches is not on the map
        ("phone", f"{V1}/ingest/echo?protocol=owntracks", False),
    ],
)
async def test_an_app_is_told_where_its_friends_are_by_now_once_what_it_sent_is_stored(
    place: Town, word: str, path: str, stored: bool
) -> None:
    await place.do("POST", f"{V1}/groups", json={"name": "crew", "regions": ["home"]})
    await place.do("POST", f"{V1}/users", json={"name": "ada", "role": "viewer", "groups": ["crew"]})
    elsewhere = Elsewhere(place.node)
    message = {"_type": "location", "lat": 62, "lon": 25, "tst": place.clock // 1000, "tid": "me"}
    there: list[bool] = []

    async def hear(needs: Needs) -> None:
        there.append("van-9" in place.node.picture.vehicles)
        await elsewhere.hear_of(needs)

    place.node.hear_of = hear
    answer = await place.ask(word, "POST", path, json=message)
    told = await answer.get_data()
    assert (answer.status_code, b"Anna's van" in told, OF_OLD.search(told)) == (200, True, None), told
    assert (elsewhere.asked, there) == ([YARD], [stored])
    elsewhere.move()
    await place.ask(word, "POST", path, json={"_type": "lwt", "tst": place.clock // 1000})
    assert elsewhere.asked == ([YARD] if "echo" in path else []), "it is told of nobody"


async def test_a_poll_waits_once_and_is_told_what_is_known_when_other_nodes_do_not_answer(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, longer = f"{V1}/changes?vehicles=resident", asyncio.Event()
    cursor = (await (await place.ask("all", "GET", changes)).get_json())["cursor"]
    await place.drive("resident", (LAT, LON + 0.0001))

    async def hear_of(_needs: Needs, *, once: bool = False) -> None:
        if not once:  # for who stays
            await longer.wait()

    monkeypatch.setattr(place.node, "is_shared", True)
    monkeypatch.setattr(place.node.pipeline, "hears", lambda _needs: False)
    monkeypatch.setattr(place.node.pipeline, "hear_of", hear_of)
    told = await (await place.ask("all", "GET", f"{changes}&since={cursor}")).get_json()
    assert told["cursor"] and "moved" in told["messages"][-1], told
    told = await asyncio.wait_for((await place.ask("all", "GET", changes)).get_json(), deadline(10))
    assert told["messages"][-1]["op"] == "snapshot"
    longer.set()


async def test_a_preview_takes_a_vehicle_to_be_where_it_is_for_whoever_is_told_cells(place: Town) -> None:
    place.access.grants["here"] = limited(HERE, coarse_m=200.0)
    elsewhere = Elsewhere(place.node)
    drawn = circle(LAT, LON, 400)
    answer = await place.ask("here", "POST", f"{V1}/regions/preview", json=drawn)
    assert (await answer.get_json())["inside"] == ["comer", "resident"]
    assert elsewhere.asked == [YARD]
    elsewhere.tell(list(elsewhere.now.values()))
    elsewhere.asked.clear()
    await place.ask("all", "POST", f"{V1}/regions/preview", json=drawn)
    assert elsewhere.asked == [], "whoever sees everything is told by those who decide"


async def test_a_preview_counts_those_of_whom_another_node_decides(place: Town) -> None:
    place.node.is_shared = True
    place.node.fleet.drop(lambda name: name == "resident")
    answer = await place.ask("all", "POST", f"{V1}/regions/preview", json=circle(LAT, LON, 300))
    assert (await answer.get_json())["inside"] == ["comer", "resident"]
    place.node.is_shared = False  # it has to stop
