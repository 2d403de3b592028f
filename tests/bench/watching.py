"""Viewers and a steady stream of pings, for the benchmarks that measure how long news takes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from clients import Socket
from traffic import Traffic, encoded

LIVE, POSITIONS = "/api/v1/live", "/api/v1/positions"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Watcher:
    """A viewer that reads what it is sent and tells `saw(kind, vehicle, fix time)` of every move and event."""

    def __init__(self, saw: Callable[[str, str, int], None]) -> None:
        self.saw = saw
        self.t0 = 0
        self.names: dict[int, str] = {}
        self.updates = 0
        self.ready = asyncio.Event()

    def hear(self, payload: bytes) -> None:
        message: dict[str, Any] = json.loads(payload)
        self.updates += message["op"] == "update"
        if "t0" in message:
            self.t0 = message["t0"]
        fields = message.get("fields")
        if fields:
            self.number, self.name, self.when = (fields.index(one) for one in ("n", "vehicle", "when"))
        rows = message.get("new", []) if message["op"] == "update" else message.get("vehicles", [])
        for row in rows if message["op"] in ("update", "snapshot") else ():
            self.names[row[self.number]] = row[self.name]
            self.saw("moved", row[self.name], row[self.when] + self.t0)
        for row in message.get("moved", ()):
            self.saw("moved", self.names[row[0]], row[1] + self.t0)
        for event in message.get("events", ()):
            at = datetime.fromisoformat(event["time"])
            self.saw(event["kind"], event["vehicle"], round(at.timestamp() * 1000))
        if message["op"] == "snapshot" and message.get("part", 1) == message.get("parts", 1):
            self.ready.set()


async def watch(port: int, follow: dict[str, Any], watcher: Watcher | None = None) -> Socket:
    """Connect a viewer; without a watcher it reads and throws away."""
    viewer = await Socket.connect(port, LIVE, watcher.hear if watcher else None, "tracker.v1.json")
    viewer.send(encoded({"op": "follow", **follow}))
    if watcher:
        await asyncio.wait_for(watcher.ready.wait(), 30)
    return viewer


async def drive(
    port: int, traffic: Traffic, seconds: float, rate: int, sent: Callable[[bytes], None] | None = None
) -> None:
    """Send `rate` pings a second for `seconds`, every 10 ms what is due, over one ingest WebSocket.

    `traffic.start_ms` becomes now and fix times follow the clock, so a ping's fix time is when it was due.
    """
    ingest = await Socket.connect(port, POSITIONS)
    step = 1000 * len(traffic.names) // rate
    traffic.start_ms = now_ms() - step * traffic.sent // len(traffic.names)
    started, gone = time.perf_counter(), 0
    while gone < rate * seconds:
        due = int((time.perf_counter() - started) * rate) - gone
        if due > 0:
            positions = traffic.take(due, step)
            for position in positions if sent else ():
                sent(position)  # type: ignore[misc]
            ingest.send(*positions)
            gone += due
        await asyncio.sleep(0.01)
    ingest.close()
