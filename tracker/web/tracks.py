"""Tracks: where one vehicle was, as JSON, GeoJSON, GPX or CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from quart import Response, request

from tracker.ping import Ping
from tracker.stores import StoredPing
from tracker.times import rfc3339
from tracker.web import api, shown
from tracker.web.answers import encode
from tracker.web.node import Node

LAST = 2**62  #: later than any fix


async def answer(node: Node, vehicle: str) -> Response:
    """The page of fixes the parameters ask for, each fix once, in fix order."""
    api.only("from", "until", "format", "limit", "cursor")
    since, until = api.instant("from"), api.instant("until")
    after = api.place(lambda place: isinstance(place, int) and abs(place) < LAST)
    limit = api.limit(most=api.MOST_ROWS)
    form = request.args.get("format", "json")
    if form not in FORMATS:
        raise api.bad("format", f"one of {', '.join(FORMATS)}")
    state = node.picture.vehicles.get(vehicle)
    rows: list[StoredPing] = []
    if state is not None:
        rows = await node.store.track(state.n, since or 0, LAST if until is None else until, after, limit + 1)
    cursor = api.cursor(rows[limit - 1].ping.time) if len(rows) > limit else None
    kind, write = FORMATS[form]
    body = await asyncio.to_thread(write, vehicle, rows[:limit], cursor)
    headers = {"content-type": kind}
    if form in ("gpx", "csv"):
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(vehicle, safe='')}.{form}"
    if cursor and form != "json":
        headers["x-next"] = cursor
    return Response(body, 200, headers)


def _json(vehicle: str, rows: list[StoredPing], cursor: str | None) -> bytes:
    return encode({"vehicle": vehicle, "positions": [shown.stored(row) for row in rows], "next": cursor})


def _geojson(vehicle: str, rows: list[StoredPing], cursor: str | None) -> bytes:
    """A LineString with the time of each of its points; a Point when there is only one, nothing without any."""
    points = [[row.ping.lon, row.ping.lat] for row in rows]
    geometry: dict[str, Any] | None = {"type": "LineString", "coordinates": points}
    if len(points) < 2:
        geometry = {"type": "Point", "coordinates": points[0]} if points else None
    properties = {"vehicle": vehicle, "times": [rfc3339(row.ping.time) for row in rows], "next": cursor}
    return encode({"type": "Feature", "geometry": geometry, "properties": properties})


def _gpx(vehicle: str, rows: list[StoredPing], cursor: str | None) -> bytes:
    name = escape("".join(char if char.isprintable() else "?" for char in vehicle))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="live-map-tracker" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<trk><name>{name}</name><trkseg>",
    ]
    for row in rows:
        ping = row.ping
        height = "" if ping.altitude_m is None else f"<ele>{ping.altitude_m:.2f}</ele>"
        lines.append(
            f'<trkpt lat="{ping.lat:.7f}" lon="{ping.lon:.7f}">{height}<time>{rfc3339(ping.time)}</time></trkpt>'
        )
    lines.append("</trkseg></trk></gpx>\n")
    return "\n".join(lines).encode()


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


def _csv(vehicle: str, rows: list[StoredPing], cursor: str | None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_cells(row.ping, row.received_at))
    return text.getvalue().encode()


def _cells(ping: Ping, received_at: int) -> list[Any]:
    cells: list[Any] = [_harmless(ping.vehicle), rfc3339(ping.time)]
    cells += [getattr(ping, name) for name in COLUMNS[2:-3]]
    return [*cells, _harmless(ping.driver), _harmless(ping.alarm), rfc3339(received_at)]


def _harmless(text: str | None) -> str | None:
    """A text that a spreadsheet would run as a formula gets the quote that keeps it a text."""
    return "'" + text if text and text[0] in "=+-@\t\r" else text


FORMATS: dict[str, tuple[str, Callable[[str, list[StoredPing], str | None], bytes]]] = {
    "json": ("application/json", _json),
    "geojson": ("application/geo+json", _geojson),
    "gpx": ("application/gpx+xml", _gpx),
    "csv": ("text/csv; charset=utf-8", _csv),
}
