"""Large answers and large bodies: how late everybody else is meanwhile, and what it costs in memory.

    python tests/bench/bench_answers.py [vehicles] [word]      100,000 unless said otherwise; only the rows with this word

A timer on the server's own loop rings every 5 ms (`lagging.py`); how much later than asked is its lag, waits for the GIL
included. The reference is the same timer while nothing is asked. Every row has a server of its own, so that its memory
is its own too: before the requests, at most while they ran, and five seconds after.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import Row, percentile, report
from clients import Server

VEHICLES = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
ONLY = sys.argv[2] if len(sys.argv) > 2 else ""
HERE = Path(__file__).parent
MB = 2**20
WEST: dict[str, Any] = {
    "type": "Feature",
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[23.9, 59.9], [24.4, 59.9], [24.4, 62], [23.9, 62], [23.9, 59.9]]],
    },
    "properties": {"name": "west"},
}


def fill(server: Server) -> None:
    """A fleet, 40 % of it in a region, and one vehicle with a long track."""
    server.post("/api/v1/regions", WEST)
    now = time.time_ns() // 1_000_000
    for round in range(2):
        fleet = (
            {"vehicle": f"v{n:06}", "time": now - 60_000 + round * 10_000, "lat": 60 + n % 1000 / 1000 + round / 1000}
            | {"lon": 24 + n // 1000 / 100, "speed_mps": 11.1}
            for n in range(VEHICLES)
        )
        send(server, fleet)
    send(server, ({"vehicle": "track", "time": now - n * 1000, "lat": 50 + n / 1e5, "lon": 10} for n in range(12_000)))


def send(server: Server, positions: Any) -> None:
    ask(server, "/api/v1/positions", "\n".join(map(json.dumps, positions)).encode(), "application/x-ndjson")


def ask(server: Server, path: str, body: bytes | None = None, kind: str = "application/json") -> int:
    request = urllib.request.Request(server.url(path), body, {"content-type": kind})
    try:
        with contextlib.closing(urllib.request.urlopen(request, timeout=600)) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def kinds() -> list[tuple[str, int, str, bytes | None]]:
    """(what, how many at once, address, body)."""
    bomb = b"{}," * (20 * MB) + b"{}"
    collection = b'{"type":"FeatureCollection","features":[%b]}'
    long = {"attributes": {"a": "x" * 4000, "b": "x" * 2000}}
    away = [[lon, lat - 120] for lon, lat in WEST["geometry"]["coordinates"][0]]  # it is the reading that is measured
    there = {"type": "Polygon", "coordinates": [away]}
    padded = [
        json.dumps({"type": "Feature", "geometry": there, "id": f"w{n}", "properties": long}) for n in range(9900)
    ]
    turned = [[math.cos(n / 5000 * math.pi), math.sin(n / 5000 * math.pi)] for n in range(10_000)]
    round = [[24 + x / 100, -60 + y / 100] for x, y in [*turned, turned[0]]]
    polygon = {"type": "Polygon", "coordinates": [round]}
    cornered = json.dumps({"type": "Feature", "geometry": polygon, "properties": {}})
    corners = ",".join([cornered] * (60 * MB // len(cornered)))
    return [
        ("events?limit=10000", 16, "/api/v1/events?limit=10000", None),
        ("vehicles?bbox of everything", 8, "/api/v1/vehicles?bbox=-180,-90,180,90&limit=1000", None),
        ("vehicles?q= nobody", 8, "/api/v1/vehicles?q=nobody", None),
        ("track, JSON", 8, "/api/v1/vehicles/track/track?limit=10000", None),
        ("track, CSV", 8, "/api/v1/vehicles/track/track?limit=10000&format=csv", None),
        ("changes, all", 4, "/api/v1/changes?all=true", None),
        ("preview", 4, "/api/v1/regions/preview", json.dumps(WEST).encode()),
        ("preview of 60 MiB {},", 3, "/api/v1/regions/preview", bomb),
        ("import of 60 MiB {},", 3, "/api/v1/regions", collection % bomb),
        ("import of 60 MiB, 9,900 regions", 3, "/api/v1/regions", collection % ",".join(padded).encode()),
        ("import of 60 MiB, 10,000 corners each", 3, "/api/v1/regions", collection % corners.encode()),
        ("regions?limit=1000", 8, "/api/v1/regions?limit=1000", None),
    ]


def memory(pid: int, name: str) -> float:
    """MB a process has, or had at most since this was asked before."""
    status = Path(f"/proc/{pid}/status").read_text()
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1000


def measure(lags: Path, what: str, count: int, path: str, body: bytes | None) -> list[Row]:
    with Server(sys.executable, str(HERE / "lagging.py"), str(lags)) as server:
        fill(server)
        time.sleep(3)
        lags.write_text("")
        time.sleep(3)
        idle = [float(line) for line in lags.read_text().split()]
        before = memory(server.pid, "VmRSS")
        lags.write_text("")
        began = time.perf_counter()
        with ThreadPoolExecutor(count) as threads:
            statuses = Counter(threads.map(lambda _: ask(server, path, body), range(count)))
        took = time.perf_counter() - began
        lag = [float(line) for line in lags.read_text().split()]
        most = memory(server.pid, "VmHWM")
        time.sleep(5)
        told = ", ".join(f"{number} × {status}" for status, number in statuses.items())
        after = memory(server.pid, "VmRSS")
        note = f"{told} in {took:.1f} s; {before:,.0f} MB before, at most {most:,.0f}, then {after:,.0f}"
    return [
        Row(f"{what}, {name}", "ms", [percentile(lag, share)], [percentile(idle, share)], note)
        for share, name in ((0.5, "p50"), (1.0, "worst"))
    ]


def main() -> None:
    os.environ["LAG_EVERY_S"] = "0.005"
    lags = Path(tempfile.mkstemp()[1])
    rows: list[Row] = []
    for kind in kinds():
        if ONLY in kind[0]:
            rows += measure(lags, *kind)
    lags.unlink()
    report(f"Lag of the loop under large answers and bodies, {VEHICLES:,} vehicles", rows, "idle loop")


if __name__ == "__main__":
    main()
