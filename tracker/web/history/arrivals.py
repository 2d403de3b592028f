"""Arrivals: all there is of the past as it came: messages, and what changed beside them; what `tracker replay
--from-server` lives through again. For those who may see everything."""

from __future__ import annotations

from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.access.grants import Grant
from tracker.bundles.members import tell_arrival
from tracker.errors import NotFound
from tracker.model.records import Audit
from tracker.node import Node
from tracker.stores import AuditQuery
from tracker.times import rfc3339
from tracker.turns.slices import in_slices
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.server.answers import encode

OLDEST, NEVER = -(1 << 62), 1 << 62
DEEDS = ("vehicle.remove", "vehicle.erase", "clock.set")  #: of the record, what a fleet has to know of


def blueprint(node: Node) -> Blueprint:
    routes = Routes("arrivals", node)
    routes.add("/api/v1/history/arrivals", GET=list_arrivals)
    routes.add("/api/v1/history/edits", GET=list_edits)
    return routes.blueprint


def _check(grant: Grant) -> None:
    if not grant.everything:
        raise NotFound("may_not", "the past as it came is told only to who may see everything, everywhere")


async def list_arrivals(node: Node, grant: Grant) -> Response:
    _check(grant)
    api.only("from", "until", "fix_from", "fix_until", "limit", "cursor")
    received, fixes = _span("from", "until"), _span("fix_from", "fix_until")
    after = api.place(lambda place: isinstance(place, int) and 0 <= place < NEVER) or 0
    limit = api.limit(most=api.MOST_ROWS)
    async with node.heavy.turn():
        rows = await node.store.arrivals(*received, None, after, limit + 1, fixes)
        pieces = [encode(tell_arrival(one)) async for _, one, _ in in_slices(rows[:limit])]
    next = api.cursor(rows[limit - 1][0]) if len(rows) > limit else None
    return Response(
        b'{"arrivals":[%b],"next":%b}' % (b",".join(pieces), encode(next)), 200, {"content-type": "application/json"}
    )


def _span(first: str, last: str) -> tuple[int, int]:
    since, until = api.instant(first), api.instant(last)
    return OLDEST if since is None else since, NEVER if until is None else until


async def list_edits(node: Node, grant: Grant) -> Response:
    """Every version of every region; on the first page what else changed, too, and of which days not all is kept."""
    _check(grant)
    api.only("limit", "cursor")
    after, limit = api.place(_is_version), api.limit()
    found = await node.store.region_log((OLDEST, "", 0) if after is None else tuple(after), limit + 1)
    answer: dict[str, Any] = {
        "regions": [
            {"id": one.id, "version": one.version, "updated_at": rfc3339(one.updated_at), "feature": one.feature}
            for one in found[:limit]
        ]
    }
    if after is None:
        answer["deeds"] = [
            {"at": rfc3339(one.at), "what": one.what, "target": one.target}
            for what in DEEDS
            for one in await _audits(node, what)
        ]
        answer["settings"] = [
            {"at": rfc3339(at), **msgspec.structs.asdict(settings)} for at, settings in node.fleet.settings_log
        ]
        gone = await node.store.gone()
        answer["gone"] = [{"day": rfc3339(day)[:10], "positions": gone[day]} for day in sorted(gone)]
    last = found[limit - 1] if len(found) > limit else None
    return api.answer(answer | {"next": last and api.cursor((last.updated_at, last.id, last.version))})


async def _audits(node: Node, what: str) -> list[Audit]:
    """The oldest first."""
    found: list[Audit] = []
    before: int | None = None
    while page := await node.store.audit(AuditQuery(before=before, what=what, limit=api.MOST)):
        found += page
        before = page[-1].seq
    return found[::-1]


def _is_version(place: Any) -> bool:
    return isinstance(place, list) and [type(part) for part in place] == [int, str, int]
