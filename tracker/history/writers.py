"""Writers: a track as JSON, GeoJSON, GPX, KML or CSV, told one fix after the other, in flat memory."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol
from xml.sax.saxutils import escape

import msgspec

from tracker.formats import own
from tracker.model import outside
from tracker.model.commit import StoredPing
from tracker.times import rfc3339

SPOOLED = 1 << 20  #: bytes of what a GeoJSON line says last that are kept in memory

encode = msgspec.json.Encoder(enc_hook=str).encode


class Writer(Protocol):
    """A format: told one fix after the other."""

    def __init__(self, vehicle: str) -> None: ...

    def begin(self) -> bytes: ...

    def write(self, row: StoredPing) -> bytes: ...

    def end(self, cursor: str | None) -> Iterable[bytes]: ...


class Json:
    """With the corrections it obeys, where there are any."""

    def __init__(self, vehicle: str, corrections: Sequence[dict[str, Any]] = ()) -> None:
        self._vehicle, self._corrections = vehicle, corrections
        self._comma = b""

    def begin(self) -> bytes:
        return b'{"vehicle":%b,"positions":[' % encode(self._vehicle)

    def write(self, row: StoredPing) -> bytes:
        comma, self._comma = self._comma, b","
        return comma + encode(outside.stored(row))

    def end(self, cursor: str | None) -> Iterator[bytes]:
        said = b',"corrections":%b' % encode(self._corrections) if self._corrections else b""
        yield b'],"next":%b%b}' % (encode(cursor), said)


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


class Kml:
    """A track of Google's extension: each time with its place. It has no word for what else a fix says."""

    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle

    def begin(self) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>\n'
            f"<Placemark><name>{escape(self._vehicle)}</name><gx:Track><altitudeMode>clampToGround</altitudeMode>\n"
        ).encode()

    def write(self, row: StoredPing) -> bytes:
        ping = row.ping
        place = f"{ping.lon:.7f} {ping.lat:.7f} {ping.altitude_m or 0:.2f}"
        return f"<when>{rfc3339(ping.time)}</when><gx:coord>{place}</gx:coord>\n".encode()

    def end(self, _cursor: str | None) -> Iterator[bytes]:
        yield b"</gx:Track></Placemark></Document></kml>\n"


FORMATS: dict[str, tuple[str, type[Writer]]] = {
    "json": ("application/json", Json),
    "geojson": ("application/geo+json", GeoJson),
    "gpx": ("application/gpx+xml", Gpx),
    "kml": ("application/vnd.google-earth.kml+xml", Kml),
    "csv": ("text/csv; charset=utf-8", Csv),
}
