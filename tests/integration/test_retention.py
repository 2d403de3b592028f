"""Keeping as long as is said: over HTTP, by the commands, and told by the doctor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.servers import Server
from tracker.access.grants import ADMINISTER, MAY, Grant
from tracker.commands.cli import cli
from tracker.config import Settings
from tracker.config.retention import DAY_MS
from tracker.stores import AuditQuery
from tracker.web.app import create_app
from tracker.web.people.session import deletes_from

STORE = "/api/v1/store"
WORK = f"{STORE}/compaction"
RULES = ["*:30/365", "trucks:400"]


def pings(vehicle: str, ago: int) -> list[dict[str, Any]]:
    """A hundred fixes on a straight way, one every five seconds, so many days ago."""
    day = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS - ago * DAY_MS
    return [
        {"vehicle": vehicle, "time": day + at * 5000, "lat": 60 + at * 1e-4, "lon": 25, "accuracy_m": 5}
        for at in range(100)
    ]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    app = create_app(Settings(data=str(tmp_path), tiles="", retention=RULES))
    async with app.test_app():
        client: Any = app.test_client()
        await client.put("/api/v1/vehicles/truck-1", json={"group": "trucks"})
        for vehicle, ago in (("van-1", 2), ("van-1", 40), ("van-1", 390), ("truck-1", 390)):
            await client.post("/api/v1/positions", json=pings(vehicle, ago))
        client.node = app.extensions["node"]
        yield client


async def worked(client: Any, **asked: Any) -> dict[str, Any]:
    """How it ended."""
    begun = await client.post(WORK, json=asked)
    assert begun.status_code == 202, await begun.get_data()
    told = await begun.get_json()
    while told["state"] == "working":
        told = await (await client.get(f"{WORK}?wait_s=5")).get_json()
    assert (told["progress"], told["error"]) == (1, None)
    found: dict[str, Any] = await (await client.get(STORE)).get_json()
    return found


def sums(found: dict[str, Any]) -> list[tuple[int, int, int]]:
    return [(day["kept"], day["thinned"], day["gone"]) for day in found["days"]]


async def track(client: Any, vehicle: str) -> int:
    path = f"/api/v1/vehicles/{vehicle}/track?limit=1000"
    return len((await (await client.get(path)).get_json())["positions"])


async def test_nothing_goes_before_it_was_said_and_then_what_is_old_does(client: Any) -> None:
    found = await worked(client)
    assert sums(found) == [(200, 0, 0), (100, 0, 0), (100, 0, 0)]
    assert (found["kept"], found["waiting"], found["retention"]["due"]) == (400, 0, 200)
    assert found["retention"]["rules"] == RULES and found["retention"]["begins_at"] is not None
    told = found["retention"]
    assert told["groups"][1] == {"group": "trucks", "whole_days": 400, "thinned_days": 400}
    assert (told["due_gone"], told["next"]["thinned"], told["next"]["gone"]) == (100, 0, 100), "the truck's"
    assert found["file_bytes"] > found["bytes"] and found["free_bytes"] > 0
    assert (await (await client.get(WORK)).get_json())["ended_at"] is not None
    who = await (await client.get("/api/v1/session")).get_json()
    assert who["deletes_from"] == told["begins_at"]
    assert await track(client, "van-1") == 300
    found = await worked(client, at_once=True)
    assert sums(found) == [(100, 0, 100), (0, 10, 90), (100, 0, 0)], (
        "one a minute stays of a straight way, and the last"
    )
    assert (found["retention"]["due"], found["retention"]["begins_at"]) == (0, None)
    assert "deletes_from" not in await (await client.get("/api/v1/session")).get_json()
    assert (await track(client, "van-1"), await track(client, "truck-1")) == (110, 100)
    metrics = (await (await client.get("/metrics")).get_data()).decode()
    assert "tracker_retention_gone_total 100\n" in metrics and "tracker_retention_thinned_total 90\n" in metrics
    told = await (await client.get("/api/v1/history/edits")).get_json()
    assert [one["positions"] for one in told["gone"]] == [100, 90]
    assert [one.what for one in await client.node.store.audit(AuditQuery(what="store.compact"))] == [
        "store.compact"
    ] * 2


async def test_who_does_not_administer_is_not_told_of_new_rules(client: Any) -> None:
    await worked(client)
    assert deletes_from(client.node, Grant(True, may=frozenset({ADMINISTER})))
    assert deletes_from(client.node, Grant(True, may=MAY - {ADMINISTER})) == {}


@pytest.mark.parametrize("asked", [[], {"at_once": 1}, {"now": True}])
async def test_what_it_does_not_know_is_refused(client: Any, asked: Any) -> None:
    assert (await client.post(WORK, json=asked)).status_code == 422


async def test_it_can_be_given_up_and_nobody_begins_it_twice(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_now: int) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(client.node.store, "compact", endless)
    assert (await (await client.get(WORK)).get_json())["state"] == "none"
    assert (await client.delete(WORK)).status_code == 204
    assert [(await client.post(WORK, json={})).status_code for _ in range(2)] == [202, 409]
    assert (await client.delete(WORK)).status_code == 204
    assert (await (await client.get(WORK)).get_json())["state"] == "given_up"
    monkeypatch.undo()
    assert (await worked(client))["kept"] == 400


def tracker(*arguments: str, rules: str = "") -> str:
    done = CliRunner().invoke(cli, arguments, env={"TRACKER_RETENTION": rules})
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_the_commands_do_and_show_the_same_beside_a_server_and_without_it(start_server: Callable[..., Server]) -> None:
    server = start_server()
    for ago in (40, 390):
        server.post("/api/v1/positions", pings("van-1", ago))
    where = "--data", str(server.data)
    assert "200 positions in" in tracker("compact", *where)
    shown = tracker("store", "show", *where)
    assert "everything is kept for ever" in shown and "all 200 0 0" in shown
    server.stop()
    rules = "*:30/365"
    assert "200 positions are due by the rules *:30/365, which are new" in tracker("compact", *where, rules=rules)
    assert "positions of 1 vehicles" in tracker("doctor", "--port", "0", *where, rules=rules)
    assert "10 positions in" in tracker("compact", "--now", *where, rules=rules)
    shown = tracker("store", "show", *where, rules=rules)
    assert "all 0 10 190" in shown and "0 positions are due" in shown
