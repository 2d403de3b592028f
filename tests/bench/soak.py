"""An hour at half load: does memory grow, does anything get slower, does a viewer fall off?

    make soak SECONDS=3600

12,500 pings a second, in batches, of 5,000 vehicles among 100 regions, with these 51 viewers of whom half follow parts of
the city, took 96 to 100 % of a core for as long as it lasted, as each quarter of an hour is packed as well: so a core
carries about 12,500, and half of that are these 6,250; now and then somebody reads a day and somebody saves a region. One of the viewers tells how old a fix is when its frame comes; an answer's latency
counts from when its batch was due; an echo over a bare socket beside them tells what the machine had. Server, pings
and viewers are three processes.

Fails when memory grows by more than 1 MB an hour once the first ten minutes are over (or the first half, if that is
shorter), or when the median of a latency in the last quarter is more than 1.5 times that of the first.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import os
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean

from bench import cpu_seconds, machine, percentile, resident_bytes
from bench_latency import echo
from bench_mixed import day, edits, history, part, viewers
from clients import Http, Server, Socket, post_bytes
from traffic import Traffic, circles, encoded
from watching import Watcher, watch

RATE, VEHICLES, BATCH, SENDERS, VIEWERS, REGIONS = 6_250, 5_000, 100, 32, 50, 100
STEP_MS = 1000 * VEHICLES // RATE  # between two fixes of a vehicle
LATEST_S = 300  # the server is too slow when pings have waited for so long
WARM_S, SAMPLE_S, SOMETIMES_S = 600, 10, 10
MOST_MB_AN_HOUR, SLOWER = 1.0, 1.5
HERE = encoded({"op": "ping", "t": 0})


class Latencies:
    """Milliseconds, by the quarter of the run in which each ended."""

    def __init__(self, seconds: float) -> None:
        self.quarters = [array("d") for _ in range(4)]
        self._began, self._quarter_s = time.monotonic(), seconds / 4

    def add(self, took_ms: float) -> None:
        quarter = int((time.monotonic() - self._began) / self._quarter_s)
        self.quarters[min(quarter, 3)].append(took_ms)

    def is_flat(self, what: str) -> bool:
        for share in (0.5, 0.99):
            told = ", ".join(f"{percentile(quarter, share):.1f}" for quarter in self.quarters)
            print(f"{what}, p{share * 100:.0f} by quarter: {told} ms")
        return percentile(self.quarters[3], 0.5) <= SLOWER * percentile(self.quarters[0], 0.5)


def load(port: int, seconds: float) -> tuple[Latencies, float]:
    """A process of its own: the pings; how long answers took, and its share of a core."""
    answers = Latencies(seconds)

    async def send() -> None:
        traffic = Traffic(VEHICLES, 0)
        due: asyncio.Queue[float] = asyncio.Queue()
        senders = [asyncio.create_task(_sender(port, traffic, due, answers)) for _ in range(SENDERS)]
        began, ahead = time.time(), 0.0
        while ahead < seconds:
            await asyncio.sleep(max(0.0, began + ahead - time.time()))
            due.put_nowait(began + ahead)
            if due.qsize() > LATEST_S * RATE / BATCH:
                raise SystemExit(f"pings wait for more than {LATEST_S} s")
            ahead += BATCH / RATE
        for sender in senders:
            sender.cancel()

    cpu = time.process_time()
    asyncio.run(send())
    return answers, (time.process_time() - cpu) / seconds


async def _sender(port: int, traffic: Traffic, due: asyncio.Queue[float], answers: Latencies) -> None:
    client = await Http.connect(port)
    while True:
        at = await due.get()
        positions = traffic.take(BATCH, STEP_MS, int(at * 1000))
        status, body = await client.request(post_bytes("/api/v1/positions", b"[" + b",".join(positions) + b"]"))
        if status != 200:
            raise SystemExit(f"{status}: {body[:300]!r}")
        answers.add((time.time() - at) * 1000)


def slope(hours: Sequence[float], megabytes: Sequence[float]) -> tuple[float, float]:
    """MB an hour by least squares, and its standard error (as if samples knew nothing of each other). The store packs
    each quarter of an hour: each sample is compared with those at the same time of other quarters, where there are."""
    each_s = 900 if hours[-1] - hours[0] > 0.4 else SAMPLE_S
    phases = defaultdict[int, list[tuple[float, float]]](list)
    for at, mb in zip(hours, megabytes, strict=True):
        phases[round(at * 3600 / SAMPLE_S) % (each_s // SAMPLE_S)].append((at, mb))
    apart = []
    for some in phases.values():
        middle, mean = (fmean(column) for column in zip(*some, strict=True))
        apart += [(at - middle, mb - mean) for at, mb in some]
    spread = sum(at * at for at, _ in apart)
    rise = sum(at * mb for at, mb in apart) / spread
    left = sum((mb - rise * at) ** 2 for at, mb in apart)
    return rise, math.sqrt(left / (len(apart) - len(phases) - 1) / spread)


async def sample(server: Server, opened: list[Socket], seconds: float) -> tuple[list[float], list[float]]:
    """When memory was looked at, in hours, and how much it was in MB; a line a minute. Viewers say that they are there."""
    hours, megabytes, began = list[float](), list[float](), time.monotonic()
    cpu, before = cpu_seconds(server.pid), began
    while (now := time.monotonic()) < began + seconds:
        await asyncio.sleep(SAMPLE_S)
        for viewer in opened:
            if viewer.closed:
                raise SystemExit("the server closed a viewer")
            viewer.send(HERE)
        hours.append((time.monotonic() - began) / 3600)
        megabytes.append(resident_bytes(server.pid) / 1e6)
        if now - before >= 60:
            core = (cpu_seconds(server.pid) - cpu) / (now - before)
            cpu, before = cpu_seconds(server.pid), now
            load_average = os.getloadavg()[0]
            print(
                f"{hours[-1] * 60:.0f} min, {megabytes[-1]:.1f} MB, {core:.0%} of a core, load {load_average:.1f}",
                flush=True,
            )
    return hours, megabytes


async def soak(server: Server, pool: ProcessPoolExecutor, seconds: float) -> bool:
    frames, port = Latencies(seconds), server.port
    watcher = Watcher(lambda kind, _, fix: frames.add(time.time() * 1000 - fix) if kind == "moved" else None)
    opened = [*await viewers(port, VIEWERS), await watch(port, {"view": part(5)}, watcher)]
    echoes, reads, saves = Latencies(seconds), list[float](), list[float]()
    loading = asyncio.get_running_loop().run_in_executor(pool, load, port, seconds)
    (answers, sending), (hours, megabytes), *_ = await asyncio.gather(
        loading,
        sample(server, opened, seconds),
        echo(echoes.add, seconds),
        history(port, seconds, reads, SOMETIMES_S),
        edits(port, seconds, saves, SOMETIMES_S),
    )
    for viewer in opened:
        viewer.close()
    first = sum(at < min(WARM_S, seconds / 2) / 3600 for at in hours)
    growth, error = slope(hours[first:], megabytes[first:])
    print(f"the sender took {sending:.0%} of a core; slowest read {max(reads):.0f} ms, save {max(saves):.0f} ms")
    print(f"memory from minute {hours[first] * 60:.0f} on: {growth:+.2f} ± {error:.2f} MB an hour")
    echoes.is_flat("echo over a bare socket")
    flat = [frames.is_flat("ping → frame"), answers.is_flat("due → answer")]
    return growth <= MOST_MB_AN_HOUR and all(flat)


def main() -> None:
    seconds = float(os.environ.get("SECONDS", "600"))
    print(machine())
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, Server() as server:
        server.post("/api/v1/regions", circles(REGIONS))
        day(server)
        sys.exit(not asyncio.run(soak(server, pool, seconds)))


if __name__ == "__main__":
    main()
