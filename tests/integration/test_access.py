"""Who is let in, and who is not any more: against a whole server in this process."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.servers import circle, now
from tests.support.waiting import until
from tracker.access import passwords
from tracker.config import Settings
from tracker.model.ping import Ping
from tracker.model.strangers import Stranger
from tracker.stores import AuditQuery
from tracker.web.app import create_app
from tracker.web.delivery.post import Answer, Makes
from tracker.web.history.importing import Importing

GOOD, OTHER = "two blue vans in may", "seven quiet harbours"
ADDRESS = "10.1.2.3"
#: what is only shown, of what is sent
KEEP_NOTHING = {
    "POST /api/v1/reports",
    "DELETE /api/v1/reports/<id>",
    "POST /api/v1/session/link",
    "POST /api/v1/regions/preview",
    "POST /api/v1/history/inside",
    "POST /api/v1/history/rehearse",
    "POST /api/v1/connect/qr",
    "POST /api/v1/ingest/echo",
}


class Person:
    """A browser of its own: keeps its cookie."""

    def __init__(self, app: Any) -> None:
        self.client = app.test_client()
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        more: dict[str, Any] = {"scope_base": {"client": (ADDRESS, 50_000)}} | ({} if body is None else {"json": body})
        return await self.client.open(path, method=method, headers=self.headers | headers, **more)

    async def do(self, method: str, path: str, body: Any = None) -> Any:
        """It must go well."""
        answer = await self.ask(method, path, body)
        assert answer.status_code < 300, (answer.status_code, await answer.get_data())
        return await answer.get_json() if answer.status_code != 204 else None

    async def fails(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code >= 400, answer.status_code
        return answer.status_code, (await answer.get_json())["code"]

    async def sign_in(self, name: str, password: str = GOOD) -> None:
        await self.do("POST", "/api/v1/session", {"name": name, "password": password})


class House:
    def __init__(self, app: Any) -> None:
        self.app = app
        self.node = app.extensions["node"]

    def person(self, token: str = "") -> Person:
        person = Person(self.app)
        if token:
            person.headers["authorization"] = f"Bearer {token}"
        return person

    async def administrator(self) -> Person:
        """The first one, made by the link that is printed."""
        ada = self.person()
        await ada.do("POST", "/api/v1/session", {"link": self.node.give_first_link(), "name": "ada", "password": GOOD})
        return ada


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        yield House(app)


async def staffed(house: House) -> tuple[Person, Person]:
    """An administrator, and ben who sees the regions of the group `yards`."""
    ada = await house.administrator()
    for id, group, lat in (("here", "yards", 60.0), ("there", "quarries", 61.0)):
        feature = circle(lat, 25, 300, name=id, group=group) | {"id": id}
        await ada.do("PUT", f"/api/v1/regions/{id}", feature)
    pings = [
        {"vehicle": name, "time": now(-30), "lat": lat, "lon": 25, "accuracy_m": 5}
        for name, lat in (("v-here", 60.0), ("v-there", 61.0))
    ]
    await ada.do("POST", "/api/v1/positions", pings)
    await ada.do("POST", "/api/v1/groups", {"name": "north", "regions": ["yards"], "vehicles": "all"})
    await ada.do("POST", "/api/v1/users", {"name": "ben", "role": "dispatcher", "groups": ["north"], "password": GOOD})
    ben = house.person()
    await ben.sign_in("ben")
    return ada, ben


async def test_without_an_administrator_everybody_is_let_in_as_before(house: House) -> None:
    anybody = house.person()
    assert (await anybody.do("GET", "/api/v1/session"))["open"] is True
    await anybody.do("POST", "/api/v1/positions", {"vehicle": "v", "time": now(), "lat": 1, "lon": 2})
    assert len((await anybody.do("GET", "/api/v1/vehicles"))["vehicles"]) == 1


async def test_the_first_link_makes_an_administrator_once_and_from_then_on_people_sign_in(house: House) -> None:
    link = house.node.give_first_link()
    ada, eve = house.person(), house.person()
    asked = {"link": link, "name": "ada", "password": GOOD}
    await ada.do("POST", "/api/v1/session", asked)
    told = await ada.do("GET", "/api/v1/session")
    assert (told["open"], told["name"], told["role"], told["regions"]) == (False, "ada", "administrator", "all")
    assert await eve.fails("POST", "/api/v1/session", asked | {"name": "eve"}) == (404, "link_over")
    assert await eve.fails("GET", "/api/v1/vehicles") == (401, "not_signed_in")
    assert await eve.fails("GET", "/api/v1/session") == (401, "not_signed_in")
    assert await eve.fails("POST", "/api/v1/positions", []) == (401, "not_signed_in")
    assert (await eve.ask("GET", "/healthz")).status_code == 200
    assert (await eve.ask("GET", "/")).status_code == 200


async def test_the_first_link_makes_an_administrator_of_somebody_known_too(house: House) -> None:
    link, asked = house.node.give_first_link(), {"name": "ben", "password": GOOD}
    await house.person().do("POST", "/api/v1/users", {"name": "ben", "role": "viewer"})
    ben = house.person()
    await ben.do("POST", "/api/v1/session", asked | {"link": link})
    assert (await ben.do("GET", "/api/v1/session"))["role"] == "administrator"
    assert await house.person().fails("GET", "/api/v1/vehicles") == (401, "not_signed_in")


@pytest.mark.parametrize("name", ["", " ada", "a/b", "a\nb", "x" * 101, "console", "a\u202eb"])
async def test_the_first_administrator_has_a_name_like_everybody_else(house: House, name: str) -> None:
    asked = {"link": house.node.give_first_link(), "name": name, "password": GOOD}
    assert await house.person().fails("POST", "/api/v1/session", asked) == (422, "invalid_user")


async def test_several_who_have_the_first_link_make_one_administrator(house: House) -> None:
    link = house.node.give_first_link()
    asked = [{"link": link, "name": name, "password": GOOD} for name in ("ada", "eve", "mal")]
    answers = await asyncio.gather(*(house.person().ask("POST", "/api/v1/session", one) for one in asked))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404]
    assert len(house.node.directory.users) == 1


async def test_a_closed_account_has_no_link_and_gets_none_until_it_is_open_again(house: House) -> None:
    ada, _ = await staffed(house)
    link = (await ada.do("POST", "/api/v1/users/ben/link"))["link"]
    await ada.do("PATCH", "/api/v1/users/ben", {"disabled": True})
    asked = {"link": link, "password": OTHER}
    assert await house.person().fails("POST", "/api/v1/session", asked) == (404, "link_over")
    answer = await ada.ask("POST", "/api/v1/users/ben/link")
    told = await answer.get_json()
    assert (answer.status_code, told.get("code")) == (409, "user_closed")
    assert "tracker users disable ben --undo" in told["detail"]
    await ada.do("PATCH", "/api/v1/users/ben", {"disabled": False})
    assert await house.person().fails("POST", "/api/v1/session", asked) == (404, "link_over"), "the one from before"
    link = (await ada.do("POST", "/api/v1/users/ben/link"))["link"]
    await house.person().do("POST", "/api/v1/session", {"link": link, "password": OTHER})


async def test_a_name_is_the_same_however_a_keyboard_makes_it(house: House) -> None:
    link, ada = house.node.give_first_link(), house.person()
    await ada.do("POST", "/api/v1/session", {"link": link, "name": "A\u030asa", "password": GOOD})
    assert (await ada.do("GET", "/api/v1/session"))["name"] == "\u00c5sa"
    await house.person().sign_in("A\u030asa")


async def test_a_link_says_whose_it_is_and_stays_good(house: House) -> None:
    first, anybody = house.node.give_first_link(), house.person()
    assert (await anybody.do("POST", "/api/v1/session/link", {"link": first}))["user"] is None
    await anybody.do("POST", "/api/v1/users", {"name": "gil", "role": "viewer"})
    link = (await anybody.do("POST", "/api/v1/users/gil/link"))["link"]
    await anybody.do("POST", "/api/v1/session", {"link": first, "name": "ada", "password": GOOD})
    assert await house.person().fails("POST", "/api/v1/session/link", {"link": first}) == (404, "link_over")
    told = await house.person().do("POST", "/api/v1/session/link", {"link": link})
    assert (told["user"], told["until"] > now()) == ("gil", True)
    await house.person().do("POST", "/api/v1/session", {"link": link, "password": GOOD})
    assert await house.person().fails("POST", "/api/v1/session/link", {"link": link}) == (404, "link_over")


async def test_the_first_link_is_over_after_a_quarter_of_an_hour(house: House) -> None:
    link, clock = house.node.give_first_link(), house.node.clock
    house.node.clock = lambda: clock() + 15 * 60_000
    asked = {"link": link, "name": "ada", "password": GOOD}
    assert await house.person().fails("POST", "/api/v1/session", asked) == (404, "link_over")


async def test_a_weak_password_is_refused_and_the_link_stays_good(house: House) -> None:
    link = house.node.give_first_link()
    asked = {"link": link, "name": "ada", "password": ""}
    for weak, code in (
        ("seven 7", "password_short"),
        ("abcd1234", "password_repeats"),
        ("password1", "password_common"),
        ("lovely ada 7", "password_name"),
        ("fleet-map-2026", "password_here"),
    ):
        answer = await house.person().ask("POST", "/api/v1/session", asked | {"password": weak})
        told = await answer.get_json()
        assert (answer.status_code, told["code"]) == (422, "weak_password")
        assert [(one["field"], one["code"], one["message"]) for one in told["errors"]] == [
            ("password", code, told["detail"])
        ]
    await house.person().do("POST", "/api/v1/session", asked | {"password": GOOD})


async def test_who_is_in_a_group_sees_its_regions_and_nothing_else(house: House) -> None:
    _, ben = await staffed(house)
    assert [one["id"] for one in (await ben.do("GET", "/api/v1/regions"))["regions"]] == ["here"]
    assert [one["vehicle"] for one in (await ben.do("GET", "/api/v1/vehicles"))["vehicles"]] == ["v-here"]
    assert await ben.fails("GET", "/api/v1/regions/there") == (404, "unknown_region")
    assert await ben.fails("PUT", "/api/v1/regions/here", circle(60, 25, 300)) == (404, "may_not")
    assert await ben.fails("GET", "/api/v1/users") == (404, "may_not")
    assert await ben.fails("POST", "/api/v1/positions", []) == (404, "may_not")


async def test_a_region_that_comes_into_the_group_is_seen_and_one_that_leaves_it_is_not(house: House) -> None:
    ada, ben = await staffed(house)
    assert len((await ben.do("GET", "/api/v1/regions"))["regions"]) == 1
    await ada.do("PUT", "/api/v1/regions/there", circle(61.0, 25, 300, name="there", group="yards") | {"id": "there"})
    assert len((await ben.do("GET", "/api/v1/regions"))["regions"]) == 2
    await ada.do("DELETE", "/api/v1/regions/here")
    assert [one["vehicle"] for one in (await ben.do("GET", "/api/v1/vehicles"))["vehicles"]] == ["v-there"]


async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(house: House) -> None:
    await house.administrator()
    answers = [
        await (await house.person().ask("POST", "/api/v1/session", {"name": name, "password": OTHER})).get_json()
        for name in ("ada", "nobody")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "wrong_password"


async def test_five_wrong_passwords_cost_the_owner_five_seconds_at_most(house: House) -> None:
    await house.administrator()
    began, moved = house.node.clock(), [0]
    house.node.clock = lambda: began + moved[0]
    guess, codes = house.person(), []
    for _ in range(9):
        status, code = await guess.fails("POST", "/api/v1/session", {"name": "ada", "password": OTHER})
        codes.append((status, code))
    assert codes[0] == (401, "wrong_password")
    answer = await house.person().ask("POST", "/api/v1/session", {"name": "ada", "password": GOOD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 5
    moved[0] = 5000
    await house.person().sign_in("ada")


async def test_who_signs_out_is_out_and_everywhere_means_everywhere(house: House) -> None:
    ada, ben = await staffed(house)
    phone = house.person()
    await phone.sign_in("ben")
    assert len((await ben.do("GET", "/api/v1/session"))["sessions"]) == 2
    await ben.do("DELETE", "/api/v1/session")
    assert await ben.fails("GET", "/api/v1/vehicles") == (401, "not_signed_in")
    await phone.do("GET", "/api/v1/vehicles")
    await ben.sign_in("ben")
    await ben.do("DELETE", "/api/v1/session?everywhere=true")
    assert await phone.fails("GET", "/api/v1/vehicles") == (401, "not_signed_in")
    await ada.do("GET", "/api/v1/vehicles")


async def test_the_cookie_is_for_this_folder_and_for_no_script(house: House) -> None:
    await house.administrator()
    answer = await house.person().ask("POST", "/api/v1/session", {"name": "ada", "password": GOOD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"tracker-{house.node.directory.folder}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_over_tls_the_cookie_is_bound_to_this_host(house: House) -> None:
    await house.administrator()
    person = house.person()
    asked = {"name": "ada", "password": GOOD}
    answer = await person.client.post("/api/v1/session", json=asked, scheme="https")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"__Host-tracker-{house.node.directory.folder}=")
    assert "; Secure" in cookie
    assert "; Path=/;" in cookie
    assert "Domain" not in cookie
    shown = {"cookie": cookie.partition(";")[0]}
    assert (await house.person().client.get("/api/v1/session", headers=shown, scheme="https")).status_code == 200
    assert (await house.person().client.get("/api/v1/session", headers=shown, scheme="http")).status_code == 401


async def test_another_password_makes_another_cookie_and_the_one_before_opens_nothing(house: House) -> None:
    _, ben = await staffed(house)
    phone = house.person()
    await phone.sign_in("ben")
    old = house.person()
    kept = next(one for one in ben.client.cookie_jar)
    old.headers["cookie"] = f"{kept.name}={kept.value}"
    await old.do("GET", "/api/v1/session")
    await ben.do("PATCH", "/api/v1/users/ben", {"password": OTHER, "current_password": GOOD})
    assert len((await ben.do("GET", "/api/v1/session"))["sessions"]) == 1
    for other in (old, phone):
        assert await other.fails("GET", "/api/v1/session") == (401, "not_signed_in")


async def test_a_signed_in_page_of_another_site_changes_nothing(house: House) -> None:
    ada = await house.administrator()
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        refused = await ada.fails("DELETE", "/api/v1/session", None, **headers)
        assert refused == (403, "origin_not_allowed")
    await ada.do("GET", "/api/v1/session")


async def test_the_last_administrator_stays_and_who_is_disabled_is_out_at_once(house: House) -> None:
    ada, ben = await staffed(house)
    assert await ada.fails("PATCH", "/api/v1/users/ada", {"role": "viewer"}) == (409, "last_administrator")
    assert await ada.fails("DELETE", "/api/v1/users/ada") == (409, "last_administrator")
    assert await ada.fails("DELETE", "/api/v1/groups/north") == (409, "group_in_use")
    await ada.do("PATCH", "/api/v1/users/ben", {"disabled": True})
    assert await ben.fails("GET", "/api/v1/session") == (401, "not_signed_in")
    assert (await ben.fails("POST", "/api/v1/session", {"name": "ben", "password": GOOD}))[0] == 401


async def test_a_lost_password_is_a_link_that_is_good_once(house: House) -> None:
    ada, ben = await staffed(house)
    first = (await ada.do("POST", "/api/v1/users/ben/link"))["link"]
    link = (await ada.do("POST", "/api/v1/users/ben/link"))["link"]
    anew = house.person()
    assert (await anew.fails("POST", "/api/v1/session", {"link": first, "password": OTHER}))[1] == "link_over"
    await anew.do("POST", "/api/v1/session", {"link": link, "password": OTHER})
    assert (await anew.do("GET", "/api/v1/session"))["name"] == "ben"
    assert await ben.fails("GET", "/api/v1/session") == (401, "not_signed_in"), "another password signs out"
    assert (await anew.fails("POST", "/api/v1/session", {"link": link, "password": OTHER}))[1] == "link_over"
    await house.person().sign_in("ben", OTHER)


async def test_ones_own_password_is_changed_by_who_knows_it(house: House) -> None:
    _, ben = await staffed(house)
    wrong = {"password": OTHER, "current_password": OTHER}
    assert await ben.fails("PATCH", "/api/v1/users/ben", wrong) == (401, "wrong_password")
    assert (await ben.fails("PATCH", "/api/v1/users/ben", {"role": "administrator"}))[1] == "may_not"
    await ben.do("PATCH", "/api/v1/users/ben", {"password": OTHER, "current_password": GOOD})
    await ben.do("GET", "/api/v1/session")
    await house.person().sign_in("ben", OTHER)


async def test_a_token_sends_for_its_vehicles_until_it_is_revoked(house: House) -> None:
    ada = await house.administrator()
    made = await ada.do("POST", "/api/v1/tokens", {"name": "phone", "vehicles": ["van-*"]})
    phone = house.person(made["token"])
    items = [{"vehicle": name, "time": now(), "lat": 1, "lon": 2} for name in ("van-1", "truck-1")]
    answer = await phone.ask("POST", "/api/v1/positions", items)
    assert answer.status_code == 207
    told = await answer.get_json()
    assert (told["accepted"], told["rejected"], told["errors"][0]["code"]) == (1, 1, "not_your_vehicle")
    assert await phone.fails("GET", "/api/v1/vehicles") == (404, "may_not")
    listed = (await ada.do("GET", "/api/v1/tokens"))["tokens"][0]
    assert listed["used_at"]
    assert listed["error"] == "not_your_vehicle"
    assert "token" not in listed
    await ada.do("DELETE", f"/api/v1/tokens/{made['id']}")
    assert await phone.fails("POST", "/api/v1/positions", items) == (401, "not_signed_in")


async def test_a_rotated_token_and_the_one_before_overlap(house: House) -> None:
    ada = await house.administrator()
    made = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]})
    fresh = await ada.do("POST", f"/api/v1/tokens/{made['id']}/rotate", {"overlap_s": 60})
    item = {"vehicle": "v", "time": now(), "lat": 1, "lon": 2}
    for token in (made["token"], fresh["token"]):
        await house.person(token).do("POST", "/api/v1/positions", item)
    clock = house.node.clock
    house.node.clock = house.node.doorman._clock = lambda: clock() + 61_000
    assert (await house.person(made["token"]).fails("POST", "/api/v1/positions", item))[0] == 401
    await house.person(fresh["token"]).do("POST", "/api/v1/positions", item)


async def test_a_script_is_let_in_as_its_user(house: House) -> None:
    _, ben = await staffed(house)
    made = await ben.do("POST", "/api/v1/users/ben/tokens", {"name": "report"})
    script = house.person(made["token"])
    assert [one["vehicle"] for one in (await script.do("GET", "/api/v1/vehicles"))["vehicles"]] == ["v-here"]
    assert (await ben.fails("POST", "/api/v1/users/ada/tokens", {}))[0] == 404


async def test_a_ticket_opens_one_socket_once(house: House) -> None:
    _, ben = await staffed(house)
    ticket = (await ben.do("POST", "/api/v1/tickets"))["ticket"]
    stranger = house.person()
    assert (await stranger.fails("GET", f"/api/v1/vehicles?ticket={ticket}"))[0] == 401


async def test_every_change_leaves_one_entry_with_who_and_from_where(house: House) -> None:
    ada, _ = await staffed(house)
    told = (await ada.do("GET", "/api/v1/audit"))["audit"]
    assert [one["what"] for one in told][-1] == "user.first"
    added = next(one for one in told if one["what"] == "user.add")
    assert (added["who"], added["target"], added["after"]["role"]) == ("ada", "ben", "dispatcher")
    assert "scrypt" not in json.dumps(told)
    assert GOOD not in json.dumps(told)
    assert (await ada.do("GET", "/api/v1/audit?what=user.add"))["audit"] == [added]


async def test_what_is_taken_away_is_gone_on_an_open_stream(house: House) -> None:
    ada, ben = await staffed(house)
    async with ben.client.request("/api/v1/stream?regions=here") as stream:
        await stream.send_complete()
        heard = b""
        while b'"snapshot"' not in heard:
            heard += await stream.receive()
        await ada.do("PATCH", "/api/v1/groups/north", {"regions": []})
        while b'"revoked"' not in heard:
            heard += await stream.receive()
        await ada.do("PATCH", "/api/v1/users/ben", {"disabled": True})
        await until(lambda: len(house.app.extensions["node"].hub.viewers) == 0)
    assert b"v-there" not in heard
    assert b"quarries" not in heard


async def test_every_change_is_kept_once_with_who_did_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the url map: a changing route that is not tried here fails. Eve tries all of it first, and may do nothing."""
    ada, _ = await staffed(house)
    strangers = house.node.directory.strangers
    for name in ("new", "other"):
        strangers.put_stranger(name, Stranger(name, 1, 1, 1, fixes=(Ping(name, 1_700_000_000_000, 60, 25),)))
    await ada.do("POST", "/api/v1/users", {"name": "eve", "role": "viewer", "groups": ["north"], "password": GOOD})
    eve = house.person()
    await eve.sign_in("eve")
    alarm = {"vehicle": "v-here", "time": now(), "lat": 60.0, "lon": 25, "alarm": "sos"}
    await ada.do("POST", "/api/v1/positions", alarm)
    event = next(one for one in (await ada.do("GET", "/api/v1/events"))["events"] if one["kind"] == "alarm")["id"]
    token = (await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]}))["id"]
    wrong = {"vehicle": "v-here", "what": "wrong_fixes", "from": now(-3600), "until": now(-1), "why": "a test drive"}
    correction = (await ada.do("POST", "/api/v1/history/corrections", wrong))["id"]
    webhook = {"url": "https://example.invalid/", "enabled": False}
    target = (await ada.do("POST", "/api/v1/targets", webhook))["id"]
    house.app.extensions["couriers"].post = answering
    house.node.store.compact = never_done
    monkeypatch.setattr(Importing, "_do", never_imported)  # or it could be over before it is given up
    area = circle(60, 25, 200, name="new")
    told = {"vehicle": "v-here", "time": "2026-01-01T00:00:00Z", "what": "doorOpened", "by": "Traccar"}
    tried: dict[str, tuple[str, Any]] = {
        "POST /api/v1/regions": ("/api/v1/regions", area | {"id": "posted"}),
        "PUT /api/v1/regions/<id>": ("/api/v1/regions/new", area),
        "PATCH /api/v1/regions/<id>": ("/api/v1/regions/new", {"properties": {"name": "other"}}),
        "DELETE /api/v1/regions/<id>": ("/api/v1/regions/new", None),
        "PUT /api/v1/vehicles/<id>": ("/api/v1/vehicles/v-here", {"name": "Van"}),
        "PATCH /api/v1/vehicles/<id>": ("/api/v1/vehicles/v-here", {"plate": "AB 1"}),
        "POST /api/v1/history/told": ("/api/v1/history/told", {"events": [told]}),
        "POST /api/v1/history/corrections": ("/api/v1/history/corrections", wrong | {"why": "another"}),
        "DELETE /api/v1/history/corrections/<id>": (f"/api/v1/history/corrections/{correction}", None),
        "POST /api/v1/events/<id>/ack": (f"/api/v1/events/{event}/ack", {"by": "somebody else"}),
        "DELETE /api/v1/events/<id>/ack": (f"/api/v1/events/{event}/ack", None),
        "DELETE /api/v1/vehicles/<id>": ("/api/v1/vehicles/v-here", None),
        "POST /api/v1/users": ("/api/v1/users", {"name": "cleo", "role": "viewer"}),
        "PATCH /api/v1/users/<name>": ("/api/v1/users/cleo", {"role": "driver"}),
        "POST /api/v1/users/<name>/link": ("/api/v1/users/cleo/link", {}),
        "POST /api/v1/users/<name>/tokens": ("/api/v1/users/cleo/tokens", {}),
        "DELETE /api/v1/users/<name>": ("/api/v1/users/cleo", None),
        "POST /api/v1/groups": ("/api/v1/groups", {"name": "south"}),
        "PATCH /api/v1/groups/<name>": ("/api/v1/groups/south", {"may": []}),
        "DELETE /api/v1/groups/<name>": ("/api/v1/groups/south", None),
        "POST /api/v1/tokens": ("/api/v1/tokens", {"vehicles": ["*"]}),
        "POST /api/v1/tokens/<id>/rotate": (f"/api/v1/tokens/{token}/rotate", {}),
        "DELETE /api/v1/tokens/<id>": (f"/api/v1/tokens/{token}", None),
        "POST /api/v1/targets": ("/api/v1/targets", webhook),
        "PATCH /api/v1/targets/<id>": (f"/api/v1/targets/{target}", {"name": "other"}),
        "POST /api/v1/targets/<id>/test": (f"/api/v1/targets/{target}/test", {}),
        "DELETE /api/v1/targets/<id>": (f"/api/v1/targets/{target}", None),
        "POST /api/v1/quarantine/<vehicle>/admit": ("/api/v1/quarantine/new/admit", None),
        "DELETE /api/v1/quarantine/<vehicle>": ("/api/v1/quarantine/other", None),
        "POST /api/v1/store/compaction": ("/api/v1/store/compaction", {}),
        "DELETE /api/v1/store/compaction": ("/api/v1/store/compaction", None),
        "POST /api/v1/store/import": ("/api/v1/store/import", {}),
        "DELETE /api/v1/store/import": ("/api/v1/store/import", None),
        "POST /api/v1/session": ("/api/v1/session", {"name": "ben", "password": GOOD}),
        "DELETE /api/v1/session": ("/api/v1/session", None),
    }
    nothing = KEEP_NOTHING | {"POST /api/v1/tickets"}
    rules = house.app.url_map.iter_rules()
    changing = {
        f"{method} {rule.rule}"
        for rule in rules
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    }
    assert changing == tried.keys() | nothing
    for route, (path, body) in tried.items():
        before = (await house.node.store.audit(AuditQuery(limit=1)))[0].seq
        if "session" not in route:
            assert (await eve.ask(route.split()[0], path, body)).status_code == 404, route
        await ada.do(route.split()[0], path, body)
        entries = await house.node.store.audit(AuditQuery())
        assert [one.seq for one in entries if one.seq > before] == [before + 1], f"{route}: one, and none for eve"
        assert (entries[0].who, entries[0].address) == ("ben" if "session" in route else "ada", ADDRESS), route
        assert (entries[0].before, entries[0].after) != (None, None), f"{route} says what changed"
    acked = next(one for one in await house.node.store.audit(AuditQuery()) if one.what == "event.acknowledge")
    assert (acked.target, acked.after["acknowledged_by"]) == (event, "ada"), "not whom the body names"


