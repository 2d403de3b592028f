"""Streets: a road network, the quickest way through it, and how a careful driver takes that way. Pure."""

from __future__ import annotations

import heapq
import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import atan2, cos, degrees, hypot, radians, sin, sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

from tracker.geometry.earth import frame

ACCELERATION, BRAKING = 1.6, 2.2  # m/s², a loaded van
STEP_M = 8.0  # a speed is planned at least this often along the way
#: (turn of more than … degrees, taken at most at … m/s)
TURNS = ((150, 1.5), (100, 2.5), (60, 4.0), (30, 6.5), (15, 9.0))
RED_LIGHT = 0.10  # chance that a junction where streets meet makes the van wait

Point = tuple[float, float]  # lat, lon


class Road(NamedTuple):
    """One way from a junction to the next, as it may be driven."""

    to: int
    speed_mps: float
    length_m: float
    points: list[Point]  # both ends included
    name: str


class Fix(NamedTuple):
    lat: float
    lon: float
    speed_mps: float
    heading: float
    driven_m: float


class Streets:
    """The junctions and roads of one town; every junction can be reached from every other."""

    def __init__(self, junctions: Sequence[Point], roads: Sequence[tuple[int, Road]]) -> None:
        self.junctions = list(junctions)
        self.roads: list[list[Road]] = [[] for _ in junctions]
        for start, road in roads:
            self.roads[start].append(road)
        self.kx, self.ky = frame(self.junctions[0][0])
        self.fastest = max(road.speed_mps for _, road in roads)

    @classmethod
    def load(cls, path: Path) -> Streets:
        """Read the file tools/make_demo_streets.py writes. Raises OSError, ValueError and KeyError as they come."""
        content = json.loads(path.read_text(encoding="utf-8"))
        junctions = [(lat, lon) for lon, lat in content["junctions"]]
        kx, ky = frame(junctions[0][0])
        roads = []
        for start, to, kmh, name, between in content["roads"]:
            inner = zip(between[1::2], between[::2], strict=True)
            points = [junctions[start], *inner, junctions[to]]
            length = sum(hypot((b[1] - a[1]) * kx, (b[0] - a[0]) * ky) for a, b in pairwise(points))
            roads.append((start, Road(to, kmh / 3.6, length, points, content["names"][name])))
        return cls(junctions, roads)

    def distance_m(self, a: int, b: int) -> float:
        """As the crow flies, between two junctions."""
        (lat1, lon1), (lat2, lon2) = self.junctions[a], self.junctions[b]
        return hypot((lon2 - lon1) * self.kx, (lat2 - lat1) * self.ky)

    def nearest(self, lat: float, lon: float) -> int:
        """The junction nearest to a place."""
        places = enumerate(self.junctions)
        return min(places, key=lambda item: hypot((item[1][1] - lon) * self.kx, (item[1][0] - lat) * self.ky))[0]

    def stops(self, count: int) -> list[int]:
        """So many junctions spread evenly: each the farthest from those before it."""
        chosen = [0]
        away = [self.distance_m(0, i) for i in range(len(self.junctions))]
        while len(chosen) < min(count, len(away)):
            chosen.append(max(range(len(away)), key=away.__getitem__))
            away = [min(before, self.distance_m(chosen[-1], i)) for i, before in enumerate(away)]
        return chosen

    def route(self, start: int, goal: int, taste: Random) -> list[Road]:
        """A quick way (A*). Drivers differ: each road costs up to twice its time, as `taste` has it today.

        What is left cannot cost less than straight there at the highest speed.
        """
        best = {start: 0.0}
        came: dict[int, tuple[int, Road]] = {}
        todo = [(0.0, start)]
        done: set[int] = set()
        while todo:
            here = heapq.heappop(todo)[1]
            if here == goal:
                break
            if here in done:
                continue
            done.add(here)
            for road in self.roads[here]:
                seconds = best[here] + road.length_m / road.speed_mps * taste.uniform(1, 2)
                if seconds < best.get(road.to, float("inf")):
                    best[road.to] = seconds
                    came[road.to] = (here, road)
                    heapq.heappush(todo, (seconds + self.distance_m(road.to, goal) / self.fastest, road.to))
        way = []
        while goal != start:
            goal, road = came[goal]
            way.append(road)
        return way[::-1]


