"""Targets: other programs are told positions as vehicles move, signed, not too often, and nothing that is not granted."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from tests.support.elsewhere import Elsewhere
from tests.support.receiver import Receiver, receiver
from tests.support.servers import circle, now
from tests.support.waiting import until
from tracker.config import Settings, networks
from tracker.nodes.interest import ALL, NOTHING
from tracker.web.app import create_app
from tracker.web.delivery.couriers import Courier
from tracker.web.delivery.post import Answer, Makes, Poster, Undelivered

TARGETS = "/api/v1/targets"
SECRET = "whsec_" + "c2VjcmV0IG9mIGEgdGFyZ2V0IGluIHRlc3Rz"
V = "/api/v1/positions"


class Told:
    """In the place of connections: keeps what is told, and answers as it is said."""

    def __init__(self) -> None:
        self.requests: list[dict[str, dict[str, Any]]] = []
        self.answer: Answer | str = Answer(204)
        self.meanwhile: Any = None  # what happens until the connection stands

    async def __call__(self, _url: str, make: Makes) -> Answer | None:
        if self.meanwhile:
            await self.meanwhile()
        if isinstance(self.answer, str):
            raise Undelivered(self.answer)
        message = make()
        if message is None:
            return None
        self.requests.append({one["vehicle"]: one for one in json.loads(message[1])["positions"]})
        return self.answer


class Place:
    """A server whose couriers go when they are told to, at the time that is said. `near` and `far` are in `yard` and
    `quarry`, of groups of these names."""

    def __init__(self, app: Any) -> None:
        self.client = app.test_client()
        self.node = app.extensions["node"]
        self.couriers = app.extensions["couriers"]
        self.told = self.couriers.post = Told()
        self.clock, self.fixed_at = 1_000_000, 0
        self.node.steady = lambda: self.clock

    async def do(self, method: str, path: str, document: Any = None) -> Any:
        answer = await self.client.open(path, method=method, json=document)
        body = await answer.get_data()
        assert answer.status_code < 300, (path, body)
        assert SECRET.encode() not in body, "it is told to nobody"
        return json.loads(body) if body else None

    async def fails(self, method: str, path: str, document: Any = None) -> dict[str, Any]:
        answer = await self.client.open(path, method=method, json=document)
        assert answer.status_code >= 400
        told: dict[str, Any] = await answer.get_json()
        return told

    async def drive(self, vehicle: str, lat: float, **more: Any) -> None:
        """Steps of some metres: more at once would be a jump. No two are of one millisecond."""
        self.fixed_at = max(self.fixed_at + 1, time.time_ns() // 1_000_000)
        await self.do("POST", V, {"vehicle": vehicle, "time": self.fixed_at, "lat": lat, "lon": 25.0, **more})

    async def target(self, **given: Any) -> Courier:
        asked = {"url": "https://example.invalid/", "secret": SECRET, "every_s": 5, "vehicle_every_s": 20, **given}
        made = await self.do("POST", TARGETS, asked)
        courier: Courier = self.couriers.by_id[made["id"]]
        return courier

    async def hears(self, courier: Courier, passed_s: float = 0) -> list[str]:
        """Whom it is told of in one look, so many seconds later."""
        self.clock += round(passed_s * 1000)
        before = len(self.told.requests)
        await courier.round()
        return sorted(vehicle for one in self.told.requests[before:] for vehicle in one)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        await app.extensions["couriers"].stop()
        place = Place(app)
        for region, vehicle, lat in (("yard", "near", 60.0), ("quarry", "far", 61.0)):
            await place.do("PUT", f"/api/v1/regions/{region}", circle(lat, 25, 400, group=f"{region}s"))
            await place.do("PUT", f"/api/v1/vehicles/{vehicle}", {"group": f"{vehicle} ones"})
            await place.drive(vehicle, lat, accuracy_m=5)
        yield place


async def test_what_is_told_is_signed_and_can_be_sent_on_as_it_is(tmp_path: Path) -> None:
    async with receiver() as heard:
        app = create_app(Settings(data=str(tmp_path), tiles="", target_networks=["loopback"]))
        async with app.test_app():
            client = app.test_client()
            fix = {"vehicle": "van é", "time": now(), "lat": 60.17, "lon": 24.94, "speed_kmh": 36, "door": "open"}
            await client.post(V, json=fix)
            made = await (await client.post(TARGETS, json={"url": f"{heard.url}?x=1", "every_s": 1})).get_json()
            await until(lambda: heard.received, "it is told")
            one = heard.received[0]
            assert (one.method, one.target, one.headers["content-type"]) == ("POST", "/hook?x=1", "application/json")
            assert one.is_signed_with(made["secret"])
            assert not one.is_signed_with(SECRET)
            assert check_in_the_docs()(made["secret"], one.headers, one.body)
            assert not check_in_the_docs()(made["secret"], one.headers, one.body + b" ")
            assert one.positions == [
                {"vehicle": "van é", "time": fix["time"], "lat": 60.17, "lon": 24.94, "speed_mps": 10.0}
                | {"attributes": {"door": "open"}}
            ]
            again = await client.post(V, data=one.body, headers={"content-type": "application/json"})
            assert (await again.get_json())["duplicates"] == 1
            told = await until(lambda: seen(client, made["id"], "delivered_at"), "it is known that it was")
            assert (told["positions"], told["waiting"], told["error"]) == (1, 0, None)
            test = await (await client.post(f"{TARGETS}/{made['id']}/test")).get_json()
            assert (test["delivered"], test["status"], test["error"]) == (True, 204, None)
            assert heard.received[-1].positions == []
            assert heard.received[-1].is_signed_with(made["secret"])
            assert heard.received[-1].headers["webhook-id"] != one.headers["webhook-id"]


def check_in_the_docs() -> Any:
    """As a receiver takes it over."""
    page = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text()
    names: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    return names["is_from_the_tracker"]


async def seen(client: Any, id: str, field: str) -> dict[str, Any] | None:
    told: dict[str, Any] = await (await client.get(f"{TARGETS}/{id}")).get_json()
    return told if told[field] else None


async def test_a_vehicle_is_told_once_and_again_when_it_moved_and_its_time_has_come(place: Place) -> None:
    courier = await place.target()
    assert await place.hears(courier) == ["far", "near"], "where they are now"
    assert await place.hears(courier, 60) == [], "once"
    await place.drive("near", 60.0001)
    assert await place.hears(courier) == ["near"]
    for lat in (60.0002, 60.0003, 60.0004):
        await place.drive("near", lat)
    await place.drive("far", 61.0001)
    assert await place.hears(courier, 4.9) == [], "no request so soon"
    assert await place.hears(courier, 0.2) == ["far"], "no position of the same vehicle so soon"
    assert await place.hears(courier, 14.8) == []
    assert await place.hears(courier, 0.2) == ["near"]
    assert place.told.requests[-1]["near"]["lat"] == 60.0004, "the newest, of all there were"
    assert courier.view.positions == 5


async def test_a_target_is_told_where_vehicles_are_by_now_which_is_heard_when_it_may_be_told(place: Place) -> None:
    courier = await place.target(every_s=40)
    elsewhere = Elsewhere(place.node)
    assert await place.hears(courier) == ["far", "near"]
    assert [round(one["lat"]) for one in place.told.requests[-1].values()] == [60, 61]
    assert elsewhere.asked == [ALL]
    near = elsewhere.now["near"]
    ping = msgspec.structs.replace(near.ping, lat=60.0001, time=near.ping.time + 1)
    elsewhere.now["near"] = msgspec.structs.replace(near, ping=ping)
    assert await place.hears(courier, 39) == []
    assert elsewhere.asked == [ALL, NOTHING]
    assert await place.hears(courier, 1) == ["near"], "who moved is known by what was heard"
    assert (place.told.requests[-1]["near"]["lat"], elsewhere.asked[2:]) == (60.0001, [ALL])


async def test_a_target_hears_what_its_groups_see_and_not_a_word_more(place: Place) -> None:
    await place.do("POST", "/api/v1/groups", {"name": "north", "regions": ["yards"]})
    courier = await place.target(groups=["north"], every_s=1, vehicle_every_s=0)
    assert await place.hears(courier) == ["near"]
    await place.drive("far", 61.0001)
    assert await place.hears(courier, 9) == []
    await place.do("PATCH", "/api/v1/groups/north", {"regions": ["quarrys"]})
    assert await place.hears(courier, 9) == ["far"], "at once, though it did not move"
    await place.drive("near", 60.0001)
    assert await place.hears(courier, 9) == []
    await place.do("PATCH", "/api/v1/groups/north", {"regions": "all", "coarse_m": 5000})
    assert await place.hears(courier, 9) == ["far", "near"]
    assert place.told.requests[-1]["near"]["accuracy_m"] == 5000
    assert place.told.requests[-1]["near"]["lat"] != 60.0001
    await place.do("PATCH", "/api/v1/groups/north", {"may": []})
    await place.drive("near", 60.0002)
    assert await place.hears(courier, 9) == []


async def test_what_is_taken_away_while_a_target_is_slow_is_not_told(place: Place) -> None:
    await place.do("POST", "/api/v1/groups", {"name": "north", "regions": ["yards", "quarrys"]})
    courier = await place.target(groups=["north"])

    async def taken() -> None:
        place.told.meanwhile = None
        await place.do("PATCH", "/api/v1/groups/north", {"regions": ["yards"]})

    place.told.meanwhile = taken
    assert await place.hears(courier) == []
    assert await place.hears(courier) == ["near"]

    async def moved_to_another_group() -> None:
        place.told.meanwhile = None
        await place.do("PATCH", "/api/v1/vehicles/far", {"group": "hidden"})

    courier = await place.target(vehicles=["far ones"])
    place.told.meanwhile = moved_to_another_group
    assert await place.hears(courier) == []
    assert (await place.fails("DELETE", "/api/v1/groups/north"))["code"] == "group_in_use"


async def test_a_target_can_be_narrowed_by_groups_of_regions_and_of_vehicles(place: Place) -> None:
    await place.drive("roaming", 62.0)
    for given, heard in (
        ({}, ["far", "near", "roaming"]), ({"regions": ["yards"]}, ["near"]), ({"vehicles": ["far ones"]}, ["far"]),
        ({"regions": ["yards"], "vehicles": ["far ones"]}, []), ({"regions": []}, []),
    ):  # fmt: skip
        assert await place.hears(await place.target(**given)) == heard, given
    await place.do("POST", "/api/v1/groups", {"name": "north", "regions": ["yards"]})
    assert await place.hears(await place.target(groups=["north"], regions=["quarrys"])) == []


async def test_a_target_of_somebody_ends_with_their_account(place: Place) -> None:
    await place.do("POST", "/api/v1/groups", {"name": "north", "regions": ["yards"]})
    await place.do("POST", "/api/v1/users", {"name": "ben", "role": "viewer", "groups": ["north"]})
    courier = await place.target(user="ben", every_s=1, vehicle_every_s=0)
    assert await place.hears(courier) == ["near"]
    await place.do("PATCH", "/api/v1/users/ben", {"disabled": True})
    await place.drive("near", 60.0001)
    assert await place.hears(courier, 9) == []
    told = await place.do("GET", f"{TARGETS}/{courier.target.id}")
    assert "'ben'" in told["error"]
    await place.do("DELETE", "/api/v1/users/ben")
    await place.do("POST", "/api/v1/users", {"name": "ben", "role": "viewer", "groups": ["north"]})
    assert not (await place.do("GET", f"{TARGETS}/{courier.target.id}"))["enabled"], "this is another ben"


async def test_who_fails_is_asked_again_ever_later_and_told_the_newest(place: Place) -> None:
    courier = await place.target(every_s=1)
    place.told.answer = "it refuses connections"
    assert await place.hears(courier) == []
    for lat in (60.0001, 60.0002, 60.0003):
        await place.drive("near", lat)
    assert (await place.do("GET", f"{TARGETS}/{courier.target.id}"))["error"] == "it refuses connections"
    for wait_s in (1, 2, 4):
        assert await place.hears(courier, wait_s - 0.01) == []
        requests = courier.view.requests
        assert await place.hears(courier, 0.01) == []
        assert courier.view.requests == requests + 1, "now it was asked"
    place.told.answer = Answer(503, pause_s=120)
    await place.hears(courier, 8)
    place.told.answer = Answer(200)
    assert await place.hears(courier, 119) == [], "it asked for two minutes"
    assert await place.hears(courier, 1) == ["far", "near"]
    assert place.told.requests[-1]["near"]["lat"] == 60.0003
    told = await place.do("GET", f"{TARGETS}/{courier.target.id}")
    assert (told["error"], told["waiting"], told["positions"], told["requests"]) == (None, 0, 2, 6)


async def test_a_target_that_is_gone_is_turned_off(place: Place) -> None:
    courier = await place.target()
    place.told.answer = Answer(410)
    place.couriers.set_out()
    await until(lambda: not place.node.directory.targets[courier.target.id].enabled, "it is off")
    await place.couriers.stop()
    assert courier.target.id not in place.couriers.by_id
    audit = (await place.do("GET", "/api/v1/audit"))["audit"][0]
    assert (audit["who"], audit["what"], audit["after"]["enabled"]) == ("server", "target.change", False)


async def test_a_vehicle_that_was_removed_is_told_no_more(place: Place) -> None:
    courier = await place.target(every_s=1, vehicle_every_s=0)
    await place.drive("near", 60.0001)
    await place.do("DELETE", "/api/v1/vehicles/near")
    assert await place.hears(courier) == ["far"]
    await place.drive("near", 60.0001)
    assert await place.hears(courier, 9) == ["near"], "it is another one by that name"


async def test_a_place_that_nobody_knows_is_not_told(place: Place) -> None:
    courier = await place.target(every_s=1, vehicle_every_s=0)
    await place.hears(courier)
    await place.do("POST", V, {"vehicle": "sos", "time": now(), "lat": 0, "lon": 0, "alarm": "sos"})
    assert await place.hears(courier, 9) == []


async def test_targets_last_and_their_changes_are_kept_without_the_secret(tmp_path: Path) -> None:
    given = {"url": "https://example.invalid/", "name": "partner", "secret": SECRET, "every_s": 30, "groups": "all"}
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        place = Place(app)
        made = await place.do("POST", TARGETS, given)
        id = made["id"]
        changed = await place.do("PATCH", f"{TARGETS}/{id}", {"every_s": 60, "secret": SECRET + "AAAA"})
        assert (changed["every_s"], changed["name"], changed["version"]) == (60, "partner", 2)
        assert "secret" not in changed
        fresh = await place.do("PATCH", f"{TARGETS}/{id}", {"secret": None})
        assert fresh["secret"].startswith("whsec_")
        assert (await place.fails("PATCH", f"{TARGETS}/{id}", {"name": ["x"]}))["code"] == "invalid_target"
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        place = Place(app)
        [kept] = (await place.do("GET", TARGETS))["targets"]
        assert (kept["id"], kept["every_s"], kept["url"]) == (id, 60, given["url"])
        assert place.node.directory.targets[id].secret == fresh["secret"]
        await place.do("PATCH", f"{TARGETS}/{id}", kept)  # what was read may be written back
        await place.do("DELETE", f"{TARGETS}/{id}")
        assert (await place.do("GET", TARGETS))["targets"] == []
        record = (await place.do("GET", "/api/v1/audit"))["audit"]
        assert [one["what"] for one in record] == ["target.remove", *["target.change"] * 2, "target.add"]
        assert fresh["secret"] not in json.dumps(record)
    assert (await place.fails("GET", f"{TARGETS}/{id}"))["code"] == "unknown_target"


async def test_a_target_that_cannot_be_meant_is_refused(place: Place) -> None:
    for field, value in (
        ("url", "http://localhost:9/"), ("url", "https://169.254.169.254/latest/meta-data"), ("url", None), ("url", "x"),
        ("every_s", 0.5), ("every_s", float("nan")), ("vehicle_every_s", -1), ("every_s", True), ("kind", "events"),
        ("secret", "short"), ("secret", "whsec_c2hvcnQ="), ("user", "nobody"), ("groups", ["nobody"]), ("regions", "x"),
        ("vehicles", [1]), ("enabled", 1), ("name", "a\nb"), ("nmae", "x"),
    ):  # fmt: skip
        told = await place.fails("POST", TARGETS, {"url": "https://example.invalid/", field: value})
        assert (told["status"], told["code"]) == (422, "invalid_target"), (field, value)
        assert field in [one["field"] for one in told["errors"]]
    assert (await place.do("GET", TARGETS))["targets"] == []


async def heard_by(poster: Poster, heard: Receiver) -> Answer | None:
    return await poster(heard.url, lambda: ({"webhook-id": "x"}, b"{}"))


async def test_an_answer_is_its_status_and_nothing_else() -> None:
    async with receiver() as heard:
        poster = Poster(networks(["loopback"]), timeout_s=30)
        heard.answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\n\r\n"
        assert await heard_by(poster, heard) == Answer(302)
        assert len(heard.received) == 1, "a redirect is not followed"
        heard.answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n"
        assert await heard_by(poster, heard) == Answer(429, 7.0)
        for answer, why in (
            (b"", "without an answer"),
            (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
            (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000, "no HTTP"),
        ):
            heard.answer = answer
            with pytest.raises(Undelivered, match=why):
                await heard_by(poster, heard)
        heard.answer = None
        with pytest.raises(Undelivered, match="no answer within"):
            await heard_by(Poster(networks(["loopback"]), timeout_s=0.05), heard)
        received = len(heard.received)
        with pytest.raises(Undelivered, match="target_networks"):
            await heard_by(Poster([]), heard)
        assert len(heard.received) == received, "nothing went there"


async def test_a_certificate_of_somebody_else_is_not_trusted() -> None:
    authority, ours, theirs = trustme.CA(), ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert("localhost").configure_cert(theirs)
    poster = Poster(networks(["loopback"]), timeout_s=30, tls=ours)
    async with receiver(theirs, "localhost") as heard:
        assert await heard_by(poster, heard) == Answer(204)
    async with receiver(theirs) as heard:
        with pytest.raises(Undelivered, match="certificate"):
            await heard_by(poster, heard)
        assert heard.received == []
