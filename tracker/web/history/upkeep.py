"""Upkeep: how much is kept of each day, and having it compacted now; for those who administer."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import ADMINISTER, Grant
from tracker.errors import InTheWay, Invalid
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.times import rfc3339
from tracker.turns.work import Told
from tracker.web.api import parameters as api
from tracker.web.api.openapi import JSON, Route
from tracker.web.api.routes import Routes
from tracker.web.api.schemas import COUNT, FLAG, TEXT, TIME, array, or_null, thing
from tracker.web.history import imports

PATH = "/api/v1/store"
WORK = f"{PATH}/compaction"
MOST_WAIT_S = 20
QUARTER_MS = 900_000

_DAY = thing("day kept thinned gone bytes", day=TEXT, kept=COUNT, thinned=COUNT, gone=COUNT, bytes=COUNT)
_RULE = thing("group whole_days thinned_days", group=TEXT, whole_days=COUNT, thinned_days=or_null(COUNT))
_STORE = thing(
    "days kept waiting bytes file_bytes free_bytes retention",
    days=array(_DAY),
    kept=COUNT,
    waiting=COUNT,
    bytes=COUNT,
    file_bytes=COUNT,
    free_bytes=or_null(COUNT),
    retention=thing(
        "rules groups due due_gone begins_at next",
        rules=array(TEXT),
        groups=array(_RULE),
        due=COUNT,
        due_gone=COUNT,
        begins_at=or_null(TIME),
        next=or_null(thing("at thinned gone", at=TIME, thinned=COUNT, gone=COUNT)),
    ),
)
_WORK = thing(
    "state progress ended_at error",
    state={"enum": ["none", "working", "done", "failed", "given_up"]},
    progress={"type": "number"},
    ended_at=or_null(TIME),
    error=or_null(thing("code detail", code=TEXT, detail=TEXT)),
)
ROUTES = (
    Route("GET", PATH, "How many positions are kept of each day, and how long they will be", (200, JSON, _STORE)),
    Route(
        "POST",
        WORK,
        "Compact now, and do what `retention` asks for",
        (202, JSON, _WORK),
        body={JSON: thing("", at_once=FLAG)},
        errors=(400, 409, 413, 415, 422, 503),
    ),
    Route(
        "GET",
        WORK,
        "How far it is; `wait_s`: answered when it has come further",
        (200, JSON, _WORK),
        query={"wait_s": COUNT},
        errors=(422,),
    ),
    Route("DELETE", WORK, "Give it up; what is done stays done", (204, None, None)),
    *imports.ROUTES,
)


def blueprint(node: Node) -> Blueprint:
    routes = Routes("upkeep", node)
    routes.add(PATH, None, GET=show_store)
    routes.add(WORK, None, GET=watch_compaction, POST=begin_compaction, DELETE=give_up_compaction)
    imports.add(routes, node)
    return routes.blueprint


async def show_store(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only()
    now = node.clock()
    due = await node.retention.due(now)
    days, gone = await node.store.days(), await node.store.gone()
    told: dict[int, dict[str, Any]] = {}

    def of(day: int) -> dict[str, Any]:
        return told.setdefault(day, {"day": rfc3339(day)[:10], "kept": 0, "thinned": 0, "gone": 0, "bytes": 0})

    for one in days:
        of(one.day)["thinned" if one.is_thinned else "kept"] += one.pings
        of(one.day)["bytes"] += one.bytes
    for day, pings in gone.items():
        of(day)["gone"] += pings
    begins_at, coming, sizes = node.retention.waits_until, node.retention.coming(days, now), node.statistics["store"]()
    rules = node.retention.rules.items()
    return api.answer(
        {
            "days": [told[day] for day in sorted(told)],
            "kept": sum(one.pings for one in days),
            "waiting": await node.store.waiting(),
            "bytes": sum(one.bytes for one in days),
            "file_bytes": sizes.bytes + sizes.log_bytes,
            "free_bytes": sizes.free_bytes,
            "retention": {
                "rules": node.settings.retention,
                "groups": [
                    {"group": group, "whole_days": rule.whole, "thinned_days": rule.thinned} for group, rule in rules
                ],
                "due": due.pings,
                "due_gone": sum(day.pings for day in due.drop),
                "begins_at": None if begins_at is None else rfc3339(begins_at),
                "next": coming and {"at": rfc3339(coming.at), "thinned": coming.thin, "gone": coming.drop},
            },
        }
    )


async def watch_compaction(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only("wait_s")
    if wait_s := api.whole("wait_s", 0, MOST_WAIT_S):
        await node.upkeep.move(wait_s)
    return api.answer(node.upkeep.document(), cache_control="no-store")


async def begin_compaction(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only()
    asked = await api.json_body(node.settings.max_entry)
    if not isinstance(asked, dict) or not set(asked) <= {"at_once"}:
        raise Invalid("not_an_object", 'ask with {} or {"at_once": true}')
    at_once = asked.get("at_once", False)
    if not isinstance(at_once, bool):
        raise Invalid("wrong_type", "`at_once` is true or false")
    if not await node.store.does_chores():
        raise InTheWay("elsewhere", "another node packs for all of them; it does so by itself, every few minutes")
    by = api.actor(node, grant)

    async def do(told: Told) -> None:
        await node.store.compact(node.clock() + QUARTER_MS)  # what came a moment ago, too
        told(0.5)
        await node.retention.work(node.clock(), lambda share: told(0.5 + share / 2), at_once=at_once)

    def plan() -> tuple[list[Record], list[Audit]]:
        by.ask()
        node.upkeep.begin(do)
        return [], [by.did(node.clock(), "store.compact", "store", None, {"at_once": at_once})]

    await node.pipeline.keep_records(plan)
    return api.answer(node.upkeep.document(), 202, location=WORK, cache_control="no-store")


async def give_up_compaction(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        by.ask()
        if not node.upkeep.is_working:
            return [], []
        return [], [by.did(node.clock(), "store.give_up", "store", {"state": "working"}, {"state": "given_up"})]

    await node.pipeline.keep_records(plan)
    await node.upkeep.give_up()
    return Response(b"", 204)
