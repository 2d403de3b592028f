"""What regions cost: one place, one ping's whole step, one edit, a whole array; at 100, 1,000 and 10,000 regions.

500 vehicles drive through seeded cities (`city.py`) and report every ten seconds; at 12 m/s once also every second,
which is the walk that other systems are measured on. *Step* is what the fleet does about
regions for one ping: membership, transitions, the line since the last ping, hysteresis, and events with their
explanation. Beside it the plain loop over shapely's STRtree, which knows no hysteresis: a point query, two set
differences and a line query. Times are CPU time; cold is the first pass, which finds every cell.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import shapely
from bench import ROUNDS, Row, number, report, resident_bytes
from city import drives, geometries

from tracker.fleet.cause import Occasion
from tracker.fleet.detectors import tell
from tracker.fleet.membership import appear, move
from tracker.fleet.vehicle import Vehicle
from tracker.geometry.cells.arrays import CellArrays
from tracker.geometry.cells.index import CellIndex
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

COUNTS = (100, 1_000, 10_000)
VEHICLES, STEPS = 500, 100
EVERY_MS = 10_000
START = 1_790_000_000_000

Places = list[list[tuple[float, float]]]  # by round, by vehicle: lat, lon


def spent(work: Callable[[], object]) -> float:
    """CPU seconds."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def ask(index: CellIndex[str], places: Places) -> int:
    at, hits = index.at, 0
    for fixes in places:
        for lat, lon in fixes:
            hits += len(at(lat, lon))
    return hits


def places_of(count: int, every_ms: int) -> Places:
    return [list(zip(lats, lons, strict=True)) for lats, lons in drives(count, VEHICLES, STEPS, every_ms / 1000)]


def pings_of(places: Places, every_ms: int) -> list[list[Ping]]:
    return [
        [
            Ping(vehicle=f"v{i}", time=START + step * every_ms, lat=lat, lon=lon, accuracy_m=8.0)
            for i, (lat, lon) in enumerate(fixes)
        ]
        for step, fixes in enumerate(places)
    ]


def drive(book: RegionBook, pings: list[list[Ping]]) -> int:
    """The region step of every ping, as the fleet takes it; how many events it made."""
    vehicles = []
    for i, ping in enumerate(pings[0]):
        vehicle = Vehicle(i, ping, ping.time)
        vehicle.clock = ping.time
        tell(book, vehicle, appear(book, vehicle, ping), Occasion.of_fix(ping, None, ping.time))
        vehicles.append(vehicle)
    events = 0
    for fixes in pings[1:]:
        for vehicle, ping in zip(vehicles, fixes, strict=True):
            vehicle.clock = ping.time
            moves = move(book, vehicle, vehicle.ping, ping, ping.time)
            if moves is not None:
                occasion = Occasion.of_fix(ping, vehicle.ping, ping.time)
                tell(book, vehicle, moves, occasion)
                vehicle.settled = not vehicle.touches and len(vehicle.visits) == len(vehicle.raw or ())
                events += len(occasion.events)
            vehicle.ping = ping
    return events


def plain(shapes: Sequence[shapely.Geometry], places: Places) -> int:
    """The reference: every ping asks the STRtree, which is warm."""
    tree = shapely.STRtree(shapes)
    before = [(fix, frozenset(tree.query(shapely.Point(fix[1], fix[0]), "intersects").tolist())) for fix in places[0]]
    events = 0
    for fixes in places[1:]:
        for i, (lat, lon) in enumerate(fixes):
            (lat0, lon0), inside = before[i]
            now = frozenset(tree.query(shapely.Point(lon, lat), "intersects").tolist())
            line = shapely.LineString([(lon0, lat0), (lon, lat)])
            crossed = set(tree.query(line, "intersects").tolist()) - now - inside
            events += len(now - inside) + len(inside - now) + len(crossed)
            before[i] = ((lat, lon), now)
    return events


def plain_points(shapes: Sequence[shapely.Geometry], places: Places) -> None:
    tree = shapely.STRtree(shapes)
    for fixes in places:
        for lat, lon in fixes:
            tree.query(shapely.Point(lon, lat), "intersects")


def edit(book: RegionBook, regions: Sequence[Region], places: Places) -> float:
    """Milliseconds on the loop to put one changed region in, the cells around it known; and again for the next."""
    took = []
    for region in regions:
        ask(book.cells, places[:20])
        took.append(spent(lambda region=region: book.put(region)) * 1e3)  # type: ignore[misc]
    return max(took)


