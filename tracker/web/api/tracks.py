"""Tracks: where one vehicle was, in any format; a page of it, or all of a range as a stream.

And what may be told of its past: as it is known now, with what people corrected, or as it was told before they did.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from quart import Response, request

from tracker.access.grants import Grant
from tracker.errors import NotFound
from tracker.history import sheets
from tracker.history.sheets import TABLES
from tracker.history.story.corrections import WRONG_FIXES, Correction, is_wrong
from tracker.history.visits import Visits, visits
from tracker.history.writers import FORMATS, Json, Writer
from tracker.model.commit import StoredPing
from tracker.node import Node
from tracker.stores import Store
from tracker.turns.slices import batched, in_slices
from tracker.web.api import parameters as api

LAST = 2**62  #: later than any fix
MOST_CELLS = 20_000  #: fixes on a sheet: a vehicle-day of one every 5 s
FEW = 500  #: fixes that are written without waiting for a turn; a stream goes on by as many
MANY = 5_000  #: of a stream are read at once: to read a day takes as long as to write some hundred fixes of it

Span = tuple[int, int]


class Told(NamedTuple):
    """What may be told of a vehicle's track."""

    n: int | None  # its number; None: it never had a position
    visits: Visits | None = None  # of who is told of these only

    @property
    def whole(self) -> bool:
        """Is everything told, as it was?"""
        return self.visits is None or self.visits.whole

    def spans(self, since: int, until: int) -> list[Span]:
        if self.visits is None:
            return [(since, until)]
        cut = [(max(since, first), min(until, last + 1)) for first, last in self.visits.spans()]
        return [span for span in cut if span[0] < span[1]]


class Said(NamedTuple):
    """What people say about a vehicle, as far as an answer obeys it."""

    wrong: Sequence[Span]  # its fixes of these spans are left out
    shown: Sequence[Correction]  # all of it, to be told

    def of_fixes(self) -> Said:
        """What says something of fixes."""
        return Said(self.wrong, [one for one in self.shown if one.what == WRONG_FIXES])


def said_of(node: Node, vehicle: str, told: Told, since: int, until: int) -> Said:
    """Whoever sees only some fixes of a vehicle is told none that are wrong; but where a stop was moved to, and what
    anybody says about it, might tell where it was when they did not see it."""
    if not as_known():
        return Said((), ())
    standing = node.corrections.standing(vehicle, since, until)
    return Said(node.corrections.wrong(vehicle) if standing else (), standing if told.whole else ())


def sees_whole(node: Node, grant: Grant, vehicle: str) -> bool:
    """Wherever it is or was, exactly? Whoever sees less is told no correction: it says where it was."""
    group = node.picture.group_of(vehicle)
    return grant.everything or any(
        part.regions is None and not part.coarse_m and part.takes(group) for part in grant.parts
    )


def wrong_of(node: Node) -> Callable[[str], Sequence[Span]]:
    """When the fixes of a vehicle are wrong, as far as an answer obeys it."""
    return node.corrections.wrong if as_known() else lambda _id: ()


def as_known() -> bool:
    said = request.args.get("as", "known")
    if said not in ("known", "told"):
        raise api.bad("as", "known (with corrections) or told (without)")
    return said == "known"


def mark_corrected(answer: Response, said: Said) -> None:
    """A file has no word for it."""
    if said.shown:
        answer.headers["x-corrected"] = str(len(said.shown))


async def told_of(node: Node, grant: Grant, text: str) -> tuple[str, Told]:
    """A vehicle from the path, one that was removed too: its history stays. Raises NotFound when nothing of it may be
    told, as when it never was."""
    vehicle = api.vehicle(text)
    state = node.picture.vehicles.get(vehicle)
    visited = None
    if not grant.everything:
        group = node.picture.group_of(vehicle)
        visited = await visits(node.store, node.fleet.regions, vehicle, state, group, grant)
        if not visited:
            raise unknown(vehicle)
    n = state.n if state else await node.store.number(vehicle)
    if n is None and vehicle not in node.picture.register:
        raise unknown(vehicle)
    return vehicle, Told(n, visited)


def unknown(vehicle: str) -> NotFound:
    return NotFound(
        "unknown_vehicle", f"there is no vehicle {vehicle!r}: it had no position and no entry yet, or was deleted"
    )


