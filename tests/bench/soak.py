"""A long run under the mixed load: does memory grow, does a viewer fall off, does anything go wrong?

    make soak SECONDS=3600

Fails when the second half of the run needs more than 64 bytes a ping beyond the first: a fix that is not compacted
yet is remembered, nothing else may stay.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from bench import cpu_seconds, machine, resident_bytes
from bench_mixed import RATE, day, load
from clients import Server
from traffic import Traffic, circles

ROUND_S = 20.0
MOST_BYTES = 64


def main() -> None:
    seconds = float(os.environ.get("SECONDS", "600"))
    print(machine())
    with Server() as server:
        server.post("/api/v1/regions", circles(100))
        day(server)
        traffic = Traffic(RATE, 0)
        held: list[int] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            cpu, started = cpu_seconds(server.pid), time.perf_counter()
            reads, saves, _ = asyncio.run(load(server.port, traffic, ROUND_S))
            core = (cpu_seconds(server.pid) - cpu) / (time.perf_counter() - started)
            held.append(resident_bytes(server.pid))
            slowest = f"slowest read {max(reads):.0f} ms, save {max(saves):.0f} ms"
            print(f"{traffic.sent:,} pings, {held[-1] / 1e6:.1f} MB, {core:.0%} of a core, {slowest}", flush=True)
    half = len(held) // 2
    if half >= 2:
        growth = (max(held[half:]) - max(held[:half])) / (RATE * ROUND_S * (len(held) - half))
        print(f"{growth:.1f} bytes kept a ping in the second half")
        sys.exit(growth > MOST_BYTES)


if __name__ == "__main__":
    main()
