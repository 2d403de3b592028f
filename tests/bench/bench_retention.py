"""What packing and letting go costs: CPU of a million pings, and how long the writer is held at most meanwhile.

    python tests/bench/bench_retention.py [VEHICLES]      days of 17,280 fixes, two of each; 30 unless said otherwise

While it is held no commit begins. The reference is a commit of one row to the same disk, synced.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench import Row, report
from bench_segments import DAY_MS, FIRST, FIXES, day, written

from tracker.history.retention import Retention
from tracker.model.commit import Commit, SavedVehicle
from tracker.stores.sqlite.store import SqliteStore

VEHICLES = int(sys.argv[1]) if len(sys.argv) > 1 else 30
TOGETHER = 100  # pings of a commit
ROUNDS = 9


class Timed(SqliteStore):
    """How long each transaction of upkeep took, ms."""

    held: list[float]

    def _change(self, change: Callable[..., Any], *values: Any) -> Any:
        began = time.perf_counter()
        result = super()._change(change, *values)
        self.held.append((time.perf_counter() - began) * 1000)
        return result


async def run(what: str, store: Timed, pings: int, work: Awaitable[object], bare: list[float]) -> list[Row]:
    store.held, began = [], time.process_time()
    await work
    spent = (time.process_time() - began) * 1000
    note = f"{len(store.held)} transactions, half of them under {statistics.median(store.held):.1f} ms"
    longest = Row(f"{what}: longest hold of the writer", "ms", [max(store.held)], bare, note)
    return [Row(f"{what}: CPU of a million pings", "ms", [spent * 1e6 / pings]), longest]


async def measure(folder: str) -> list[Row]:
    pings, now = 2 * VEHICLES * FIXES, (FIRST + 100) * DAY_MS
    store, bare = Timed(f"{folder}/log"), []
    store.held = []
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(1, "van-1", b"")]))
    rows = day(1).pings("van-1", 1)
    for number in range(ROUNDS):
        began = time.perf_counter()
        await store.commit(Commit(pings=rows[number : number + 1]))
        bare.append((time.perf_counter() - began) * 1000)
    for begin in range(ROUNDS, len(rows), TOGETHER):
        await store.commit(Commit(pings=rows[begin : begin + TOGETHER]))
    found = await run("packing", store, len(rows), store.compact(now), bare)
    await store.close()

    await written(f"{folder}/segments", pings)
    store = Timed(f"{folder}/segments")
    store.held = []
    await store.open()
    for what, rule in (("thinning", "*:30/365"), ("deleting", "*:30")):
        retention = Retention(store, [rule], 0, lambda _: None)
        found += await run(what, store, pings, retention.work(now, at_once=True), bare)
    await store.close()
    return found


def main() -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(folder))
    report(f"Two days of {VEHICLES} vehicles, {2 * VEHICLES * FIXES:,} pings", rows, "a commit of one row")


if __name__ == "__main__":
    main()
