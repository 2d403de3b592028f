"""From a GeoJSON geometry to rings and lines that can be trusted, or a list of faults, each with its place.

A ring may be open (it is closed), wind either way, repeat a position, and go over the antimeridian in any of the usual
ways: with a jump from 179 to -179, on beyond 180 (179, 181), or cut in two at ±180 (RFC 7946 §3.1.9). What comes back
is *unwrapped*: longitudes run on, without jumps.
"""

from __future__ import annotations

import re
from itertools import pairwise
from math import atan, degrees, floor, inf, isfinite, pi, sinh
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tracker.errors import Invalid
from tracker.geometry.earth import distance_m, turn

Position = tuple[float, float]  # lon, lat, as in GeoJSON
Fault = dict[str, Any]

MAX_VERTICES = 10_000  #: of one region, all rings together
MAX_FAULTS = 20  #: enough to repair a file by; the rest is counted by nobody
MAX_CROSSINGS = 1_000  #: of an outline that is to be repaired
MAX_RADIUS_M = 5_000_000.0
MAX_BUFFER_M = 100_000.0
FARTHEST_M = 25_000_000.0  #: no projection of the world has a number beyond
MERCATOR_M = 20_037_508.342789244  #: half the width of Web Mercator
MAX_LINE_M = 20_000_000.0  #: half way round the world: longer than any road


def fault(code: str, field: str, message: str, at: Position | None = None) -> Fault:
    found: Fault = {"code": code, "field": field, "message": message}
    if at is not None:
        found["at"] = [at[0] if -180 <= at[0] <= 180 else turn(at[0]), at[1]]
    return found


def invalid(*faults: Fault) -> Invalid:
    """All faults in one error, which goes by the first one's code."""
    first = faults[0]
    return Invalid(first["code"], f"{first['field']}: {first['message']}", list(faults))


def read_positions(value: Any, field: str, faults: list[Fault]) -> list[Position]:
    """A list of positions; an altitude is let go. Faults are added to the list, at most MAX_FAULTS."""
    if not isinstance(value, list | tuple):
        faults.append(fault("coordinates_type", field, f"must be a list of [longitude, latitude], not {_kind(value)}"))
        return []
    if len(value) > MAX_VERTICES + 1:
        faults.append(_too_many(len(value), field))
        return []
    positions = _plain_positions(value)
    if positions is not None:
        return positions
    positions = []
    for i, item in enumerate(value):
        position = read_position(item, f"{field}[{i}]", faults)
        if position is not None:
            positions.append(position)
        if len(faults) >= MAX_FAULTS or (faults and faults[-1]["code"] == "not_degrees"):
            break  # one says it of all
    return positions


def _plain_positions(value: list[Any] | tuple[Any, ...]) -> list[Position] | None:
    """All of them, in a tenth of the time, where nothing can be wrong with any; None: look at each."""
    try:
        pairs = msgspec.convert(value, list[Position])
    except msgspec.ValidationError:
        return None
    plain = [(lon + 0.0, lat + 0.0) for lon, lat in pairs if -360 <= lon <= 360 and -90 <= lat <= 90]
    return plain if len(plain) == len(pairs) else None


def read_position(item: Any, field: str, faults: list[Fault]) -> Position | None:
    if type(item) is list and len(item) == 2 and type(item[0]) is type(item[1]) is float:  # nearly always
        lon, lat = item
        if -360 <= lon <= 360 and -90 <= lat <= 90:
            return lon + 0.0, lat + 0.0
    if not isinstance(item, list | tuple):
        faults.append(fault("coordinates_type", field, f"must be [longitude, latitude], not {_kind(item)}"))
        return None
    if not 2 <= len(item) <= 4:
        faults.append(fault("coordinates_type", field, f"must be [longitude, latitude], not {len(item)} items"))
        return None
    before = len(faults)
    if found := _metres(item, field):
        faults.append(found)
        return None
    for i, name, limit in ((0, "longitude", 360), (1, "latitude", 90)):
        number = item[i]
        if isinstance(number, bool) or not isinstance(number, int | float):
            faults.append(fault("coordinates_type", f"{field}[{i}]", f"{name} must be a number, not {_kind(number)}"))
        elif isinstance(number, float) and not isfinite(number):
            faults.append(fault("not_finite", f"{field}[{i}]", f"{name} {number} is not a number on the map"))
        elif not -limit <= number <= limit:
            shown = 180 if i == 0 else 90
            message = f"{name} {_shown(number)} is outside -{shown} … {shown}"
            faults.append(fault(f"{name[:3]}_out_of_range", f"{field}[{i}]", message))
    return (float(item[0]) + 0.0, float(item[1]) + 0.0) if len(faults) == before else None


