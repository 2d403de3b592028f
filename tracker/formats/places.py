"""Places: one value that holds both degrees: `60.1,24.9`, WKT, a GeoJSON geometry. None where nobody can be sure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracker.formats import Reading
from tracker.formats.degrees import LAT, LON, read_degrees
from tracker.formats.names import plain, plan
from tracker.formats.rows import Row
from tracker.formats.sides import Unclear

_LAT_FIRST = frozenset({"latlng", "latlon", "lat_lng", "lat_lon", "lat_long", "latitude_longitude"})
_LON_FIRST = frozenset({"lnglat", "lonlat", "lng_lat", "lon_lat", "long_lat", "longitude_latitude"})
#: titles of a column, or names of a value, that may hold a place
PLACES = _LAT_FIRST | _LON_FIRST | {
    *("position", "location", "coordinates", "coordinate", "coords", "coord", "gps", "gps_position", "gps_location"),
    *("gps_coordinates", "geolocation", "geo", "geom", "the_geom", "geometry", "point", "wkt", "geo_point", "geopoint"),
    *("loc", "last_position", "koordinaten", "koordinate", "standort", "coordonnees", "coordenadas", "posicion"),
    "ubicacion",
}  # fmt: skip
_WKT = re.compile(
    r"(?:SRID=4326;)?\s*POINT\s*(?:Z|M|ZM)?\s*\(\s*([^\s(),]+)\s+([^\s(),]+)(?:\s+[^\s(),]+){0,2}\s*\)", re.IGNORECASE
)

_FLIGHTRADAR24 = ["Timestamp", "UTC", "Callsign", "Position", "Altitude", "Speed", "Direction"]  # in feet and knots

Pair = tuple[float, float]  # lat, lon


def read_place(value: Any, name: str, lon_first: bool = False, letter_o: str = "") -> Pair | None:
    """(lat, lon) of a text, an array or a geometry that stands under this name."""
    if isinstance(value, str):
        return _of_text(value.strip(), lon_first or plain(name) in _LON_FIRST, letter_o)
    if isinstance(value, dict):
        if value.get("type", "Point") != "Point":
            return None
        return read_place(value.get("coordinates"), "coordinates") if "coordinates" in value else None
    if isinstance(value, list) and len(value) in (2, 3) and all(type(one) in (int, float) for one in value[:2]):
        first, second = value[:2]
        if name == "coordinates" or plain(name) in _LON_FIRST:  # as GeoJSON has it
            return second, first
        return (first, second) if plain(name) in _LAT_FIRST else None
    return None


def _of_text(text: str, lon_first: bool, letter_o: str) -> Pair | None:
    if match := _WKT.fullmatch(text):
        return _pair(match[2], match[1])
    if text.startswith("{"):
        try:
            return read_place(json.loads(text), "")
        except (ValueError, RecursionError):
            return None
    halves = _halves(text.strip("()[] "))
    if len(halves) != 2:
        return None
    lat, lon = reversed(halves) if lon_first else halves
    return _pair(lat, lon, letter_o) or _pair(lon, lat, letter_o)  # the second: E24.9 N60.1


def _halves(text: str) -> list[str]:
    """`60.1,24.9`, `60,1; 24,9`, `60,1 24,9`, `N60.1 E24.9`: two halves, or what is no place."""
    for mark in (";", "|", ", ", " ", ","):  # the comma alone last: it may be that of a decimal
        halves = [half for half in text.split(mark) if half.strip()]
        if len(halves) == 2:
            return [half.strip() for half in halves]
    return []


def _pair(lat: str, lon: str, letter_o: str = "") -> Pair | None:
    try:
        found = read_degrees(lat, of=LAT), read_degrees(lon, of=LON, letter_o=letter_o)
    except Unclear:
        return None
    return (found[0], found[1]) if isinstance(found[0], float) and isinstance(found[1], float) else None


class Spread:
    """A table whose places stand in one column, as one with a column for each of the two degrees."""

    def __init__(self, header: list[str], at: int, lon_first: bool) -> None:
        self._title, self._at, self._lon_first = header[at], at, lon_first
        self.header = [*header[:at], "lat", "lon", *header[at + 1 :]]

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        at = self._at
        for row in rows:
            if at < len(row.cells):
                text = row.cells[at]
                lat, lon = read_place(text, self._title, self._lon_first) or self._halves(text)
                row = Row(row.line, [*row.cells[:at], str(lat), str(lon), *row.cells[at + 1 :]], row.whole)
            yield row

    def _halves(self, text: str) -> tuple[str, str]:
        """What only the table can read: an O, or nothing at all."""
        halves = _halves(text.strip("()[] "))
        if len(halves) != 2 or not any(char.isdigit() for char in text):
            return text, ""
        return (halves[1], halves[0]) if self._lon_first or plain(self._title) in _LON_FIRST else (halves[0], halves[1])


def find_spread(header: list[str], sample: Sequence[Row], reading: Reading) -> Spread | None:
    """None: it has columns for its degrees, or no column that holds both. What is taken for granted is noted."""
    if {"lat", "lon"} <= plan(tuple(header)).fields.keys():
        return None
    for at, title in enumerate(header):
        cells = [row.cells[at] for row in sample if at < len(row.cells)] if plain(title) in PLACES else []
        pairs = [pair for cell in cells if (pair := read_place(cell, title, letter_o="W")) is not None]
        if pairs:
            lon_first = any(abs(lat) > 90 for lat, _ in pairs)
            said = ", latitude first" if pairs[0] != read_place(cells[0], title, lon_first=True, letter_o="W") else ""
            said = ", longitude first: some latitudes would be over 90°" if lon_first else said
            reading.note(f"the column {title!r} holds the places{said}")
            if header == _FLIGHTRADAR24:
                header = [
                    "Altitude (ft)" if one == "Altitude" else "Speed (kn)" if one == "Speed" else one for one in header
                ]
            return Spread(header, at, lon_first)
    return None
