"""What somebody has to find out why a phone is not on the map."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.integration.test_access import GOOD, House, Person
from tests.support.granted import opened
from tracker.commands.cli import cli
from tracker.config import Settings
from tracker.turns.pace import Pace
from tracker.web.app import create_app

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    app = create_app(Settings(data=str(tmp_path), tiles="", webhooks=str(FIXTURES / "webhooks.toml")))
    async with app.test_app():
        yield House(app)


async def phone(ada: Person, *vehicles: str) -> tuple[str, str]:
    """(id, secret)."""
    made = await ada.do("POST", "/api/v1/tokens", {"name": "phone", "vehicles": vehicles})
    return made["id"], made["token"]


async def sent(house: House, address: str, body: Any = b"", method: str = "POST", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await house.app.test_client().open(address, method=method, headers=headers, data=data)


def location(**more: Any) -> dict[str, Any]:
    return {"_type": "location", "lat": 60.17, "lon": 24.94, "tst": int(time.time()), "tid": "an", **more}


async def test_what_is_wrong_with_a_device_is_told_in_words_with_its_token(house: House) -> None:
    ada = await house.administrator()
    id, secret = await phone(ada, "van-1")
    address = f"/ingest/owntracks/{secret}"

    async def last() -> Any:
        told = (await ada.do("GET", f"/api/v1/tokens/{id}"))["last_error"]
        return told and (told["code"], told["message"])

    assert await last() is None
    await sent(house, address, location(tst=int(time.time()) + 3600))
    assert (await last())[0] == "time_in_future" and "time zone" in (await last())[1]
    await sent(house, address, location())
    assert await last() is None, "its clock is right again"
    await sent(house, address, location(tst=int(time.time()) - 7190))
    assert (await last())[0] == "clock_behind" and "2 hours" in (await last())[1]
    await sent(house, address, location(lat=0, lon=0))
    assert (await last())[0] == "no_fix" and "see the sky" in (await last())[1]
    for wrong in ("overland", "homeassistant"):
        assert (await sent(house, f"/ingest/{wrong}/{secret}", location())).status_code == 200
        assert await last() == (
            "other_protocol",
            "this looks like owntracks: send it to /ingest/owntracks/ and the token",
        )
    assert (await sent(house, f"/ingest/json/{secret}", location())).status_code == 422
    assert (await last())[0] == "other_protocol"
    refused = await sent(house, f"/ingest/ulogger/{secret}", location())
    assert (refused.status_code, "looks like owntracks" in (await refused.get_json())["message"]) == (400, True)
    await sent(house, address, location(_type="waypoint"))  # understood, and of no use: nothing is wrong
    await sent(house, address, location())
    assert (await last())[0] == "other_protocol", "until somebody looked"


async def test_who_came_with_a_wrong_token_is_told_what_is_wrong_with_it(house: House) -> None:
    ada = await house.administrator()
    _, secret = await phone(ada, "van-1")
    for address, words in (
        (f"/ingest/owntracks/{secret[:-4]}", "not copied whole"),
        ("/ingest/owntracks/guess", "begin with trk_"),
        (f"/ingest/owntracks/{secret[:-4]}aaaa", "was revoked"),
        ("/ingest/owntracks", "shows no token"),
    ):
        assert (await sent(house, address, location())).status_code == 401
        told = await ada.do("GET", "/api/v1/tokens")
        assert words in told["without"][0]["message"]
        assert secret[4:20] not in json.dumps(told)


ECHO = "/api/v1/ingest/echo?protocol="


async def echoed(house: House, token: str, protocol: str, body: Any = b"", **headers: str) -> dict[str, Any]:
    answer = await sent(house, ECHO + protocol, body, authorization=f"Bearer {token}", **headers)
    assert answer.status_code == 200, await answer.get_data()
    told: dict[str, Any] = await answer.get_json()
    return told


def warned(told: dict[str, Any]) -> dict[str, str]:
    return {warning["kind"]: warning["message"] for warning in told["warnings"]}


async def test_echo_says_what_the_device_would_hear_and_stores_nothing(house: House) -> None:
    ada = await house.administrator()
    id, secret = await phone(ada, "van-1")
    _, several = await phone(ada, "van-*")
    before = house.node.pipeline.statistics()
    told = await echoed(house, secret, "owntracks", location(vel=-1, note=secret))
    assert [ping["vehicle"] for ping in told["pings"]] == ["van-1"]
    assert told["reply"] == {
        "status": 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": "[]",
    }
    assert warned(told)["not_known"] == "`vel` is -1: not known"
    assert secret not in json.dumps(told)

    batch = "overland&path=/api/v1/overland/batches"
    assert (await echoed(house, secret, batch, {"locations": []}))["reply"]["status"] == 201
    told = await echoed(house, several, "osmand&id=tram-1&lat=60&lon=25")
    assert (told["reply"]["status"], [error["code"] for error in told["errors"]]) == (422, ["not_your_vehicle"])
    told = await echoed(house, several, "osmand&lat=60&lon=25")
    assert (told["reply"]["status"], told["error"]["code"]) == (400, "no_vehicle")
    fixes = [{"vehicle": "van-1", "time": time.time(), "lat": lat, "lon": 25} for lat in (60, 60, 95)]
    told = await echoed(house, secret, "json", fixes, **{"content-type": "application/json"})
    assert told["reply"]["status"] == 207
    assert {"accepted": 1, "duplicates": 1, "rejected": 1}.items() <= json.loads(told["reply"]["body"]).items()
    told = await echoed(house, secret, "json", fixes, **{"content-type": "text/html"})
    assert (told["error"]["code"], told["reply"]["status"]) == ("unsupported_type", 415)

    after, use = house.node.pipeline.statistics(), await ada.do("GET", f"/api/v1/tokens/{id}")
    assert (after.pings, use["used_at"], use["last_error"]) == (before.pings, None, None)
    assert (await ada.fails("GET", "/api/v1/vehicles/van-1"))[0] == 404


async def test_echo_names_to_an_administrator_the_tokens_that_may_send_and_is_for_nobody_else(house: House) -> None:
    ada = await house.administrator()
    id, _ = await phone(ada, "van-*")
    answer = await ada.ask("POST", ECHO + "owntracks&u=van-5", location())
    told = await answer.get_json()
    assert [one["tokens"] for one in told["warnings"] if one["kind"] == "token"] == [[id]]
    assert (await ada.fails("POST", ECHO + "carrier-pigeon", {}))[1] == "bad_parameter"
    assert (await house.person().fails("POST", ECHO + "json", {}))[0] == 401
    assert (await ada.fails("POST", ECHO + "json", "x" * 2**21))[1] == "body_too_large"


async def test_echo_tells_a_device_nothing_of_vehicles_that_are_not_its_own(tmp_path: Path) -> None:
    app = create_app(Settings(data=str(tmp_path), tiles="", unknown_vehicles="refuse"))
    async with app.test_app():
        house = House(app)
        ada = await house.administrator()
        _, secret = await phone(ada, "van-*")
        await ada.do("PUT", "/api/v1/vehicles/tram-1", {"name": "Tram"})
        told = [await echoed(house, secret, f"osmand&id={id}&lat=60&lon=25") for id in ("tram-1", "tram-2", "van-2")]
        texts = [json.dumps(one["warnings"]).replace("tram-2", "tram-1") for one in told]
        assert texts[0] == texts[1]
        assert "nobody knows" in texts[2]


def decoded(capture: bytes, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    ran = CliRunner().invoke(cli, ["decode", *arguments], input=capture)
    return ran.exit_code, [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def test_decode_reads_a_body_a_query_and_a_captured_request_as_the_server_does() -> None:
    payloads = FIXTURES / "payloads"
    captured = (payloads / "overland/dawarich-batch.http").read_bytes()
    for text in (captured, captured.replace(b"\n", b"\r\n")):
        status, [*pings, rest] = decoded(text, "overland", "--at", "2026-11-23T09:00:30Z")
        assert (status, rest["reply"]["status"], rest.get("items")) == (0, 201, len(pings)), rest
        assert pings[0]["vehicle"] and pings[0]["time"].startswith("2026-11-23T09:00")
    status, [ping, rest] = decoded(b"", "osmand", "--query", "id=van-7&lat=60.17&lon=24.94&speed=10")
    assert (status, ping["speed_mps"], rest["protocol"]) == (0, 5.144, "osmand")
    status, [ping, _] = decoded(
        b'{"_type":"location","lat":60,"lon":25,"tst":1795424400}', "owntracks", "--vehicle", "v"
    )
    assert (status, ping["vehicle"]) == (0, "v")
    status, [rest] = decoded(b'{"_type":', "owntracks")
    assert (status, rest["error"]["code"], rest["reply"]["status"]) == (1, "not_json", 400)
    assert decoded(b"", "osmand", "--query", "id=v&lat=0&lon=0")[0] == 1
    assert decoded(b"", "carrier-pigeon")[0] == 2
    assert "owntracks" in CliRunner().invoke(cli, ["decode", "--list"]).stdout.split()


@pytest.mark.parametrize("path", sorted((FIXTURES / "payloads").glob("*/*.http")), ids=lambda path: path.stem)
def test_decode_ends_whatever_it_is_given(path: Path) -> None:
    status, lines = decoded(path.read_bytes(), path.parent.name)
    assert status in (0, 1) and "reply" in lines[-1]


async def somebody(house: House, ada: Person, name: str, group: str) -> Person:
    await ada.do("POST", "/api/v1/users", {"name": name, "role": "dispatcher", "groups": [group], "password": GOOD})
    person = house.person()
    await person.sign_in(name)
    return person


async def payloads(ada: Person, vehicle: str) -> list[dict[str, Any]]:
    return list((await ada.do("GET", f"/api/v1/vehicles/{vehicle}/payloads"))["payloads"])


async def test_the_last_payloads_of_a_vehicle_are_told_as_they_came_without_secrets_and_go_with_it(
    house: House,
) -> None:
    ada = await house.administrator()
    _, secret = await phone(ada, "van-1")
    id, several = await phone(ada, "van-*")
    assert (await ada.fails("GET", "/api/v1/vehicles/van-1/payloads"))[0] == 404
    await sent(
        house,
        f"/ingest/owntracks/{secret}/x?password=hush",
        location(note=secret),
        **{"user-agent": f"Phone/1 {secret}"},
    )
    [one] = await payloads(ada, "van-1")
    assert (one["protocol"], one["status"], one["counts"]["accepted"], one["cut"]) == ("owntracks", 200, 1, False)
    assert (one["path"], one["headers"]["User-Agent"]) == ("/ingest/owntracks/•••/x", "Phone/1 •••")
    assert '"lat": 60.17' in one["body"] and "hush" not in json.dumps(one) and secret not in json.dumps(one)

    await sent(house, f"/ingest/owntracks/{secret}", b'{"_type":')  # whose it is its token says
    await sent(house, f"/ingest/osmand/{several}?id=van-1&lat=0&lon=0", method="GET")  # and here the message
    await sent(house, f"/ingest/osmand/{secret}?lat=60&lon=25&x=" + "y" * 9000, method="GET")
    await sent(house, f"/ingest/json/{secret}", json.dumps([fix("van-1")]).encode() + b" " * 9000)
    await sent(house, f"/ingest/json/{several}", [fix("van-1"), fix("van-2"), fix("tram")])
    await sent(house, f"/ingest/osmand/{several}", b"nothing=known")
    told = await payloads(ada, "van-1")
    assert [(one["status"], one["code"]) for one in told] == [
        (207, "not_your_vehicle"), (200, None), (200, None), (200, "no_fix"), (400, "not_json"), (200, None)
    ]  # fmt: skip
    assert all(len(one["body"]) + len(one["query"]) <= 4096 for one in told)
    assert [one["cut"] for one in told][:4] == [False, True, True, False] and told[1]["bytes"] > 9000
    assert len(await payloads(ada, "van-2")) == 1
    [lost] = (await ada.do("GET", f"/api/v1/tokens/{id}/payloads"))["payloads"]
    assert (lost["code"], lost["body"]) == ("not_positions", "nothing=known")
    assert secret not in json.dumps([told, lost]) and several not in json.dumps([told, lost])

    await ada.do("DELETE", "/api/v1/vehicles/van-1")
    await ada.do("PUT", "/api/v1/vehicles/van-1", {})
    assert await payloads(ada, "van-1") == []
    await ada.do("DELETE", f"/api/v1/tokens/{id}")
    assert house.node.payloads.last(f"/{id}") == []


async def test_who_sees_some_of_the_fleet_is_shown_no_payload_that_speaks_of_others(house: House) -> None:
    ada = await house.administrator()
    for vehicle in ("van-1", "van-2"):
        await ada.do("PUT", f"/api/v1/vehicles/{vehicle}", {"group": "vans" if vehicle == "van-1" else "other"})
    group = {"regions": "all", "vehicles": ["vans"], "may": ["watch", "edit_vehicles"]}
    await ada.do("POST", "/api/v1/groups", group | {"name": "crew"})
    await ada.do("POST", "/api/v1/groups", group | {"name": "blurred", "coarse_m": 1000})
    _, secret = await phone(ada, "van-*")
    await sent(house, f"/ingest/json/{secret}", fix("van-1"))
    await sent(house, f"/ingest/json/{secret}", [fix("van-1"), fix("van-2")])
    ben = await somebody(house, ada, "ben", "crew")
    both, own = await payloads(ben, "van-1")
    assert (both["body"], both["counts"], both["protocol"]) == (None, {}, "json")
    assert "van-1" in own["body"] and own["token"] is None
    assert (await ben.fails("GET", "/api/v1/vehicles/van-2/payloads"))[0] == 404
    echoed = await ben.do("POST", f"{ECHO}json", fix("van-1"))  # who may edit them is answered, and may not send
    assert ([ping["vehicle"] for ping in echoed["pings"]], echoed["reply"]["status"]) == (["van-1"], 200)
    eve = await somebody(house, ada, "eve", "blurred")
    assert await eve.fails("GET", "/api/v1/vehicles/van-1/payloads") == (404, "may_not")


async def test_what_became_of_each_item_is_counted_by_protocol_and_reason(house: House) -> None:
    ada = await house.administrator()
    _, secret = await phone(ada, "van-1")
    address, now = f"/ingest/owntracks/{secret}", int(time.time())
    for message in (
        location(tst=now),
        location(tst=now),
        location(lat=95),
        location(_type="card"),
        location(tst=now + 1, batt=400),
    ):
        await sent(house, address, message)
    await sent(house, address, location(tst=now - 619_315_200 - 60))
    await sent(house, address, b"{")
    await sent(house, f"/ingest/json/{secret}", [fix("van-1"), fix("tram")])
    await sent(house, "/ingest/overland/guess", {})
    text = (await (await ada.ask("GET", "/metrics")).get_data()).decode()
    counted = dict(
        line.removeprefix("tracker_ingest_").rsplit(" ", 1)
        for line in text.splitlines()
        if "_ingest_" in line and line[0] != "#"
    )
    assert counted.items() >= {
        'items_total{protocol="owntracks",outcome="accepted"}': "2",
        'items_total{protocol="owntracks",outcome="duplicate"}': "1",
        'items_total{protocol="owntracks",outcome="late"}': "1",
        'items_total{protocol="owntracks",outcome="discarded"}': "1",
        'items_total{protocol="owntracks",outcome="rejected"}': "1",
        'rejected_total{protocol="owntracks",code="lat_out_of_range"}': "1",
        'rejected_total{protocol="json",code="not_your_vehicle"}': "1",
        'repaired_total{protocol="owntracks",clock="week_rollover"}': "1",
        'ignored_total{protocol="owntracks"}': "1",
        'refused_total{protocol="owntracks",code="not_json"}': "1",
        'refused_total{protocol="overland",code="not_signed_in"}': "1",
        'requests_total{protocol="owntracks",status="200"}': "6",
        'requests_total{protocol="json",status="207"}': "1",
    }.items(), counted  # fmt: skip


async def test_a_device_that_storms_is_told_to_wait_at_every_door_and_others_are_not(tmp_path: Path) -> None:
    app = create_app(Settings(data=str(tmp_path), tiles="", device_rate_per_s=0.001, device_burst=3))
    async with app.test_app():
        house = House(app)
        ada = await house.administrator()
        _, storms = await phone(ada, "van-1")
        _, several = await phone(ada, "bus-*")
        address = f"/ingest/owntracks/{storms}"
        statuses = [(await sent(house, address, location())).status_code for _ in range(6)]
        assert statuses == [200, 200, 200, 429, 429, 429]
        told = await sent(house, address, location())
        assert int(told.headers["retry-after"]) > 0 and (await told.get_json())["code"] == "too_fast"
        overland = await sent(house, f"/ingest/overland/{storms}", {"locations": []})
        assert (overland.status_code, "error" in await overland.get_json()) == (429, True)
        for vehicle in ("bus-1", "bus-2"):
            many = [fix(vehicle) | {"time": time.time() - number} for number in range(100)]
            assert (await sent(house, f"/ingest/json/{several}", many)).status_code == 200, "it was saved up"
        assert (await sent(house, f"/ingest/json/{several}", [fix("bus-1")])).status_code == 429
        assert (await sent(house, f"/ingest/json/{several}", [fix("bus-1"), fix("bus-3")])).status_code == 200
        headers = {"authorization": f"Bearer {several}"}
        async with opened(app, "/api/v1/positions", headers) as socket:
            assert await socket.receive() == ""  # it is let in
            await socket.send(**fix("bus-4"))
            assert json.loads(await socket.receive())["upto"] == 1
            await socket.send(**fix("bus-1"))  # is taken, and then nothing more is read
            await socket.send(**fix("bus-4"))
            assert json.loads(await socket.receive())["upto"] == 2
            assert not socket.out.empty()
            house.node.pace = Pace(0, 1)


def fix(vehicle: str) -> dict[str, Any]:
    return {"vehicle": vehicle, "time": time.time(), "lat": 60.17, "lon": 24.94}
