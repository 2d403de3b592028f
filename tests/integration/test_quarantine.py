"""Vehicles nobody knows: refused, created or kept apart, alike at every door; against a whole server in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.integration.test_access import House, Person
from tests.support.elsewhere import Elsewhere
from tests.support.granted import opened
from tests.support.servers import circle, now
from tracker.config import Settings
from tracker.nodes.reading import needs_of_vehicle
from tracker.stores import AuditQuery
from tracker.web.app import create_app

V1 = "/api/v1"


@asynccontextmanager
async def serving(folder: Path, does: str, **more: Any) -> AsyncIterator[House]:
    app = create_app(Settings(data=str(folder), tiles="", unknown_vehicles=does, **more))  # type: ignore[arg-type]
    async with app.test_app():
        yield House(app)


def fix(vehicle: str, ago_s: float = 1, lat: float = 60.0, **more: Any) -> dict[str, Any]:
    return {"vehicle": vehicle, "time": now(-ago_s), "lat": lat, "lon": 25.0, **more}


async def post(who: Person, *fixes: dict[str, Any]) -> tuple[int, Any]:
    answer = await who.ask("POST", f"{V1}/positions", list(fixes))
    return answer.status_code, await answer.get_json()


async def lines(who: Person, *fixes: dict[str, Any]) -> tuple[int, Any]:
    body = "\n".join(map(json.dumps, fixes))
    kind = {"content-type": "application/x-ndjson"}
    answer = await who.client.open(f"{V1}/positions", method="POST", headers=who.headers | kind, data=body)
    return answer.status_code, await answer.get_json()


async def say(who: Person, *fixes: dict[str, Any]) -> Any:
    """By WebSocket, a message each; what it is answered at last."""
    async with opened(who.client.app, f"{V1}/positions", who.headers) as socket:
        for one in fixes:
            await socket.send(**one)
        told: dict[str, Any] = {"upto": 0}
        errors = []
        while told["upto"] < len(fixes):
            if text := await socket.receive():
                told = json.loads(text)
                errors += told["errors"]
        return errors


async def token(ada: Person, house: House, **names: Any) -> Person:
    return house.person((await ada.do("POST", f"{V1}/tokens", names))["token"])


async def waiting(ada: Person) -> dict[str, Any]:
    return {one["vehicle"]: one for one in (await ada.do("GET", f"{V1}/quarantine"))["quarantine"]}


async def everything(ada: Person) -> str:
    """All that is told of the fleet."""
    paths = ("vehicles", "events", "regions", "changes?all=true")
    return "".join([json.dumps(await ada.do("GET", f"{V1}/{path}")) for path in paths])


async def test_what_is_in_quarantine_is_acknowledged_and_nowhere_by_every_door(tmp_path: Path) -> None:
    async with serving(tmp_path, "quarantine") as house:
        ada = await house.administrator()
        await ada.do("PUT", f"{V1}/regions/yard", circle(60.0, 25.0, 300, name="Yard"))
        await ada.do("PUT", f"{V1}/vehicles/known", {"name": "Known"})
        phone = await token(ada, house, vehicles=["*", "exact"], name="phones")
        for send in (post, lines):
            status, told = await send(phone, fix("new-1"), fix("known"), fix("exact"), fix("new-2", alarm="sos"))
            assert (status, told["accepted"], told.get("quarantined"), told["errors"]) == (
                200,
                4,
                2,
                [],
            ) or send is lines
        assert told["duplicates"] == 0, "other times: now() went on"
        assert await say(phone, fix("new-3"), fix("known", 0.5)) == []
        assert set(await waiting(ada)) == {"new-1", "new-2", "new-3"}
        assert {one["vehicle"] for one in (await ada.do("GET", f"{V1}/vehicles"))["vehicles"]} == {"known", "exact"}
        assert "new-" not in await everything(ada)
        assert (await ada.fails("GET", f"{V1}/vehicles/new-1"))[0] == 404
        assert (await ada.fails("GET", f"{V1}/vehicles/new-1/track"))[0] == 404
        one = (await waiting(ada))["new-2"]
        assert (one["fixes"], one["kept"], one["position"]["alarm"], one["refused"]) == (2, 2, "sos", False)
        assert one["token"] == (await ada.do("GET", f"{V1}/tokens"))["tokens"][0]["id"]
        assert (await waiting(ada))["new-3"]["address"] == "127.0.0.1"
        assert (await post(phone, fix("known", 0)))[1].keys() & {"quarantined"} == set(), "told when there are any"


async def test_who_is_let_in_has_its_fixes_played_in_and_is_known_from_then_on(tmp_path: Path) -> None:
    async with serving(tmp_path, "quarantine", quarantine_fixes=3) as house:
        ada = await house.administrator()
        await ada.do("PUT", f"{V1}/regions/yard", circle(60.0, 25.0, 300, name="Yard"))
        sent = [fix("van é", ago, 60.0 + ago / 1e5) for ago in (9, 7, 8, 6)]
        assert (await post(ada, *sent))[1]["quarantined"] == 4
        assert (await post(ada, sent[1]))[1]["duplicates"] == 1
        elsewhere = Elsewhere(house.node)
        told = await ada.do("POST", f"{V1}/quarantine/van%20%C3%A9/admit", {"name": "Van", "group": "north"})
        assert elsewhere.asked == [needs_of_vehicle("van é")], "another node may have played them in"
        assert (told["name"], told["group"], told["position"]["time"]) == ("Van", "north", sent[3]["time"])
        assert [region["id"] for region in told["regions"]] == ["yard"]
        track = (await ada.do("GET", f"{V1}/vehicles/van%20%C3%A9/track"))["positions"]
        assert [one["time"] for one in track] == [sent[2]["time"], sent[1]["time"], sent[3]["time"]]
        assert await waiting(ada) == {}
        assert "quarantined" not in (await post(ada, fix("van é", 1)))[1]
        assert (await ada.fails("POST", f"{V1}/quarantine/van%20%C3%A9/admit")) == (404, "not_waiting")
        [entry] = await house.node.store.audit(AuditQuery(what="vehicle.admit"))
        assert (entry.who, entry.target, entry.after["name"]) == ("ada", "van é", "Van")


async def test_who_is_turned_away_is_refused_until_forgotten_whatever_the_setting(tmp_path: Path) -> None:
    async with serving(tmp_path, "quarantine") as house:
        ada = await house.administrator()
        await post(ada, fix("bad"))
        for _ in range(2):
            await ada.do("DELETE", f"{V1}/quarantine/bad")
    async with serving(tmp_path, "create") as house:  # and a restart
        ada = house.person()
        await ada.sign_in("ada")
        status, told = await post(ada, fix("bad"), fix("good"))
        assert (status, [error["code"] for error in told["errors"]]) == (207, ["vehicle_refused"])
        assert (await lines(ada, fix("bad")))[0] == 422
        phone = await token(ada, house, vehicles=["*"])
        assert [error["code"] for error in await say(phone, fix("bad"), fix("good", 0))] == ["vehicle_refused"]
        assert (await waiting(ada))["bad"] | {"last_at": 0, "first_at": 0, "address": 0} == {
            "vehicle": "bad", "refused": True, "fixes": 1, "kept": 0, "position": None, "token": None,
            "token_name": None,
            "last_at": 0, "first_at": 0, "address": 0,
        }  # fmt: skip
        await ada.do("DELETE", f"{V1}/quarantine/bad?forget=true")
        assert (await post(ada, fix("bad")))[0] == 200
        assert (await ada.fails("DELETE", f"{V1}/quarantine/bad")) == (404, "not_waiting")
        found = await house.node.store.audit(AuditQuery())
        assert [one.what for one in found if one.target == "bad"] == ["vehicle.forget", "vehicle.refuse"]


async def test_where_unknown_vehicles_are_refused_those_that_are_known_go_on(tmp_path: Path) -> None:
    async with serving(tmp_path, "create") as house:
        ada = await house.administrator()
        await post(ada, fix("seen"))
        await ada.do("PUT", f"{V1}/vehicles/listed", {})
    async with serving(tmp_path, "refuse") as house:
        ada = house.person()
        await ada.sign_in("ada")
        phone = await token(ada, house, vehicles=["exact", "v-*"], groups=["north"])
        assert (await post(ada, fix("seen"), fix("listed")))[0] == 200
        assert (await post(phone, fix("exact")))[0] == 200
        for send in (post, lines):
            status, told = await send(phone, fix("v-1"), fix("exact", 0), fix("other"))
            codes = [error["code"] for error in told["errors"]]
            assert (status, codes, told["rejected"]) == (207, ["unknown_vehicle", "not_your_vehicle"], 2)
        assert [error["code"] for error in await say(phone, fix("v-1"))] == ["unknown_vehicle"]
        assert await waiting(ada) == {}
        assert (await ada.do("GET", f"{V1}/tokens"))["tokens"][0]["error"] == "unknown_vehicle"
        assert "tracker_quarantine_rejected_total 3" in str(await (await ada.ask("GET", "/metrics")).get_data())


async def test_quarantine_survives_a_restart_and_a_vehicle_known_another_way_leaves_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "quarantine") as house:
        ada = await house.administrator()
        await post(ada, fix("van", 5), fix("bus", 5))
    async with serving(tmp_path, "quarantine") as house:
        ada = house.person()
        await ada.sign_in("ada")
        assert set(await waiting(ada)) == {"van", "bus"}
        await ada.do("PUT", f"{V1}/vehicles/van", {"name": "Van"})
        await house.node.quarantine.play_known()
        assert set(await waiting(ada)) == {"bus"}
        assert (await ada.do("GET", f"{V1}/vehicles/van"))["position"]["lat"] == 60.0
    async with serving(tmp_path, "quarantine") as house:
        assert set(house.node.directory.strangers.all()) == {"bus"}


async def test_only_who_sees_everything_and_may_edit_vehicles_lets_one_in(tmp_path: Path) -> None:
    async with serving(tmp_path, "quarantine") as house:
        ada = await house.administrator()
        await post(ada, fix("van"))
        for group, regions, may in (
            ("all", "all", ["watch", "edit_vehicles"]),
            ("looks", "all", ["watch"]),
            ("some", ["yards"], ["watch", "edit_vehicles"]),
        ):
            await ada.do("POST", f"{V1}/groups", {"name": group, "regions": regions, "may": may})
            await ada.do("POST", f"{V1}/users", {"name": group, "role": "dispatcher", "groups": [group]})
        for name in ("looks", "some"):
            person = house.person((await ada.do("POST", f"{V1}/users/{name}/tokens", {}))["token"])
            for method, path in (("GET", ""), ("GET", "/van"), ("DELETE", "/van"), ("POST", "/van/admit")):
                assert await person.fails(method, f"{V1}/quarantine{path}") == (404, "may_not")
            assert await person.fails("GET", f"{V1}/quarantine/never-was") == (404, "may_not")
        phone = await token(ada, house, vehicles=["*"])
        assert await phone.fails("GET", f"{V1}/quarantine") == (404, "may_not")
        person = house.person((await ada.do("POST", f"{V1}/users/all/tokens", {}))["token"])
        await person.do("POST", f"{V1}/quarantine/van/admit")
        assert (await ada.do("GET", f"{V1}/vehicles/van"))["position"]


def test_who_can_be_reached_from_elsewhere_keeps_unknown_vehicles_apart() -> None:
    for host, does in (("127.0.0.1", "create"), ("::1", "create"), ("localhost", "create"), ("0.0.0.0", "quarantine")):
        assert Settings(host=host).meets_unknown(people=True) == does
        assert Settings(host=host, unknown_vehicles="refuse").meets_unknown() == "refuse"


async def test_behind_a_proxy_on_loopback_unknown_vehicles_wait_once_people_sign_in(tmp_path: Path) -> None:
    async with serving(tmp_path, "", behind_proxy=["loopback"]) as house:
        _, told = await post(house.person(), fix("early"))
        assert (told["accepted"], told.get("quarantined", 0)) == (1, 0), "nobody signs in: as before"
        ada = await house.administrator()
        phone = await token(ada, house, vehicles=["*"])
        _, told = await post(phone, fix("early", 0), fix("late"))
        assert (told["accepted"], told.get("quarantined", 0)) == (2, 1)
        assert list(await waiting(ada)) == ["late"]
