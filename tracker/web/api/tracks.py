"""Tracks: where one vehicle was, as JSON, GeoJSON, GPX or CSV; a page of it, or all of a range as a stream."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec
from quart import Response, request

from tracker.access.grants import Grant
from tracker.errors import NotFound
from tracker.formats import own
from tracker.history.visits import Visits, visits
from tracker.model import outside as shown
from tracker.model.commit import StoredPing
from tracker.node import Node
from tracker.stores import Store
from tracker.times import rfc3339
from tracker.turns.slices import in_slices
from tracker.web.api import parameters as api
from tracker.web.server.answers import encode

LAST = 2**62  #: later than any fix
FEW = 500  #: fixes that are written without waiting for a turn; a stream goes on by as many
SPOOLED = 1 << 20  #: bytes of what a GeoJSON line says last that are kept in memory

Span = tuple[int, int]


class Told(NamedTuple):
    """What may be told of a vehicle's track."""

    n: int | None  # its number; None: it never had a position
    visits: Visits | None = None  # of who is told of these only

    def spans(self, since: int, until: int) -> list[Span]:
        if self.visits is None:
            return [(since, until)]
        cut = [(max(since, first), min(until, last + 1)) for first, last in self.visits.spans()]
        return [span for span in cut if span[0] < span[1]]


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
    api.only("from", "until", "format", "limit", "cursor")
    since, until = api.instant("from"), api.instant("until")
    after = api.place(lambda place: isinstance(place, int) and abs(place) < LAST)
    form = request.args.get("format", "json")
    if form not in FORMATS:
        raise api.bad("format", f"one of {', '.join(FORMATS)}")
    kind, write = FORMATS[form]
    fixes = Fixes(node.store, told, (since or 0, LAST if until is None else until), after)
    headers = {"content-type": kind}
    if form != "json":
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(vehicle, safe='')}.{form}"
        if "limit" not in request.args:
            lasts = api.lasts(node.access, partial(node.picture.group_of, vehicle))
            response = Response(_streamed(fixes, write(vehicle), lasts), 200, headers)
            response.timeout = None  # a slow reader may take long
            return response
    limit = api.limit(most=api.MOST_ROWS)
    if limit <= FEW:
        body, cursor = await _page(fixes, vehicle, limit, write)
    else:
        async with node.heavy.turn():
            body, cursor = await _page(fixes, vehicle, limit, write)
    if cursor and form != "json":
        headers["x-next"] = cursor
    return Response(body, 200, headers)


class Fixes:
    """The stored fixes of a span that may be told, some at a time."""

    def __init__(self, store: Store, told: Told, span: Span, after: int | None) -> None:
        self._store = store
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
            found += rows if self._told.visits is None else await admitted(rows, self._told.visits)
        return found


async def admitted(rows: list[StoredPing], visits: Visits) -> list[StoredPing]:
    shown = [(row, visits.shown(row.ping)) async for row in in_slices(rows)]
    return [msgspec.structs.replace(row, ping=ping) for row, ping in shown if ping is not None]


async def _page(fixes: Fixes, vehicle: str, limit: int, write: type[Writer]) -> tuple[bytes, str | None]:
    """Written some at a time, however many are asked for; and where the next page begins."""
    rows = await fixes.next(limit + 1)
    writer = write(vehicle)
    pieces: list[bytes] = [writer.begin()]
    async for row in in_slices(rows[:limit]):
        pieces.append(writer.write(row))
    cursor = api.cursor(rows[limit - 1].ping.time) if len(rows) > limit else None
    return b"".join([*pieces, *writer.end(cursor)]), cursor


async def _streamed(fixes: Fixes, writer: Writer, lasts: api.Lasts) -> AsyncIterator[bytes]:
    """All there is, in flat memory: the next fixes are read when these have been sent."""
    yield writer.begin()
    while rows := await fixes.next(FEW):
        lasts()
        pieces: list[bytes] = []
        async for row in in_slices(rows):
            pieces.append(writer.write(row))
        yield b"".join(pieces)
        if len(rows) < FEW:
            break
    for piece in writer.end(None):
        yield piece


