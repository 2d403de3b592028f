"""Events: what happened, in the order it became visible; and who has seen to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.access.grants import ACKNOWLEDGE, Grant
from tracker.errors import Invalid, NotFound
from tracker.history.visits import inside_then
from tracker.live import messages
from tracker.model.events import ERASED, KINDS, Event
from tracker.node import Node
from tracker.stores import EventQuery
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.server.answers import encoded

MAX_BY = 200
PAGE = 500  #: events read from the store in one go


def blueprint(node: Node) -> Blueprint:
    routes = Routes("events", node)
    routes.add("/api/v1/events", GET=list_events)
    routes.add("/api/v1/events/<id>", GET=get_event)
    routes.add("/api/v1/events/<id>/ack", POST=acknowledge, DELETE=take_back)
    return routes.blueprint


async def list_events(node: Node, grant: Grant) -> Response:
    api.only("after", "before", "from", "until", "region", "vehicle", "kind", "limit")
    after, before = api.whole("after"), api.whole("before")
    if after is not None and before is not None:
        raise api.bad("before", "either `after` (oldest first) or `before` (newest first), not both")
    kinds = api.words("kind")
    if kinds is not None and kinds - KINDS.keys() - {ERASED}:
        raise api.bad("kind", f"one of {', '.join(KINDS)}")
    limit = api.limit(most=api.MOST_ROWS)
    query = EventQuery(
        after=after,
        before=before,
        since=api.instant("from"),
        until=api.instant("until"),
        regions=api.words("region"),
        vehicles=api.words("vehicle"),
        kinds=kinds,
    )
    if not grant.everything:
        asked = grant.regions if query.regions is None else query.regions & grant.regions
        query = msgspec.structs.replace(query, regions=asked, roaming=query.regions is None)
    if limit <= PAGE:
        return await _page(node, grant, query, limit)
    async with node.heavy.turn():
        return await _page(node, grant, query, limit)


async def _page(node: Node, grant: Grant, query: EventQuery, limit: int) -> Response:
    """Read, shown and encoded some at a time, however many are asked for."""
    last = await _last(node, grant)  # before the page: whoever goes on after `last` must have missed nothing
    first = await node.store.first_seq()
    texts: list[bytes] = []
    newest = 0
    next: int | None = None
    async for some in _seen(node, grant, query, limit + 1):
        kept = some[: limit - len(texts)]
        texts += await encoded(kept, lambda event: messages.event(grant.shown_event(event)))
        last = max([last, *(event.seq for event in kept)])
        newest = kept[-1].seq if kept else newest
        next = newest if len(kept) < len(some) else None
    return api.listing("events", texts, next=next, first=first, last=last)


async def _seen(node: Node, grant: Grant, query: EventQuery, most: int) -> AsyncIterator[list[Event]]:
    """The first of those that may be seen, as they are read."""
    while most:
        found = await node.store.events(msgspec.structs.replace(query, limit=min(PAGE, most)))
        seen = found if grant.everything else [event for event in found if await _is_seen(node, grant, event)]
        yield seen
        if len(found) < min(PAGE, most):
            break
        most -= len(seen)
        query = _after(query, found[-1].seq)


async def _is_seen(node: Node, grant: Grant, event: Event) -> bool:
    if grant.everything or event.region is not None:
        return grant.sees_event(event, ())
    told = node.hub.recent.find(event.id)  # the hub remembers of the newest where their vehicles were
    inside = told.regions if told else await inside_then(node.store, node.picture, event, grant.regions)
    return grant.sees_event(event, inside)


async def _last(node: Node, grant: Grant) -> int:
    """Number of the newest event that may be seen."""
    if grant.everything:
        return await node.store.last_seq()
    if newest := node.hub.recent.newest(lambda told: grant.sees_event(told.event, told.regions)):
        return newest.event.seq
    found = await node.store.events(EventQuery(before=node.hub.recent.first, regions=grant.regions, limit=1))
    return found[0].seq if found else 0


async def get_event(node: Node, grant: Grant, id: str) -> Response:
    return _answer(grant, await _known(node, grant, id))


async def acknowledge(node: Node, grant: Grant, id: str) -> Response:
    await _known(node, grant, id)
    grant.check(ACKNOWLEDGE)
    by = grant.who or _by(await api.json_body(node.settings.max_entry))  # whoever has signed in cannot be somebody else
    return _answer(grant, await node.pipeline.ack(id, by, api.actor(grant)))


async def take_back(node: Node, grant: Grant, id: str) -> Response:
    await _known(node, grant, id)
    grant.check(ACKNOWLEDGE)
    return _answer(grant, await node.pipeline.ack(id, None, api.actor(grant)))


def _answer(grant: Grant, event: Event) -> Response:
    return api.answer(messages.event(grant.shown_event(event)))


async def _known(node: Node, grant: Grant, id: str) -> Event:
    """The event of this id, where it may be seen. Raises NotFound."""
    event = await node.store.event(id) if len(id) <= 64 and id.isascii() else None
    if event is None or not await _is_seen(node, grant, event):
        raise NotFound("unknown_event", f"there is no event {id[:64]!r}")
    return event


def _after(query: EventQuery, seq: int) -> EventQuery:
    """What follows the event `seq` of a query's answer."""
    if query.before is not None and query.after is None:
        return msgspec.structs.replace(query, before=seq)
    return msgspec.structs.replace(query, after=seq)


def _by(document: Any) -> str:
    by = document.get("by") if isinstance(document, dict) else None
    if isinstance(by, str) and by.strip() and len(by) <= MAX_BY and api.is_text(by):
        return by.strip()
    missing = by is None or (isinstance(by, str) and not by.strip())
    code, what = ("missing", "say who") if missing else ("invalid", "that is nobody's name; say who")
    message = f'{what}: {{"by": "a name of at most {MAX_BY} characters"}}'
    raise Invalid(code, message, [{"field": "by", "code": code, "message": message}])
