"""Tokens of devices: however one is shown, at every door; what was last wrong with it; and that no log has it."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_access import House, Person
from tests.support.granted import opened
from tests.support.servers import now
from tracker.config import Settings
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
            with pytest.raises(RuntimeError):  # the server logs it
                await send(house, door, address, headers, fix("van-1"))
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
