"""Tokens of devices and scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.access.directory import no_user
from tracker.access.grants import ADMINISTER, Grant
from tracker.access.tokens import Token, hash_of, new_id, new_secret
from tracker.errors import InTheWay, Invalid, NotFound
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.people.connect import heard
from tracker.web.people.names import answered, guard, versioned

MAX_NAME = 200
MOST_PATTERNS = 1000
MOST_OWN = 100  #: of one user, those that have ended too: anybody who signs in makes them
MOST_OVERLAP_S = 30 * 86_400


def blueprint(node: Node) -> Blueprint:
    routes = Routes("tokens", node)
    routes.add("/api/v1/tokens", None, GET=list_tokens, POST=add_token)
    routes.add("/api/v1/tokens/<id>", None, GET=get_token, DELETE=revoke_token)
    routes.add("/api/v1/tokens/<id>/rotate", None, POST=rotate_token)
    routes.add("/api/v1/users/<name>/tokens", None, GET=list_own, POST=add_own)
    return routes.blueprint


async def list_tokens(node: Node, grant: Grant) -> Response:
    """And who came without one: at an upgrade, the devices that were forgotten."""
    grant.check(ADMINISTER)
    api.only("limit", "cursor")
    away = node.doorman.turned_away.lately(node.clock())
    told = [
        {"address": one.address, "asked": one.asked, "times": one.times, "at": rfc3339(one.at), "message": one.why}
        for one in away
    ]
    return _page(node, [token for token in node.directory.tokens.by_id.values() if token.user is None], without=told)


async def get_token(node: Node, grant: Grant, id: str) -> Response:
    token = _token(node, grant, id)
    return answered(node, "token", id, _told(node, token) | heard(node, id), cache_control="no-store")


async def add_token(node: Node, grant: Grant) -> Response:
    """For vehicles by pattern, or by their group; of kind `scrape` for /metrics alone."""
    grant.check(ADMINISTER)
    given = _object(await api.json_body(node.settings.max_entry), "name", "vehicles", "groups", "shows", "kind")
    kind = given.get("kind", "device")
    if kind not in ("device", "scrape"):
        raise _wrong("kind", "`kind` is device or scrape")
    vehicles, groups = _patterns(given, "vehicles"), _patterns(given, "groups")
    if kind == "device" and not vehicles and not groups:
        raise _wrong("vehicles", '`vehicles` names at least one vehicle or pattern, such as "van-*" or "*"')
    shows = _patterns(given, "shows")

    def check() -> None:
        if unknown := [name for name in shows if name not in node.directory.groups]:
            raise _wrong("shows", f"`shows` names groups of people; there is no {unknown[0]!r}")

    return await _add(node, grant, Token(new_id(), kind, "", _label(given), vehicles, groups, shows), check=check)


async def list_own(node: Node, grant: Grant, name: str) -> Response:
    _check_own(node, grant, name)
    api.only("limit", "cursor")
    return _page(node, [token for token in node.directory.tokens.by_id.values() if token.user == name])


async def add_own(node: Node, grant: Grant, name: str) -> Response:
    """By which a script is let in as this user."""
    _check_own(node, grant, name)
    given = _object(await api.json_body(node.settings.max_entry), "name")
    token = Token(new_id(), "person", "", _label(given), user=name)
    return await _add(node, grant, token, check=lambda: _check_own(node, grant, name))


async def rotate_token(node: Node, grant: Grant, id: str) -> Response:
    """Another secret for the same; the one before is good for `overlap_s` more (none by default)."""
    old = _token(node, grant, id)
    check = guard(node, "token", id, lambda: _told(node, _token(node, grant, id)))
    given = _object(await api.json_body(node.settings.max_entry), "overlap_s")
    overlap = given.get("overlap_s", 0)
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or not 0 <= overlap <= MOST_OVERLAP_S:
        raise _wrong("overlap_s", f"`overlap_s` is 0 to {MOST_OVERLAP_S} seconds")
    ends_at = node.clock() + int(overlap * 1000)
    ending = msgspec.structs.replace(old, ends_at=ends_at if old.ends_at is None else min(ends_at, old.ends_at))
    fresh = msgspec.structs.replace(old, id=new_id(), ends_at=None)

    def still_there() -> None:
        check()
        if _token(node, grant, id) != old:
            raise _unknown(id)  # or the one that was just revoked would be good again

    return await _add(node, grant, fresh, ending, what="token.rotate", check=still_there)


async def revoke_token(node: Node, grant: Grant, id: str) -> Response:
    token = _token(node, grant, id)
    check = guard(node, "token", id, lambda: _told(node, _token(node, grant, id)))
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        _token(node, grant, id)
        entry = by.did(node.clock(), "token.revoke", id, _shown(token), None)
        return node.directory.token_revoked(id), [entry]

    await node.pipeline.keep_records(plan)
    return Response(b"", 204)


async def _add(
    node: Node,
    grant: Grant,
    token: Token,
    *ending: Token,
    what: str = "token.add",
    check: Callable[[], None] = lambda: None,
) -> Response:
    secret = new_secret()
    token = msgspec.structs.replace(token, hash=hash_of(secret), created_at=node.clock(), created_by=grant.who)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        others = node.directory.tokens.by_id.values() if token.user is not None else ()
        if sum(one.user == token.user for one in others) >= MOST_OWN:
            raise InTheWay("too_many_tokens", f"there are {MOST_OWN} tokens of {token.user!r}: revoke one first")
        records = [node.directory.record("token", one.id, one) for one in (token, *ending)]
        was = next((_shown(one) for one in ending), None)
        return records, [by.did(node.clock(), what, token.id, was, _shown(token))]

    await node.pipeline.keep_records(plan)
    told = {**_shown(token), "token": secret}
    return answered(node, "token", token.id, told, 201, cache_control="no-store")


def _check_own(node: Node, grant: Grant, name: str) -> None:
    if name != grant.who:
        grant.check(ADMINISTER)
    if name not in node.directory.users:
        raise no_user(name)


def _token(node: Node, grant: Grant, id: str) -> Token:
    token = node.directory.tokens.by_id.get(id)
    if token is None or (token.user != grant.who and ADMINISTER not in grant.may):
        raise _unknown(id)
    return token


def _unknown(id: str) -> NotFound:
    return NotFound("unknown_token", f"there is no token {id[:64]!r}")


def _page(node: Node, tokens: list[Token], **more: Any) -> Response:
    after, limit = api.place(lambda place: isinstance(place, str)), api.limit()
    rest = sorted((one for one in tokens if after is None or one.id > after), key=lambda one: one.id)
    told = [versioned(node, "token", one.id, _told(node, one)) for one in rest[:limit]]
    return api.answer({"tokens": told, "next": api.cursor(rest[limit - 1].id) if len(rest) > limit else None, **more})


def _told(node: Node, token: Token) -> dict[str, Any]:
    use = node.directory.tokens.uses.get(token.id)
    if use is None:
        return _shown(token) | {"used_at": None, "address": None, "error": None, "error_at": None, "last_error": None}
    failed_at = rfc3339(use.error_at) if use.error_at else None
    return _shown(token) | {
        "used_at": rfc3339(use.used_at) if use.used_at else None,
        "address": use.address or None,
        "error": use.error or None,
        "error_at": failed_at,
        "last_error": {"code": use.error, "at": failed_at, "message": use.message or None} if use.error else None,
    }


def _shown(token: Token) -> dict[str, Any]:
    """A token, without what opens anything."""
    return {
        "id": token.id,
        "kind": token.kind,
        "name": token.name,
        "vehicles": list(token.vehicles),
        "groups": list(token.groups),
        "shows": list(token.shows),
        "user": token.user,
        "created_at": rfc3339(token.created_at),
        "created_by": token.created_by,
        "ends_at": None if token.ends_at is None else rfc3339(token.ends_at),
    }


def _object(given: Any, *known: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Invalid("not_an_object", "send one JSON object")
    for name in given:
        if name not in known:
            raise Invalid("unknown_field", f"`{name[:40]}` is no field here; there are {', '.join(known)}")
    return given


def _label(given: dict[str, Any]) -> str:
    name = given.get("name", "")
    if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
        raise _wrong("name", f"`name` is a text of at most {MAX_NAME} characters")
    return name


def _patterns(given: dict[str, Any], field: str) -> tuple[str, ...]:
    value = given.get(field) or []
    if not isinstance(value, list) or len(value) > MOST_PATTERNS:
        raise _wrong(field, f"`{field}` is a list of at most {MOST_PATTERNS} texts")
    if not all(isinstance(one, str) and 0 < len(one) <= MAX_NAME and one.isprintable() for one in value):
        raise _wrong(field, f"`{field}` is a list of texts of 1 to {MAX_NAME} visible characters")
    return tuple(dict.fromkeys(value))


def _wrong(field: str, message: str) -> Invalid:
    return Invalid.of_field(field, message, "invalid_token")
