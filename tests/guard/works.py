"""The fixed, seeded works that are counted: each answers what one unit of it costs."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.guard.counting import Calls, log_of
from tracker.buses.memory import MemoryBus
from tracker.fleet.fleet import Fleet
from tracker.live.hub import Hub
from tracker.live.requests import Follow
from tracker.live.viewer import Viewer
from tracker.model.picture import Picture
from tracker.pipeline.pipeline import Pipeline
from tracker.protocols.native import read_json
from tracker.regions.importing import read_regions
from tracker.stores import open_store

Counts = dict[str, float]

T0 = 1_790_000_000_000
VEHICLES, EVERY_MS = 100, 1000
SOUTH, WEST, HIGH, WIDE = 60.1, 24.7, 0.1, 0.2  #: where everybody drives: 11 km by 11 km
WARM, COUNTED = 5, 10  #: rounds: few enough that no upkeep of the store falls into them


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now


class Outlet:
    pending = 0

    def __init__(self) -> None:
        self.bytes = 0

    def send(self, payload: bytes, _text: bool = True) -> None:
        self.bytes += len(payload)


class Roads:
    """Vehicles that drive straight on at 12 m/s, there and back; each second one body with a fix of everyone."""

    def __init__(self, vehicles: int = VEHICLES) -> None:
        dice = Random(7)
        self._ways = [
            (SOUTH + HIGH * dice.random(), WEST + WIDE * dice.random(), math.tau * dice.random())
            for _ in range(vehicles)
        ]
        self._second = 0

    def body(self) -> bytes:
        self._second += 1
        metres = 12 * abs((self._second + 15) % 30 - 15)
        fixes = (
            b'{"vehicle":"v%d","time":%d,"lat":%.6f,"lon":%.6f,"speed_mps":12.0,"heading":%d,"accuracy_m":8}'
            % (
                number,
                T0 + self._second * EVERY_MS,
                lat + metres * math.cos(way) / 111_200,
                lon + metres * math.sin(way) / 55_600,
                math.degrees(way),
            )
            for number, (lat, lon, way) in enumerate(self._ways)
        )
        return b"[" + b",".join(fixes) + b"]"


def polygons(count: int) -> list[dict[str, Any]]:
    """Uneven rings of 24 corners, 100 to 1,000 m across, all over the roads."""
    dice = Random(11)
    features = []
    for number in range(count):
        lat, lon, radius = SOUTH + HIGH * dice.random(), WEST + WIDE * dice.random(), 50 * 10 ** dice.random()
        ring = []
        for corner in range(24):
            angle, reach = math.tau * corner / 24, radius * (0.8 + 0.4 * dice.random())
            ring.append(
                [round(lon + reach * math.cos(angle) / 55_600, 7), round(lat + reach * math.sin(angle) / 111_200, 7)]
            )
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        features.append(
            {"type": "Feature", "id": f"r{number}", "geometry": geometry, "properties": {"name": f"R{number}"}}
        )
    return features


class Stage:
    """The whole way of a ping without its door: read → decide → store → tell, with the real store in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.calls = Calls()
        picture = Picture()
        self.hub = Hub(picture)
        self.pipeline = Pipeline(
            Fleet(), open_store(str(folder)), MemoryBus(), picture, clock=self.clock, on_change=self.hub.route
        )

    @asynccontextmanager
    async def open(self, regions: int = 100) -> AsyncIterator[Stage]:
        with self.calls.listening():
            await self.pipeline.start()
            self.hub.begin(epoch=b"abcd", t0=T0)
            try:
                await self.pipeline.save_regions(polygons(regions))
                yield self
            finally:
                await self.pipeline.stop()

    def watch(self, viewers: int) -> list[Outlet]:
        outlets = [Outlet() for _ in range(viewers)]
        for outlet in outlets:
            viewer = Viewer(outlet)
            self.hub.attach(viewer)
            self.hub.follow(viewer, Follow(all=True, events=True))
        for _ in range(WARM):
            self.tell()
        return outlets

    def tell(self) -> None:
        for viewer in self.hub.tick():
            self.hub.serve(viewer, self.clock.now)

    async def take(self, body: bytes) -> None:
        self.clock.now += EVERY_MS
        await self.pipeline.submit(read_json(body, self.clock.now).pings)

    async def count(self, work: Callable[[bytes], Awaitable[None]], bodies: list[bytes], pings: int) -> Counts:
        """What is counted while `work` does with two thirds of these bodies, each of so many pings; the first third
        only warms up."""
        for body in bodies[: len(bodies) // 3]:
            await work(body)
        rest = bodies[len(bodies) // 3 :]
        size, commits = log_of(self.folder)
        with self.calls.counting() as found:
            for body in rest:
                await work(body)
        after, done = log_of(self.folder)
        count = pings * len(rest)
        return {
            "Python calls a ping": found["Python calls"] / count,
            "C calls a ping": found["C calls"] / count,
            "blocks kept a ping": found["blocks kept"] / count,
            "bytes of log a ping": (after - size) / count,
            "commits a body": (done - commits) / len(rest),
            "syncs a body": (done - commits + found["syncs"]) / len(rest),
            "statements a body": found["statements"] / len(rest),
        }


async def batches(folder: Path) -> Counts:
    """A hundred pings in one body, nobody listens."""
    roads = Roads()
    async with Stage(folder).open() as stage:
        return await stage.count(stage.take, [roads.body() for _ in range(WARM + COUNTED)], VEHICLES)


async def batches_watched(folder: Path) -> Counts:
    """The same, and one viewer is told."""
    roads = Roads()
    async with Stage(folder).open() as stage:
        await stage.take(roads.body())
        (outlet,) = stage.watch(1)
        received = outlet.bytes

        async def work(body: bytes) -> None:
            await stage.take(body)
            stage.tell()

        bodies = [roads.body() for _ in range(WARM + COUNTED)]
        counts = await stage.count(work, bodies, VEHICLES)
        return {**counts, "bytes on the wire a moved vehicle": (outlet.bytes - received) / len(bodies) / VEHICLES}


async def one_ping(folder: Path) -> Counts:
    """One ping in a body, nobody listens: what a commit costs by itself."""
    roads = Roads(1)
    async with Stage(folder).open() as stage:
        return await stage.count(stage.take, [roads.body() for _ in range(180)], 1)


async def step(_folder: Path) -> Counts:
    """Deciding alone, among 1,000 regions whose cells are known."""
    fleet, calls, roads = Fleet(), Calls(), Roads()
    fleet.save_regions(read_regions(polygons(1000), T0, str), T0)
    bodies = [read_json(roads.body(), T0 + 60_000).pings for _ in range(60)]  # twice there and back
    for pings in bodies[:30]:
        fleet.apply(pings, T0 + 60_000)
    events = 0
    with calls.counting() as found:
        for pings in bodies[30:]:
            events += len(fleet.apply(pings, T0 + 60_000).commit.events)
    count = 30 * VEHICLES
    return {
        "Python calls a ping": found["Python calls"] / count,
        "C calls a ping": found["C calls"] / count,
        "blocks kept a ping": found["blocks kept"] / count,
        "events a ping": events / count,
    }


async def frames(folder: Path) -> Counts:
    """A frame at each of 100 viewers who follow everything, when a hundred vehicles have moved."""
    roads, viewers, ticks = Roads(), 100, 10
    async with Stage(folder).open() as stage:
        await stage.take(roads.body())
        outlets = stage.watch(viewers)
        found = dict.fromkeys(("Python calls", "C calls", "blocks kept"), 0)
        received = 0
        for tick in range(2 + ticks):
            await stage.take(roads.body())
            before = sum(outlet.bytes for outlet in outlets)
            with stage.calls.counting() as counted:
                stage.tell()
            if tick >= 2:
                found = {what: found[what] + counted[what] for what in found}
                received += sum(outlet.bytes for outlet in outlets) - before
        count = viewers * ticks
        return {f"{what} a frame": number / count for what, number in found.items()} | {
            "bytes on the wire a frame": received / count
        }


async def accepting(folder: Path) -> Counts:
    """A hundred viewers come, who follow everything, until each has all hundred vehicles."""
    roads, viewers = Roads(), 100
    async with Stage(folder).open() as stage:
        await stage.take(roads.body())
        stage.watch(1)
        with stage.calls.counting() as found:
            outlets = stage.watch(viewers)
        return {
            "Python calls a viewer": found["Python calls"] / viewers,
            "C calls a viewer": found["C calls"] / viewers,
            "blocks kept a viewer": found["blocks kept"] / viewers,
            "bytes on the wire a viewer": sum(outlet.bytes for outlet in outlets) / viewers,
        }


WORKS: dict[str, Callable[[Path], Coroutine[Any, Any, Counts]]] = {
    "a batch of 100": batches,
    "a batch of 100 with a viewer": batches_watched,
    "one ping": one_ping,
    "deciding among 1,000 regions": step,
    "a viewer-frame": frames,
    "accepting a viewer": accepting,
}