def _metres(item: Any, field: str) -> Fault | None:
    """A position of a projected map: what no degrees can be, and metres can."""
    x, y = item[:2]
    if type(x) not in (int, float) or type(y) not in (int, float):
        return None
    if not 1000 < max(abs(x), abs(y)) <= FARTHEST_M:  # NaN is neither
        return None
    would = ""
    if max(abs(x), abs(y)) <= MERCATOR_M:
        lat, lon = degrees(atan(sinh(y / MERCATOR_M * pi))), x / MERCATOR_M * 180
        would = f"; as EPSG:3857 (Web Mercator) it would be latitude {lat:.5g}, longitude {lon:.5g}"
    message = f"{x:.10g}, {y:.10g} are metres of a projected map, not degrees{would}. Save it as WGS 84 (EPSG:4326)"
    return fault("not_degrees", field, message)


def read_ring(value: Any, field: str) -> list[Position]:
    """A closed, unwrapped ring of at least three different positions."""
    faults: list[Fault] = []
    positions = read_positions(value, field, faults)
    if faults:
        raise invalid(*faults)
    if positions and positions[0] != positions[-1]:
        positions.append(positions[0])  # left open: closed kindly
    ring = unwrap(positions, field)
    if len(set(ring)) < 3 or ring[0] != ring[-1]:
        ring = unwrap(positions, field, around=True)
    at = positions[0] if positions else None
    if len(set(ring)) < 3:
        message = f"a ring needs at least three different positions, this has {len(set(ring))}"
        raise invalid(fault("too_few_points", field, message, at))
    lons = [lon for lon, _ in ring]
    lats = {lat for _, lat in ring}
    if ring[0] != ring[-1] or max(lons) - min(lons) > 360 or (max(lons) - min(lons) == 360 and len(lats) == 1):
        message = "the ring runs around a pole; cut it along the antimeridian (RFC 7946 §3.1.9) or draw a circle"
        raise invalid(fault("around_pole", field, message, at))
    return ring


def read_line(value: Any, field: str) -> list[Position]:
    """An unwrapped line of at least two different positions."""
    faults: list[Fault] = []
    positions = read_positions(value, field, faults)
    if faults:
        raise invalid(*faults)
    line = unwrap(positions, field)
    if len(line) < 2:
        at = line[0] if line else None
        message = f"a line needs at least two different positions, this has {len(line)}"
        raise invalid(fault("too_few_points", field, message, at))
    length = 0.0
    for (lon1, lat1), (lon2, lat2) in pairwise(line):
        length += distance_m(lat1, lon1, lat2, lon2)
        if length > MAX_LINE_M:
            message = f"the line is longer than {MAX_LINE_M / 1000:,.0f} km; the limit is passed here"
            raise invalid(fault("too_long", field, message, (turn(lon2), lat2)))
    return line


def unwrap(positions: list[Position], field: str, around: bool = False) -> list[Position]:
    """Without jumps and repeated positions: each longitude within 180° of the one before, the middle within ±180.

    From -180 to 180 along a parallel is no step at all, or (`around`) one around the whole world.
    """
    west, east = (min(positions)[0], max(positions)[0]) if positions else (0.0, 0.0)
    if -180 <= west < 180 and east <= 180 and east - west <= 180:  # nearly always
        return [place for place, before in zip(positions, [None, *positions], strict=False) if place != before]
    on: list[Position] = []
    turned: list[tuple[float, float, int]] = []  # as written, and how many times round
    for lon, lat in positions:
        turns = 0
        if on:
            west, before = on[-1]
            if abs(lon - west) > 180 and not (around and abs(lon - west) == 360 and lat == before):
                turns = round((west - lon) / 360)
            if (lon + 360 * turns, lat) == on[-1]:
                continue
        on.append((lon + 360 * turns, lat))
        turned.append((lon, lat, turns))
    if not on:
        return on
    west, east = min(lon for lon, _ in on), max(lon for lon, _ in on)
    if west > 180 or east < -180:
        lon = on[0][0]
        raise invalid(fault("lon_out_of_range", f"{field}[0][0]", f"longitude {lon:.10g} is outside -180 … 180", on[0]))
    first = floor((west + east + 360) / 720)  # from wherever it begins, the same numbers come out
    return [(lon + 360 * (turns - first), lat) for lon, lat, turns in turned]


def polygon(rings: Any, field: str) -> shapely.Polygon:
    """One valid polygon, unwrapped."""
    drawn = rings_of(rings, field)
    shape = shapely.Polygon(np.array(drawn[0]), drawn[1:])  # of an array: half as long
    if shape.is_valid:
        return shape
    for i, ring in enumerate(drawn):
        flat = shapely.Polygon(ring)
        if flat.convex_hull.area < 1e-13 and not flat.is_valid:  # about 1 mm²: all on one line
            message = "the ring encloses nothing: its positions lie on one line"
            raise invalid(fault("zero_area", f"{field}[{i}]", message, ring[0]))
    check(shape, field)
    return shape


