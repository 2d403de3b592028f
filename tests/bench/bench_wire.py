"""Batches over HTTP through a real server that decides about 1,000 or 10,000 regions: CPU of all its threads a ping.

500 vehicles of `city.py` drive the same way there and back, so after the first pass every cell is known, as in a fleet
that has driven for a while. Each fix is 12 m after the last one; in the row with events it is 1.4 km, which enters and
leaves regions all the time. Every ping is on the disk before its answer, and so are its events. First the regions
themselves: put in by requests of 500.
"""

from __future__ import annotations

import asyncio
import sys
import time

from bench import ROUNDS, Row, cpu_seconds, json_loop, report
from bench_ingest import batches
from city import drives, geometries
from clients import Server

VEHICLES, STEPS = 500, 20
TOGETHER = 500  #: regions of one request
PLAN = {1_000: {"12 m steps": 1.0}, 10_000: {"12 m steps": 1.0, "1.4 km steps": 120.0}}  #: regions → seconds a step


class Route:
    """The way of all vehicles, there and back for ever; fix times go on."""

    def __init__(self, prefix: str, regions: int, every_s: float) -> None:
        self.rounds = [list(zip(lats, lons, strict=True)) for lats, lons in drives(regions, VEHICLES, STEPS, every_s)]
        self.prefix = prefix.encode()
        self.step_ms = int(every_s * 1000)
        passes = 2 * (ROUNDS + 1)
        self.time = int(time.time() * 1000) - passes * STEPS * self.step_ms - 60_000

    def there(self) -> list[bytes]:
        """The positions of one pass, in the order of their times; the next pass is the way back."""
        positions = []
        for fixes in self.rounds:
            self.time += self.step_ms
            positions += [
                b'{"vehicle":"v%s-%d","time":%d,"lat":%.7f,"lon":%.7f,"accuracy_m":8}'
                % (self.prefix, number, self.time, lat, lon)
                for number, (lat, lon) in enumerate(fixes)
            ]
        self.rounds.reverse()
        return positions


def put_regions(server: Server, count: int) -> float:
    """CPU seconds of the server to take them in: read, checked, stored and every vehicle looked at."""
    features = [
        {"type": "Feature", "id": f"r{number}", "geometry": geometry, "properties": {"name": f"Region {number}"}}
        for number, geometry in enumerate(geometries(count))
    ]
    cpu = cpu_seconds(server.pid)
    for at in range(0, count, TOGETHER):
        some = {"type": "FeatureCollection", "features": features[at : at + TOGETHER]}
        server.post("/api/v1/regions", some)
    return cpu_seconds(server.pid) - cpu


def events_of(server: Server) -> int:
    """How many events were told so far."""
    lines = server.get("/metrics").decode().splitlines()
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith("tracker_pipeline_events_total")))


def drive(server: Server, what: str, regions: int, every_s: float) -> list[Row]:
    route = Route(what.split()[0], regions, every_s)
    costs, references, events, sent = [], [], 0, 0
    for number in range(ROUNDS + 1):
        positions = route.there() + route.there()
        references.append(1e6 * json_loop(b"[" + b",".join(positions[:100]) + b"]") / 100)
        known, cpu = events_of(server), cpu_seconds(server.pid)
        asyncio.run(batches(server.port, positions))
        costs.append(1e6 * (cpu_seconds(server.pid) - cpu) / len(positions))
        if number:
            events, sent = events + events_of(server) - known, sent + len(positions)
    name, told = f"{regions:,} regions, {what}", f"{events / sent:.2f} events a ping"
    return [
        Row(name, "µs CPU a ping", costs[1:], references[1:], told),
        Row(f"{name}: first pass", "µs CPU a ping", costs[:1], references[:1], "new cells on half of the way"),
    ]


def measure(regions: int) -> list[Row]:
    with Server() as server:
        put = Row(f"{regions:,} regions put in", "s CPU", [put_regions(server, regions)])
        steps = PLAN[regions].items()
        return [put, *(row for what, every_s in steps for row in drive(server, what, regions, every_s))]


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or list(PLAN)
    rows = [row for count in counts for row in measure(count)]
    report("Over the wire: batches of 100 by HTTP, no viewers", rows, "bare json", held=True)


if __name__ == "__main__":
    main()
