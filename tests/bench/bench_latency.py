"""How long news takes: from a ping written to the ingest socket to the viewer that has the frame in hand.

One node, 1,000 pings/s one a WebSocket message, 50 viewers that follow everything; what the page adds to it is
measured by bench_page.py. Events come from one vehicle that steps over the edge of a small region ten times a second.
Every ping is durable before anybody hears of it, so an fsync is in each of these numbers. The reference is an echo
over a bare asyncio socket in this process at the same moments, so it carries this client's own delays.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from bench import Row, percentile, report
from clients import Server, Socket
from traffic import Traffic, circles, encoded
from watching import POSITIONS, Watcher, drive, now_ms, watch

RATE, VIEWERS, SECONDS, ROUNDS = 1000, 50, 5.0, 3
GATE = (60.2, 24.95)


class Times:
    """When each ping was sent, and how long each took to be seen, in ms."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, int], float] = {}
        self.moves: list[float] = []
        self.events: list[float] = []
        self.echoes: list[float] = []

    def send(self, position: bytes) -> None:
        one = json.loads(position)
        self.sent[one["vehicle"], one["time"]] = time.perf_counter()

    def saw(self, kind: str, vehicle: str, fix: int) -> None:
        if (at := self.sent.get((vehicle, fix))) is not None:
            took = (time.perf_counter() - at) * 1000
            if kind != "moved":
                self.events.append(took)
            elif vehicle != "probe":
                self.moves.append(took)


async def probe(port: int, times: Times, seconds: float) -> None:
    """One vehicle steps in and out of the gate."""
    ingest = await Socket.connect(port, POSITIONS)
    for step in range(int(seconds * 10)):
        lat = GATE[0] + (0.0004 if step % 2 else 0.0)  # 44 m off the centre of a 20 m circle
        fix = {"vehicle": "probe", "time": now_ms(), "lat": lat, "lon": GATE[1], "accuracy_m": 5}
        position = encoded(fix)
        times.send(position)
        ingest.send(position)
        await asyncio.sleep(0.1)
    ingest.close()


async def echo(times: Times, seconds: float) -> None:
    """The reference: a byte there and back over loopback, twenty times a second."""

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
        times.echoes.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.05)
    writer.close()
    server.close()


async def once(port: int, traffic: Traffic) -> Times:
    times = Times()
    followed: dict[str, Any] = {"all": True, "events": True}
    viewers = [await watch(port, followed, Watcher(times.saw))]
    viewers += [await watch(port, followed) for _ in range(VIEWERS - 1)]
    await asyncio.gather(
        drive(port, traffic, SECONDS, RATE, times.send), probe(port, times, SECONDS), echo(times, SECONDS)
    )
    await asyncio.sleep(0.5)  # the last frames
    for viewer in viewers:
        if viewer.closed:
            raise SystemExit("the server closed a viewer")
        viewer.close()
    return times


def main() -> None:
    with Server() as server:
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
        asyncio.run(once(server.port, traffic))  # warm
        runs = [asyncio.run(once(server.port, traffic)) for _ in range(ROUNDS)]
    rows = []
    for what, budget in (("moves", 120), ("events", 40)):
        for share, name in ((0.5, "p50"), (0.99, "p99")):
            values = [percentile(getattr(run, what), share) for run in runs]
            reference = [percentile(run.echoes, share) for run in runs]
            seen = sum(len(getattr(run, what)) for run in runs)
            note = f"{seen:,} seen; budget {budget} ms" if name == "p99" else ""
            rows.append(Row(f"ping sent → {what} received, {name}", "ms", values, reference, note))
    report(f"Latency at {RATE:,} pings/s, {VIEWERS} viewers", rows, "echo over a bare socket")


if __name__ == "__main__":
    main()
