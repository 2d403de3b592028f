"""Then: regions as they were drawn, each version with when it was in force; called what they are now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import Grant
from tracker.model import outside
from tracker.node import Node
from tracker.turns.slices import in_slices
from tracker.web.api import parameters as api
from tracker.web.api.regions import hidden_versions
from tracker.web.api.routes import Routes
from tracker.web.history.frames import span
from tracker.web.server.answers import encode

EVER = 1 << 62  #: ms
PATH = "/api/v1/history/regions"


def blueprint(node: Node) -> Blueprint:
    routes = Routes("regions then", node)
    routes.add(PATH, GET=list_regions)
    return routes.blueprint


async def list_regions(node: Node, grant: Grant) -> Response:
    """Of the regions that are seen now: who sees them all sees those that were deleted, too."""
    api.only("from", "until", "limit", "cursor")
    since, until = span(EVER)
    after, limit = api.place(_is_version), api.limit()
    ids = None if grant.regions is None else sorted(id for id in grant.regions if id in node.picture.regions)
    async with node.heavy.turn():
        rows = await node.store.regions_then(since, max(until, since + 1), ids, tuple(after or ("", 0)), limit + 1)
        hidden = await _hidden(node, grant, {one.id for one, _ in rows[:limit]})
        shown = (row for row in rows[:limit] if not hidden(row[0].id, row[0].version))
        texts = [
            encode(outside.region_then(one, ended, node.picture.regions.get(one.id)))
            async for one, ended in in_slices(shown)
        ]
    last = rows[limit - 1][0] if len(rows) > limit else None
    return api.listing("versions", texts, next=last and api.cursor((last.id, last.version)))


async def _hidden(node: Node, grant: Grant, ids: set[str]) -> Callable[[str, int], bool]:
    if grant.regions is None:
        return lambda _id, _version: False
    known = {id: await hidden_versions(node, grant, id) for id in ids if id in node.picture.regions}
    return lambda id, version: id not in known or version in known[id]


def _is_version(place: Any) -> bool:
    return isinstance(place, list) and [type(part) for part in place] == [str, int]
