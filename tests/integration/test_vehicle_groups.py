"""What groups of vehicles, coarse places and drawing within a grant come to, at every door of a whole server."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_access import House, Person
from tests.support.servers import circle, now
from tracker.config import Settings
from tracker.model.coarse import middle
from tracker.web.app import create_app

V1 = "/api/v1"
A, B = (60.1712345, 24.9412345), (61.4976543, 23.7612345)
OUT = (60.7654321, 25.1234567)
VEHICLES = {"n-1": ("north", A), "s-1": ("south", A), "n-2": ("north", B), "s-2": ("south", B), "out": ("north", OUT)}


class Town:
    """Regions `a` and `b` in groups of these names, and one vehicle of north and of south in each; one is outside."""

    def __init__(self, house: House, ada: Person) -> None:
        self.house, self.ada = house, ada

    async def drive(self, vehicle: str, place: tuple[float, float], ago_s: float = 0, **said: Any) -> None:
        lat, lon = place
        item = {"vehicle": vehicle, "time": now(-ago_s), "lat": lat, "lon": lon, "accuracy_m": 5} | said
        await self.ada.do("POST", f"{V1}/positions", item)

    async def person(self, name: str, *groups: dict[str, Any], role: str = "dispatcher") -> Person:
        for at, group in enumerate(groups):
            await self.ada.do("POST", f"{V1}/groups", {"name": f"{name}-{at}"} | group)
        names = [f"{name}-{at}" for at in range(len(groups))]
        await self.ada.do("POST", f"{V1}/users", {"name": name, "role": role, "groups": names})
        token = await self.ada.do("POST", f"{V1}/users/{name}/tokens", {"name": "test"})
        return self.house.person(token["token"])

    async def follow(self, person: Person, query: str = "all=true", since: str = "") -> Any:
        return await person.do("GET", f"{V1}/changes?{query}{since and f'&since={since}'}")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        made = Town(House(app), await House(app).administrator())
        for id, (lat, lon) in (("a", A), ("b", B)):
            await made.ada.do("PUT", f"{V1}/regions/{id}", circle(lat, lon, 300, name=id, group=id))
        for vehicle, (group, place) in VEHICLES.items():
            await made.ada.do("PUT", f"{V1}/vehicles/{vehicle}", {"group": group})
            await made.drive(vehicle, place, 60)
        yield made


async def seen(person: Person, query: str = "") -> dict[str, list[str]]:
    vehicles = (await person.do("GET", f"{V1}/vehicles{query}"))["vehicles"]
    return {one["vehicle"]: [region["id"] for region in one["regions"]] for one in vehicles}


def rows(told: Any, member: str) -> list[Any]:
    return [row for message in told["messages"] for row in message.get(member, ())]


async def test_rest_shows_each_vehicle_where_its_group_is_granted(town: Town) -> None:
    ben = await town.person("ben", {"regions": ["a"], "vehicles": ["north"]}, {"regions": ["b"], "vehicles": "all"})
    assert await seen(ben) == {"n-1": ["a"], "n-2": ["b"], "s-2": ["b"]}
    assert await seen(ben, "?region=a") == {"n-1": ["a"]}
    for hidden in ("s-1", "out", "never-was"):
        for path in (hidden, f"{hidden}/track"):
            assert await ben.fails("GET", f"{V1}/vehicles/{path}") == (404, "unknown_vehicle")
    counts = {one["id"]: one["properties"]["inside_count"] for one in (await ben.do("GET", f"{V1}/regions"))["regions"]}
    assert counts == {"a": 1, "b": 2}
    events = (await ben.do("GET", f"{V1}/events"))["events"]
    assert {(one["vehicle"], one["region"]) for one in events} == {("n-1", "a"), ("n-2", "b"), ("s-2", "b")}
    assert (await ben.do("GET", f"{V1}/events?vehicle=s-1"))["events"] == []
    preview = await ben.do("POST", f"{V1}/regions/preview", circle(*A, 2000))
    assert (preview["inside"], preview["counts"]) == (["n-1"], {"enter": 1})


async def test_all_regions_and_one_group_of_vehicles_is_these_vehicles_anywhere(town: Town) -> None:
    await town.ada.do("PUT", f"{V1}/vehicles/unheard", {"group": "north"})
    ben = await town.person("ben", {"regions": "all", "vehicles": ["north", "to-come"]})
    assert await seen(ben) == {"n-1": ["a"], "n-2": ["b"], "out": [], "unheard": []}
    told = await town.follow(ben)
    assert sorted(row[1] for row in rows(told, "vehicles")) == ["n-1", "n-2", "out"]
    assert sorted(one["id"] for one in rows(told, "regions")) == ["a", "b"]
    assert dict(rows(told, "in")).keys() == {"a", "b"}
    assert all(len(inside) == 1 for _, inside in rows(told, "in"))


async def test_a_vehicle_whose_group_changes_comes_or_goes_at_once(town: Town) -> None:
    ben = await town.person("ben", {"regions": ["a"], "vehicles": ["north"]})
    told = await town.follow(ben)
    [n] = [row[0] for row in rows(told, "vehicles")]
    await town.ada.do("PATCH", f"{V1}/vehicles/n-1", {"group": "south"})
    await town.ada.do("PATCH", f"{V1}/vehicles/s-1", {"group": "north"})
    assert await seen(ben) == {"s-1": ["a"]}
    later = await town.follow(ben, since=told["cursor"])
    assert rows(later, "left") == [[n, "revoked"]]
    assert [row[1] for row in rows(later, "new")] == ["s-1"]
    await town.drive("n-1", A, alarm="sos")
    assert "n-1" not in json.dumps(await town.follow(ben, since=later["cursor"]))
    assert {one["vehicle"] for one in (await ben.do("GET", f"{V1}/events"))["events"]} == {"s-1"}


COARSE_M = 2000


async def test_no_door_tells_a_place_better_than_its_cell(town: Town) -> None:
    ben = await town.person("ben", {"regions": ["a"], "coarse_m": COARSE_M, "may": ["watch", "edit_regions"]})
    before = await town.follow(ben)
    lat, lon = A
    for step in range(1, 4):
        said = {
            "alarm": "sos",
            "altitude_m": 77.7,
            "odometer_m": 12345.6,
            "attributes": {"street": "Elm"},
            "heading": 33,
        }
        await town.drive("n-1", (lat + step / 10_000, lon), 10 - step, **said)
    answers = [before, await town.follow(ben, since=before["cursor"]), await town.follow(ben)]
    for path in ("vehicles", "vehicles/n-1", "events", "regions"):
        answers.append(await ben.do("GET", f"{V1}/{path}"))
    for form in ("json", "geojson", "gpx", "csv"):
        answers.append(await (await ben.ask("GET", f"{V1}/vehicles/n-1/track?format={form}")).get_data(as_text=True))
    for event in answers[5]["events"]:
        answers.append(await ben.do("GET", f"{V1}/events/{event['id']}"))
        assert (event["lat"], event["lon"]) == middle(event["lat"], event["lon"], COARSE_M)
    answers.append(await ben.do("POST", f"{V1}/regions/preview", circle(60.2, 24.9, 9000)))
    shape = re.compile(r"60\.1712345|60171[0-9]{3}\b")  # of the region itself: it is seen
    for answer in answers:
        text = shape.sub("", answer if isinstance(answer, str) else json.dumps(answer))
        for finer in (r"60\.171[3-7]", r"\b6017[1-2]\d{3}\b", r"24\.9412", r"\b24941\d{3}\b", "77.7", "1234", "Elm"):
            found = re.search(finer, text.replace("24.9412345", "") if "geometry" in text else text)
            assert not found, text[max(0, found.start() - 200) : found.end() + 100]
    position = answers[4]["position"]
    assert (position["lat"], position["lon"]) == middle(lat, lon, COARSE_M)
    assert position["accuracy_m"] == COARSE_M
    assert answers[-1]["inside"] == ["n-1", "s-1"], "tried where they are shown"
    small = await ben.do("POST", f"{V1}/regions/preview", circle(lat, lon, 200))
    assert small["inside"] == []
    assert await ben.fails("POST", f"{V1}/regions", circle(lat, lon, 10, group="a")) == (404, "may_not")


async def test_the_finest_of_several_groups_shows_a_vehicle(town: Town) -> None:
    ben = await town.person("ben", {"regions": "all", "coarse_m": 5000}, {"regions": ["a"], "vehicles": ["north"]})
    exact = {"n-1"}
    for one in (await ben.do("GET", f"{V1}/vehicles"))["vehicles"]:
        place = one["position"]["lat"], one["position"]["lon"]
        there = VEHICLES[one["vehicle"]][1]
        assert place == (there if one["vehicle"] in exact else middle(*there, 5000))
    for row in rows(await town.follow(ben), "vehicles"):
        there = VEHICLES[row[1]][1] if row[1] in exact else middle(*VEHICLES[row[1]][1], 5000)
        assert row[4:6] == [round(there[0] * 1e6), round(there[1] * 1e6)]


async def test_a_dispatcher_draws_in_the_groups_of_regions_that_are_seen(town: Town) -> None:
    allowed = {"may": ["watch", "edit_regions"]}
    ben = await town.person("ben", {"regions": ["a"]} | allowed, {"regions": ["b"], "may": ["watch"]})
    drawn = await ben.do("POST", f"{V1}/regions", circle(*OUT, 300, name="mine"))
    assert (drawn["properties"]["group"], drawn["properties"]["inside_count"]) == ("a", 1), "seen in the same answer"
    mine = f"{V1}/regions/{drawn['id']}"
    assert (await ben.do("PATCH", mine, {"properties": {"name": "still mine"}}))["properties"]["group"] == "a"
    assert (await ben.do("PUT", mine, circle(*OUT, 200)))["properties"]["group"] == "a"
    for group in ("b", "c", None, 7):
        assert await ben.fails("PATCH", mine, {"properties": {"group": group}}) == (422, "not_your_group")
        if group:
            assert await ben.fails("POST", f"{V1}/regions", circle(*A, 300, group=group)) == (422, "not_your_group")
    assert await ben.fails("PATCH", f"{V1}/regions/b", {"properties": {"name": "x"}}) == (404, "may_not")
    assert (await ben.do("PUT", f"{V1}/regions/named", circle(*A, 50, group="a")))["id"] == "named"
    assert (await ben.ask("DELETE", mine)).status_code == 204
    cara = await town.person("cara", {"regions": ["a", "c"]} | allowed)
    answer = await cara.ask("POST", f"{V1}/regions", circle(*A, 300))
    assert (answer.status_code, (await answer.get_json())["detail"]) == (
        422,
        "`group` decides who sees a region; you may draw in: a, c",
    )
    many = {"type": "FeatureCollection", "features": [circle(*A, 300, group="c"), circle(*A, 300, group="b")]}
    assert await cara.fails("POST", f"{V1}/regions", many) == (422, "not_your_group")
    assert sorted(one["id"] for one in (await cara.do("GET", f"{V1}/regions"))["regions"]) == ["a", "named"]


async def test_a_region_that_was_in_another_group_tells_nothing_of_that_time(town: Town) -> None:
    ben = await town.person("ben", {"regions": ["new"]})
    await town.ada.do("PATCH", f"{V1}/regions/b", {"properties": {"group": "new", "name": "new name"}})
    versions = (await ben.do("GET", f"{V1}/regions/b/versions"))["versions"]
    assert [one["version"] for one in versions] == [2]
    assert await ben.fails("GET", f"{V1}/regions/b/versions/1") == (404, "unknown_version")


async def test_an_alarm_pressed_outside_and_told_inside_has_no_place(town: Town) -> None:
    ben = await town.person("ben", {"regions": ["a"]})
    before = await town.follow(ben)
    await town.drive("n-1", OUT, 3000, alarm="sos")  # made long before, told now
    [alarm] = (await ben.do("GET", f"{V1}/events?kind=alarm"))["events"]
    assert (alarm["lat"], alarm["lon"], alarm["placed"], alarm["alarm"]) == (0, 0, False, "sos")
    later = await town.follow(ben, since=before["cursor"])
    assert [one["id"] for one in rows(later, "events")] == [alarm["id"]]
    for told in (later, await ben.do("GET", f"{V1}/events/{alarm['id']}")):
        assert "60.76" not in json.dumps(told)
    west, south = OUT[1] - 0.01, OUT[0] - 0.01
    view = f"bbox={west},{south},{west + 0.02},{south + 0.02}"
    empty = await town.follow(ben, view)
    assert rows(await town.follow(ben, view, before["cursor"][:16] + "A" * 20), "events") == []
    assert rows(empty, "vehicles") == []


async def test_what_a_group_allows_is_allowed_where_it_shows_something(town: Town) -> None:
    every = ["watch", "acknowledge", "edit_vehicles"]
    ben = await town.person("ben", {"regions": ["a"], "may": every}, {"regions": ["b"]})
    [mine] = (await ben.do("GET", f"{V1}/events?vehicle=n-1"))["events"]
    [theirs] = (await ben.do("GET", f"{V1}/events?vehicle=n-2"))["events"]
    assert (await ben.do("POST", f"{V1}/events/{mine['id']}/ack"))["ack"]["by"] == "ben"
    assert await ben.fails("POST", f"{V1}/events/{theirs['id']}/ack") == (404, "may_not")
    assert (await ben.do("PATCH", f"{V1}/vehicles/n-1", {"name": "van"}))["name"] == "van"
    assert (await ben.do("PUT", f"{V1}/vehicles/n-1", {"name": "van 2"}))["group"] == "north"
    assert await ben.fails("PATCH", f"{V1}/vehicles/n-2", {"name": "van"}) == (404, "may_not")
    cara = await town.person("cara", {"regions": ["a"], "vehicles": ["north"], "may": every})
    assert await cara.fails("PATCH", f"{V1}/vehicles/n-1", {"group": "south"}) == (422, "not_your_group")


async def test_a_session_says_what_is_granted(town: Town) -> None:
    group = {"regions": ["a"], "vehicles": ["north"], "may": ["watch", "edit_regions"], "coarse_m": 500}
    ben = await town.person("ben", group)
    session = await ben.do("GET", f"{V1}/session")
    assert session["grants"] == [group | {"name": "ben-0", "may": ["watch"]}], "nobody draws where places are coarse"
    assert session["may"] == ["watch"]
    assert session["regions"] == ["a"]
    assert (await town.ada.do("GET", f"{V1}/session"))["grants"][0]["vehicles"] == "all"
