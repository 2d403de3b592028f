"""History: a vehicle's trips, stops and sums, and the sums of a fleet.

Computed from what is stored, by whoever asks, in a thread: the fixes of one vehicle at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.errors import Invalid, NotFound
from tracker.history import sheets
from tracker.history.lines import MAPS, Line, Point
from tracker.history.sheets import TABLES
from tracker.history.story import told as shown
from tracker.history.story.corrected import corrected
from tracker.history.story.corrections import Correction, without
from tracker.history.story.dwell import Drawn
from tracker.history.story.stops import Stop
from tracker.history.story.summary import days, midnights, totals
from tracker.history.story.trips import Story, Trip, story_of
from tracker.model.columns import Columns, concatenate
from tracker.node import Node
from tracker.outputs.sight import Sight
from tracker.regions.region import Region
from tracker.stores import EventQuery
from tracker.times import DATED, BadZone, named_zone
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.api.tracks import LAST, Said, Told, admitted, mark_corrected, said_of, told_of
from tracker.web.server.answers import JSON, encode

MOST_FIXES = 1_000_000  #: of one vehicle in one answer: 58 days of one every 5 s
ENOUGH = 1_000_000  #: fixes after which a page of vehicles ends
DAY_MS = 86_400_000
PIECE_MS = 7 * DAY_MS  #: read at once
MOST_DAYS = 400
PAGE = 1000  #: exits read at once

Span = tuple[int, int]
T = TypeVar("T", Trip, Stop)


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


class File(NamedTuple):
    body: bytes
    made_of: bytes | None = None


class Page(NamedTuple):
    after: int | None  # what began later than this
    limit: int


async def get_trips(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, id, "trips")


async def get_stops(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, id, "stops")


async def get_summary(node: Node, grant: Grant, id: str) -> Response:
    return await _answer(node, grant, id, "summary")


async def _answer(node: Node, grant: Grant, id: str, what: str) -> Response:
    """JSON in pages; a file of all there is, unless `limit` asks for less."""
    api.only("from", "until", "tz", "as", "format", "limit", "cursor")
    asked, form = _asked(), _form("json", *TABLES, *MAPS)
    limit = LAST if form != "json" and "limit" not in request.args else api.limit()
    page = Page(api.place(lambda place: isinstance(place, int)), limit)
    ask = api.lasts(node.access, partial(node.picture.group_of, api.vehicle(id)))
    vehicle, told = await told_of(node, grant, id)
    regions, said = _regions(node, grant), said_of(node, vehicle, told, *asked.span)

    def answer(columns: Columns) -> File:
        telling = Telling(vehicle, _story(columns, said, asked), regions, asked, page, said.shown)
        if form == "json":
            return File(encode(telling.document(what)))
        if form in TABLES:
            return _table(form, telling.sheets(what, whole=form == "xlsx"), asked)
        return File(MAPS[form][1](*telling.drawn(what)))

    async with node.heavy.turn():
        file = await asyncio.to_thread(answer, await _fixes(node, told, *asked.span))
    ask()
    answered = _told(file, form, f"{vehicle} {what}")
    mark_corrected(answered, said)
    return answered


def _story(columns: Columns, said: Said, asked: Asked) -> Story | None:
    return corrected(story_of(without(columns, said.wrong)), said.shown, *asked.span)


def _form(*known: str) -> str:
    form = request.args.get("format", "json")
    if form not in known:
        raise api.bad("format", f"one of {', '.join(known)}")
    return form


def _table(form: str, tables: list[sheets.Sheet], asked: Asked) -> File:
    return File(TABLES[form][1](tables, asked.zone), encode((form, asked.zone.key, tables)))


def _told(file: File, form: str, name: str) -> Response:
    body, made_of = file
    if form == "json":
        return api.tagged(body, JSON)
    kind = (TABLES[form] if form in TABLES else MAPS[form])[0]
    called = f"attachment; filename*=UTF-8''{quote(name, safe='')}.{form}"
    return api.tagged(body, kind, made_of, content_disposition=called)


class Telling:
    """What is told of one vehicle."""

    def __init__(
        self,
        vehicle: str,
        story: Story | None,
        regions: Mapping[str, Region],
        asked: Asked,
        page: Page,
        said: Sequence[Correction] = (),
    ) -> None:
        self._said = {one.id: one for one in said}
        self._vehicle, self._asked, self._page, self._story = vehicle, asked, page, story
        self._regions = regions
        self._ground = Drawn({id: region.shape for id, region in regions.items()})

    def document(self, what: str) -> dict[str, Any]:
        if what == "summary":
            told = {"vehicle": self._vehicle} | _sums(self._story, self._ground, self._regions, self._asked)
        else:
            told = self._trips() if what == "trips" else self._stops()
        return told | ({"corrections": [one.as_json() for one in self._said.values()]} if self._said else {})

    def _trips(self) -> dict[str, Any]:
        story = self._story
        trips, following = self._paged(story.trips if story else [])
        since, ends = self._page.after or 0, LAST if following is None else trips[-1].until
        gaps = [one for one in story.silences if since <= one.since < ends] if story else []
        return {
            "vehicle": self._vehicle,
            "trips": [shown.trip(one, self._said) for one in trips],
            "gaps": [shown.gap(one, self._said) for one in gaps],
            "next": following,
        }

    def _stops(self) -> dict[str, Any]:
        stops, following = self._paged(self._story.stops if self._story else [])
        return {
            "vehicle": self._vehicle,
            "stops": [
                shown.stop(one, self._ground.covering(one.lat, one.lon), self._regions, self._said) for one in stops
            ],
            "next": following,
        }

    def _paged(self, things: list[T]) -> tuple[list[T], str | None]:
        rest = [one for one in things if self._page.after is None or one.since > self._page.after]
        chosen = rest[: self._page.limit]
        return chosen, api.cursor(chosen[-1].since) if len(rest) > self._page.limit else None

    def sheets(self, what: str, *, whole: bool) -> list[sheets.Sheet]:
        """What was asked for, and in a file of several what belongs to it."""
        told = [sheets.TELLS[what]([self.document(what)])]
        if whole and what != "stops":
            moved = [self._trips()]
            told += [sheets.trips(moved), sheets.stops([self._stops()])] if what == "summary" else []
            told.append(sheets.gaps(moved))
        return told

    def drawn(self, what: str) -> tuple[list[Line], list[Point]]:
        """The trips, the stops, or of the sums both."""
        stops = [] if what == "trips" else self._stops()["stops"]
        return [] if what == "stops" else list(self._lines()), [Point(self._vehicle, stop) for stop in stops]

    def _lines(self) -> Iterator[Line]:
        for one in self._paged(self._story.trips if self._story else [])[0]:
            yield Line(self._vehicle, shown.trip(one, self._said), one.way.times.tolist(), one.way.places)


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
    dwells = drawn.dwells(story) if story else {}
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
    api.only("from", "until", "tz", "as", "group", "vehicle", "format", "limit", "cursor")
    form = _form("json", *TABLES)
    asked, regions = _asked(), _regions(node, grant)
    after, limit = api.place(lambda place: isinstance(place, str)), api.limit()
    drawn = await asyncio.to_thread(Drawn, {id: region.shape for id, region in regions.items()})
    ids = [id for id in await _chosen(node, grant, asked) if after is None or id > after]
    listed: list[dict[str, Any]] = []
    asks: list[api.Lasts] = []
    corrections: list[Correction] = []
    fixes, following = 0, None
    async with node.heavy.turn():
        for at, id in enumerate(ids):
            if len(listed) == limit or fixes >= ENOUGH:
                following = api.cursor(ids[at - 1])
                break
            asks.append(api.lasts(node.access, partial(node.picture.group_of, id)))
            try:
                vehicle, told = await told_of(node, grant, id)
            except NotFound:  # nothing of it may be told
                continue
            columns = await _fixes(node, told, *asked.span)
            fixes += len(columns)
            said = said_of(node, id, told, *asked.span)
            sums = await asyncio.to_thread(_summed, columns, said, drawn, regions, asked)
            listed.append({"vehicle": vehicle, "group": _group(node, grant, id)} | sums)
            corrections += said.shown
    for ask in asks:
        ask()
    if form == "json":
        return _told(File(encode({"vehicles": listed, "next": following})), form, "")
    answer = _told(await asyncio.to_thread(_table, form, [sheets.days(listed)], asked), form, "summary")
    mark_corrected(answer, Said((), corrections))
    if following is not None:
        answer.headers["x-next"] = following
    return answer


def _summed(columns: Columns, said: Said, drawn: Drawn, regions: Mapping[str, Region], asked: Asked) -> dict[str, Any]:
    sums = _sums(_story(columns, said, asked), drawn, regions, asked)
    return sums | ({"corrections": [one.as_json() for one in said.shown]} if said.shown else {})


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
        found = {id for id in found if _group(node, grant, id) in groups}
    return sorted(found)


def _group(node: Node, grant: Grant, vehicle: str) -> str | None:
    """Only of one that is seen now: where it was seen, it may have been of another."""
    return node.picture.group_of(vehicle) if Sight(node.picture, grant).knows_vehicle(vehicle) else None


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
    return Invalid.of_field("from", message)


def _asked() -> Asked:
    try:
        zone = named_zone(request.args.get("tz", "UTC"))
    except BadZone:
        raise api.bad("tz", "an IANA time zone such as Europe/Berlin") from None
    since, until = api.instant("from"), api.instant("until")
    if since is not None and until is not None and since > until:
        raise api.bad("until", "a time after `from`")
    return Asked(_dated(since), _dated(until), zone)


def _dated(time: int | None) -> int | None:
    """Nothing was there before, or will be after it."""
    return None if time is None else min(max(time, DATED[0]), DATED[1])


def _regions(node: Node, grant: Grant) -> dict[str, Region]:
    """Those that may be seen, as they are drawn now."""
    return {id: region for id, region in node.fleet.regions.regions.items() if grant.sees_region(id)}
