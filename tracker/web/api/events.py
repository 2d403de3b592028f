"""Events: what happened, in the order it became visible; and who has seen to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
from quart import Blueprint, Response

from tracker.access.grants import ACKNOWLEDGE, Grant
from tracker.errors import Invalid, NotFound
from tracker.history.visits import inside_then
from tracker.live import messages
from tracker.model.events import ERASED, KINDS, TOLD, Event
from tracker.model.ping import NOWHERE
from tracker.node import Node
from tracker.outputs.sight import Sight
from tracker.stores import EventQuery
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import sees_whole
from tracker.web.server.answers import encoded

MAX_BY = 200
EVERY = 2**62  #: events
PAGE = 500  #: events read from the store in one go
FEW = 100  #: vehicles looked for without waiting for a turn
NEVER = Event("", "", "", 0, 0, "", *NOWHERE)  #: what is looked for in place of an event that there is not


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
    if kinds is not None and kinds - KINDS.keys() - {TOLD, ERASED}:
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
    if limit <= PAGE and len(query.vehicles or ()) <= FEW:
        return await _page(node, grant, query, limit)
    async with node.heavy.turn():
        return await _page(node, grant, query, limit)


def _within(query: EventQuery, node: Node, grant: Grant) -> EventQuery:
    """Of what may be seen, and perhaps some more."""
    regions, vehicles = grant.regions, Sight(node.picture, grant).names()
    if regions is not None:
        asked = regions if query.regions is None else query.regions & regions
        there = frozenset[str]().union(*(node.picture.inside.get(region, ()) for region in asked))
        query = msgspec.structs.replace(query, regions=asked, roaming=query.regions is None, inside=there)
    if vehicles is not None:
        asked = vehicles if query.vehicles is None else query.vehicles & vehicles
        query = msgspec.structs.replace(query, vehicles=asked)
    return query


async def _of_seen(query: EventQuery, node: Node, grant: Grant) -> EventQuery:
    """Of the vehicles that are asked for those that ever were where they are seen: of the others nothing is shown. One
    that is hidden takes one look, as one that never was, and not one for each of its events."""
    if query.vehicles is None or grant.everything:
        return query
    seen = {vehicle for vehicle in query.vehicles if await _was_seen(node, grant, vehicle)}
    return msgspec.structs.replace(query, vehicles=frozenset(seen))


async def _narrowed(query: EventQuery, node: Node, grant: Grant) -> EventQuery:
    query = _within(await _of_seen(query, node, grant), node, grant)
    return query


async def _was_seen(node: Node, grant: Grant, vehicle: str) -> bool:
    parts = [part for part in grant.parts if part.takes(node.picture.group_of(vehicle))]
    if any(part.regions is None for part in parts):
        return True
    regions = frozenset[str]().union(*(part.regions or () for part in parts))
    was = await node.store.events(EventQuery(vehicles=frozenset({vehicle}), regions=regions, limit=1))
    return bool(was) or Sight(node.picture, grant).sees(vehicle)


async def _page(node: Node, grant: Grant, query: EventQuery, limit: int) -> Response:
    """Read, shown and encoded some at a time, however many are asked for."""
    query = await _narrowed(query, node, grant)
    last = await _last(node, grant)  # before the page: whoever goes on after `last` must have missed nothing
    first = await node.store.first_seq()
    texts: list[bytes] = []
    newest = 0
    next: int | None = None
    async for some in _seen(node, grant, query, limit + 1):
        kept = some[: limit - len(texts)]
        texts += await encoded(kept, partial(_with_doubts, node, grant))
        last = max([last, *(event.seq for event in kept)])
        newest = kept[-1].seq if kept else newest
        next = newest if len(kept) < len(some) else None
    return api.listing("events", texts, next=next, first=first, last=last)


async def told(node: Node, grant: Grant, query: EventQuery) -> AsyncIterator[list[Event]]:
    """All of a query that may be seen, as they may, as they are read."""
    query = await _narrowed(query, node, grant)
    async for some in _seen(node, grant, query, EVERY):
        yield some


async def _seen(node: Node, grant: Grant, query: EventQuery, most: int) -> AsyncIterator[list[Event]]:
    """The first of those that may be seen, as they may be, as they are read."""
    while most:
        found = await node.store.events(msgspec.structs.replace(query, limit=min(PAGE, most)))
        seen = found if grant.everything else [one for event in found if (one := await _shown(node, grant, event))]
        yield seen
        if len(found) < min(PAGE, most):
            break
        most -= len(seen)
        query = _after(query, found[-1].seq)


async def _shown(node: Node, grant: Grant, event: Event) -> Event | None:
    """As it may be seen."""
    if grant.everything:
        return event
    return _as_seen(node, grant, event, await _inside(node, grant, event))


def _as_seen(node: Node, grant: Grant, event: Event, inside: frozenset[str]) -> Event | None:
    group = node.picture.group_of(event.vehicle)
    return grant.shown_event(event, inside, group, node.is_near) if grant.sees_event(event, inside, group) else None


async def _inside(node: Node, grant: Grant, event: Event, *, looked: bool = False) -> frozenset[str]:
    """The regions its vehicle was in as it happened, where these decide who may see it. `looked`: into the store, known
    without or not."""
    told = node.hub.recent.find(event.id)  # the hub remembers of the newest where their vehicles were
    known = told.regions if told else None
    if event.region is not None:
        known = frozenset({event.region})
    if known is not None and not looked:
        return known
    then = await inside_then(node.store, node.picture, event, grant.regions)
    return then if known is None else known


async def _last(node: Node, grant: Grant) -> int:
    """Number of the newest event that may be seen."""
    if grant.everything:
        return await node.store.last_seq()
    group_of, recent = node.picture.group_of, node.hub.recent
    if newest := recent.newest(lambda told: grant.sees_event(told.event, told.regions, group_of(told.event.vehicle))):
        return newest.event.seq
    query = msgspec.structs.replace(_within(EventQuery(before=recent.first), node, grant), roaming=False)
    async for seen in _seen(node, grant, query, PAGE):
        if seen:
            return seen[0].seq
    return 0


async def get_event(node: Node, grant: Grant, id: str) -> Response:
    _, shown = await _known(node, grant, id)
    return _answer(node, grant, shown)


async def acknowledge(node: Node, grant: Grant, id: str) -> Response:
    event, _ = await _known(node, grant, id)
    await _check(node, grant, event)
    by = grant.who or _by(await api.json_body(node.settings.max_entry))  # whoever has signed in cannot be somebody else
    return await _acked(node, grant, await node.pipeline.ack(id, by, api.actor(node, grant)))


async def take_back(node: Node, grant: Grant, id: str) -> Response:
    event, _ = await _known(node, grant, id)
    await _check(node, grant, event)
    return await _acked(node, grant, await node.pipeline.ack(id, None, api.actor(node, grant)))


async def _check(node: Node, grant: Grant, event: Event) -> None:
    """May it be acknowledged? Raises NotFound."""
    inside = await _inside(node, grant, event) if grant.parts else ()
    grant.check_vehicle(ACKNOWLEDGE, inside, node.picture.group_of(event.vehicle))


async def _acked(node: Node, grant: Grant, event: Event) -> Response:
    shown = await _shown(node, grant, event)
    if shown is None:  # it was taken from them meanwhile
        raise _unknown(event.id)
    return _answer(node, grant, shown)


def _answer(node: Node, grant: Grant, event: Event) -> Response:
    return api.answer(_with_doubts(node, grant, event))


def _with_doubts(node: Node, grant: Grant, event: Event) -> dict[str, Any]:
    """As it was told, and who said of a fix that decided it that it is wrong."""
    told = messages.event(event)
    if (doubts := node.corrections.doubts(event)) and sees_whole(node, grant, event.vehicle):
        told["doubted"] = doubts
    return told


async def _known(node: Node, grant: Grant, id: str) -> tuple[Event, Event]:
    """The event of this id, where it may be seen, and as it may. Raises NotFound."""
    event = shown = await node.store.event(id) if len(id) <= 64 and id.isascii() else None
    if not grant.everything:  # that it is there is not told by the time it takes either: each is looked for as far
        inside = await _inside(node, grant, event or NEVER, looked=True)
        shown = event and _as_seen(node, grant, event, inside)
    if event is None or shown is None:
        raise _unknown(id)
    return event, shown


def _unknown(id: str) -> NotFound:
    return NotFound("unknown_event", f"there is no event {id[:64]!r}")


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
    raise Invalid.of_field("by", message, code)
