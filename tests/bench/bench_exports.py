"""A vehicle's day as files, and the sums of a fleet, asked of a server: CPU, until it is there, how late its loop is.

    python tests/bench/bench_exports.py [VEHICLES]      of the fleet's day; 60 unless said otherwise

Days of 17,280 fixes, as segments. The reference is `json.dumps` of as many fixes, in this process.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from bench import Row, cpu_seconds, report, resident_bytes
from bench_segments import DAY_MS, FIRST, FIXES, KINDS, day, moved
from clients import Server

from tracker.stores import packing
from tracker.stores.sqlite.past import packed

VEHICLES = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 60
ROUNDS = 5
SPAN = f"from={FIRST * DAY_MS}&until={(FIRST + 1) * DAY_MS}"
FILES = ("json", "csv", "geojson", "gpx", "kml", "xlsx")


def fill(server: Server) -> None:
    """Each was heard once over the API two days later, and has a day before that as a segment."""
    heard = [
        {"vehicle": f"van-{n}", "time": (FIRST + 2) * DAY_MS, "lat": 60.1, "lon": 24.9} for n in range(1, VEHICLES + 1)
    ]
    server.post("/api/v1/positions", heard)
    kinds = [packing.pack(1, FIRST, day(seed)) for seed in range(KINDS)]
    with closing(sqlite3.connect(Path(server.folder.name) / "tracker.db", isolation_level=None)) as connection:
        numbers = [n for (n,) in connection.execute("SELECT n FROM vehicles ORDER BY n")]
        connection.execute("BEGIN IMMEDIATE")
        packed.replace(connection, [], [moved(kinds[n % KINDS], n, 0) for n in numbers])
        connection.execute("UPDATE compacted SET below = max(below, ?)", (FIXES * 200,))
        connection.execute("COMMIT")


def whole(server: Server, path: str, name: str) -> int:
    """Bytes of all pages."""
    size = 0
    cursor: str | None = ""
    while cursor is not None:
        body = server.get(path + (f"&cursor={cursor}" if cursor else ""))
        size += len(body)
        cursor = json.loads(body).get("next") if name == "json" else None
    return size


def row(server: Server, lags: Path, what: str, path: str, form: str, bare: list[float], rounds: int = ROUNDS) -> Row:
    took, cpu, late, size = [], [], [], 0
    for _ in range(rounds):
        known, spent, began = lags.stat().st_size, cpu_seconds(server.pid), time.perf_counter()
        size = whole(server, path, form)
        took.append((time.perf_counter() - began) * 1000)
        cpu.append((cpu_seconds(server.pid) - spent) * 1000)
        time.sleep(0.05)
        late.append(max(map(float, lags.read_text()[known:].split()), default=0.0))
    note = f"{statistics.median(took):,.0f} ms until it is there, {size / 1e6:.1f} MB, loop late by {max(late):.0f} ms at most"
    return Row(what, "ms CPU", cpu, bare, note)


def main() -> None:
    fixes = [{"time": one.ping.time, "lat": one.ping.lat, "lon": one.ping.lon} for one in day(0).pings("van", 1)]
    bare = []
    for _ in range(ROUNDS):
        began = time.process_time()
        json.dumps(fixes)
        bare.append((time.process_time() - began) * 1000)
    with tempfile.TemporaryDirectory() as folder:
        lags = Path(folder) / "lags"
        lags.touch()
        lagging = (sys.executable, str(Path(__file__).parent / "lagging.py"), str(lags))
        with Server(*lagging) as server:
            fill(server)
            path = "/api/v1/vehicles/van-1"
            whole(server, f"{path}/track?{SPAN}&limit=10000", "json")
            rows = [
                row(
                    server,
                    lags,
                    form,
                    f"{path}/track?{SPAN}&format={form}" + "&limit=10000" * (form == "json"),
                    form,
                    bare,
                )
                for form in FILES
            ]
            rows += [
                row(server, lags, f"its {what} as JSON", f"{path}/{what}?{SPAN}", "json", bare)
                for what in ("trips", "stops", "summary")
            ]
            before = resident_bytes(server.pid)
            rows.append(row(server, lags, f"sums of {VEHICLES}", f"/api/v1/summary?{SPAN}&limit=1000", "json", bare, 1))
            grown = (resident_bytes(server.pid) - before) / 1e6
    report(
        f"A vehicle's day of {FIXES:,} fixes; sums of {VEHICLES} vehicles ({grown:+.0f} MB)", rows, "json.dumps of it"
    )


if __name__ == "__main__":
    main()
