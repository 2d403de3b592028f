"""Repeated: whoever sends the same head again and again is answered, counted and refused as if they came anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import now
from tests.support.waiting import deadline
from tracker.access.tokens import Token, hash_of
from tracker.config import Settings
from tracker.errors import StoreError
from tracker.model.records import Record
from tracker.node import Node
from tracker.web.app import create_app
from tracker.web.front import Front
from tracker.web.ingest.repeated import Repeated
from tracker.web.server.answers import Answered, Scope

SECRET = "trk_of_a_phone"


class Door:
    def __init__(self, app: Any) -> None:
        self.node: Node = app.extensions["node"]
        self.front: Front = app.extensions["tracker.front"]

    def scope(self, secret: str = "", **headers: str) -> Scope:
        told = {"host": "localhost", "content-type": "application/json"} | headers
        if secret:
            told["authorization"] = f"Bearer {secret}"
        return {
            "type": "http", "method": "POST", "path": "/api/v1/positions", "raw_path": b"/api/v1/positions", "query_string": b"",
            "scheme": "http", "client": ("127.0.0.1", 5), "extensions": {},
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in told.items()],
        }  # fmt: skip

    async def sends(self, scope: Scope, *vehicles: str, **fields: Any) -> Answered:
        answer = await self.front.answer(scope, body(*vehicles, **fields))
        assert answer
        return answer

    async def token(self, **names: Any) -> None:
        made = Token("phone", "device", hash_of(SECRET), vehicles=("van-*",), **names)
        await self.node.pipeline.keep_records(lambda: ([self.node.directory.record("token", made.id, made)], []))
        await asyncio.sleep(0.01)


def body(*vehicles: str, **fields: Any) -> bytes:
    items = [{"vehicle": one, "time": now(), "lat": 60, "lon": 24} | fields for one in vehicles]
    return json.dumps(items).encode()


async def taken(repeated: Repeated | None, said: bytes) -> Answered | None:
    """None: it was left to the way all take."""
    heard: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
    assert repeated
    return await asyncio.wait_for(heard, deadline(10)) if repeated.take(said, heard.set_result) else None


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    app = create_app(Settings(data=str(tmp_path), tiles="", max_body=500, device_rate_per_s=0.001, device_burst=3))
    async with app.test_app():
        yield Door(app)


@pytest.mark.parametrize("secret", ["", SECRET])
async def test_it_is_answered_counted_and_remembered_alike(door: Door, secret: str) -> None:
    await door.token()
    scope = door.scope(secret)
    answers = [await door.sends(scope, "van-1"), await taken(door.front.repeated(scope), body("van-2"))]
    assert answers[0] == answers[1]
    counted = {(family, *labels.values()): times for family, labels, times in door.node.tallies.all()}
    assert counted["ingest_requests", "json", "200"] == counted["ingest_items", "json", "accepted"] == 2
    first, second = (door.node.payloads.last(name)[0] for name in ("van-1", "van-2"))
    assert (first.counts, first.token, first.status, first.headers) == (
        second.counts, second.token, second.status, second.headers,
    )  # fmt: skip
    assert b"van-2" in second.body
    if secret:
        heard = door.node.heard.last("phone")
        assert heard
        assert heard.ping
        assert heard.ping.vehicle == "van-2"
        assert door.node.directory.tokens.uses["phone"].address == "127.0.0.1"


async def test_what_is_out_of_the_ordinary_is_left_untouched(door: Door) -> None:
    await door.token()
    scope = door.scope(SECRET)
    await door.sends(scope, "van-1")
    repeated = door.front.repeated(scope)
    for said in (
        b"",
        b"[]",
        b"{",
        body("truck"),
        body("van-1", lat=99),
        body("van-1", "van-2", attributes={"a": "b" * 500}),
    ):
        assert await taken(repeated, said) is None
    door.node.bodies.held = 1
    assert await taken(repeated, body("van-1")) is None
    door.node.bodies.held = 0
    assert len(door.node.payloads.last("van-1")) == 1


async def test_it_is_over_once_who_may_come_in_has_changed(door: Door) -> None:
    await door.token()
    scope = door.scope(SECRET)
    await door.sends(scope, "van-1")
    repeated = door.front.repeated(scope)
    assert repeated
    assert not repeated.is_over
    await door.node.pipeline.keep_records(lambda: ([Record("token", "phone", 2, None)], []))
    await asyncio.sleep(0.01)
    assert repeated.is_over
    assert await taken(repeated, body("van-1")) is None
    assert door.front.repeated(scope) is None


async def test_a_token_that_ends_is_asked_each_time(door: Door) -> None:
    await door.token(ends_at=door.node.clock() + 60_000)
    scope = door.scope(SECRET)
    await door.sends(scope, "van-1")
    repeated = door.front.repeated(scope)
    assert await taken(repeated, body("van-1", lat=61))
    clock = door.node.clock
    door.node.clock = door.node.doorman._clock = lambda: clock() + 61_000
    assert await taken(repeated, body("van-1", lat=62)) is None


async def test_whoever_storms_is_told_so(door: Door) -> None:
    await door.token()
    scope = door.scope(SECRET)
    await door.sends(scope, "van-1")
    repeated = door.front.repeated(scope)
    told = [await taken(repeated, body("van-1", lat=61 + n)) for n in range(3)]
    assert [one and one[0] for one in told] == [200, 200, 429]
    assert told[2]
    assert told[2][1]["retry-after"] == (await door.sends(scope, "van-1", lat=70))[1]["retry-after"]


async def test_a_store_that_fails_is_told(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = door.scope()
    await door.sends(scope, "van-1")
    repeated = door.front.repeated(scope)

    async def fail(_commit: Any) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(door.node.store, "commit", fail)
    told = await taken(repeated, body("van-1", lat=61))
    assert told
    assert (told[0], json.loads(told[2])["detail"]) == (503, "the disk is gone")


@pytest.mark.parametrize("headers", [{"authorization": "Bearer x"}, {"cookie": "a=b"}, {"content_encoding": "gzip"}])
async def test_of_whoever_shows_something_each_request_is_looked_at(door: Door, headers: dict[str, str]) -> None:
    assert door.front.repeated(door.scope()) is not None
    assert door.front.repeated(door.scope(**headers)) is None