def literal(kind: str, coordinates: Any, field: str) -> list[shapely.Polygon] | None:
    """The polygons as written, an edge from -170 to 170 the long way round: the last way to read them.

    None when GEOS would not take them, or a longitude goes on beyond ±180.
    """
    faults: list[Fault] = []
    parts: list[shapely.Polygon] = []
    for rings in [coordinates] if kind == "Polygon" else coordinates:
        drawn = [read_positions(ring, field, faults) for ring in rings] if isinstance(rings, list | tuple) else []
        if faults or not drawn or any(len(set(ring)) < 3 for ring in drawn):
            return None
        parts.append(shapely.Polygon(drawn[0], drawn[1:]))
    whole = shapely.MultiPolygon(parts)
    west, _, east, _ = whole.bounds
    return parts if whole.is_valid and west >= -180 and east <= 180 else None


def rings_of(rings: Any, field: str) -> list[list[Position]]:
    if not isinstance(rings, list | tuple):
        raise invalid(fault("coordinates_type", field, f"must be a list of rings, not {_kind(rings)}"))
    if not rings:
        raise invalid(fault("too_few_points", field, "has no rings"))
    if sum(len(ring) for ring in rings if isinstance(ring, list | tuple)) > MAX_VERTICES + len(rings):
        raise invalid(_too_many(sum(len(ring) for ring in rings), field))
    drawn = [read_ring(ring, f"{field}[{i}]") for i, ring in enumerate(rings)]
    if len(drawn) == 1:
        return drawn
    west, east = min(lon for lon, _ in drawn[0]), max(lon for lon, _ in drawn[0])
    for i, hole in enumerate(drawn[1:], 1):
        middle = (min(lon for lon, _ in hole) + max(lon for lon, _ in hole)) / 2
        turns = round(((west + east) / 2 - middle) / 360) * 360  # unwrapped on its own: bring it beside its shell
        drawn[i] = [(lon + turns, lat) for lon, lat in hole]
    return drawn


#: what GEOS finds → our code, and the words for it
_REASONS = {
    "Self-intersection": ("self_crossing", "the outline crosses or touches itself"),
    "Ring Self-intersection": ("self_crossing", "the ring touches itself"),
    "Hole lies outside shell": ("hole_outside", "a hole lies outside its outline"),
    "Holes are nested": ("hole_nested", "a hole lies inside another hole"),
    "Interior is disconnected": ("self_crossing", "the holes cut the inside in two"),
    "Nested shells": ("parts_overlap", "one part lies inside another"),
    "Duplicate Rings": ("self_crossing", "two rings are the same"),
    "Too few points in geometry component": ("too_few_points", "a ring has too few different positions"),
}


def check(shape: BaseGeometry, field: str) -> None:
    """Raise what GEOS finds wrong, in our words, with its place."""
    if shape.is_valid:
        return
    reason = shapely.is_valid_reason(shape)
    match = re.match(r"(.*?)\[(\S+) (\S+?)\]", reason)
    name, at = (match[1], (turn(float(match[2])), float(match[3]))) if match else (reason, None)
    code, message = _REASONS.get(name, ("invalid_shape", name))
    if code == "self_crossing" and shape.geom_type == "MultiPolygon":
        code, message = "parts_overlap", "two parts overlap or share an edge"
    where = f" at longitude {at[0]:.7g}, latitude {at[1]:.7g}" if at else ""
    raise invalid(fault(code, field, message + where, at))


def check_tangle(rings: list[list[Position]], field: str) -> None:
    """Refuse what crosses itself so often that nobody drew it: to mend it could take minutes."""
    segments = [shapely.LineString(edge) for ring in rings for edge in pairwise(ring)]
    tree, meetings = shapely.STRtree(segments), -3 * len(segments)  # each meets itself and its two neighbours
    for start in range(0, len(segments), 100):
        meetings += tree.query(segments[start : start + 100], "intersects").shape[1]
        if meetings > 2 * MAX_CROSSINGS:  # each is met from both sides
            message = f"crosses itself more than {MAX_CROSSINGS:,} times: too tangled to be repaired; draw it again"
            raise invalid(fault("too_tangled", field, message))


def read_metres(value: Any, field: str, limit: float) -> float:
    if value is None:
        raise invalid(fault("size_missing", f"properties.{field}", f"{field} is missing: how many metres?"))
    check_metres(value, field)
    if not 0 < value <= limit:  # NaN is neither
        message = f"{_shown(value)} is not a number of metres between 0 and {limit:,.0f}"
        raise invalid(fault("size_range", f"properties.{field}", message))
    return float(value)


def check_metres(value: Any, field: str) -> None:
    """Raises Invalid."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(fault("wrong_type", f"properties.{field}", f"must be a number of metres, not {_kind(value)}"))


def _too_many(count: int, field: str) -> Fault:
    return fault(
        "too_many_vertices", field, f"{count:,} positions are more than the {MAX_VERTICES:,} a region may have"
    )


def _shown(number: float) -> str:
    return "(a huge number)" if 1e15 <= abs(number) < inf else f"{number:.10g}"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
