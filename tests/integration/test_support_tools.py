"""What somebody has to find out why a phone is not on the map."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_access import House, Person
from tracker.config import Settings
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
