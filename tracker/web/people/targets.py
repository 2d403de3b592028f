"""Targets: where positions go as vehicles move, for who administers. A secret is told once, when it is made here."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.access.grants import ADMINISTER, Grant
from tracker.access.tokens import new_id
from tracker.config import networks
from tracker.errors import Conflict, InTheWay, Invalid, NotFound, Overloaded
from tracker.model.records import Audit, Record
from tracker.model.targets import ALL, Target
from tracker.node import Node
from tracker.outputs import signing
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.delivery.addresses import Refused, place_of, resolved
from tracker.web.delivery.couriers import Couriers, said, signed
from tracker.web.delivery.post import Undelivered
from tracker.web.people.names import answered, by_name, guard, versioned

MOST = 50
MOST_NAMES = 1000
MAX_NAME = 200
FIELDS = (
    "kind",
    "name",
    "url",
    "secret",
    "enabled",
    "every_s",
    "vehicle_every_s",
    "user",
    "groups",
    "regions",
    "vehicles",
)
TOLD = (  #: read only; a document that was read may be written back with them
    "id", "created_at", "created_by", "version",
    "waiting", "requests", "positions", "delivered_at", "error", "error_at",
)  # fmt: skip
SPANS = {"every_s": (1.0, 3600.0), "vehicle_every_s": (0.0, 86_400.0)}
LOOKED_UP_S = 2.0  #: the name of a host, while somebody waits
TESTS = 4  #: at once


def blueprint(node: Node, couriers: Couriers) -> Blueprint:
    routes = Routes("targets", node)
    tests = asyncio.Semaphore(TESTS)
    routes.add("/api/v1/targets", None, GET=partial(list_targets, couriers), POST=partial(add_target, couriers))
    routes.add(
        "/api/v1/targets/<id>",
        None,
        GET=partial(get_target, couriers),
        PATCH=partial(change_target, couriers),
        DELETE=partial(remove_target, couriers),
    )
    routes.add("/api/v1/targets/<id>/test", None, POST=partial(test_target, couriers, tests))
    return routes.blueprint


async def list_targets(couriers: Couriers, node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    told = partial(_told, couriers)
    return by_name("targets", node.directory.targets, lambda one: versioned(node, "target", one.id, told(one)))


async def get_target(couriers: Couriers, node: Node, grant: Grant, id: str) -> Response:
    return answered(node, "target", id, _told(couriers, _target(node, grant, id)))


async def add_target(couriers: Couriers, node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    given = await api.json_body(node.settings.max_entry)
    blank = Target(new_id(), "", "", created_at=node.clock(), created_by=grant.who)
    target, made = await read_target(node, {"secret": None, **given} if isinstance(given, dict) else given, blank)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        if len(node.directory.targets) >= MOST:
            raise InTheWay("too_many_targets", f"there are {MOST} targets: remove one first")
        entry = by.did(node.clock(), "target.add", target.id, None, target.as_json())
        return [node.directory.record("target", target.id, target)], [entry]

    await node.pipeline.keep_records(plan)
    told = _told(couriers, target) | made
    return answered(node, "target", target.id, told, 201, location=f"/api/v1/targets/{target.id}")


async def change_target(couriers: Couriers, node: Node, grant: Grant, id: str) -> Response:
    known = _target(node, grant, id)
    check = guard(node, "target", id, lambda: _told(couriers, _target(node, grant, id)))
    target, made = await read_target(node, await api.json_body(node.settings.max_entry), known)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        if _target(node, grant, id) != known:
            current = versioned(node, "target", id, _told(couriers, _target(node, grant, id)))
            raise Conflict("version_conflict", "somebody else changed it just now: look, and try again", current)
        if target == known:
            return [], []
        before, after = known.as_json(), target.as_json()
        if target.secret != known.secret:
            after["secret"] = "another"
        entry = by.did(node.clock(), "target.change", id, before, after)
        return [node.directory.record("target", id, target)], [entry]

    await node.pipeline.keep_records(plan)
    return answered(node, "target", id, _told(couriers, target) | made)


async def remove_target(couriers: Couriers, node: Node, grant: Grant, id: str) -> Response:
    known = _target(node, grant, id)
    check = guard(node, "target", id, lambda: _told(couriers, _target(node, grant, id)))
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        _target(node, grant, id)
        entry = by.did(node.clock(), "target.remove", id, known.as_json(), None)
        return [node.directory.record("target", id, None)], [entry]

    await node.pipeline.keep_records(plan)
    return Response(b"", 204)


async def test_target(couriers: Couriers, tests: asyncio.Semaphore, node: Node, grant: Grant, id: str) -> Response:
    """A signed message of no positions, at once; what became of it."""
    target = _target(node, grant, id)
    by = api.actor(node, grant)
    if tests.locked():
        raise Overloaded("others are being tested; try again in a moment", 3)
    status: int | None = None
    began = time.monotonic()
    async with tests:
        try:
            answer = await couriers.post(target.url, lambda: signed(target, [], node.clock()))
            status = answer.status if answer else None
            error = None if status and 200 <= status < 300 else said(status or 0)
        except Undelivered as fault:
            error = str(fault)
    told = {"delivered": error is None, "status": status, "error": error}

    def plan() -> tuple[list[Record], list[Audit]]:
        return [], [by.did(node.clock(), "target.test", id, None, told)]

    await node.pipeline.keep_records(plan)
    return api.answer(told | {"took_ms": round((time.monotonic() - began) * 1000)})


def _target(node: Node, grant: Grant, id: str) -> Target:
    grant.check(ADMINISTER)
    target = node.directory.targets.get(id)
    if target is None:
        raise NotFound("unknown_target", f"there is no target {id[:64]!r}")
    return target


def _told(couriers: Couriers, target: Target) -> dict[str, Any]:
    courier = couriers.by_id.get(target.id)
    view = msgspec.to_builtins(courier.view) if courier else {"requests": 0, "positions": 0}
    times = {name: view.get(name) for name in ("delivered_at", "error_at")}
    return target.as_json() | {
        "waiting": len(courier.outbox) if courier else 0,
        "requests": view["requests"],
        "positions": view["positions"],
        "error": view.get("error"),
        **{name: None if at is None else rfc3339(at) for name, at in times.items()},
    }


async def read_target(node: Node, given: Any, known: Target) -> tuple[Target, dict[str, str]]:
    """A target as a client sends it, on top of the one that is known; and its secret, where that was made here. Raises
    Invalid with every fault."""
    if not isinstance(given, dict):
        raise Invalid("not_an_object", "send one JSON object")
    faults: list[dict[str, Any]] = []

    def wrong(field: str, message: str) -> None:
        faults.append({"field": field, "code": "invalid", "message": message})

    for name in sorted(given.keys() - {*FIELDS, *TOLD}):
        wrong(name[:64], f"`{name[:64]}` is no field here; there are {', '.join(FIELDS)}")
    values = {name: value for name, value in given.items() if name in FIELDS}
    made: dict[str, str] = {}
    if values.get("kind", "positions") != "positions":
        wrong("kind", "`kind` is positions")
    name = values.setdefault("name", known.name)
    if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
        wrong("name", f"`name` is a text of at most {MAX_NAME} characters")
    if not isinstance(values.setdefault("enabled", known.enabled), bool):
        wrong("enabled", "`enabled` is true or false")
    for field, (low, high) in SPANS.items():
        value = values.setdefault(field, getattr(known, field))
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            wrong(field, f"`{field}` is a number of seconds from {low:g} to {high:g}")
    if "secret" in values:
        if values["secret"] is None:
            values["secret"] = made["secret"] = signing.secret_of(os.urandom(32))
        elif why := _wrong_secret(values["secret"]):
            wrong("secret", why)
    url = values.setdefault("url", known.url)
    if (url != known.url or not url) and (why := await _wrong_url(node, url)):
        wrong("url", why)
    user = values.setdefault("user", known.user)
    if user is not None and (not isinstance(user, str) or user not in node.directory.users):
        wrong("user", "`user` is the name of somebody who is let in here, or null")
    for field in ("groups", "regions", "vehicles"):
        values[field] = _names(values.get(field, getattr(known, field)), field, faults)
    for one in values["groups"] or ():
        if one not in node.directory.groups:
            wrong("groups", f"there is no group {one[:64]!r}: add it first")
            break
    if user is not None and values["groups"] is not None:
        wrong("groups", "name a `user` or `groups`: one of them says what is told")
    if faults:
        raise Invalid("invalid_target", faults[0]["message"], faults)
    return msgspec.structs.replace(known, **values), made


def _wrong_secret(value: Any) -> str | None:
    try:
        if isinstance(value, str) and value.startswith(signing.PREFIX) and signing.key_of(value):
            return None
        why = "it is not written so"
    except ValueError as fault:
        why = str(fault)
    return f"`secret` is {signing.PREFIX} and 24 to 64 bytes in base64 ({why}); null makes a new one"


async def _wrong_url(node: Node, url: Any) -> str | None:
    """A name that cannot be looked up now may be one later; where it leads is looked at with each request anyway."""
    if not isinstance(url, str) or not url:
        return "`url` is where positions are sent, such as https://example.com/positions"
    try:
        place = place_of(url)
        with suppress(OSError):  # a TimeoutError is one
            async with asyncio.timeout(LOOKED_UP_S):
                await resolved(place, networks(node.settings.target_networks))
    except Refused as fault:
        return f"`url`: {fault}"
    return None


def _names(value: Any, field: str, faults: list[dict[str, Any]]) -> tuple[str, ...] | None:
    if value is None or value == ALL:
        return None
    is_list = isinstance(value, list | tuple) and len(value) <= MOST_NAMES
    if not is_list or not all(isinstance(one, str) and 0 < len(one) <= MAX_NAME for one in value):
        of = {"groups": "groups of people", "regions": "groups of regions", "vehicles": "groups of vehicles"}[field]
        message = f'`{field}` is a list of {of}, or "all"'
        faults.append({"field": field, "code": "invalid", "message": message})
        return None
    names: Iterable[str] = value
    return tuple(dict.fromkeys(names))
