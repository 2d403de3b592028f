"""Tokens of devices: however one is shown, at every door; what was last wrong with it; and that no log has it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_access import House, Person
from tests.support.granted import opened
from tests.support.servers import now
from tests.support.waiting import until
from tracker.config import Settings
from tracker.protocols import spoken
from tracker.web.app import create_app

POSITIONS = "/api/v1/positions"


@pytest.fixture
async def house(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[House]:
    caplog.set_level(logging.DEBUG)
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        yield House(app)


def ways(secret: str) -> dict[str, tuple[str, dict[str, str]]]:
    """(address, headers) of each way to show it."""

    def basic(text: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    return {
        "bearer": (POSITIONS, {"authorization": f"Bearer {secret}"}),
        "basic": (POSITIONS, basic(f"any body:{secret}")),
        "basic by name": (POSITIONS, basic(secret)),
        "key": (POSITIONS, {"x-api-key": secret}),
        "query": (f"{POSITIONS}?token={secret}", {}),
        "path": (f"/ingest/json/{secret}", {}),
    }


async def send(house: House, door: str, address: str, headers: dict[str, str], fix: dict[str, Any]) -> tuple[int, str]:
    """The status, and the code of what is wrong with the fix or with the request."""
    if door == "socket":
        async with opened(house.app, address, headers) as socket:
            await socket.send(**fix)
            message: dict[str, Any] = {}
            while message.get("type") not in ("websocket.send", "websocket.http.response.start"):
                message = await socket.back.get()
            if message["type"] == "websocket.send":
                errors = json.loads(message["text"])["errors"]
                return 422 if errors else 200, errors[0]["code"] if errors else ""
            return message["status"], json.loads((await socket.back.get())["body"])["code"]
    kind = "application/json" if door == "json" else "application/x-ndjson"
    answer = await house.app.test_client().open(
        address, method="POST", headers=headers | {"content-type": kind}, data=json.dumps(fix)
    )
    told = await answer.get_json()
    return answer.status_code, told.get("errors", [{}])[0]["code"] if told.get("errors") else told.get("code", "")


def fix(vehicle: str) -> dict[str, Any]:
    return {"vehicle": vehicle, "time": now(), "lat": 60.0, "lon": 25.0}


async def last(ada: Person, id: str) -> dict[str, Any]:
    told: dict[str, Any] = await ada.do("GET", f"/api/v1/tokens/{id}")
    return told


@pytest.mark.parametrize("door", ["json", "ndjson", "socket"])
async def test_a_token_is_good_however_it_is_shown_for_its_vehicles_only_and_in_no_log(
    house: House, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await house.administrator()
    await ada.do("PUT", "/api/v1/vehicles/grouped", {"group": "north"})
    token = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["van-*"], "groups": ["north"], "name": "phones"})
    for way, (address, headers) in ways(token["token"]).items():
        assert await send(house, door, address, headers, fix(f"van-{way}")) == (200, ""), way
        assert await send(house, door, address, headers, fix("grouped")) == (200, ""), way
        assert await send(house, door, address, headers, fix("truck")) == (422, "not_your_vehicle"), way
    use = await last(ada, token["id"])
    assert (use["error"], use["used_at"] is not None) == ("not_your_vehicle", True)
    for way, (address, headers) in ways("trk_wrong").items():
        assert await send(house, door, address, headers, fix("van-1")) == (401, "not_signed_in"), way
    assert await send(house, door, POSITIONS, {}, fix("van-1")) == (401, "not_signed_in")

    async def broken(*_: Any) -> None:
        raise RuntimeError("a fault of ours")

    house.node.pipeline.submit = broken
    if door != "socket":  # there the task ends
        for address, headers in ways(token["token"]).values():
            assert await send(house, door, address, headers, fix("van-1")) == (500, "internal")
        assert "a fault of ours" in caplog.text
    del house.node.pipeline.submit
    audit = json.dumps(await ada.do("GET", "/api/v1/audit"))
    metrics = str(await (await ada.ask("GET", "/metrics")).get_data())
    for secret in (token["token"], "trk_wrong"):
        assert secret not in caplog.text + audit + metrics


async def test_what_was_last_wrong_with_a_token_is_told(house: House) -> None:
    ada = await house.administrator()
    token = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["*"]})
    id, headers = token["id"], {"authorization": f"Bearer {token['token']}"}
    assert (await last(ada, id))["error"] is None

    async def wrong(code: str, body: str, **more: str) -> None:
        answer = await house.app.test_client().open(POSITIONS, method="POST", headers=headers | more, data=body)
        assert answer.status_code >= 400
        use = await last(ada, id)
        assert (use["error"], use["error_at"] is not None, use["used_at"] is not None) == (code, True, True)

    await wrong("not_json", "{")
    await wrong("lat_out_of_range", json.dumps(fix("van") | {"lat": 99}))
    await wrong("unsupported_type", "x", **{"content-type": "text/html"})
    await ada.do("POST", f"/api/v1/tokens/{id}/rotate", {})
    await wrong("not_signed_in", json.dumps(fix("van")))
    await house.node._keep_uses(0)
    [record] = await house.node.store.record_versions("use", id)
    assert record.body is not None
    assert record.body["error"] == "not_signed_in", "stored too"


def said(protocol: str, name: str) -> tuple[str, bytes]:
    """What follows the token in the address, and a body that is a fix of the vehicle of this name."""
    place, when = {"lat": 60.0, "lon": 25.0}, int(time.time())
    match protocol:
        case "owntracks":
            return "", json.dumps(place | {"_type": "location", "topic": f"owntracks/{name}", "tst": when}).encode()
        case "overland":
            point = {"type": "Point", "coordinates": [25.0, 60.0]}
            feature = {"type": "Feature", "geometry": point, "properties": {"timestamp": when, "device_id": name}}
            return "", json.dumps({"locations": [feature]}).encode()
        case "traccar":
            position = {"latitude": 60.0, "longitude": 25.0, "fixTime": when * 1000, "valid": True}
            return "", json.dumps({"position": position, "device": {"uniqueId": name}}).encode()
        case "flespi":
            position = {"position.latitude": 60.0, "position.longitude": 25.0}
            return "", json.dumps([position | {"ident": name, "timestamp": when}]).encode()
        case "homeassistant":
            return f"/{name}", json.dumps({"type": "update_location", "data": {"gps": [60.0, 25.0]}}).encode()
        case "phonetrack":
            return f"/logPost/{name}", f"lat=60&lon=25&timestamp={when}".encode()
        case "webhook":
            return "/plain", json.dumps(place | {"id": name, "at": when}).encode()
        case "json" | "ndjson":
            return "", json.dumps(fix(name)).encode()
    return "", f"id={name}&lat=60&lon=25&timestamp={when}".encode()


TYPES = {"ndjson": "application/x-ndjson", "json": "application/json"}
HOOK = '[plain]\nvehicle = "id"\nlat = "lat"\nlon = "lon"\ntime = "at"\n'
GATEWAYS = {one.name for one in spoken() if one.gateway}


async def upload(app: Any, address: str, kind: str, body: bytes, between: Callable[[], Awaitable[Any]]) -> int:
    """The status of a POST in whose middle something happens."""
    coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    answered: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {
        "type": "http", "method": "POST", "path": address, "raw_path": address.encode(), "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", kind.encode())], "client": ("127.0.0.1", 1),
        "scheme": "http", "extensions": {},
    }  # fmt: skip
    running = asyncio.ensure_future(app(scope, coming.get, answered.put))
    await coming.put({"type": "http.request", "body": body[:9], "more_body": True})
    await until(coming.empty, "it begins to be read")
    await between()
    await coming.put({"type": "http.request", "body": body[9:], "more_body": False})
    await running
    return int((await answered.get())["status"])


async def nothing() -> None:
    pass


@pytest.mark.parametrize("protocol", sorted({one.name for one in spoken()} - {"ulogger"}))
async def test_every_protocol_takes_a_tokens_vehicles_only_and_nothing_once_it_is_revoked(
    tmp_path: Path, protocol: str
) -> None:
    hooks = tmp_path / "hooks.toml"
    hooks.write_text(HOOK)
    app = create_app(Settings(data=str(tmp_path / "data"), tiles="", webhooks=str(hooks)))
    async with app.test_app():
        ada = await House(app).administrator()
        token = await ada.do("POST", "/api/v1/tokens", {"vehicles": ["van-*"]})
        kind = TYPES.get(protocol, "application/x-www-form-urlencoded")

        async def send_for(name: str, between: Callable[[], Awaitable[Any]] = nothing) -> int:
            rest, body = said(protocol, name)
            return await upload(app, f"/ingest/{protocol}/{token['token']}{rest}", kind, body, between)

        assert await send_for("van-1") == 200
        assert await send_for("tram") == (200 if protocol in GATEWAYS else 422)
        assert await send_for("van-2", lambda: ada.do("DELETE", f"/api/v1/tokens/{token['id']}")) == 401
        assert await send_for("van-3") == 401
        known = {one["vehicle"] for one in (await ada.do("GET", "/api/v1/vehicles"))["vehicles"]}
        assert known == {"van-1"}