async def never_done(_now: int) -> None:
    await asyncio.Event().wait()


async def never_imported(_self: object, _given: object, folder: TemporaryDirectory[str], *_rest: object) -> None:
    with folder:
        await asyncio.Event().wait()


async def answering(_url: str, make: Makes) -> Answer:
    """In the place of a connection to a target."""
    assert make() is not None
    return Answer(204)


def counted(house: House) -> list[str]:
    """The methods of whoever passes the door from now on."""
    check, let_in = house.node.doorman.check, list[str]()

    def checked(method: str, scope: Any) -> Any:
        let_in.append(method)
        return check(method, scope)

    house.node.doorman.check = checked
    return let_in


async def ended(request: Any, rest: bytes) -> tuple[int, Any]:
    """A request whose body comes to its end: the status, and the document."""
    await request.send(rest)
    await request.send_complete()
    body = await request.receive()
    return request.status_code, json.loads(body)


async def test_who_is_shown_out_while_a_body_comes_changes_nothing_by_it(house: House) -> None:
    """Over the url map: whoever holds a request open until they are gone must not let themselves in again by it."""
    ada, _ = await staffed(house)
    house.node.directory.strangers.put_stranger("new", Stranger("new", 1, 1, 1))
    await ada.do("POST", "/api/v1/users", {"name": "bob", "role": "administrator", "password": GOOD})
    token = (await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]}))["id"]
    bob = house.person((await ada.do("POST", "/api/v1/users/bob/tokens", {}))["token"])
    target = (await ada.do("POST", "/api/v1/targets", {"url": "https://example.invalid/", "enabled": False}))["id"]
    area = circle(60, 25, 200, name="new")
    tried: dict[str, Any] = {
        "POST /api/v1/regions": area,
        "PUT /api/v1/regions/here": area,
        "PATCH /api/v1/regions/here": {"properties": {"name": "other"}},
        "PUT /api/v1/vehicles/v-here": {"name": "Van"},
        "PATCH /api/v1/vehicles/v-here": {"name": "Van"},
        "POST /api/v1/users": {"name": "cleo", "role": "administrator", "password": OTHER},
        "PATCH /api/v1/users/ben": {"role": "administrator"},
        "POST /api/v1/users/bob/tokens": {},
        "POST /api/v1/groups": {"name": "south"},
        "PATCH /api/v1/groups/north": {"regions": "all"},
        "POST /api/v1/tokens": {"vehicles": ["*"]},
        f"POST /api/v1/tokens/{token}/rotate": {},
        "POST /api/v1/targets": {"url": "https://example.invalid/"},
        f"PATCH /api/v1/targets/{target}": {"name": "other"},
        "POST /api/v1/quarantine/new/admit": {"name": "Van"},
        "POST /api/v1/store/compaction": {"at_once": True},
        "POST /api/v1/history/told": {
            "events": [{"vehicle": "v-here", "time": "2026-01-01T00:00:00Z", "what": "doorOpened", "by": "Traccar"}]
        },
        "POST /api/v1/store/import": {"vehicle": "v"},
        "POST /api/v1/history/corrections": {
            "vehicle": "v-here", "what": "wrong_fixes", "from": now(-3600), "until": now(-1), "why": "a test drive",
        },
    }  # fmt: skip
    waits_for_none = {"POST /api/v1/users/<name>/link", "POST /api/v1/events/<id>/ack", "POST /api/v1/tickets"}
    waits_for_none |= {"POST /api/v1/targets/<id>/test"}
    waits_for_none |= {"POST /api/v1/session"} | KEEP_NOTHING
    rules = {f"{method} {rule.rule}" for rule in house.app.url_map.iter_rules() for method in rule.methods or ()}
    shapes = [re.escape(route).replace("<", "[^/]+<").replace(">", "") for route in rules - waits_for_none]
    shapes = [
        re.sub("<[a-z:]+", "", shape) for shape in shapes if not shape.startswith(("GET", "HEAD", "OPT", "DELETE"))
    ]
    untried = [shape for shape in shapes if not any(re.fullmatch(shape, route) for route in tried)]
    assert not untried
    let_in = counted(house)
    headers = bob.headers | {"content-type": "application/json"}
    async with AsyncExitStack() as stack:
        opened = []
        for route, body in tried.items():
            method, path = route.split()
            told = json.dumps(body).encode()
            request = await stack.enter_async_context(bob.client.request(path, method=method, headers=headers))
            await request.send(told[:1])
            opened.append((route, request, told[1:]))
        await until(lambda: len(let_in) == len(tried))
        await ada.do("PATCH", "/api/v1/users/bob", {"disabled": True})
        before = (await house.node.store.audit(AuditQuery(limit=1)))[0].seq
        for route, request, rest in opened:
            status, told = await ended(request, rest)
            assert (status, told.get("code")) == (401, "not_signed_in"), route
    assert (await house.node.store.audit(AuditQuery(limit=1)))[0].seq == before