async def answer(node: Node, vehicle: str, told: Told) -> Response:
    """The fixes the parameters ask for, each fix once, in fix order. JSON comes in pages, a file whole."""
    api.only("from", "until", "as", "format", "limit", "cursor")
    since, until = api.instant("from"), api.instant("until")
    after = api.place(lambda place: isinstance(place, int) and abs(place) < LAST)
    form = request.args.get("format", "json")
    if form not in FORMATS and form != "xlsx":
        raise api.bad("format", f"one of {', '.join(FORMATS)}, xlsx")
    span = (since or 0, LAST if until is None else until)
    said = said_of(node, vehicle, told, *span).of_fixes()
    fixes = Fixes(node.store, told, span, after, said.wrong)
    response = await _answer(node, vehicle, fixes, form, said)
    mark_corrected(response, said)
    return response


async def _answer(node: Node, vehicle: str, fixes: Fixes, form: str, said: Said) -> Response:
    if form == "xlsx":
        return await _book(node, vehicle, fixes)
    kind, write = FORMATS[form]
    headers = {"content-type": kind}
    if form != "json":
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(vehicle, safe='')}.{form}"
        if "limit" not in request.args:
            lasts = api.lasts(node.access, partial(node.picture.group_of, vehicle))
            response = Response(_streamed(fixes, write(vehicle), lasts), 200, headers)
            response.timeout = None  # a slow reader may take long
            return response
    limit = api.limit(most=api.MOST_ROWS)
    writer = Json(vehicle, [one.as_json() for one in said.shown]) if form == "json" else write(vehicle)
    if limit <= FEW:
        body, cursor = await _page(fixes, limit, writer)
    else:
        async with node.heavy.turn():
            body, cursor = await _page(fixes, limit, writer)
    if cursor and form != "json":
        headers["x-next"] = cursor
    return Response(body, 200, headers)


async def _book(node: Node, vehicle: str, fixes: Fixes) -> Response:
    """A spreadsheet is made whole."""
    most = api.limit(MOST_CELLS, MOST_CELLS)
    ask = api.lasts(node.access, partial(node.picture.group_of, vehicle))
    async with node.heavy.turn():
        rows = await fixes.next(most + 1)
        if len(rows) > MOST_CELLS:
            raise api.bad("format", f"csv, or a shorter range: a sheet holds at most {MOST_CELLS:,} fixes")
        body = await asyncio.to_thread(_xlsx, rows[:most])
    ask()
    headers = {"content-type": TABLES["xlsx"][0]}
    headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(vehicle, safe='')}.xlsx"
    if len(rows) > most:
        headers["x-next"] = api.cursor(rows[most - 1].ping.time)
    return Response(body, 200, headers)


def _xlsx(rows: list[StoredPing]) -> bytes:
    return TABLES["xlsx"][1]([sheets.track([row.ping for row in rows])], ZoneInfo("UTC"))


class Fixes:
    """The stored fixes of a span that may be told, some at a time."""

    def __init__(self, store: Store, told: Told, span: Span, after: int | None, wrong: Sequence[Span] = ()) -> None:
        """`wrong`: those of these spans are left out."""
        self._store, self._wrong = store, wrong
        self._told = told
        self._spans = told.spans(*span)
        self._after = after

    async def next(self, most: int) -> list[StoredPing]:
        """Fewer than `most` are the last."""
        found: list[StoredPing] = []
        while self._spans and self._told.n is not None and len(found) < most:
            wanted = most - len(found)
            rows = await self._store.track(self._told.n, *self._spans[0], self._after, wanted)
            if len(rows) < wanted:
                del self._spans[0]
            if rows:
                self._after = rows[-1].ping.time
                rows = [row for row in rows if not is_wrong(row.ping.time, self._wrong)] if self._wrong else rows
            found += rows if self._told.visits is None else await admitted(rows, self._told.visits)
        return found


async def admitted(rows: list[StoredPing], visits: Visits) -> list[StoredPing]:
    shown = [(row, visits.shown(row.ping)) async for row in in_slices(rows)]
    return [msgspec.structs.replace(row, ping=ping) for row, ping in shown if ping is not None]


async def _page(fixes: Fixes, limit: int, writer: Writer) -> tuple[bytes, str | None]:
    """And where the next page begins."""
    rows = await fixes.next(limit + 1)
    cursor = api.cursor(rows[limit - 1].ping.time) if len(rows) > limit else None

    def written() -> bytes:
        return b"".join([writer.begin(), *map(writer.write, rows[:limit]), *writer.end(cursor)])

    return await asyncio.to_thread(written), cursor


async def _streamed(fixes: Fixes, writer: Writer, lasts: api.Lasts) -> AsyncIterator[bytes]:
    """All there is, in flat memory: the next fixes are read when these have been sent."""
    yield writer.begin()
    while rows := await fixes.next(MANY):
        for some in batched(rows, FEW):
            lasts()
            yield await asyncio.to_thread(b"".join, map(writer.write, some))
        if len(rows) < MANY:
            break
    for piece in writer.end(None):
        yield piece
