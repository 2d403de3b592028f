"""Where everybody was: a tape of 1,000 vehicles' day, and of an hour of 20,000, from the request to the last byte.

    python tests/bench/bench_frames.py [VEHICLES]      default 1000; 20000 takes 400 MB of disk and two minutes

Vans as in bench_inside.py, a fix every 20 s (of 20,000: every 30 s), a day (of 1000: a month) of each written as segments; fifty of them are driven, the
others are at the same places. The reference is `json.dumps` of a vehicle-day's places. Beside it: how late the server's loop was.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench import Row, report
from bench_inside import DAY_MS, FIRST, driven
from lagging import sample

from tracker.config import Settings
from tracker.model.commit import Commit, SavedVehicle
from tracker.stores import packing
from tracker.stores.sqlite.past import packed
from tracker.stores.sqlite.store import SqliteStore
from tracker.web.app import create_app

VEHICLES = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
FEW = VEHICLES <= 1000
EVERY = 4 if FEW else 6  #: of the fixes that are driven, which are five seconds apart
DRIVEN, ROUNDS = 50, 3
DAYS = 30 if FEW else 1
DAY_S = FIRST * 86_400


async def write(folder: str) -> None:
    store = SqliteStore(folder)
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", None) for n in range(1, VEHICLES + 1)]))
    await store.close()
    days = [packing.pack(n, FIRST, driven(n, 1).take(slice(None, None, EVERY))) for n in range(1, DRIVEN + 1)]
    again = driven(1, 1).take(slice(None, None, EVERY))  # how all spend the other days
    later = [replace(again, time=again.time + at * DAY_MS, received=again.received + at * DAY_MS) for at in range(DAYS)]
    month = [packing.pack(1, FIRST + at, one) for at, one in enumerate(later)][1:]
    with closing(sqlite3.connect(Path(folder) / "tracker.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for begin in range(1, VEHICLES + 1, 500):
            some = [days[n % DRIVEN] for n in range(begin, min(begin + 500, VEHICLES + 1))]
            connection.execute("BEGIN")
            whose = [*enumerate(some, begin), *((n, one) for n in range(begin, begin + len(some)) for one in month)]
            packed.replace(connection, [], [one._replace(row=(n, *one.row[1:])) for n, one in whose])
            connection.execute("COMMIT")
        connection.execute("UPDATE compacted SET below = ?", (1 << 40,))


ASKED = [
    ("a day, every 120 s", f"frames?from={DAY_S}&until={DAY_S + 86_400}&step_s=120&format=tape", FEW),
    ("an hour, every 30 s", f"frames?from={DAY_S + 36_000}&until={DAY_S + 39_600}&step_s=30&format=tape", True),
    ("an instant", f"frames?from={DAY_S + 36_000}&format=tape", True),
    ("an instant, JSON", f"frames?from={DAY_S + 36_000}", True),
    ("activity of a month, every 3 h", f"activity?from={DAY_S}&until={DAY_S + 30 * 86_400}&step_s=10800", FEW),
    ("activity of a day, every hour", f"activity?from={DAY_S}&until={DAY_S + 86_400}", FEW),
]


async def measure(folder: str) -> list[Row]:
    day = driven(1, 1)
    places = list(zip(day.lat.tolist(), day.lon.tolist(), strict=True))
    bare = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        json.dumps(places)
        bare.append((time.perf_counter() - begin) * 1e3)
    rows = []
    app = create_app(Settings(data=folder, tiles=""))
    async with app.test_app():
        client = app.test_client()
        for what, path, is_asked in ASKED:
            took, lags, cpu, size = [], list[float](), [], 0
            for number in range(ROUNDS + 1 if is_asked else 0):
                watch = asyncio.create_task(sample(lags.append))
                begin, used = time.perf_counter(), time.process_time()
                answer = await client.get(f"/api/v1/history/{path}", headers={"accept-encoding": "gzip"})
                size = len(await answer.get_data())
                assert answer.status_code == 200
                watch.cancel()
                if number:
                    took.append((time.perf_counter() - begin) * 1e3)
                    cpu.append((time.process_time() - used) * 1e3)
            if took:
                late = f"loop late {np.percentile(lags, 99):.0f} ms (p99), {max(lags):.0f} (most)"
                note = f"{size / 1e6:.2f} MB, {statistics.median(cpu):,.0f} ms of CPU, {late}"
                rows.append(Row(what, "ms", took, bare, note))
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(write(folder))
        rows = asyncio.run(measure(folder))
    report(f"Where everybody was: {VEHICLES:,} vehicles", rows, "json.dumps of a day's places")


if __name__ == "__main__":
    main()
