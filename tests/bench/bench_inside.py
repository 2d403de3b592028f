"""Who was here, over ten million pings: how soon the first page is there, for a street corner and for a city.

    python tests/bench/bench_inside.py [DAYS [VEHICLES]]      default 6 and 100: 10,368,000 pings

Vans that drive about a town of 20 km and stand, a fix every five seconds with 3 m noise, written as segments. Cold: the
file is out of the page cache and the store has just been opened. The reference is `json.dumps` of a vehicle-day's places.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from bench import Row, report

from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import read_shape
from tracker.geometry.shape import Shape
from tracker.history.rows import as_json
from tracker.history.search import Question, Search
from tracker.model.columns import NO_ALTITUDE, TYPES, Columns
from tracker.model.commit import Commit, SavedVehicle
from tracker.stores import packing
from tracker.stores.sqlite.past import packed
from tracker.stores.sqlite.store import SqliteStore

FIXES, EVERY_MS, DAY_MS = 17_280, 5_000, 86_400_000
FIRST = 20_700  # day
TOWN_M = 20_000.0
LAT, LON = 60.17, 24.94  # its middle
ROUNDS, COLD_ROUNDS = 5, 2
PAGE = 1000


def driven(seed: int, days: int) -> Columns:
    """A van that drives and stands, and turns round at the edge of the town."""
    chance = np.random.default_rng(seed)
    count = FIXES * days
    drives = np.repeat(chance.random(-(-count // 120)) < 0.4, 120)[:count]
    speed = np.where(drives, 6 + 8 * chance.random(count), 0)
    heading = np.cumsum(chance.normal(0, 6, count) * drives)
    begin = chance.uniform(-TOWN_M / 2, TOWN_M / 2, 2)
    east, north = (
        np.abs((start + np.cumsum(speed * 5 * turn(np.radians(heading)))) % (2 * TOWN_M) - TOWN_M) - TOWN_M / 2
        + chance.normal(0, 3, count)
        for start, turn in zip(begin, (np.sin, np.cos), strict=True)
    )  # fmt: skip
    times = FIRST * DAY_MS + np.arange(count, dtype=np.int64) * EVERY_MS
    told = {
        "row": np.arange(count) * 97 + seed,
        "time": times,
        "lat": np.rint((LAT + north / 111_195) * 1e7),
        "lon": np.rint((LON + east / 55_430) * 1e7),
        "speed": np.rint(speed * 36) * 1000 // 36,
        "heading": np.rint(heading % 360) % 360 * 100,
        "altitude": np.full(count, NO_ALTITUDE),
        "accuracy": chance.integers(3, 9, count) * 100,
        "received": times + 300 + chance.integers(0, 900, count),
        "taken": np.zeros(count),
    }
    return Columns.from_arrays((told[name].astype(kind) for name, kind in TYPES.items()), {})


async def write(folder: str, vehicles: int, days: int) -> None:
    store = SqliteStore(folder)
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in range(1, vehicles + 1)]))
    await store.close()
    with closing(sqlite3.connect(Path(folder) / "tracker.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for n in range(1, vehicles + 1):
            track = driven(n, days)
            parts = [track.take(slice(at * FIXES, (at + 1) * FIXES)) for at in range(days)]
            connection.execute("BEGIN")
            packed.replace(connection, [], [packing.pack(n, FIRST + at, part) for at, part in enumerate(parts)])
            connection.execute("COMMIT")
        connection.execute("UPDATE compacted SET below = ?", (vehicles * days * FIXES * 200,))


def circle(metres: float) -> Shape:
    return read_shape({"type": "Point", "coordinates": [LON, LAT]}, radius_m=metres)


def outline(metres: float) -> Shape:
    """Of a town: 60 corners."""
    around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = [[LON + metres * np.sin(at) / 55_430, LAT + metres * np.cos(at) / 111_195] for at in around * 1.0]
    return read_shape({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


async def page(store: SqliteStore, shape: Shape, days: float) -> tuple[int, int]:
    """As the API makes it: (visits, bytes)."""
    until = (FIRST + DAYS) * DAY_MS
    question = Question(shape, int(until - days * DAY_MS), until, lambda _: True)
    told: list[bytes] = []
    async for vehicle, visits in Search(store, question, FleetSettings(), None).found():
        told += [json.dumps(as_json(vehicle, visit)).encode() for visit in visits[: PAGE - len(told)]]
        if len(told) >= PAGE:
            break
    return len(told), sum(map(len, told))


def forget(folder: str) -> None:
    """Out of the page cache, as far as this system lets go of it."""
    os.sync()
    for file in Path(folder).iterdir():
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


DAYS = int(sys.argv[1]) if len(sys.argv) > 1 else 6
VEHICLES = int(sys.argv[2]) if len(sys.argv) > 2 else 100


async def measure(folder: str) -> list[Row]:
    day = driven(1, 1)
    places = list(zip(day.lat.tolist(), day.lon.tolist(), strict=True))
    bare = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        json.dumps(places)
        bare.append((time.perf_counter() - begin) * 1e3)
    rows = []
    for what, shape, days in (
        ("a street corner (100 m), an hour", circle(100), 1 / 24),
        ("a street corner, a day", circle(100), 1),
        (f"a street corner, {DAYS} days", circle(100), DAYS),
        (f"5 km around, {DAYS} days", circle(5000), DAYS),
        (f"the whole city, {DAYS} days", outline(15_000), DAYS),
    ):
        store = SqliteStore(folder)
        warm, cold = [], []
        for _ in range(COLD_ROUNDS):
            forget(folder)
            store = SqliteStore(folder)
            await store.open()
            begin = time.perf_counter()
            await page(store, shape, days)
            cold.append((time.perf_counter() - begin) * 1e3)
            await store.close()
        store = SqliteStore(folder)
        await store.open()
        for number in range(ROUNDS + 1):
            begin = time.perf_counter()
            count, _ = await page(store, shape, days)
            if number:
                warm.append((time.perf_counter() - begin) * 1e3)
        await store.close()
        note = f"{count} visits on the page; cold {statistics.median(cold):,.0f} ms"
        rows.append(Row(what, "ms", warm, bare, note))
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(write(folder, VEHICLES, DAYS))
        rows = asyncio.run(measure(folder))
    report(
        f"Who was here: {VEHICLES * DAYS * FIXES:,} pings of {VEHICLES} vehicles", rows, "json.dumps of a day's places"
    )


if __name__ == "__main__":
    main()
