"""Lines: trips and stops on a map, as the files that maps are: GeoJSON, GPX, KML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import msgspec

from tracker.history.story.way import Place
from tracker.times import rfc3339

Document = dict[str, Any]  # as it is told in JSON


class Line(NamedTuple):
    vehicle: str
    trip: Document
    times: list[int]
    places: list[Place]


class Point(NamedTuple):
    vehicle: str
    stop: Document


def as_geojson(lines: Sequence[Line], points: Sequence[Point]) -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(line.places),
            "properties": {"kind": "trip", "vehicle": line.vehicle, **line.trip, "times": [*map(rfc3339, line.times)]},
        }
        for line in lines
    ]
    for point in points:
        stop = dict(point.stop)
        place = [stop.pop("lon"), stop.pop("lat")]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": place},
                "properties": {"kind": "stop", "vehicle": point.vehicle, **stop},
            }
        )
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _geometry(places: Sequence[Place]) -> dict[str, Any]:
    """In as many lines as the antimeridian cuts it into."""
    parts = list(_parts([(lon, lat) for lat, lon in places]))
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": parts[0]}
    return {"type": "MultiLineString", "coordinates": parts}


def _parts(places: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    part = [places[0]]
    for (lon, lat), (east, north) in pairwise(places):
        if abs(east - lon) > 180:
            edge = 180.0 if lon > 0 else -180.0
            whole = 360 - abs(east - lon)
            middle = round(lat + (north - lat) * (abs(edge - lon) / whole if whole else 0.5), 7)
            yield [*part, (edge, middle)]
            part = [(-edge, middle)]
        part.append((east, north))
    yield part


def as_gpx(lines: Sequence[Line], points: Sequence[Point]) -> bytes:
    text = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="live-map-tracker" xmlns="http://www.topografix.com/GPX/1/1">\n'
    ]
    for vehicle, stop in points:
        text.append(
            f'<wpt lat="{stop["lat"]:.7f}" lon="{stop["lon"]:.7f}"><time>{stop["from"]}</time>'
            f"<name>{escape(vehicle)}</name><desc>{escape(_of_stop(stop))}</desc><type>stop</type></wpt>\n"
        )
    for line in lines:
        text.append(
            f"<trk><name>{escape(line.vehicle)}</name><desc>{_of_trip(line.trip)}</desc><type>trip</type><trkseg>\n"
        )
        text += [
            f'<trkpt lat="{lat:.7f}" lon="{lon:.7f}"><time>{rfc3339(time)}</time></trkpt>\n'
            for time, (lat, lon) in zip(line.times, line.places, strict=True)
        ]
        text.append("</trkseg></trk>\n")
    return "".join([*text, "</gpx>\n"]).encode()


def as_kml(lines: Sequence[Line], points: Sequence[Point]) -> bytes:
    text = ['<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n']
    for line in lines:
        places = [
            " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in part)
            for part in _parts([(lon, lat) for lat, lon in line.places])
        ]
        drawn = "".join(
            f"<LineString><tessellate>1</tessellate><coordinates>{one}</coordinates></LineString>" for one in places
        )
        if len(places) > 1:
            drawn = f"<MultiGeometry>{drawn}</MultiGeometry>"
        text.append(_placemark(line.vehicle, _of_trip(line.trip), line.trip, drawn))
    for vehicle, stop in points:
        drawn = f"<Point><coordinates>{stop['lon']:.7f},{stop['lat']:.7f}</coordinates></Point>"
        text.append(_placemark(vehicle, _of_stop(stop), stop, drawn))
    return "".join([*text, "</Document></kml>\n"]).encode()


def _placemark(vehicle: str, about: str, said: Document, drawn: str) -> str:
    numbers = "".join(
        f"<Data name={quoteattr(name)}><value>{value}</value></Data>"
        for name, value in said.items()
        if isinstance(value, int | float)
    )
    return (
        f"<Placemark><name>{escape(vehicle)}</name><description>{escape(about)}</description>"
        f"<TimeSpan><begin>{said['from']}</begin><end>{said['until']}</end></TimeSpan>"
        f"<ExtendedData>{numbers}</ExtendedData>{drawn}</Placemark>\n"
    )


def _of_trip(trip: Document) -> str:
    return f"{trip['distance_m'] / 1000:.1f} km in {_minutes(trip)}"


def _of_stop(stop: Document) -> str:
    return ", ".join([_minutes(stop), *(one["name"] for one in stop["regions"])])


def _minutes(said: Document) -> str:
    minutes = round(said["duration_s"] / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


MAPS: dict[str, tuple[str, Callable[[Sequence[Line], Sequence[Point]], bytes]]] = {
    "geojson": ("application/geo+json", as_geojson),
    "gpx": ("application/gpx+xml", as_gpx),
    "kml": ("application/vnd.google-earth.kml+xml", as_kml),
}
