"""How long until a server is ready: from the start of its process to the first 200 of /readyz.

    python tests/bench/bench_start.py [vehicles …]

With a fresh folder, and with 100,000 vehicles in its store. Where others use the machine, the CPU it took is what to
look at; the reference is a bare Python that imports numpy and Quart and ends.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

from bench import Row, cpu_seconds, report
from clients import Server
from traffic import Traffic

ROUNDS = 5
MOST_S = {0: 0.4, 100_000: 3.0}  #: vehicles in the store → seconds it may take
BATCH = 1000


def begin(folder: str) -> tuple[float, float]:
    """Seconds until it was ready, and of CPU."""
    began = time.perf_counter()
    with Server(folder=folder, look_s=0.005) as server:
        return time.perf_counter() - began, cpu_seconds(server.pid)


def bare() -> tuple[float, float]:
    """The same of a Python that does nothing but import the largest of what we stand on."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import numpy, quart"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def main() -> None:
    rows = []
    for vehicles in [int(word) for word in sys.argv[1:]] or MOST_S:
        with Server() as server:
            traffic = Traffic(vehicles, time.time_ns() // 1_000_000) if vehicles else None
            for _ in range(vehicles // BATCH):
                assert traffic is not None
                server.post_raw("/api/v1/positions", b"[%s]" % b",".join(traffic.take(BATCH, 1)))
            server.end()
            begin(server.folder.name)  # warm: bytecode, the disk's cache
            runs = [(begin(server.folder.name), bare()) for _ in range(ROUNDS)]
        for which, what in enumerate(("ready", "CPU until ready")):
            note = f"at most {MOST_S[vehicles]} s" if vehicles in MOST_S and not which else ""
            times, reference = [ours[which] for ours, _ in runs], [theirs[which] for _, theirs in runs]
            rows.append(Row(f"{what}, {vehicles:,} vehicles; best {min(times):.2f}", "s", times, reference, note))
    report("Start", rows, "`import numpy, quart`")


if __name__ == "__main__":
    main()
