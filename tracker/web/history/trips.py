"""History: a vehicle's trips, stops and sums, and the sums of a fleet.

Computed from what is stored, by whoever asks, in a thread: the fixes of one vehicle at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.errors import Invalid, NotFound
from tracker.history.story import told as shown
from tracker.history.story.dwell import Drawn, legs_of
from tracker.history.story.stops import Stop
from tracker.history.story.summary import days, midnights, totals
from tracker.history.story.trips import Story, Trip, story_of
from tracker.model.columns import Columns, concatenate
from tracker.node import Node
from tracker.outputs.sight import Sight
from tracker.regions.region import Region
from tracker.stores import EventQuery
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import LAST, Told, admitted, told_of
from tracker.web.server.answers import JSON, encode

MOST_FIXES = 1_000_000  #: of one vehicle in one answer: 58 days of one every 5 s
ENOUGH = 1_000_000  #: fixes after which a page of vehicles ends
DAY_MS = 86_400_000
PIECE_MS = 7 * DAY_MS  #: read at once
MOST_DAYS = 400
PAGE = 1000  #: exits read at once

Span = tuple[int, int]


def blueprint(node: Node) -> Blueprint:
    routes = Routes("history", node)
    routes.add("/api/v1/vehicles/<id>/trips", GET=get_trips)
    routes.add("/api/v1/vehicles/<id>/stops", GET=get_stops)
    routes.add("/api/v1/vehicles/<id>/summary", GET=get_summary)
    routes.add("/api/v1/summary", GET=get_fleet)
    return routes.blueprint


class Asked(NamedTuple):
    since: int | None
    until: int | None
    zone: ZoneInfo

    @property
    def span(self) -> Span:
        return self.since or 0, LAST if self.until is None else self.until


class Page(NamedTuple):
    after: int | None  # what began later than this
    limit: int


async def get_trips(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, id, _trips)


async def get_stops(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, id, _stops)


async def get_summary(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, id, _summary)


Makes = Callable[[Story | None, Mapping[str, Region], Asked, Page], dict[str, Any]]


async def _answer(node: Node, grant: Grant, id: str, makes: Makes) -> Response:
    api.only("from", "until", "tz", "limit", "cursor")
    asked, page = _asked(), Page(api.place(lambda place: isinstance(place, int)), api.limit())
    vehicle, told = await told_of(node, grant, id)
    ask = api.lasts(node.access, partial(node.picture.group_of, vehicle))
    regions = _regions(node, grant)

    def answer(columns: Columns) -> bytes:
        return encode({"vehicle": vehicle} | makes(story_of(columns), regions, asked, page))

    async with node.heavy.turn():
        body = await asyncio.to_thread(answer, await _fixes(node, told, *asked.span))
    ask()
    return api.tagged(body, JSON)


def _trips(story: Story | None, _: Mapping[str, Region], __: Asked, page: Page) -> dict[str, Any]:
    trips, following = _paged(story.trips if story else [], page)
    since, ends = page.after or 0, LAST if following is None else trips[-1].until
    gaps = [one for one in story.silences if since <= one.since < ends] if story else []
    return {
        "trips": [shown.trip(one) for one in trips],
        "gaps": [shown.gap(one) for one in gaps],
        "next": following,
    }


def _stops(story: Story | None, regions: Mapping[str, Region], _: Asked, page: Page) -> dict[str, Any]:
    stops, following = _paged(story.stops if story else [], page)
    drawn = Drawn({id: region.shape for id, region in regions.items()})
    return {
        "stops": [shown.stop(one, drawn.covering(one.lat, one.lon), regions) for one in stops],
        "next": following,
    }


T = TypeVar("T", Trip, Stop)


def _paged(things: list[T], page: Page) -> tuple[list[T], str | None]:
    rest = [one for one in things if page.after is None or one.since > page.after]
    chosen = rest[: page.limit]
    return chosen, api.cursor(chosen[-1].since) if len(rest) > page.limit else None


def _summary(story: Story | None, regions: Mapping[str, Region], asked: Asked, _: Page) -> dict[str, Any]:
    drawn = Drawn({id: region.shape for id, region in regions.items()})
    return _sums(story, drawn, regions, asked)


def _sums(story: Story | None, drawn: Drawn, regions: Mapping[str, Region], asked: Asked) -> dict[str, Any]:
    """Of the span that was asked for; where it is open, to the end of the days on which there are fixes."""
    since, until = asked.since, asked.until
    if story is not None:
        first, last = midnights(asked.zone, story.since, story.until)
        since = first if since is None else since
        until = last if until is None else until
    since = (until or 0) if since is None else since
    until = since if until is None else max(since, until)
    if until - since > MOST_DAYS * DAY_MS:
        since, until = (since, until) if story is None else midnights(asked.zone, story.since, story.until)
    if until - since > MOST_DAYS * DAY_MS:
        raise _too_long()
    dwells = drawn.dwells(legs_of(story)) if story else {}
    return {
        "tz": asked.zone.key,
        **shown.totals(totals(story, dwells, since, until), regions),
        "days": [
            {"day": day.isoformat(), **shown.totals(totals(story, dwells, *span), regions)}
            for day, span in days(asked.zone, since, until)
        ],
    }


async def get_fleet(node: Node, grant: Grant) -> Response:
    """By vehicle, and by day. A page ends as well when there was much to look through."""
    api.only("from", "until", "tz", "group", "vehicle", "limit", "cursor")
    asked, regions = _asked(), _regions(node, grant)
    after, limit = api.place(lambda place: isinstance(place, str)), api.limit()
    drawn = await asyncio.to_thread(Drawn, {id: region.shape for id, region in regions.items()})
    ids = [id for id in await _chosen(node, grant, asked) if after is None or id > after]
    listed: list[dict[str, Any]] = []
    fixes, following = 0, None
    async with node.heavy.turn():
        for at, id in enumerate(ids):
            if len(listed) == limit or fixes >= ENOUGH:
                following = api.cursor(ids[at - 1])
                break
            try:
                vehicle, told = await told_of(node, grant, id)
            except NotFound:  # nothing of it may be told
                continue
            columns = await _fixes(node, told, *asked.span)
            fixes += len(columns)
            sums = await asyncio.to_thread(lambda fixes: _sums(story_of(fixes), drawn, regions, asked), columns)
            listed.append({"vehicle": vehicle, "group": node.picture.group_of(id)} | sums)
    return api.tagged(encode({"vehicles": listed, "next": following}), JSON)


async def _chosen(node: Node, grant: Grant, asked: Asked) -> list[str]:
    """Those of whom there may be something to tell, by id: who is seen now, and who was."""
    found = set(Sight(node.picture, grant).candidates())
    if not grant.everything:
        query = EventQuery(regions=grant.regions, kinds=frozenset({"exit"}), since=asked.since, after=0, limit=PAGE)
        while exits := await node.store.events(query):
            found.update(exit.vehicle for exit in exits)
            query = msgspec.structs.replace(query, after=exits[-1].seq)
    if (chosen := api.words("vehicle")) is not None:
        found &= chosen
    if (groups := api.words("group")) is not None:
        found = {id for id in found if node.picture.group_of(id) in groups}
    return sorted(found)


async def _fixes(node: Node, told: Told, since: int, until: int) -> Columns:
    """All that may be told, as it may. Raises Invalid when they are too many."""
    parts: list[Columns] = []
    count = 0
    for begin, end in told.spans(since, until) if told.n is not None else ():
        assert told.n is not None
        while first := await node.store.track(told.n, begin, end, None, 1):  # leaps over what is empty
            begin = first[0].ping.time + PIECE_MS
            part = await node.store.columns(told.n, first[0].ping.time, min(begin, end))
            if told.visits is not None and not told.visits.whole:
                rows = await asyncio.to_thread(part.pings, "", told.n)
                part = await asyncio.to_thread(Columns.from_pings, await admitted(rows, told.visits))
            parts.append(part)
            count += len(part)
            if count > MOST_FIXES:
                raise _too_long()
    return await asyncio.to_thread(concatenate, parts)


def _too_long() -> Invalid:
    message = f"that are over {MOST_FIXES:,} fixes of one vehicle, or over {MOST_DAYS} days: ask for less of them"
    return Invalid("bad_parameter", message, [{"field": "from", "code": "bad_parameter", "message": message}])


def _asked() -> Asked:
    name = request.args.get("tz", "UTC")
    try:
        zone = ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise api.bad("tz", "an IANA time zone such as Europe/Berlin") from None
    since, until = api.instant("from"), api.instant("until")
    if since is not None and until is not None and since > until:
        raise api.bad("until", "a time after `from`")
    return Asked(since, until, zone)


def _regions(node: Node, grant: Grant) -> dict[str, Region]:
    """Those that may be seen, as they are drawn now."""
    return {id: region for id, region in node.fleet.regions.regions.items() if grant.sees_region(id)}
