"""Tracks: where one vehicle was, as JSON, GeoJSON, GPX or CSV."""

from __future__ import annotations

import csv
import io
from typing import Any, Protocol
from urllib.parse import quote
from xml.sax.saxutils import escape

from quart import Response, request

from tracker.ping import Ping
from tracker.slices import in_slices
from tracker.stores import StoredPing
from tracker.times import rfc3339
from tracker.web import api, shown
from tracker.web.answers import encode
from tracker.web.node import Node

LAST = 2**62  #: later than any fix
FEW = 500  #: fixes that are written without waiting for a turn


async def answer(node: Node, vehicle: str, n: int | None) -> Response:
    """The page of fixes the parameters ask for, each fix once, in fix order."""
    api.only("from", "until", "format", "limit", "cursor")
    since, until = api.instant("from"), api.instant("until")
    after = api.place(lambda place: isinstance(place, int) and abs(place) < LAST)
    limit = api.limit(most=api.MOST_ROWS)
    form = request.args.get("format", "json")
    if form not in FORMATS:
        raise api.bad("format", f"one of {', '.join(FORMATS)}")
    kind, write = FORMATS[form]
    span = (since or 0, LAST if until is None else until)
    if limit <= FEW:
        body, cursor = await _written(node, n, vehicle, span, after, limit, write)
    else:
        async with node.heavy.turn():
            body, cursor = await _written(node, n, vehicle, span, after, limit, write)
    headers = {"content-type": kind}
    if form in ("gpx", "csv"):
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(vehicle, safe='')}.{form}"
    if cursor and form != "json":
        headers["x-next"] = cursor
    return Response(body, 200, headers)


async def _written(
    node: Node, n: int | None, vehicle: str, span: tuple[int, int], after: int | None, limit: int, write: type[Writer]
) -> tuple[bytes, str | None]:
    """Written some at a time, however many are asked for; and where the next page begins."""
    rows = [] if n is None else await node.store.track(n, *span, after, limit + 1)
    writer = write(vehicle)
    async for row in in_slices(rows[:limit]):
        writer.add(row)
    cursor = api.cursor(rows[limit - 1].ping.time) if len(rows) > limit else None
    return writer.finish(cursor), cursor


class Writer(Protocol):
    """A format: told one fix after the other."""

    def __init__(self, vehicle: str) -> None: ...

    def add(self, row: StoredPing) -> None: ...

    def finish(self, cursor: str | None) -> bytes: ...


class Json:
    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle
        self._texts: list[bytes] = []

    def add(self, row: StoredPing) -> None:
        self._texts.append(encode(shown.stored(row)))

    def finish(self, cursor: str | None) -> bytes:
        texts = b",".join(self._texts)
        return b'{"vehicle":%b,"positions":[%b],"next":%b}' % (encode(self._vehicle), texts, encode(cursor))


class GeoJson:
    """A LineString with the time of each of its points; a Point when there is only one, nothing without any."""

    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle
        self._points: list[bytes] = []
        self._times: list[bytes] = []

    def add(self, row: StoredPing) -> None:
        self._points.append(encode((row.ping.lon, row.ping.lat)))
        self._times.append(encode(rfc3339(row.ping.time)))

    def finish(self, cursor: str | None) -> bytes:
        geometry = b"null"
        if len(self._points) > 1:
            geometry = b'{"type":"LineString","coordinates":[%b]}' % b",".join(self._points)
        elif self._points:
            geometry = b'{"type":"Point","coordinates":%b}' % self._points[0]
        return b'{"type":"Feature","geometry":%b,"properties":{"vehicle":%b,"times":[%b],"next":%b}}' % (
            geometry,
            encode(self._vehicle),
            b",".join(self._times),
            encode(cursor),
        )


class Gpx:
    def __init__(self, vehicle: str) -> None:
        name = escape("".join(char if char.isprintable() else "?" for char in vehicle))
        self._lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<gpx version="1.1" creator="live-map-tracker" xmlns="http://www.topografix.com/GPX/1/1">',
            f"<trk><name>{name}</name><trkseg>",
        ]

    def add(self, row: StoredPing) -> None:
        ping = row.ping
        height = "" if ping.altitude_m is None else f"<ele>{ping.altitude_m:.2f}</ele>"
        self._lines.append(
            f'<trkpt lat="{ping.lat:.7f}" lon="{ping.lon:.7f}">{height}<time>{rfc3339(ping.time)}</time></trkpt>'
        )

    def finish(self, cursor: str | None) -> bytes:
        return "\n".join([*self._lines, "</trkseg></trk></gpx>\n"]).encode()


COLUMNS: tuple[str, ...] = (
    "vehicle",
    "time",
    "lat",
    "lon",
    "speed_mps",
    "heading",
    "altitude_m",
    "accuracy_m",
    "ignition",
)
COLUMNS += ("battery_pct", "odometer_m", "driver", "alarm", "received_at")


class Csv:
    def __init__(self, vehicle: str) -> None:
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def add(self, row: StoredPing) -> None:
        self._writer.writerow(_cells(row.ping, row.received_at))

    def finish(self, cursor: str | None) -> bytes:
        return self._text.getvalue().encode()


def _cells(ping: Ping, received_at: int) -> list[Any]:
    cells: list[Any] = [_harmless(ping.vehicle), rfc3339(ping.time)]
    cells += [getattr(ping, name) for name in COLUMNS[2:-3]]
    return [*cells, _harmless(ping.driver), _harmless(ping.alarm), rfc3339(received_at)]


def _harmless(text: str | None) -> str | None:
    """A text that a spreadsheet would run as a formula gets the quote that keeps it a text."""
    return "'" + text if text and text.lstrip()[:1] in tuple("=+-@") else text


FORMATS: dict[str, tuple[str, type[Writer]]] = {
    "json": ("application/json", Json),
    "geojson": ("application/geo+json", GeoJson),
    "gpx": ("application/gpx+xml", Gpx),
    "csv": ("text/csv; charset=utf-8", Csv),
}
