"""Payloads: the last that came of a device, as they came, for who may change it and sees it wherever it is."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import ADMINISTER, EDIT_VEHICLES, Grant, may_not
from tracker.errors import NotFound
from tracker.model.keys import blanked
from tracker.node import Node
from tracker.times import rfc3339
from tracker.turns.payloads import Kept, row_of_token
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.vehicles import known_vehicle
from tracker.web.people.quarantine import may_let_in


def blueprint(node: Node) -> Blueprint:
    routes = Routes("payloads", node)
    routes.add("/api/v1/vehicles/<id>/payloads", GET=of_vehicle)
    routes.add("/api/v1/tokens/<id>/payloads", None, GET=of_token)
    return routes.blueprint


async def of_vehicle(node: Node, grant: Grant, id: str) -> Response:
    """Of one that waits to be let in, too."""
    api.only()
    vehicle = api.vehicle(id)
    if not (may_let_in(grant) and node.directory.strangers[vehicle]):
        vehicle = known_vehicle(node.picture, grant, id)
        if not grant.edits_everywhere(node.picture.group_of(vehicle)):  # a payload tells places as they are
            raise may_not(EDIT_VEHICLES)
    return _answer(node, vehicle, grant.everything)


async def of_token(node: Node, grant: Grant, id: str) -> Response:
    """What came with it and does not say of which vehicle."""
    grant.check(ADMINISTER)
    api.only()
    if id not in node.directory.tokens.by_id:
        raise NotFound("unknown_token", f"there is no token {id[:64]!r}")
    return _answer(node, row_of_token(id), whole=True)


def _answer(node: Node, device: str, whole: bool) -> Response:
    told = [_told(kept, whole) for kept in node.payloads.last(device)]
    return api.answer({"payloads": told, "next": None, "since": rfc3339(node.started_at)}, cache_control="no-store")


def _told(kept: Kept, whole: bool) -> dict[str, Any]:
    """`whole`: other vehicles in it may be seen too."""
    shown = whole or kept.alone
    return {
        "at": rfc3339(kept.at),
        "protocol": kept.protocol,
        "method": kept.method or None,
        "path": kept.path if shown else None,
        "query": blanked(kept.query) if shown else None,
        "headers": {name: blanked(said) for name, said in kept.headers.items()} if shown else {},
        "body": blanked(kept.body.decode("utf-8", "replace")) if shown else None,
        "bytes": kept.size,
        "cut": kept.cut,
        "status": kept.status or None,
        "code": kept.code or None,
        "message": (kept.message or None) if shown else None,
        "counts": kept.counts if shown else {},
        "token": kept.token or None if whole else None,
        "address": kept.address or None if whole else None,
    }
