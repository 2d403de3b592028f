"""Audit: what was changed, by whom and from where; for those who administer."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response, request

from tracker.access.grants import ADMINISTER, Grant
from tracker.node import Node
from tracker.stores import AuditQuery
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes


def blueprint(node: Node) -> Blueprint:
    routes = Routes("audit", node)
    routes.add("/api/v1/audit", None, GET=list_audit)
    return routes.blueprint


async def list_audit(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    api.only("from", "until", "who", "what", "limit", "cursor")
    before, limit = api.place(lambda place: isinstance(place, int) and 0 < place < 2**63), api.limit()
    query = AuditQuery(
        before, api.instant("from"), api.instant("until"), request.args.get("who"), request.args.get("what"), limit + 1
    )
    found = await node.store.audit(query)
    told = [{**msgspec.to_builtins(one), "at": rfc3339(one.at)} for one in found[:limit]]
    return api.answer({"audit": told, "next": api.cursor(found[limit - 1].seq) if len(found) > limit else None})
