"""GeoJSON ↔ shape: what people draw becomes what decides.

    Polygon, MultiPolygon            → Area   (area.py)
    Point + radius_m                 → Round  (buffer.py), a circle
    LineString + buffer_m            → Round, a corridor

A shape is never changed. Reading one may take a tenth of a second (10,000 vertices): callers do it in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import shapely

from tracker.errors import Invalid
from tracker.geometry.antimeridian import cut
from tracker.geometry.area import Area
from tracker.geometry.buffer import Round
from tracker.geometry.shape import Shape
from tracker.geometry.validation import (
    MAX_BUFFER_M,
    MAX_RADIUS_M,
    MAX_VERTICES,
    Fault,
    check,
    check_tangle,
    fault,
    invalid,
    literal,
    polygon,
    read_line,
    read_metres,
    read_position,
    rings_of,
)

#: faults that come of reading an edge over 180° long as one across the antimeridian
MAYBE_LITERAL = frozenset(
    {"around_pole", "self_crossing", "hole_outside", "hole_nested", "parts_overlap", "zero_area", "too_few_points"}
)

FIELD = "geometry.coordinates"


def read_shape(geometry: Any, **parameters: Any) -> Shape:
    """The shape a GeoJSON geometry means, with the numbers that complete it (`radius_m=150`).

    Raises Invalid, which names every fault and where it is.
    """
    if not isinstance(geometry, dict):
        raise invalid(fault("geometry_missing", "geometry", "must be a GeoJSON geometry"))
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    form = form_of(kind, parameters)
    if form is None:
        *words, last = dict.fromkeys(form.geometry for form in FORMS)
        given = "; there is none" if kind is None else f", not {kind!r:.40}"
        raise invalid(fault("geometry_type", "geometry.type", f"must be {', '.join(words)} or {last}{given}"))
    return form.read({"type": kind, "coordinates": coordinates}, parameters)


class Form(NamedTuple):
    """One way to draw a region: a kind of geometry, and the numbers among its properties that complete it."""

    geometry: str
    parameters: tuple[str, ...]
    read: Callable[[dict[str, Any], Mapping[str, Any]], Shape]


def form_of(kind: Any, parameters: Mapping[str, Any]) -> Form | None:
    """Of several forms of one geometry that with a number that is there, else the first."""
    first: Form | None = None
    for form in FORMS:
        if form.geometry == kind:
            for name in form.parameters:
                if parameters.get(name) is not None:
                    return form
            first = first or form
    return first


@cache  # asked three times a region
def parameter_names() -> tuple[str, ...]:
    return tuple({name: None for form in FORMS for name in form.parameters})


def read_centre(coordinates: Any) -> tuple[float, float]:
    """(lat, lon) of a Point. Raises Invalid."""
    faults: list[Fault] = []
    centre = read_position(coordinates, FIELD, faults)
    if centre is not None and abs(centre[0]) > 180:
        faults.append(fault("lon_out_of_range", f"{FIELD}[0]", f"longitude {centre[0]:.10g} is outside -180 … 180"))
    if faults or centre is None:
        raise invalid(*faults)
    return centre[1], centre[0]


def _each(*reads: Callable[[], Any]) -> list[Any]:
    """What each of them reads. Raises Invalid with the faults of all."""
    found, faults = list[Any](), list[Fault]()
    for read in reads:
        try:
            found.append(read())
        except Invalid as why:
            faults += why.errors
    if faults:
        raise invalid(*faults)
    return found


def _circle(drawn: dict[str, Any], parameters: Mapping[str, Any]) -> Shape:
    centre, reach = _each(
        lambda: read_centre(drawn["coordinates"]),
        lambda: read_metres(parameters.get("radius_m"), "radius_m", MAX_RADIUS_M),
    )
    return Round(drawn, [centre], reach)


def _corridor(drawn: dict[str, Any], parameters: Mapping[str, Any]) -> Shape:
    line, reach = _each(
        lambda: read_line(drawn["coordinates"], FIELD),
        lambda: read_metres(parameters.get("buffer_m"), "buffer_m", MAX_BUFFER_M),
    )
    return Round(drawn, [(lat, lon) for lon, lat in min(line, line[::-1])], reach)


def _area(drawn: dict[str, Any], _: Mapping[str, Any]) -> Shape:
    kind, coordinates, field = drawn["type"], drawn["coordinates"], FIELD
    try:
        parts = _split(_polygons(kind, coordinates, field), field)
    except Invalid as why:
        if why.code not in MAYBE_LITERAL or (as_written := literal(kind, coordinates, field)) is None:
            raise
        parts = as_written
    area = Area.from_parts(drawn, parts)
    if area.area_m2 <= 0:
        raise invalid(fault("zero_area", field, "encloses nothing", _middle(area.bounds)))
    return area


#: every way to draw a region
FORMS: list[Form] = [
    Form("Polygon", (), _area),
    Form("MultiPolygon", (), _area),
    Form("Point", ("radius_m",), _circle),
    Form("LineString", ("buffer_m",), _corridor),
]


def repair(geometry: Any, **parameters: Any) -> dict[str, Any]:
    """The geometry made valid, to be shown and confirmed; Invalid when nothing can be made of it.

    Only what GEOS can mend is mended: crossings, overlaps, stray holes. Positions that are no positions stay faults.
    """
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return read_shape(geometry, **parameters).geojson()
    try:
        return read_shape(geometry).geojson()
    except Invalid:
        pass
    field, coordinates = "geometry.coordinates", geometry.get("coordinates")
    several = coordinates if geometry["type"] == "MultiPolygon" else [coordinates]
    if not isinstance(several, list | tuple):
        raise invalid(fault("coordinates_type", field, "must be a list of polygons"))
    drawn = [rings_of(rings, field) for rings in several]
    check_tangle([ring for rings in drawn for ring in rings], field)
    mended = shapely.union_all([shapely.make_valid(shapely.Polygon(rings[0], rings[1:])) for rings in drawn])
    polygons = [part for part in shapely.get_parts(mended) if part.geom_type == "Polygon" and part.area > 1e-12]
    if not polygons:
        at = drawn[0][0][0] if drawn else None
        raise invalid(fault("zero_area", field, "encloses nothing that could be repaired", at))
    parts = _split(polygons, field)
    coordinates = [[[list(p) for p in ring.coords] for ring in (part.exterior, *part.interiors)] for part in parts]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _polygons(kind: str, coordinates: Any, field: str) -> list[shapely.Polygon]:
    if kind == "Polygon":
        return [polygon(coordinates, field)]
    if not isinstance(coordinates, list | tuple):
        raise invalid(fault("coordinates_type", field, "must be a list of polygons"))
    if not coordinates:
        raise invalid(fault("too_few_points", field, "has no polygons"))
    count = sum(len(r) for p in coordinates if isinstance(p, list) for r in p if isinstance(r, list))
    if count > 2 * MAX_VERTICES:
        raise invalid(fault("too_many_vertices", field, f"{count:,} positions are more than {MAX_VERTICES:,}"))
    return [polygon(rings, f"{field}[{i}]") for i, rings in enumerate(coordinates)]


def _split(polygons: list[shapely.Polygon], field: str) -> list[shapely.Polygon]:
    rings = len(polygons) + int(shapely.get_num_interior_rings(polygons).sum())
    count = int(shapely.get_num_coordinates(polygons).sum()) - rings  # the last position of a ring is its first
    if count > MAX_VERTICES:
        raise invalid(
            fault(
                "too_many_vertices", field, f"{count:,} positions are more than the {MAX_VERTICES:,} a region may have"
            )
        )
    parts = cut(polygons)
    if len(parts) > 1:
        check(shapely.MultiPolygon(parts), field)
    return parts
