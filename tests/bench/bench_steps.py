"""Where the cost of a ping goes, no server around it: reading, deciding, storing and telling batches of 100.

The steps are those of a POST, called one after the other; what `bench_ingest.py` measures beyond their sum is HTTP and
the event loop. CPU time of all threads, so the writer's counts. The reference is plain `json`, as there.
"""

from __future__ import annotations

import asyncio
import tempfile
import time

import msgspec
from bench import ROUNDS, Row, json_loop, report
from traffic import Traffic, circles

from tracker.fleet.fleet import Fleet
from tracker.live.hub import Hub
from tracker.model.picture import Picture
from tracker.protocols.native import read_json
from tracker.regions.importing import read_regions
from tracker.stores import open_store

BATCHES = 300  # a round
STEPS = ("read and check", "decide", "store", "tell (nobody listens)")


async def measure(folder: str) -> tuple[list[list[float]], list[float]]:
    """CPU seconds a ping of each step, and of the reference, one a round."""
    now = int(time.time() * 1000)
    store, fleet, hub = open_store(folder), Fleet(), Hub(Picture())
    fleet.restore(await store.open(), now)
    regions = [
        msgspec.structs.replace(region, version=1) for region in read_regions(circles(100)["features"], now, str)
    ]
    step = fleet.save_regions(regions, now)
    await store.commit(step.commit)
    hub.route(step.change)
    traffic = Traffic(1000, now - 6 * 3_600_000)
    costs: list[list[float]] = [[] for _ in STEPS]
    references = []
    for number in range(ROUNDS + 1):
        positions = traffic.take(BATCHES * 100)
        references.append(json_loop(b"[" + b",".join(positions[:100]) + b"]") / 100)
        spent = [0.0] * len(STEPS)
        for at in range(0, len(positions), 100):
            body = b"[" + b",".join(positions[at : at + 100]) + b"]"
            times = [time.process_time()]
            reading = read_json(body, now)
            times.append(time.process_time())
            step = fleet.apply(reading.pings, now)
            times.append(time.process_time())
            step.change.events = await store.commit(step.commit)
            times.append(time.process_time())
            hub.route(step.change)
            times.append(time.process_time())
            spent = [sum_ + end - begin for sum_, begin, end in zip(spent, times, times[1:], strict=False)]
            now += 10
        if number:  # the first round only warms up
            for cost, seconds in zip(costs, spent, strict=True):
                cost.append(seconds / len(positions))
    await store.close()
    return costs, references


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        costs, references = asyncio.run(measure(folder))
    rows = [
        Row(name, "µs CPU a ping", [1e6 * one for one in cost], [1e6 * one for one in references])
        for name, cost in zip(STEPS, costs, strict=True)
    ]
    whole = [1e6 * sum(parts) for parts in zip(*costs, strict=True)]
    rows.append(Row("all of it", "µs CPU a ping", whole, [1e6 * one for one in references]))
    report("The steps of a batch of 100, 100 regions", rows, "bare json", held=True)


if __name__ == "__main__":
    main()
