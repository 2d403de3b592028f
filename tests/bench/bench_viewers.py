"""Very many viewers of one node: what each takes of memory and of CPU to be let in, and how old its news are.

    python tests/bench/bench_viewers.py [viewers batches_a_second …]

200 vehicles report once a second, in so many batches. The crowd reads and throws away in a process of its own; a few
that came before it, and a few that came after it, are listened to here. The files a process may open must suffice:
`ulimit -n` of 20,000 do for 10,000 viewers.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time

from bench import Row, cpu_seconds, percentile, report, resident_bytes
from bench_live import FOLLOW, Ages, post
from clients import Server, Socket
from traffic import Traffic
from watching import LIVE

PLAN = [(5_000, 1), (10_000, 1)]
SECONDS = 12.0
LISTENERS = 4  # before the crowd, and as many after it


async def crowd(port: int, count: int) -> None:
    """Come, say so, and stay until nobody listens."""
    sockets = []
    for _ in range(count):
        sockets.append(await Socket.connect(port, LIVE, None, "tracker.v1.json"))
        sockets[-1].send(FOLLOW)
    print("all", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(sum(not socket.closed for socket in sockets), flush=True)


def start_crowd(port: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "crowd", str(port), str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def listen(server: Server) -> list[Ages]:
    heard = []
    for _ in range(LISTENERS):
        heard.append(Ages())
        (await Socket.connect(server.port, LIVE, heard[-1].hear, "tracker.v1.json")).send(FOLLOW)
        await asyncio.wait_for(heard[-1].ready.wait(), 30)
    return heard


async def measure(server: Server, viewers: int, batches: int) -> list[Row]:
    traffic, loop = Traffic(200, 0), asyncio.get_running_loop()
    await post(server, traffic, 200, 1.5, batches)
    heard = await listen(server)
    before, cpu = resident_bytes(server.pid), cpu_seconds(server.pid)
    others = start_crowd(server.port, viewers - 2 * LISTENERS)
    assert others.stdout
    await loop.run_in_executor(None, others.stdout.readline)
    heard += await listen(server)
    accept_us = (cpu_seconds(server.pid) - cpu) / viewers * 1e6
    held_kb = (resident_bytes(server.pid) - before) / viewers / 1000
    await post(server, traffic, 200, 3.0, batches)
    for one in heard:
        one.ages.clear()
        one.frames = 0
    cpu, begun = cpu_seconds(server.pid), time.perf_counter()
    await post(server, traffic, 200, SECONDS, batches)
    await asyncio.sleep(2)
    spent, passed = cpu_seconds(server.pid) - cpu, time.perf_counter() - begun
    ages = [age for one in heard for age in one.ages]
    frames = sum(one.frames for one in heard) / len(heard)
    left = await loop.run_in_executor(None, others.communicate, "")
    assert int(left[0]) == viewers - 2 * LISTENERS, f"only {left[0]} of {viewers} viewers are left"
    what = f"{viewers:,} viewers, {batches} Hz"
    note = f"p50 {percentile(ages, 0.5):.0f}, p99 {percentile(ages, 0.99):.0f} ms; {spent / passed:.0%} of a core"
    return [
        Row(f"{what}: letting one in", "µs CPU", [accept_us]),
        Row(f"{what}: memory", "kB each", [held_kb]),
        Row(f"{what}: a viewer-frame, ingest included", "µs CPU", [spent / frames / viewers * 1e6]),
        Row(f"{what}: age", "ms", [percentile(ages, 0.5)], note=note),
    ]


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    words = sys.argv[1:]
    if words[:1] == ["crowd"]:
        asyncio.run(crowd(int(words[1]), int(words[2])))
        return
    numbers = [int(word) for word in words]
    os.environ["TRACKER_LIVE_SILENT_S"] = "3600"  # the crowd only reads
    rows: list[Row] = []
    for viewers, batches in list(zip(numbers[::2], numbers[1::2], strict=True)) or PLAN:
        with Server() as server:
            rows += asyncio.run(measure(server, viewers, batches))
        for row in rows[-4:]:
            print(row.what, f"{row.values[0]:.1f}", row.unit, row.note, flush=True)
    report("very many viewers", rows, "")


if __name__ == "__main__":
    main()