def measure(count: int) -> list[Row]:
    read = []
    regions: list[Region] = []
    for i, geometry in enumerate(geometries(count)):
        feature = {"type": "Feature", "geometry": geometry, "properties": {}}
        started = time.process_time()
        regions.append(Region.read_feature(feature, id=f"r{i:05}", version=1, now=START))
        read.append((time.process_time() - started) * 1e3)
    shapes = [region.shape.parts for region in regions]
    book = RegionBook()
    started = time.process_time()
    for region in regions:
        book.put(region)
    put = (time.process_time() - started) / count * 1e6
    places, each = places_of(count, EVERY_MS), VEHICLES * STEPS
    pings = pings_of(places, EVERY_MS)
    memory = resident_bytes(os.getpid())
    cold_step = spent(lambda: drive(book, pings)) / each * 1e6
    memory = resident_bytes(os.getpid()) - memory
    cells = book.cells.cells
    hits = ask(book.cells, places) / each
    edges = sum(1 for _, pieces, _ in book.cells._cells.values() if pieces) / cells
    fresh: CellIndex[str] = CellIndex()
    fresh.update({region.id: region.shape for region in regions})
    cold = spent(lambda: ask(fresh, places)) / each * 1e6

    few = VEHICLES * 20
    tree, points, warm, step = [], [], [], []
    for _ in range(ROUNDS):  # in turn
        tree.append(spent(lambda: plain(shapes, places[:20])) / few * 1e6)
        step.append(spent(lambda: drive(book, pings)) / each * 1e6)
        points.append(spent(lambda: plain_points(shapes, places[:20])) / few * 1e6)
        warm.append(spent(lambda: ask(book.cells, places)) / each * 1e6)
    events = drive(book, pings)

    slow = pings_of(places_of(count, 1000), 1000)
    book.cells.forget_cells()
    slow_cold = spent(lambda: drive(book, slow)) / each * 1e6
    slow_step = [spent(lambda: drive(book, slow)) / each * 1e6 for _ in range(ROUNDS)]
    slow_events = drive(book, slow)
    ask(book.cells, places)

    arrays = CellArrays(book.cells)
    lats, lons = np.array([fix for fixes in places for fix in fixes]).T
    arrays.contains_many(lats, lons)
    batch = [
        spent(
            lambda: [arrays.contains_many(lats[i : i + 10_000], lons[i : i + 10_000]) for i in range(0, each, 10_000)]
        )
        / each
        * 1e6
        for _ in range(ROUNDS)
    ]
    largest = sorted(regions, key=lambda region: -region.shape.area_m2)
    edits = [edit(book, [region], places) for region in (*regions[:ROUNDS], *largest[:2])]
    name = f"{count:,} regions: "
    per_second = f"{1e6 / sorted(step)[len(step) // 2]:,.0f} pings/s"
    return [
        Row(
            name + "whole step, warm",
            "µs/ping",
            step,
            tree,
            f"{per_second}; {events:,} events; STRtree: the whole loop",
        ),
        Row(name + "whole step, first pass", "µs/ping", [cold_step], tree, f"finds {cells:,} cells"),
        Row(name + "12 m steps, warm", "µs/ping", slow_step, tree, f"{slow_events:,} events"),
        Row(name + "12 m steps, first pass", "µs/ping", [slow_cold], tree),
        Row(
            name + "where is it, warm", "µs/ping", warm, points, f"{hits:.2f} hits a ping; {edges:.0%} cells with edges"
        ),
        Row(name + "where is it, first pass", "µs/ping", [cold], points),
        Row(name + "arrays of 10,000", "µs/ping", batch, points, f"{1 / sorted(batch)[len(batch) // 2]:.1f} M/s"),
        Row(
            name + "one edit on the loop", "ms", edits, (), f"worst {max(edits):.2f} ms, the largest regions among them"
        ),
        Row(name + "put in", "µs/region", [put]),
        Row(name + "read and check, off the loop", "ms/region", read, (), f"worst {number(max(read))} ms"),
        Row(name + "memory", "B/cell", [max(memory, 0) / cells], (), f"{max(memory, 0) / 1e6:.0f} MB"),
    ]


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or list(COUNTS)
    rows = [row for count in counts for row in measure(count)]
    report("Regions", rows, "STRtree", held=True)


if __name__ == "__main__":
    main()
