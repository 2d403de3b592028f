"""How long news takes: from a ping written to the ingest socket to the viewer that has the frame in hand.

One node, 1,000 pings/s one a WebSocket message, 1 and 50 viewers that follow everything; what the page adds to it is
measured by bench_page.py. Server, pings and viewers are three processes that share one clock (CLOCK_MONOTONIC). Events
come from one vehicle that steps over the edge of a small region ten times a second. Every ping is durable before
anybody hears of it, so an fsync is in each of these numbers. The reference is an echo over a bare asyncio socket in
the viewers' process at the same moments, so it carries this client's own delays.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from bench import Row, cpu_seconds, percentile, report
from clients import Server, Socket
from traffic import Traffic, circles, encoded
from watching import POSITIONS, Watcher, drive, now_ms, watch

RATE, SECONDS, ROUNDS = 1000, 5.0, 3
VIEWERS = {1: (5, 25), 50: (10, 30)}  #: how many, and what their moves may take: p50, p99 in ms
EVENTS_MS = 40
GATE = (60.2, 24.95)

Sent = dict[tuple[str, int], float]  #: vehicle, time of its fix → when that was sent


class Times:
    """What was seen and when, how long each took in ms once it is known when they were sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, int, float]] = []
        self.moves: list[float] = []
        self.events: list[float] = []
        self.echoes: list[float] = []
        self.core = self.kilobytes = self.frames = 0.0  # of the server, and to each viewer, a second

    def saw(self, kind: str, vehicle: str, fix: int) -> None:
        self.seen.append((kind, vehicle, fix, time.perf_counter()))

    def meet(self, sent: Sent) -> None:
        for kind, vehicle, fix, at in self.seen:
            if (since := sent.get((vehicle, fix))) is None:
                continue
            took = (at - since) * 1000
            if kind != "moved":
                self.events.append(took)
            elif vehicle != "probe":
                self.moves.append(took)


def load(port: int, traffic: Traffic) -> tuple[Sent, Traffic]:
    """A process of its own: the pings, and one vehicle that steps in and out of the gate."""
    sent: Sent = {}

    def send(position: bytes) -> None:
        one = json.loads(position)
        sent[one["vehicle"], one["time"]] = time.perf_counter()

    async def both() -> None:
        await asyncio.gather(drive(port, traffic, SECONDS, RATE, send), probe(port, send))

    asyncio.run(both())
    return sent, traffic


async def probe(port: int, send: Callable[[bytes], None]) -> None:
    """One vehicle steps in and out of the gate."""
    ingest = await Socket.connect(port, POSITIONS)
    for step in range(int(SECONDS * 10)):
        lat = GATE[0] + (0.0004 if step % 2 else 0.0)  # 44 m off the centre of a 20 m circle
        fix = {"vehicle": "probe", "time": now_ms(), "lat": lat, "lon": GATE[1], "accuracy_m": 5}
        position = encoded(fix)
        send(position)
        ingest.send(position)
        await asyncio.sleep(0.1)
    ingest.close()


async def echo(took: Callable[[float], None], seconds: float) -> None:
    """The reference: a byte there and back over loopback, twenty times a second; in ms."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for _ in range(int(seconds * 20)):
        started = time.perf_counter()
        writer.write(b"x")
        await reader.read(100)
        took((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.05)
    writer.close()
    server.close()


async def once(server: Server, pool: ProcessPoolExecutor, traffic: Traffic, many: int) -> tuple[Times, Traffic]:
    times, port = Times(), server.port
    followed: dict[str, Any] = {"all": True, "events": True}
    watcher = Watcher(times.saw)
    viewers = [await watch(port, followed, watcher)]
    viewers += [await watch(port, followed) for _ in range(many - 1)]
    await asyncio.sleep(0.5)
    before, updates = viewers[0].received, watcher.updates
    cpu, began = cpu_seconds(server.pid), time.perf_counter()
    loading = asyncio.get_running_loop().run_in_executor(pool, load, port, traffic)
    await echo(times.echoes.append, SECONDS)
    sent, traffic = await loading
    times.core = (cpu_seconds(server.pid) - cpu) / (time.perf_counter() - began)
    await asyncio.sleep(0.5)  # the last frames
    times.kilobytes = (viewers[0].received - before) / 1000 / SECONDS
    times.frames = (watcher.updates - updates) / SECONDS
    for viewer in viewers:
        if viewer.closed:
            raise SystemExit("the server closed a viewer")
        viewer.close()
    times.meet(sent)
    return times, traffic


def rows_of(many: int, runs: list[Times]) -> list[Row]:
    rows = []
    for what, budgets in (("moves", VIEWERS[many]), ("events", (EVENTS_MS, EVENTS_MS))):
        for share, name, budget in ((0.5, "p50", budgets[0]), (0.99, "p99", budgets[1])):
            values = [percentile(getattr(run, what), share) for run in runs]
            reference = [percentile(run.echoes, share) for run in runs]
            note = f"at most {budget} ms; {sum(len(getattr(run, what)) for run in runs):,} seen"
            rows.append(Row(f"{many} viewers, ping sent → {what} received, {name}", "ms", values, reference, note))
    for what, unit in (("core", "of a core, the server"), ("kilobytes", "kB/s to a viewer"), ("frames", "frames/s")):
        rows.append(Row(f"{many} viewers", unit, [getattr(run, what) for run in runs]))
    return rows


def main() -> None:
    rows = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, Server() as server:
        regions = circles(100)
        regions["features"].append(
            {
                "type": "Feature",
                "id": "gate",
                "geometry": {"type": "Point", "coordinates": [GATE[1], GATE[0]]},
                "properties": {"name": "Gate", "radius_m": 20, "debounce": "none"},
            }
        )
        server.post("/api/v1/regions", regions)
        traffic = Traffic(RATE, 0)
        for many in [int(word) for word in sys.argv[1:]] or VIEWERS:
            _, traffic = asyncio.run(once(server, pool, traffic, many))  # warm
            runs: list[Times] = []
            for _ in range(ROUNDS):
                times, traffic = asyncio.run(once(server, pool, traffic, many))
                runs.append(times)
            rows += rows_of(many, runs)
    report(f"Latency at {RATE:,} pings/s", rows, "echo over a bare socket")


if __name__ == "__main__":
    main()
