"""Calm, measured: false events of vehicles parked at a region's edge, and what calm costs at the gate.

    python tests/bench/bench_jitter.py [--hours 20]

GPS noise is correlated: AR(1), forgetting with 20 s, and the receiver reports an accuracy of 1.5 sigma. A vehicle parks for an
hour 10 m inside the edge, on it, and 10 m outside, reporting every second (and every ten). Whatever is said after its first
fix is false. Then it drives straight in, and out, at 15 m/s: how long after the edge is it told? Everything goes through the
fleet itself; seeded.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Iterator
from math import exp, sqrt

from bench import machine

from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.geometry.earth import frame
from tracker.model.ping import Ping
from tracker.regions.region import Region

LAT, LON = 52.5, 13.4
KX, KY = frame(LAT)
START = 1_795_424_400_000
TAU_S = 20.0
SPEED_MPS = 15.0


def fleet(debounce: str) -> Fleet:
    """East of LON lies a region 2 km square."""
    corners = [(0, -1000), (2000, -1000), (2000, 1000), (0, 1000), (0, -1000)]
    ring = [[LON + east / KX, LAT + north / KY] for east, north in corners]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"debounce": debounce},
    }
    made = Fleet(FleetSettings(silence_s=1e9, jump_mps=1e9))
    made.save_regions([Region.read_feature(feature, id="r", version=1, now=START)], START)
    return made


def noise(rng: random.Random, sigma: float, every_s: float) -> Iterator[float]:
    """Correlated errors of one axis, metres."""
    keep = exp(-every_s / TAU_S)
    error = rng.gauss(0, sigma)
    while True:
        yield error
        error = keep * error + sqrt(1 - keep * keep) * rng.gauss(0, sigma)


def parked(debounce: str, sigma: float, inside_m: float, every_s: float, hours: int) -> dict[str, float]:
    """False events an hour, by kind."""
    made, told = fleet(debounce), {"enter": 0, "exit": 0, "cross": 0}
    rng = random.Random(f"{sigma} {inside_m} {every_s}")
    for hour in range(hours):
        east, north = noise(rng, sigma, every_s), noise(rng, sigma, every_s)
        for step in range(int(3600 / every_s)):
            lat, lon = LAT + next(north) / KY, LON + (inside_m + next(east)) / KX
            ping = Ping(f"v{hour}", START + round(step * every_s * 1000), lat, lon, accuracy_m=1.5 * sigma)
            for event in made.apply([ping], ping.time).change.events:
                told[event.kind] += event.reason == "moved"
    return {kind: count / hours for kind, count in told.items()}


def delays(debounce: str, sigma: float, drives: int) -> tuple[float, float]:
    """Median seconds from the edge to `enter`, and to `exit`."""
    made, rng, found = fleet(debounce), random.Random(sigma), {"enter": [0.0] * 0, "exit": [0.0] * 0}
    for drive in range(drives):
        east, shift = noise(rng, sigma, 1.0), rng.random()
        for step in range(-40, 41):
            metres = (40 - abs(step)) * SPEED_MPS - 20 * SPEED_MPS + shift * SPEED_MPS  # in, and out again
            time = START + drive * 1_000_000 + step * 1000
            ping = Ping("van", time, LAT, LON + (metres + next(east)) / KX, accuracy_m=1.5 * sigma)
            for event in made.apply([ping], time).change.events:
                if event.kind in found:
                    found[event.kind].append(metres / SPEED_MPS if event.kind == "enter" else -metres / SPEED_MPS)
    return statistics.median(found["enter"]), statistics.median(found["exit"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=20, help="parked hours of each kind")
    hours = parser.parse_args().hours
    print(f"\n### Jitter: false events a parked hour\n\n{machine()}\n")
    print("| rule | every | sigma | 10 m inside | on the edge | 10 m outside | enter, exit delay |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for debounce, name in (("none", "the bare line"), ("accuracy", "**calm**")):
        for every_s in (1.0, 10.0):
            for sigma in (5.0, 15.0):
                cells = []
                for inside_m in (10.0, 0.0, -10.0):
                    told = parked(debounce, sigma, inside_m, every_s, hours)
                    crosses = f" + {told['cross']:.2g} cross" if told["cross"] else ""
                    cells.append(f"{told['enter'] + told['exit']:.2g}{crosses}")
                late = "{:.1f}, {:.1f} s".format(*delays(debounce, sigma, 200)) if every_s == 1 else ""
                print(f"| {name} | {every_s:g} s | {sigma:g} m | {' | '.join(cells)} | {late} |", flush=True)


if __name__ == "__main__":
    main()
