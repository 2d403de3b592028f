"""Phones: an address with a token in it, and answers that keep their queues moving."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nacl.secret import SecretBox

from tests.support.house import House
from tests.support.servers import Answer, Server, now


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = House(tmp_path_factory.mktemp("phones") / "data")
    server.start()
    server.furnish()
    yield server
    server.kill()


def token(house: House, *vehicles: str) -> tuple[str, str]:
    """(id, secret)."""
    made = house.do("POST", "/api/v1/tokens", {"name": "phone", "vehicles": vehicles}).json()
    return made["id"], made["token"]


def sent(house: Server, address: str, lat: float = 60.17, **more: object) -> Answer:
    fields = {"lat": lat, "lon": 24.94, "timestamp": int(time.time()), **more}
    return house.request("POST", address, "&".join(f"{name}={value}" for name, value in fields.items()), FORM)


FORM = {"content-type": "application/x-www-form-urlencoded"}


def place(house: House, vehicle: str) -> Answer:
    return house.request("GET", f"/api/v1/vehicles/{vehicle}", headers={"cookie": house.cookie})


def test_a_token_in_the_address_lets_its_vehicle_in_whatever_the_app_calls_itself(house: House) -> None:
    _, secret = token(house, "van-1")
    told = sent(house, f"/ingest/osmand/{secret}", id="883")
    assert (told.status, told.body) == (200, b"")
    assert place(house, "van-1").json()["position"]["lat"] == 60.17
    assert place(house, "883").status == 404
    assert house.get(f"/ingest/osmand/{secret}/any/thing?lat=60.1701&lon=24.94").status == 200
    assert place(house, "van-1").json()["position"]["lat"] == 60.1701


def test_what_is_stored_already_or_can_never_be_stored_is_not_asked_for_again(house: House) -> None:
    _, secret = token(house, "van-2")
    when = int(time.time())
    for lat in (60.17, 60.17, 60.3, 95, 0):
        told = sent(house, f"/ingest/osmand/{secret}", lat=lat, timestamp=when)
        assert (told.status, told.body) == (200, b""), lat
    for ahead in (3600, -10_000_000_000):
        assert sent(house, f"/ingest/osmand/{secret}", timestamp=when + ahead).status == 200
    assert place(house, "van-2").json()["position"]["lat"] == 60.17


def test_a_heartbeat_leaves_its_vehicle_where_it_is(house: House) -> None:
    _, secret = token(house, "van-3")
    when = int(time.time())
    sent(house, f"/ingest/osmand/{secret}", timestamp=when - 5, batt=50)
    beat = house.request("POST", f"/ingest/osmand/{secret}", f"timestamp={when}&batt=49", FORM)
    assert beat.status == 200
    shown = place(house, "van-3").json()["position"]
    assert (shown["lat"], shown["battery_pct"]) == (60.17, 49)
    for kind in ("lwt", "status"):  # however old its connection is
        house.post(f"/ingest/owntracks/{secret}/", {"_type": kind, "tst": when - 5000, "batt": 48})
        heard, shown = shown, place(house, "van-3").json()["position"]
        assert shown["received_at"] > heard["received_at"]
        assert (shown["lat"], shown["battery_pct"], shown["time"]) == (60.17, 48, heard["time"])
    alarm = house.request("POST", f"/ingest/osmand/{secret}", "alarm=sos", FORM)
    assert alarm.status == 200
    events = house.request("GET", "/api/v1/events?vehicle=van-3", headers={"cookie": house.cookie}).json()["events"]
    assert [(event["kind"], event["placed"]) for event in events] == [("alarm", False)]


def test_a_clock_that_is_put_right_is_counted(house: House) -> None:
    _, secret = token(house, "van-9")
    assert sent(house, f"/ingest/osmand/{secret}", timestamp=int(time.time()) - 619_315_200).status == 200
    attributes = place(house, "van-9").json()["position"]["attributes"]
    assert attributes["time_repaired"] == "week_rollover"
    counted = house.request("GET", "/metrics", headers={"cookie": house.cookie}).body
    assert b'tracker_ingest_repaired_total{protocol="osmand",clock="week_rollover"} 1\n' in counted


def test_a_wrong_token_a_revoked_one_and_a_vehicle_that_is_not_its_own_are_refused(house: House) -> None:
    id, secret = token(house, "van-*", "bus-1")
    assert sent(house, f"/ingest/osmand/{secret}", id="van-4").status == 200
    other = sent(house, f"/ingest/osmand/{secret}", id="tram-1")
    assert other.status == 422
    assert other.json()["code"] == "not_your_vehicle"
    nobody = sent(house, f"/ingest/osmand/{secret}")
    assert (nobody.status, nobody.json()["code"]) == (400, "no_vehicle")
    strange = sent(house, f"/ingest/osmand/{secret}", id="..")
    assert (strange.status, strange.json()["code"]) == (422, "vehicle_invalid")
    house.request("DELETE", f"/api/v1/tokens/{id}", headers={"cookie": house.cookie})
    for wrong in (secret, "trk_guess", "guess"):
        assert sent(house, f"/ingest/osmand/{wrong}", id="van-4").status == 401
    assert sent(house, "/ingest/osmand", id="van-4").status == 401
    assert house.get("/ingest/nothing/x").status in (401, 404)


def test_at_the_address_of_the_page_a_fix_needs_a_token_and_the_page_none(house: House) -> None:
    _, secret = token(house, "van-5")
    assert b"<html" in house.get("/").body and b"<html" in house.get("/?lat=60").body
    assert house.get("/?id=van-5&lat=60&lon=24").status == 401
    assert house.get(f"/?id=van-5&lat=60&lon=24&token={secret}").status == 200
    with_header = {"authorization": f"Bearer {secret}"}
    assert house.request("GET", "/?deviceid=van-5&lat=60.0001&lon=24", headers=with_header).status == 200
    assert place(house, "van-5").json()["position"]["lat"] == 60.0001


def test_a_target_without_a_slash_is_understood_and_without_a_fix_still_refused(house: House) -> None:
    _, secret = token(house, "van-6")

    def ask(target: str) -> bytes:
        with socket.create_connection(("127.0.0.1", house.port), timeout=20) as line:
            line.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: line.recv(65536), b""))

    assert ask(f"?id=van-6&lat=60.5&lon=24&token={secret}").startswith(b"HTTP/1.1 200")
    assert place(house, "van-6").json()["position"]["lat"] == 60.5
    assert ask("?x=1").startswith(b"HTTP/1.1 4")
    # as a modem asks that takes us for its proxy
    assert ask(f"http://localhost/?id=van-6&lat=60.5001&lon=24&token={secret}").startswith(b"HTTP/1.1 200")
    assert place(house, "van-6").json()["position"]["lat"] == 60.5001
    assert ask(f"HTTP://localhost?id=van-6&lat=60.5002&lon=24&token={secret}").startswith(b"HTTP/1.1 200")
    assert place(house, "van-6").json()["position"]["lat"] == 60.5002


def test_an_owntracks_app_is_told_of_others_what_the_groups_its_token_shows_see_and_no_more(house: House) -> None:
    def heard(secret: str, kind: str = "location") -> list[dict[str, Any]]:
        message = {"_type": kind, "lat": 62, "lon": 25, "tst": int(time.time()), "tid": "me"}
        told = house.post(f"/ingest/owntracks/{secret}", message)
        assert told.status == 200
        return list(told.json())

    shown = {"name": "phone", "vehicles": ["van-9"]}
    secret = house.do("POST", "/api/v1/tokens", shown | {"shows": ["north"]}).json()["token"]
    told = heard(secret)
    assert [one.get("name", one["_type"]) for one in told] == ["location", "v-here", "cmd"]
    assert (told[0]["lat"], told[0]["tid"]) == (60.0, "re")
    assert [one["rid"] for one in told[2]["waypoints"]["waypoints"]] == ["here"]
    assert [one["_type"] for one in heard(secret)] == ["location", "card"]  # its regions it knows by now
    assert heard(secret, "lwt") == []
    house.do("PATCH", "/api/v1/regions/here", {"properties": {"group": "quarries"}})
    withdrawn = [one["waypoints"]["waypoints"] for one in heard(secret) if one["_type"] == "cmd"]
    assert [(one["rid"], one["rad"]) for cmd in withdrawn for one in cmd] == [("here", 0), ("here", 0)]
    house.do("PATCH", "/api/v1/regions/here", {"properties": {"group": "yards"}})
    assert heard(house.do("POST", "/api/v1/tokens", shown).json()["token"]) == []  # a token that shows nothing
    assert house.send("GET", "/api/v1/vehicles/v-here", None, authorization=f"Bearer {secret}").status == 404
    wrong = house.send("POST", "/api/v1/tokens", shown | {"shows": ["south"]}, cookie=house.cookie)
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "shows")


def test_an_owntracks_app_of_a_person_tells_what_they_may_see_and_leaves_no_trace_of_them(house: House) -> None:
    """By a token of their own. Who may send is on the map as well."""

    def heard(secret: str, **more: Any) -> list[str]:
        message = {"_type": "location", "lat": 62, "lon": 25, "tst": int(time.time()), "tid": "zz", **more}
        told = house.post(f"/ingest/owntracks/{secret}", message)
        assert told.status == 200
        return [one["name"] for one in told.json() if one["_type"] == "card"]

    ben, ada = (house.do("POST", f"/api/v1/users/{name}/tokens", {}).json()["token"] for name in ("ben", "ada"))
    assert heard(ben) == ["v-here"]
    assert heard(ben, topic="owntracks/v/here") == ["v-here"], "who they say they are changes nothing"
    assert place(house, "zz").status == 404
    kept = house.get("/api/v1/vehicles/v-here/payloads", cookie=house.cookie).json()["payloads"]
    assert "owntracks" not in [one["protocol"] for one in kept]
    assert place(house, "v-here").json()["position"]["lat"] == 60.0
    assert set(heard(ada)) >= {"v-here", "v-there"}
    assert place(house, "zz").json()["position"]["lat"] == 62
    message = {"vehicle": "zz", "time": now(), "lat": 63, "lon": 25}
    assert house.post("/api/v1/positions", message, authorization=f"Bearer {ben}").status == 404
    house.do("PATCH", "/api/v1/groups/north", {"regions": []})
    assert heard(ben) == []
    house.do("PATCH", "/api/v1/groups/north", {"regions": ["yards"]})


def test_what_is_taken_from_an_app_is_in_no_further_answer_and_none_hears_what_another_token_shows(
    house: House,
) -> None:
    def heard(secret: str) -> str:
        message = {"_type": "location", "lat": 62, "lon": 25, "tst": int(time.time()), "tid": "me"}
        return house.post(f"/ingest/owntracks/{secret}", message).body.decode()

    house.do("POST", "/api/v1/groups", {"name": "pals", "regions": "all", "vehicles": ["pals"]})
    house.do("PATCH", "/api/v1/vehicles/v-there", {"group": "pals", "name": "Pat"})
    shown = {"name": "phone", "vehicles": ["van-10"]}
    secret = house.do("POST", "/api/v1/tokens", shown | {"shows": ["pals"]}).json()["token"]
    told = heard(secret)
    assert "Pat" in told and '"rid":"there"' in told
    house.do("PATCH", "/api/v1/vehicles/v-there", {"group": "others"})
    assert heard(secret) == "[]"
    other = heard(house.do("POST", "/api/v1/tokens", shown | {"shows": ["north"]}).json()["token"])
    assert '"rid":"here"' in other
    assert "there" not in other.replace("v-there", "")


def test_where_nobody_signs_in_yet_a_token_in_the_address_counts_all_the_same(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        assert server.get("/?id=van-1&lat=60&lon=24").status == 200
        assert server.get("/ingest/osmand?id=van-2&lat=60&lon=24").status == 200
        assert server.get("/ingest/osmand/guess?id=van-3&lat=60&lon=24").status == 401
        secret = server.post("/api/v1/tokens", {"vehicles": ["van-4"]}).json()["token"]
        basic = base64.b64encode(f"anna:{secret}".encode()).decode()
        fix = {"_type": "location", "tid": "zz", "lat": 60, "lon": 24, "tst": int(time.time())}
        for way in (f"Basic {basic}", f"Bearer {secret}", f"Basic {secret}:"):  # the last is how Overland writes it
            assert server.post("/pub", fix, authorization=way).body == b"[]"
        told = server.get("/api/v1/vehicles").json()["vehicles"]
        assert [one["vehicle"] for one in told] == ["van-1", "van-2", "van-4"]
        assert server.get("/api/v1/vehicles/van-3").status == 404
    finally:
        server.kill()


def encrypted(key: str, message: dict[str, Any]) -> str:
    box = SecretBox(key.encode().ljust(32, b"\0"))
    return json.dumps(
        {"_type": "encrypted", "data": base64.b64encode(box.encrypt(json.dumps(message).encode())).decode()}
    )


def test_the_key_of_an_app_is_used_and_told_to_nobody(house: House) -> None:
    key, address = "seven herons stand", "/api/v1/vehicles/van-k"
    house.do("PUT", address, {"attributes": {"owntracks_secret": key, "depot": "east"}})
    house.do("PATCH", address, {"name": "Kay", "attributes": {"owntracks_secret": True}})
    told = place(house, "van-k").json()
    assert told["attributes"] == {"owntracks_secret": True, "depot": "east"}
    house.do("PUT", address, told)
    seen = [place(house, "van-k").body, house.get("/api/v1/vehicles", cookie=house.cookie).body]
    seen += [house.get("/api/v1/audit?limit=20", cookie=house.cookie).body]
    seen += [house.send("PUT", address, {"attributes": {"owntracks_secret": [key]}}, cookie=house.cookie).body]
    assert b"van-k" in seen[2]
    assert not any(key.encode() in one for one in seen)

    _, own = token(house, "van-k")
    fix = {"_type": "location", "lat": 60.3, "lon": 24.94, "tst": int(time.time())}
    json_type = {"content-type": "application/json"}
    assert house.request("POST", f"/ingest/owntracks/{own}", encrypted(key, fix), json_type).status == 200
    assert place(house, "van-k").json()["position"]["lat"] == 60.3
    _, other = token(house, "car-*")  # may not find out which vehicles have one
    refused = [
        house.request("POST", f"/ingest/owntracks/{other}/{name}", encrypted("another", fix), json_type).json()[
            "detail"
        ]
        for name in ("van-k", "nobody")
    ]
    assert refused[0].replace("van-k", "nobody") == refused[1]

    house.do("PATCH", address, {"attributes": {"owntracks_secret": None}})
    assert place(house, "van-k").json()["attributes"] == {"depot": "east"}
