"""Rounds: seeded days of a delivery van whose stops are known, and how well a method finds them.

Twelve rounds hold 136 stops of 150 s and more. A van sets out from a stop, drives 0.4 to 5 km in straight pieces of 80
to 600 m with turns of up to 100° between them, at 7 to 19 m/s (1.5 m/s² up, 2 m/s² down), waits at every fifth corner
10 to 75 s for a light, and on six ways in ten crawls for 3 to 6 minutes at 1.2 m/s: what looks like a stop and is
none. A stop takes 150 s to 35 min, most of them less than ten; every sixth is 70 to 140 m from the one before. What a
receiver says of it is a fix every `step_s` seconds, `noise_m` off (a normal distribution, north and east each), with
`accuracy_m` as that; `lost` of them never come.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from tracker.geometry.earth import frame
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping

SEEDS = range(12)
LAT, LON = 60.17, 24.94
BEGAN = 1_780_000_000_000
STOPS = (11, 12, 11, 11, 12, 11, 11, 12, 11, 11, 12, 11)  #: of each round


class Round(NamedTuple):
    places: list[tuple[float, float]]  # metres east and north, one a second
    stops: list[tuple[int, int]]  # ms


def drive(seed: int) -> Round:
    rng = random.Random(f"round {seed}")
    places: list[tuple[float, float]] = []
    stops: list[tuple[int, int]] = []
    x = y = 0.0
    heading = rng.uniform(0, math.tau)

    def stand(seconds: int) -> None:
        places.extend([(x, y)] * seconds)

    def go(metres: float, top: float, from_rest: bool, to_rest: bool) -> None:
        nonlocal x, y
        speed, left = (0.0 if from_rest else top), metres
        while left > 0.3:
            brake = math.sqrt(2 * 2.0 * left) if to_rest else top
            speed = max(0.6, min(top, speed + 1.5, brake))
            step = min(left, speed)
            x, y, left = x + step * math.sin(heading), y + step * math.cos(heading), left - step
            places.append((x, y))

    for number in range(STOPS[seed]):
        near = number % 6 == 5
        left = rng.uniform(70, 140) if near else rng.uniform(400, 5000)
        crawl = not near and rng.random() < 0.6
        corner, rest = 0, True
        while left > 0:
            piece = min(left, rng.uniform(80, 600))
            left -= piece
            waits = left > 0 and corner % 5 == 4
            go(piece, rng.uniform(7, 19), rest, waits or left <= 0 or crawl)
            rest = waits or crawl
            if crawl and left > 0:
                crawl = False
                seconds = rng.randint(180, 360)
                for _ in range(seconds):
                    x, y = x + 1.2 * math.sin(heading), y + 1.2 * math.cos(heading)
                    places.append((x, y))
            if waits:
                stand(rng.randint(10, 75))
            corner += 1
            heading += rng.uniform(-1.75, 1.75)
        since = len(places)
        stand(round(rng.choice((1, 1, 1, 4)) * rng.uniform(150, 525)))
        stops.append((BEGAN + since * 1000, BEGAN + len(places) * 1000))
    go(rng.uniform(400, 2000), 12, True, False)
    return Round(places, stops)


def fixes(
    round: Round, seed: int, step_s: float, noise_m: float, lost: float = 0.0, *, accuracy: bool = True
) -> list[Ping]:
    rng = random.Random(f"fixes {seed} {step_s} {noise_m} {lost}")
    east, north = frame(LAT)
    told, at = [], rng.uniform(0, step_s)
    while at < len(round.places):
        x, y = round.places[int(at)]
        if rng.random() >= lost:
            told.append(
                Ping(
                    "van",
                    BEGAN + int(at) * 1000,
                    LAT + (y + rng.gauss(0, noise_m)) / north,
                    LON + (x + rng.gauss(0, noise_m)) / east,
                    accuracy_m=noise_m if accuracy else None,
                )
            )
        at += step_s
    return told


def at(second: float, east: float, north: float = 0.0, *, lat: float = LAT, lon: float = LON, **said: Any) -> Ping:
    """So many metres from a place, so many seconds after it began."""
    x, y = frame(lat)
    turned = (lon + east / x + 180) % 360 - 180
    return Ping("van", BEGAN + round(second * 1000), lat + north / y, turned, **said)


def driven(
    *legs: tuple[float, float], step_s: float = 10.0, begins_s: float = 0.0, east: float = 0.0, speeds: bool = False
) -> list[Ping]:
    """(seconds, m/s) one after the other, eastwards."""
    pings, second = [], begins_s
    for seconds, speed in legs:
        end = second + seconds
        while second < end:
            pings.append(at(second, east, speed_mps=float(speed) if speeds else None))
            second, east = second + step_s, east + speed * step_s
    return pings


def columns_of(pings: Sequence[Ping]) -> Columns:
    return Columns.from_pings(StoredPing(1, ping, ping.time + 900) for ping in pings)


Span = tuple[int, int]


def score(truth: Sequence[Span], found: Sequence[Span]) -> tuple[int, int, list[int]]:
    """Stops that were found, what was found and was none, and how late (ms) each began that was.

    Found: one that covers at least half of it, and no other. None: less than half of it was a stop.
    """
    used: set[int] = set()
    late: list[int] = []
    for since, until in truth:
        for at, (begins, ends) in enumerate(found):
            if at not in used and min(until, ends) - max(since, begins) >= (until - since) / 2:
                used.add(at)
                late.append(begins - since)
                break
    wrong = 0
    for begins, ends in found:
        covered = sum(max(0, min(until, ends) - max(since, begins)) for since, until in truth)
        wrong += covered < (ends - begins) / 2
    return len(late), wrong, late