class Drive:
    """One drive along a way, planned whole when it begins: where the van is after so many seconds is then a look-up.

    The speed at each place is the least of what the road allows, what the turn ahead allows, what accelerating
    from behind can have reached and what braking for the next slow place still permits; red lights are stops.
    """

    def __init__(self, streets: Streets, way: Sequence[Road], random: Random, haste: float = 1.0) -> None:
        self.kx, self.ky = streets.kx, streets.ky
        self.points: list[Point] = [way[0].points[0]]
        caps = [0.0]
        waits = {}
        for road in way:
            for a, b in pairwise(road.points):
                self._lead(a, b, road.speed_mps * haste, caps)
            if len(streets.roads[road.to]) > 2 and random.random() < RED_LIGHT:
                waits[len(caps) - 1] = random.uniform(4, 25)
        self._slow_for_turns(caps)
        for i in waits:
            caps[i] = 0.0
        caps[-1] = 0.0
        self._time(caps, waits)

    @property
    def seconds(self) -> float:
        return self.times[-1]

    def at(self, seconds: float) -> Fix:
        """Where, how fast and which way, so many seconds after the start; standing at the ends before and after."""
        i = min(max(bisect_right(self.times, seconds) - 1, 0), len(self.points) - 2)
        spent = min(max(seconds - self.times[i] - self.holds[i], 0.0), self.moves[i])
        v, w, length = self.speeds[i], self.speeds[i + 1], self.along[i + 1] - self.along[i]
        share = spent / self.moves[i]
        part = (v * spent + (w - v) * spent * share / 2) / length
        (lat1, lon1), (lat2, lon2) = self.points[i], self.points[i + 1]
        heading = degrees(atan2((lon2 - lon1) * self.kx, (lat2 - lat1) * self.ky)) % 360
        speed = v + (w - v) * share if spent > 0 else 0.0 if self.holds[i] else v
        driven = self.along[i] + part * length
        return Fix(lat1 + (lat2 - lat1) * part, lon1 + (lon2 - lon1) * part, speed, heading, driven)

    def _lead(self, a: Point, b: Point, cap: float, caps: list[float]) -> None:
        length = hypot((b[1] - a[1]) * self.kx, (b[0] - a[0]) * self.ky)
        if length < 0.1:
            return
        pieces = int(length / STEP_M) + 1
        for k in range(1, pieces + 1):
            self.points.append((a[0] + (b[0] - a[0]) * k / pieces, a[1] + (b[1] - a[1]) * k / pieces))
            caps.append(cap)

    def _slow_for_turns(self, caps: list[float]) -> None:
        for i in range(1, len(self.points) - 1):
            before, here, after = self.points[i - 1 : i + 2]
            x1, y1 = (here[1] - before[1]) * self.kx, (here[0] - before[0]) * self.ky
            x2, y2 = (after[1] - here[1]) * self.kx, (after[0] - here[0]) * self.ky
            turn = abs(degrees(atan2(x1 * y2 - y1 * x2, x1 * x2 + y1 * y2)))
            caps[i] = min(caps[i], caps[i + 1], next((mps for over, mps in TURNS if turn > over), caps[i]))

    def _time(self, caps: list[float], waits: dict[int, float]) -> None:
        points = self.points
        self.along = [0.0]
        for a, b in pairwise(points):
            self.along.append(self.along[-1] + hypot((b[1] - a[1]) * self.kx, (b[0] - a[0]) * self.ky))
        steps = [b - a for a, b in pairwise(self.along)]
        for i, step in enumerate(steps):
            caps[i + 1] = min(caps[i + 1], sqrt(caps[i] ** 2 + 2 * ACCELERATION * step))
        for i in range(len(steps) - 1, -1, -1):
            caps[i] = min(caps[i], sqrt(caps[i + 1] ** 2 + 2 * BRAKING * steps[i]))
        self.speeds = caps
        self.holds = [waits.get(i, 0.0) for i in range(len(points))]
        # between two stops at neighbouring points the plan never leaves 0: creep
        self.moves = [2 * step / max(v + w, 0.5) for step, (v, w) in zip(steps, pairwise(caps), strict=True)]
        self.times = [0.0]
        for hold, move in zip(self.holds, self.moves, strict=False):
            self.times.append(self.times[-1] + hold + move)


def moved(lat: float, lon: float, metres: float, heading: float) -> Point:
    """The place so far away in a direction; right to a centimetre within a kilometre."""
    kx, ky = frame(lat)
    return lat + metres * cos(radians(heading)) / ky, lon + metres * sin(radians(heading)) / kx
