"""Bundles: what an event was decided by, as one file. For those who may see everything."""

from __future__ import annotations

from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.bundles.making import Asked, around
from tracker.bundles.worker import Order, ordered
from tracker.errors import NotFound
from tracker.model.events import ERASED, TOLD
from tracker.model.ping import OLDEST
from tracker.node import Node
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes

PATH = "/api/v1/history/bundle"
DAY_MS = 86_400_000
LONGEST_MS = 31 * DAY_MS
MOST_PATTERNS, MOST_CHARS = 100, 200


def blueprint(node: Node) -> Blueprint:
    routes = Routes("bundles", node)
    routes.add(PATH, GET=get_bundle)
    return routes.blueprint


async def get_bundle(node: Node, grant: Grant) -> Response:
    if not grant.everything:
        raise NotFound(
            "may_not", "a bundle holds the past as it came: it is made for who may see everything, everywhere"
        )
    api.only("event", "from", "until", "vehicle")
    asked = await _asked(node)
    async with node.heavy.turn():
        api.lasts(node.access)()
        made = await ordered(Order(node.settings.store_url, node.clock(), asked))
    api.lasts(node.access)()
    name = f"event-{asked.event}" if asked.event else "bundle"
    headers = {"content-type": "application/zip", "cache-control": "no-store"}
    return Response(made, 200, headers | {"content-disposition": f'attachment; filename="{name}.zip"'})


async def _asked(node: Node) -> Asked:
    id, since, until = request.args.get("event"), api.instant("from"), api.instant("until")
    patterns = request.args.getlist("vehicle")
    if len(patterns) > MOST_PATTERNS or max(map(len, patterns), default=0) > MOST_CHARS:
        raise api.bad("vehicle", f"at most {MOST_PATTERNS} patterns of {MOST_CHARS} characters")
    if id is not None:
        asked = await _of_event(node, id)
        since, until = asked.since if since is None else since, asked.until if until is None else until
        if not since <= asked.since + (asked.until - asked.since) // 2 < until:
            raise api.bad("from", "a window in which the event is")
        patterns = [*asked.vehicles, *patterns]
    if since is None:
        raise api.bad("from", "a time, or `event`: what the bundle is of")
    if until is None:
        raise api.bad("until", "a time, or `event`: what the bundle is of")
    if not OLDEST <= since < until <= since + LONGEST_MS or until > node.clock() + LONGEST_MS:
        raise api.bad("until", f"a time after `from`, at most {LONGEST_MS // DAY_MS} days")
    return Asked(since, until, tuple(patterns), id)


async def _of_event(node: Node, id: str) -> Asked:
    event = await node.store.event(id) if len(id) <= 64 and id.isascii() else None
    if event is None:
        raise NotFound("unknown_event", f"there is no event {id[:64]!r}")
    if event.kind == ERASED:
        raise NotFound("unknown_event", "of this event only its id is left: the history of its vehicle was erased")
    if event.kind == TOLD:
        raise NotFound("nothing_to_bundle", "another system decided this event: nothing here says by what")
    return around(event)