async def test_who_may_less_meanwhile_does_not_do_what_they_might(house: House) -> None:
    ada, _ = await staffed(house)
    await ada.do("PATCH", "/api/v1/groups/north", {"may": ["watch", "edit_vehicles"]})
    ben = house.person((await ada.do("POST", "/api/v1/users/ben/tokens", {}))["token"])
    let_in = counted(house)
    headers = ben.headers | {"content-type": "application/json"}
    async with (
        ben.client.request("/api/v1/vehicles/v-here", method="PATCH", headers=headers) as early,
        ben.client.request("/api/v1/vehicles/v-here", method="PATCH", headers=headers) as late,
    ):
        await until(lambda: len(let_in) == 2)
        await ada.do("PUT", "/api/v1/regions/here-too", circle(60, 25, 200, name="new", group="yards"))
        for request, name, status in ((early, "Van", 200), (late, "Lorry", 404)):
            told, _ = await ended(request, json.dumps({"name": name}).encode())
            assert told == status, "a new region takes nothing away"
            await ada.do("PATCH", "/api/v1/groups/north", {"may": ["watch"]})
    assert (await ada.do("GET", "/api/v1/vehicles/v-here"))["name"] == "Van"


async def test_of_a_vehicle_that_is_hidden_while_a_body_comes_nothing_is_told(house: House) -> None:
    ada, _ = await staffed(house)
    await ada.do("PATCH", "/api/v1/groups/north", {"may": ["watch", "edit_vehicles"]})
    ben = house.person((await ada.do("POST", "/api/v1/users/ben/tokens", {}))["token"])
    let_in = counted(house)
    headers = ben.headers | {"content-type": "application/json"}
    async with (
        ben.client.request("/api/v1/vehicles/v-here", method="PATCH", headers=headers) as patch,
        ben.client.request("/api/v1/vehicles/v-here", method="PUT", headers=headers) as put,
    ):
        await until(lambda: len(let_in) == 2)
        away = {"vehicle": "v-here", "time": now(), "lat": 60.01, "lon": 25, "accuracy_m": 5, "speed_mps": 30}
        await ada.do("POST", "/api/v1/positions", away)
        await ada.do("PATCH", "/api/v1/vehicles/v-here", {"plate": "H1D DEN"})
        for request in (patch, put):
            status, told = await ended(request, b"{}")
            assert (status, told.get("code")) == (404, "unknown_vehicle")


