"""Growth: what a ping costs and a vehicle keeps at 10,000, 100,000 and 1,000,000 vehicles, in process, 1,000 regions.

Every vehicle is heard of once; then batches of 100 pings come from vehicles of all over the fleet, each 12 m on from
its last. Only the fleet is measured: no store, no picture, nobody listens. CPU time; the garbage collector as it is in
a server.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from random import Random

import msgspec
from bench import Row, json_loop, report, resident_bytes
from city import centres, geometries

from tracker.fleet.fleet import Fleet
from tracker.model.ping import Ping
from tracker.regions.region import Region

COUNTS = (10_000, 100_000, 1_000_000)
REGIONS, ROUNDS, PINGS = 1_000, 5, 10_000  # a round
START = 1_790_000_000_000


def pings_of(rng: Random, numbers: list[int], last: list[tuple[float, float]], now: int) -> list[Ping]:
    """The next fix of each of these vehicles."""
    pings = []
    for number in numbers:
        lat, lon = last[number]
        last[number] = lat, lon = round(lat + rng.choice([-1, 1]) * 8e-5, 7), round(lon + rng.choice([-1, 1]) * 1e-4, 7)
        pings.append(Ping(f"vehicle-{number}", now - 500, lat, lon, speed_mps=12.0, accuracy_m=8.0))
    return pings


def measure(count: int) -> list[Row]:
    rng, fleet, now = Random(1), Fleet(), START
    features = ({"type": "Feature", "geometry": geometry, "properties": {}} for geometry in geometries(REGIONS))
    fleet.save_regions(
        [Region.read_feature(one, id=f"r{i:05}", version=1, now=now) for i, one in enumerate(features)], now
    )
    cities = centres(REGIONS)
    last = []
    for number in range(count):
        lat, lon, spread = cities[number % len(cities)]
        last.append((lat + rng.gauss(0, spread / 111_200), lon + rng.gauss(0, spread / 78_000)))
    gc.collect()
    before = resident_bytes(os.getpid())
    for start in range(0, count, 1000):
        now += 1
        fleet.apply(pings_of(rng, list(range(start, min(start + 1000, count))), last, now), now)
    gc.collect()
    kept = resident_bytes(os.getpid()) - before
    costs, references = [], []
    sample = msgspec.json.encode(pings_of(rng, list(range(100)), last, now))
    for _ in range(ROUNDS):
        batches = []
        for _ in range(PINGS // 100):
            now += 1000
            batches.append((pings_of(rng, rng.sample(range(count), 100), last, now), now))
        references.append(json_loop(sample) / 100 * 1e6)
        started = time.process_time()
        for pings, at in batches:
            fleet.apply(pings, at)
        costs.append((time.process_time() - started) / PINGS * 1e6)
    name = f"{count:,} vehicles: "
    whole = f"{resident_bytes(os.getpid()) / 1e9:.2f} GB resident"
    return [
        Row(name + "decide", "µs CPU a ping", costs, references),
        Row(name + "kept", "B a vehicle", [kept / count], (), whole),
    ]


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or list(COUNTS)
    rows = []
    for count in counts:  # each in a process of its own, or it would be measured beside what the one before left
        child = os.fork() if len(counts) > 1 else 0
        if child:
            os.waitpid(child, 0)
            continue
        rows = measure(count)
        report(f"Growth to {count:,} vehicles", rows, "bare json")
        if len(counts) > 1:
            os._exit(0)


if __name__ == "__main__":
    main()
