"""The live channel: what a viewer costs. Server and load are separate processes.

    python tests/bench/bench_live.py [viewers …]

10 to 3,000 viewers follow 200 vehicles at 1 Hz (ten batches a second), then 50 viewers 1,000 pings/s. CPU per
viewer-frame is the server's CPU with viewers minus without, over frames sent; beside it what `os.write` and
`websockets.broadcast` take for as many frames of that size to as many connections, in the same rounds (floors.py): of
each the quickest. Accepting is the server's CPU until everybody has the first snapshot, over viewers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from bench import Row, cpu_seconds, percentile, report, resident_bytes
from clients import Server, Socket
from floors import HZ, Floor
from traffic import Traffic
from watching import LIVE

SECONDS, ROUNDS = 4.0, 3
BATCHES = int(HZ)  # a second
FOLLOW = b'{"op":"follow","all":true}'


class Ages:
    """Reads frames as a map would and notes how old each move was when it came."""

    def __init__(self) -> None:
        self.t0 = 0
        self.ages: list[float] = []
        self.frames = self.moves = self.bytes = 0
        self.ready = asyncio.Event()

    def hear(self, payload: bytes) -> None:
        message: dict[str, Any] = json.loads(payload)
        if message["op"] == "welcome":
            self.t0 = message["t0"]
        elif message["op"] == "snapshot":
            self.ready.set()
        elif message["op"] == "update":
            now = time.time() * 1000 - self.t0
            moved = message.get("moved", ())
            self.frames += 1
            self.moves += len(moved)
            self.bytes += len(payload)
            self.ages += [now - row[1] for row in moved]


async def post(server: Server, traffic: Traffic, rate: int, seconds: float, batches: int = BATCHES) -> None:
    """`rate` pings a second in so many batches, each with the time it is sent."""
    begun, loop = time.perf_counter(), asyncio.get_running_loop()
    for number in range(int(seconds * batches)):
        delay = begun + number / batches - time.perf_counter()
        await asyncio.sleep(max(0.0, delay))
        batch = [json.loads(ping) for ping in traffic.take(rate // batches, 1000)]
        for ping in batch:
            ping["time"] = time.time_ns() // 1_000_000
        await loop.run_in_executor(None, server.post, "/api/v1/positions", batch)


async def connect(server: Server, viewers: int, protocol: str, ages: Ages) -> list[Socket]:
    """The first of them is listened to."""
    sockets: list[Socket] = []
    for number in range(viewers):
        hear = None if number else ages.hear
        sockets.append(await Socket.connect(server.port, LIVE, hear, protocol if number else "tracker.v1.json"))
        sockets[-1].send(FOLLOW)
    await asyncio.wait_for(ages.ready.wait(), 30)
    await asyncio.sleep(1)
    return sockets


async def measure(server: Server, viewers: int, rate: int, protocol: str, idle: float) -> dict[str, float]:
    traffic = Traffic(200 if rate == 200 else 1000, 0)
    await post(server, traffic, rate, 1.5)
    before, cpu = resident_bytes(server.pid), cpu_seconds(server.pid)
    ages = Ages()
    sockets = await connect(server, viewers, protocol, ages)
    found = {
        "accept_us": (cpu_seconds(server.pid) - cpu) / viewers * 1e6,
        "rss": (resident_bytes(server.pid) - before) / viewers / 1000,
    }
    floors = [Floor(way) for way in ("write", "broadcast")]
    peers = [await Socket.connect(floor.port, "/", None) for floor in floors for _ in range(viewers)]
    costs: dict[str, list[float]] = {"ours": [], "write": [], "broadcast": []}
    cores, frames, moves, received = [], 0, 0, 0
    ages.ages.clear()
    for _ in range(ROUNDS):
        frames, moves, received = ages.frames, ages.moves, sum(socket.received for socket in sockets[1:])
        cpu, begun = cpu_seconds(server.pid), time.perf_counter()
        await post(server, traffic, rate, SECONDS)
        await asyncio.sleep(0.5)
        spent, passed = cpu_seconds(server.pid) - cpu, time.perf_counter() - begun
        frames, moves = ages.frames - frames, ages.moves - moves
        received = sum(socket.received for socket in sockets[1:]) - received
        cores.append(spent / passed)
        costs["ours"].append(max(0.0, spent - idle * passed) / (frames * viewers) * 1e6)
        size = received // max(1, (viewers - 1) * frames)
        for floor in floors:
            taken = await floor.cpu_s(frames, size)
            costs[floor.way].append(taken / (frames * viewers) * 1e6)
    alive = sum(not socket.closed for socket in sockets)
    for socket in (*sockets, *peers):
        socket.close()
    for floor in floors:
        floor.stop()
    assert alive == viewers, f"{viewers - alive} viewers were lost"
    return found | {
        **{way: min(rounds) for way, rounds in costs.items()},
        "core": min(cores),
        "frames": frames / passed,
        "bytes": received / max(1, (viewers - 1) * moves),
        "p50": percentile(ages.ages, 0.5),
        "p99": percentile(ages.ages, 0.99),
        "size": size,
    }


def alone(server: Server, rate: int) -> float:
    """The core the same pings take with nobody watching."""
    traffic = Traffic(200 if rate == 200 else 1000, 0)
    cpu, begun = cpu_seconds(server.pid), time.perf_counter()
    asyncio.run(post(server, traffic, rate, 5))
    return (cpu_seconds(server.pid) - cpu) / (time.perf_counter() - begun)


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [10, 100, 1000, 3000]
    plan = [(count, 200, "tracker.v1.json") for count in counts]
    plan += [(1000, 200, "tracker.v1.bin")] if 1000 in counts else []
    plan += [(50, 1000, "tracker.v1.json")] if len(counts) > 1 else []
    rows: list[Row] = []
    for viewers, rate, protocol in plan:
        with Server() as server:
            idle = alone(server, rate)
            found = asyncio.run(measure(server, viewers, rate, protocol, idle))
        note = (
            f"broadcast {found['broadcast']:.1f} µs, {found['core']:.0%} of a core ({idle:.0%} without viewers), "
            f"{found['frames']:.1f} frames/s of {found['size']:.0f} B, age p50 {found['p50']:.0f} p99 {found['p99']:.0f} "
            f"ms, {found['bytes']:.1f} B a moved vehicle, {found['rss']:.0f} kB a viewer, accepting {found['accept_us']:.0f} µs"
        )
        name = f"{viewers:,} viewers, {rate:,} pings/s, {protocol[-4:]}"
        rows.append(Row(name, "µs a viewer-frame", [found["ours"]], [found["write"]], note))
        print(name, note, f"{found['ours']:.1f} µs, os.write {found['write']:.1f} µs", flush=True)
    report("live channel", rows, "os.write")


if __name__ == "__main__":
    main()
