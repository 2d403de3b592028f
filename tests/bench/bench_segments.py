"""A store of many segments: how many bytes a ping, how soon it is open, how soon it answers.

    python tests/bench/bench_segments.py [PINGS]      default 2,000,000; 100,000,000 takes about a gigabyte

Days of 17,280 fixes each (one in five seconds, 3 m noise, with speed, heading, accuracy and receipt), of a few that are
packed once and written again and again for other vehicles and days.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from bench import Row, json_loop, report

from tracker.model.columns import NO_ALTITUDE, Columns
from tracker.model.commit import Commit, SavedVehicle
from tracker.stores import packing
from tracker.stores.sqlite.past import packed
from tracker.stores.sqlite.store import SqliteStore

FIXES = 17_280  # of a vehicle's day
DAY_MS = 86_400_000
FIRST = 20_700  # day
KINDS = 7  # different days
ROUNDS = 9
NOISE_M = 3.0


def day(seed: int) -> Columns:
    """A van that drives and stands."""
    chance = np.random.default_rng(seed)
    drives = np.repeat(chance.random(FIXES // 120) < 0.6, 120)
    speed = np.where(drives, np.clip(12 + np.cumsum(chance.normal(0, 1, FIXES)) % 14, 0, 25), 0)
    heading = np.cumsum(chance.normal(0, 8, FIXES) * drives)
    north = np.cumsum(speed * 5 * np.cos(np.radians(heading))) % 20_000 + chance.normal(0, NOISE_M, FIXES)
    east = np.cumsum(speed * 5 * np.sin(np.radians(heading))) % 20_000 + chance.normal(0, NOISE_M, FIXES)
    times = FIRST * DAY_MS + np.arange(FIXES, dtype=np.int64) * 5000
    arrays = (
        np.arange(FIXES) * 97 + chance.integers(0, 97, FIXES) + 1,
        times,
        np.rint((60.1 + north / 111_195) * 1e7),
        np.rint((24.9 + east / 55_430) * 1e7),
        np.rint(np.abs(speed + chance.normal(0, 0.1, FIXES)) * 36) * 1000 // 36,
        np.rint(heading % 360) % 360 * 100,
        np.full(FIXES, NO_ALTITUDE),
        chance.integers(3, 9, FIXES) * 100,
        times + 300 + chance.integers(0, 900, FIXES),
        np.zeros(FIXES),
    )
    kinds = Columns.empty()
    return Columns.from_arrays(
        (np.asarray(one).astype(getattr(kinds, name).dtype) for name, one in zip(_NAMES, arrays, strict=True)), {}
    )


_NAMES = ("row", "time", "lat", "lon", "speed", "heading", "altitude", "accuracy", "received", "taken")


def moved(one: packing.Packed, n: int, days: int) -> packing.Packed:
    """The same for another vehicle and day: its head and boxes say so. (Its body says the old day, which costs the same.)"""
    row = list(one.row)
    row[0], row[1] = n, row[1] + days
    for at in (2, 3, 6, 7):
        row[at] += days * DAY_MS
    boxes = {at: (*box[:4], box[4] + days * 1440, box[5] + days * 1440) for at, box in one.boxes.items()}
    return one._replace(row=tuple(row), boxes=boxes)


async def written(folder: str, pings: int) -> tuple[int, int]:
    """Vehicles and days."""
    segments = max(1, pings // FIXES)
    vehicles = min(200, segments)
    days = -(-segments // vehicles)
    store = SqliteStore(folder)
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", b"") for n in range(1, vehicles + 1)]))
    await store.close()
    kinds = [packing.pack(1, FIRST, day(seed)) for seed in range(KINDS)]
    with closing(sqlite3.connect(Path(folder) / "tracker.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for at in range(days):
            connection.execute("BEGIN")
            packed.replace(connection, [], [moved(kinds[(n + at) % KINDS], n, at) for n in range(1, vehicles + 1)])
            connection.execute("COMMIT")
        connection.execute("UPDATE compacted SET below = ?", (vehicles * days * FIXES * 200,))
    return vehicles, days


async def measure(folder: str, pings: int) -> tuple[str, list[Row]]:
    vehicles, days = await written(folder, pings)
    size = (Path(folder) / "tracker.db").stat().st_size
    store = SqliteStore(folder)
    begin = time.perf_counter()
    await store.open()
    opened = time.perf_counter() - begin
    last = (FIRST + days - 1) * DAY_MS
    corner = [(24.93, 60.13, 24.937, 60.133)]
    city = [(24.0, 60.0, 26.0, 61.0)]

    async def timed(ask: Callable[[int], Awaitable[object]]) -> list[float]:
        spent = []
        for number in range(ROUNDS):
            begin = time.perf_counter()
            await ask(number)
            spent.append((time.perf_counter() - begin) * 1e3)
        return spent

    # bodies tell of their first day: only that one is decoded as it would be
    first = FIRST * DAY_MS
    columns = await timed(lambda at: store.columns(1 + at % vehicles, first, first + DAY_MS))
    minutes = first + DAY_MS // 2, first + DAY_MS // 2 + 600_000
    came = await timed(lambda _: store.arrivals(*minutes, None, 0, 10_001))
    fixed = await timed(lambda _: store.arrivals(0, minutes[1] + 60_000, None, 0, 10_001, minutes))
    at_corner = await timed(lambda _: store.near(corner, last, last + DAY_MS))
    at_city = await timed(lambda _: store.near(city, last, last + DAY_MS))
    await store.close()
    total = vehicles * days * FIXES
    what = f"{vehicles} vehicles, {days} days, {total:,} pings"
    loops = [json_loop(b"[1]") * 1e3 for _ in range(ROUNDS)]
    return what, [
        Row("a ping on disk", "bytes", [size / total]),
        Row("open", "ms", [opened * 1e3], loops),
        Row(f"a vehicle's day of {FIXES:,} fixes, read and decoded", "ms", columns, loops),
        Row("what came in ten minutes of the first day", "ms", came, loops),
        Row("… by the time of its fixes", "ms", fixed, loops),
        Row("who may have been near a corner that day", "ms", at_corner, loops),
        Row("… in the city", "ms", at_city, loops),
    ]


def main() -> None:
    pings = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory() as folder:
        what, rows = asyncio.run(measure(folder, pings))
    report(f"Segments: {what}", rows, "a bare JSON loop")


if __name__ == "__main__":
    main()