class Writer(Protocol):
    """A format: told one fix after the other."""

    def __init__(self, vehicle: str) -> None: ...

    def begin(self) -> bytes: ...

    def write(self, row: StoredPing) -> bytes: ...

    def end(self, cursor: str | None) -> Iterable[bytes]: ...


class Json:
    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle
        self._comma = b""

    def begin(self) -> bytes:
        return b'{"vehicle":%b,"positions":[' % encode(self._vehicle)

    def write(self, row: StoredPing) -> bytes:
        comma, self._comma = self._comma, b","
        return comma + encode(shown.stored(row))

    def end(self, cursor: str | None) -> Iterator[bytes]:
        yield b'],"next":%b}' % encode(cursor)


class GeoJson:
    """A LineString with the time of each of its points, and what else each says; a Point when there is only one."""

    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle
        self._first = b""  # held back: two points are a line, one is none
        self._count = 0
        self._times = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - closed by `end`
        self._said = tempfile.SpooledTemporaryFile(SPOOLED)  # noqa: SIM115

    def begin(self) -> bytes:
        return b'{"type":"Feature","geometry":'

    def write(self, row: StoredPing) -> bytes:
        comma = b"," if self._count else b""
        self._times.write(comma + encode(rfc3339(row.ping.time)))
        self._said.write(comma + encode(own.optional(row.ping) or None))
        place = encode((row.ping.lon, row.ping.lat))
        self._count += 1
        if self._count == 1:
            self._first = place
            return b""
        if self._count == 2:
            return b'{"type":"LineString","coordinates":[%b,%b' % (self._first, place)
        return b"," + place

    def end(self, cursor: str | None) -> Iterator[bytes]:
        if self._count > 1:
            yield b"]}"
        else:
            yield b'{"type":"Point","coordinates":%b}' % self._first if self._count else b"null"
        yield b',"properties":{"vehicle":%b,"times":[' % encode(self._vehicle)
        yield from _spooled(self._times)
        yield b'],"positions":['
        yield from _spooled(self._said)
        yield b'],"next":%b}}' % encode(cursor)


def _spooled(file: Any) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(65_536):
            yield piece


class Gpx:
    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle

    def begin(self) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<gpx version="1.1" creator="live-map-tracker" xmlns="http://www.topografix.com/GPX/1/1"'
            f' xmlns:tracker="{own.NAMESPACE}">\n<trk><name>{escape(self._vehicle)}</name><trkseg>\n'
        ).encode()

    def write(self, row: StoredPing) -> bytes:
        ping = row.ping
        height = "" if ping.altitude_m is None else f"<ele>{ping.altitude_m:.2f}</ele>"
        said = own.optional(ping) | {"vehicle": ping.vehicle}
        return (
            f'<trkpt lat="{ping.lat:.7f}" lon="{ping.lon:.7f}">{height}<time>{rfc3339(ping.time)}</time>'
            f"<extensions><tracker:position>{escape(encode(said).decode())}</tracker:position></extensions></trkpt>\n"
        ).encode()

    def end(self, _cursor: str | None) -> Iterator[bytes]:
        yield b"</trkseg></trk></gpx>\n"


class Csv:
    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle

    def begin(self) -> bytes:
        return _row(own.COLUMNS)

    def write(self, row: StoredPing) -> bytes:
        return _row(own.cells(row.ping))

    def end(self, _cursor: str | None) -> Iterator[bytes]:
        yield b""


def _row(cells: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


FORMATS: dict[str, tuple[str, type[Writer]]] = {
    "json": ("application/json", Json),
    "geojson": ("application/geo+json", GeoJson),
    "gpx": ("application/gpx+xml", Gpx),
    "csv": ("text/csv; charset=utf-8", Csv),
}
