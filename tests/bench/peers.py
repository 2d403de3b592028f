"""The rows of "Beside its peers" in docs/performance.md, by the functions of the benches they come from.

    python tests/bench/peers.py [ingest paced regions wire live viewers latency start redis]

All of it takes a quarter of an hour on a machine to itself. Least of the rounds each.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import bench_ingest
import bench_latency
import bench_live
import bench_redis
import bench_regions
import bench_viewers
import bench_wire
from bench import Row, cpu_seconds, machine, number
from clients import Server
from traffic import Traffic, circles
from watching import drive


def ingest() -> list[Row]:
    rows = []
    with Server() as server:
        server.post("/api/v1/regions", circles(100))
        traffic = Traffic(1000, int(time.time() * 1000) - 6 * 3_600_000)
        for what, send, count in (
            ("one POST a ping", bench_ingest.singles, 8_000),
            ("batches of 100", bench_ingest.batches, 40_000),
        ):
            costs, _, _ = bench_ingest.measure(server, traffic, send, count)
            rows.append(Row(what, "µs CPU a ping", [1e6 * one for one in costs]))
    return rows


def paced() -> list[Row]:
    """One a message, 1,000 a second over one WebSocket."""
    shares, seconds = [], 5.0
    with Server() as server:
        server.post("/api/v1/regions", circles(100))
        traffic = Traffic(1000, 0)
        for _ in range(4):
            cpu, began = cpu_seconds(server.pid), time.perf_counter()
            asyncio.run(drive(server.port, traffic, seconds, 1000))
            shares.append(100 * (cpu_seconds(server.pid) - cpu) / (time.perf_counter() - began))
    return [Row("1,000 pings/s, one a message", "% of a core", shares[1:])]


def regions() -> list[Row]:
    return [row for row in bench_regions.measure(10_000) if "step" in row.what or "put in" in row.what]


def wire() -> list[Row]:
    return [row for count in bench_wire.PLAN for row in bench_wire.measure(count)]


def live() -> list[Row]:
    """1,000 viewers at 5 Hz, beside bare `os.write` and `broadcast` of the same bytes."""
    with Server() as server:
        idle = bench_live.alone(server, 200)
        found = asyncio.run(bench_live.measure(server, 1000, 200, "tracker.v1.json", idle))
    write = [found["write"]]
    return [
        Row(
            "a viewer-frame, 1,000 viewers", "µs CPU", [found["ours"]], write, f"broadcast {found['broadcast']:.1f} µs"
        ),
        Row("age of it", "ms", [found["p50"]], note=f"p99 {found['p99']:.0f} ms"),
        Row("accepting a viewer", "µs CPU", [found["accept_us"]]),
    ]


def viewers() -> list[Row]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ["TRACKER_LIVE_SILENT_S"] = "3600"  # the crowd only reads
    rows = []
    for many in (5_000, 10_000):
        with Server() as server:
            rows += asyncio.run(bench_viewers.measure(server, many, 1))
    return rows


def latency() -> list[Row]:
    rows = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, Server() as server:
        server.post("/api/v1/regions", circles(100))
        traffic = Traffic(bench_latency.RATE, 0)
        for many in (1, 50):
            runs = []
            for _ in range(3):
                times, traffic = asyncio.run(bench_latency.once(server, pool, traffic, many))
                runs.append(times)
            rows += [row for row in bench_latency.rows_of(many, runs) if "moves" in row.what]
    return rows


def start() -> list[Row]:
    """From the command to the first 200 of /readyz, asked every tenth of a second."""
    took = []
    with Server():
        pass  # warm: bytecode, the disk's cache
    for _ in range(5):
        began = time.perf_counter()
        with Server():
            took.append(time.perf_counter() - began)
    return [Row("ready after start", "s", took)]


PARTS: dict[str, Callable[[], list[Row]]] = {
    "ingest": ingest,
    "paced": paced,
    "regions": regions,
    "wire": wire,
    "live": live,
    "viewers": viewers,
    "latency": latency,
    "start": start,
    "redis": bench_redis.measure,
}


def main() -> None:
    print(machine() + "\n\n| work | now | × its reference | |\n| --- | ---: | ---: | --- |")
    for part in sys.argv[1:] or PARTS:
        for row in PARTS[part]():
            ratio = f"{min(row.values) / min(row.reference):.3g}" if row.reference else ""
            print(f"| {row.what} | {number(min(row.values))} {row.unit} | {ratio} | {row.note} |", flush=True)


if __name__ == "__main__":
    main()