async def test_nobody_makes_tokens_without_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.web.people.tokens.MOST_OWN", 2)
    ada, ben = await staffed(house)
    id = (await ben.do("POST", "/api/v1/users/ben/tokens", {}))["id"]
    await ben.do("POST", f"/api/v1/tokens/{id}/rotate", {})
    for path in ("/api/v1/users/ben/tokens", f"/api/v1/tokens/{id}/rotate"):
        assert await ben.fails("POST", path, {}) == (409, "too_many_tokens")
    await ada.do("POST", "/api/v1/users/ada/tokens", {})
    await ben.do("DELETE", f"/api/v1/tokens/{id}")
    await ben.do("POST", "/api/v1/users/ben/tokens", {})


async def test_a_group_that_a_token_shows_stays(house: House) -> None:
    """Or the token would show whatever the next group of that name does."""
    ada, _ = await staffed(house)
    await ada.do("POST", "/api/v1/groups", {"name": "pals", "regions": "all"})
    token = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["me"], "shows": ["pals"]})
    assert await ada.fails("DELETE", "/api/v1/groups/pals") == (409, "group_in_use")
    await ada.do("DELETE", f"/api/v1/tokens/{token['id']}")
    await ada.do("DELETE", "/api/v1/groups/pals")


async def test_the_log_hears_who_guesses_and_who_asks_for_what_they_may_not(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    ada, ben = await staffed(house)
    await ben.fails("POST", "/api/v1/session", {"name": "ben", "password": OTHER})
    await ben.fails("POST", "/api/v1/session", {"name": OTHER, "password": OTHER})
    await ben.fails("GET", "/api/v1/users")
    await ada.fails("DELETE", "/api/v1/users/ben", None, origin="http://evil.example")
    told = "\n".join(record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert re.search(r"wrong password from \S+ for 'ben'", told)
    assert re.search(r"wrong password from \S+ for nobody", told)
    assert "ben asked once for what they may not, the last time for GET /api/v1/users: 404" in told
    assert "as a page of another site, or by a name that is not ours, the last time for DELETE /api/v1/users" in told
    assert OTHER not in told


async def test_a_wrong_password_takes_the_same_work_whoever_it_is_tried_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nobody learns whose name there is by how long the answer takes."""
    ada = await house.administrator()
    for name, password in {"ben": GOOD, "ann": GOOD, "leo": None}.items():
        user = {"name": name, "role": "viewer", "disabled": name == "ann"}
        await ada.do("POST", "/api/v1/users", user | ({"password": password} if password else {}))
    passwords.nobodys()  # made once a run
    hashed: list[tuple[int, ...]] = []

    def scrypt(_password: str, _salt: bytes, *cost: int) -> bytes:
        hashed.append(cost)
        return b"of no password"

    monkeypatch.setattr(passwords, "_scrypt", scrypt)
    for name in ("ben", "ann", "leo", "nobody"):
        tried = await house.person().fails("POST", "/api/v1/session", {"name": name, "password": OTHER})
        assert tried == (401, "wrong_password")
        assert hashed == [(passwords.LOG_N, passwords.R, passwords.P)], name
        hashed.clear()


async def test_to_sign_in_anew_ends_nothing_that_another_window_of_the_same_user_has_open(house: House) -> None:
    ada, ben = await staffed(house)
    async with ben.client.request("/api/v1/stream?regions=here") as stream:
        await stream.send_complete()
        heard = b""
        while b'"snapshot"' not in heard:
            heard += await stream.receive()
        await ben.sign_in("ben")
        link = (await ada.do("POST", "/api/v1/users/ben/link"))["link"]
        await ben.do("POST", "/api/v1/session", {"link": link, "password": OTHER})
        assert len((await ben.do("GET", "/api/v1/session"))["sessions"]) == 1
        assert len(house.node.hub.viewers) == 1
        await ben.do("POST", "/api/v1/session", {"name": "ada", "password": GOOD})
        await until(lambda: len(house.node.hub.viewers) == 0)


async def test_the_oldest_of_very_many_sessions_gives_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.web.people.session.MOST_SESSIONS", 3)
    _, ben = await staffed(house)
    began, moved = house.node.clock(), [0]
    house.node.clock = house.node.doorman._clock = lambda: began + moved[0]
    for _ in range(3):
        moved[0] += 120_000
        await house.person().sign_in("ben")
    assert await ben.fails("GET", "/api/v1/session") == (401, "not_signed_in")
    assert len(house.node.directory.sessions.of("ben", house.node.clock())) == 3


async def test_what_is_refused_is_no_change_and_leaves_no_entry(house: House) -> None:
    ada, ben = await staffed(house)
    last = (await house.node.store.audit(AuditQuery(limit=1)))[0].seq
    await ben.fails("DELETE", "/api/v1/regions/here")
    await ada.fails("PUT", "/api/v1/regions/here", {"type": "Feature"})
    await ada.fails("DELETE", "/api/v1/users/nobody")
    await ada.fails("POST", "/api/v1/users", {"name": "ben", "role": "viewer"})
    assert (await house.node.store.audit(AuditQuery(limit=1)))[0].seq == last


async def test_what_changes_nothing_leaves_no_entry_and_no_version(house: House) -> None:
    ada, _ = await staffed(house)
    await ada.do("PUT", "/api/v1/vehicles/v-here", {"name": "Van"})
    await ada.do("PATCH", "/api/v1/users/ben", {"disabled": True})
    token = (await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]}))["id"]
    read = [(await ada.ask("GET", f"/api/v1/{path}")).headers["etag"] for path in ("users/ben", "groups/north")]
    last = (await house.node.store.audit(AuditQuery(limit=1)))[0].seq
    await ada.do("PATCH", "/api/v1/users/ben", {"disabled": True})
    await ada.do("PATCH", "/api/v1/users/ben", {})
    await ada.do("PATCH", "/api/v1/groups/north", {"regions": ["yards"]})
    await ada.do("PUT", "/api/v1/vehicles/v-here", {"name": "Van"})
    await ada.do("PATCH", "/api/v1/vehicles/v-here", {"name": "Van"})
    assert (await house.node.store.audit(AuditQuery(limit=1)))[0].seq == last
    assert read == [(await ada.ask("GET", f"/api/v1/{path}")).headers["etag"] for path in ("users/ben", "groups/north")]
    twice = await asyncio.gather(*(ada.ask("DELETE", f"/api/v1/tokens/{token}") for _ in range(2)))
    assert sorted(answer.status_code for answer in twice) == [204, 404]
    assert (await house.node.store.audit(AuditQuery(limit=1)))[0].seq == last + 1


async def test_a_token_that_is_revoked_or_over_is_not_good_again_by_making_a_new_one(house: House) -> None:
    ada, _ = await staffed(house)
    made = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]})
    path = f"/api/v1/tokens/{made['id']}"
    await ada.do("POST", f"{path}/rotate", {})
    await ada.do("POST", f"{path}/rotate", {"overlap_s": 3600})
    assert await house.person(made["token"]).fails("POST", "/api/v1/positions", []) == (401, "not_signed_in")
    revoked, rotated = await asyncio.gather(
        ada.ask("DELETE", path), ada.ask("POST", f"{path}/rotate", {"overlap_s": 3600})
    )
    assert (revoked.status_code, rotated.status_code) == (204, 404)
    assert await ada.fails("GET", path) == (404, "unknown_token")


async def test_a_restart_signs_nobody_out_and_forgets_no_use_of_a_token(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path), tiles="")
    app = create_app(settings)
    async with app.test_app():
        house = House(app)
        ada = await house.administrator()
        made = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]})
        item = {"vehicle": "v", "time": now(), "lat": 1, "lon": 2}
        await house.person(made["token"]).do("POST", "/api/v1/positions", item)
        await house.node._keep_uses(0)
        cookie = next(iter(ada.client.cookie_jar))
    app = create_app(settings)
    async with app.test_app():
        again = House(app).person()
        again.headers["cookie"] = f"{cookie.name}={cookie.value}"
        assert (await again.do("GET", "/api/v1/session"))["name"] == "ada"
        assert (await again.do("GET", f"/api/v1/tokens/{made['id']}"))["used_at"]
        assert await House(app).person().fails("GET", "/api/v1/vehicles") == (401, "not_signed_in")


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(house: House) -> None:
    ada, _ = await staffed(house)
    token = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["v-here"]})
    for path, change in (("groups/north", {"may": ["watch", "acknowledge"]}), ("users/ben", {"role": "viewer"})):
        answer = await ada.ask("GET", f"/api/v1/{path}")
        read = answer.headers["etag"]
        assert read == f'"{(await answer.get_json())["version"]}"'
        answer = await ada.ask("PATCH", f"/api/v1/{path}", change, **{"if-match": read})
        assert (answer.status_code, answer.headers["etag"] == read) == (200, False)
        for method, body in (("PATCH", change), ("DELETE", None)):
            answer = await ada.ask(method, f"/api/v1/{path}", body, **{"if-match": read})
            told = await answer.get_json()
            assert (answer.status_code, told and told.get("code")) == (412, "version_conflict")
            assert told["current"] | change == told["current"]
        [kind, name] = path.split("/")
        [listed] = [one for one in (await ada.do("GET", f"/api/v1/{kind}"))[kind] if one["name"] == name]
        assert (await ada.ask("PATCH", f"/api/v1/{path}", listed)).status_code == 200, "what was read may be sent back"
    path = f"/api/v1/tokens/{token['id']}"
    assert (await ada.ask("GET", path)).headers["etag"] == '"1"'
    for method, address, body in (("DELETE", path, None), ("POST", f"{path}/rotate", {})):
        assert await ada.fails(method, address, body, **{"if-match": '"7"'}) == (412, "version_conflict")
    assert (await ada.ask("DELETE", path, None, **{"if-match": '"1"'})).status_code == 204
