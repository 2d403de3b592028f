"""Several nodes on one PostgreSQL and one NATS, all of it on this machine: what a ping costs each of them, how evenly
nodes commit, how long news takes from one node to a viewer of another, and how long a node that is killed is missed.

CPU a ping is what adds up: on two cores pings a second only show that. Each node is sent batches of 100 of all
vehicles, so with N nodes (N - 1)/N of the pings go on to their owners. Where all is watched, every node has a viewer of
everything, and so hears it. The reference is plain `json` reading and writing the same positions in this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench import Row, cpu_seconds, json_loop, percentile, report
from bench_ingest import batches
from clients import Http, Server, post_bytes
from traffic import Traffic, circles
from watching import POSITIONS, Watcher, now_ms, watch

from tests.support import databases, nats

COUNTS = (1, 2, 4)
ROUNDS, PINGS = 3, 12_000  #: of a round, after one that warms up
NEWS = 200  #: pings of which it is measured when another node's viewer has them


def cpu_of_all(parent: int) -> float:
    """CPU seconds of a process and of all it began, those that have ended too."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    waited = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[13:15]
    ended = sum(map(int, waited)) / os.sysconf("SC_CLK_TCK")
    return cpu_seconds(parent) + ended + sum(cpu_seconds(int(child)) for child in children)


@contextmanager
def world(count: int, *, alone: bool = False) -> Iterator[tuple[list[Server], int, int]]:
    """(nodes, process of PostgreSQL, process of NATS)"""
    with databases.cluster(("shared_buffers = 256MB",)) as cluster, nats.server() as bus, ExitStack() as stack:
        os.environ["TRACKER_STORE"] = cluster.url("bench")
        os.environ["TRACKER_BUS"] = "memory:" if alone else f"{bus.url}/bench"
        nodes = [stack.enter_context(Server()) for _ in range(count)]
        assert bus.process
        wait_for_shares(nodes, alone=alone)
        yield nodes, int((cluster.data / "postmaster.pid").read_text().split()[0]), bus.process.pid


def measured(node: Server, name: str) -> float:
    lines = node.get("/metrics").decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"tracker_{name} ")))


def wait_for_shares(nodes: list[Server], *, alone: bool) -> None:
    while not alone and not is_fair([measured(node, "nodes_owned") for node in nodes]):
        time.sleep(0.1)


def is_fair(owned: list[float]) -> bool:
    return sum(owned) == 64 and max(owned) - min(owned) <= 1


async def spread(nodes: list[Server], positions: list[bytes], *, watched: bool = False) -> None:
    share = len(positions) // len(nodes)
    viewers = [await watch(node.port, {"all": True, "hz": 0.2}) for node in nodes if watched]
    await asyncio.gather(
        *(batches(node.port, positions[at * share : (at + 1) * share]) for at, node in enumerate(nodes))
    )
    for viewer in viewers:
        viewer.close()


def ingest(count: int, *, alone: bool = False, watched: bool = False) -> list[Row]:
    name = "1 server alone" if alone else f"{count} node{'s' * (count > 1)}{', all watched' * watched}"
    with world(count, alone=alone) as (nodes, postgres, bus):
        nodes[0].post("/api/v1/regions", circles(100))
        traffic = Traffic(1000, now_ms() - (ROUNDS + 1) * PINGS * 10 - 60_000)
        costs: list[list[float]] = [[], [], [], [], []]
        for turn in range(ROUNDS + 1):
            positions = traffic.take(PINGS)
            bare = 1e6 * json_loop(b"[" + b",".join(positions[:100]) + b"]") / 100
            before = sum(cpu_seconds(node.pid) for node in nodes), cpu_of_all(postgres), cpu_seconds(bus)
            began = time.perf_counter()
            asyncio.run(spread(nodes, positions, watched=watched))
            took = time.perf_counter() - began
            after = sum(cpu_seconds(node.pid) for node in nodes), cpu_of_all(postgres), cpu_seconds(bus)
            if turn:
                each = [1e6 * (late - early) / len(positions) for early, late in zip(before, after, strict=True)]
                for kept, value in zip(costs, (*each, len(positions) / took, bare), strict=True):
                    kept.append(value)
        commits = [measured(node, "pipeline_pings_total") for node in nodes]
        fair = max(abs(one * len(nodes) / sum(commits) - 1) for one in commits)
    return [
        Row(f"{name}: nodes", "µs CPU a ping", costs[0], costs[4], f"shares within {fair:.0%} of fair"),
        Row(f"{name}: PostgreSQL", "µs CPU a ping", costs[1], costs[4]),
        Row(f"{name}: NATS", "µs CPU a ping", costs[2], costs[4]),
        Row(f"{name}: all of it", "pings/s", costs[3]),
    ]


async def news(here: Server, there: Server) -> list[float]:
    """ms from a ping's POST at one node until a viewer of the other has it in hand: of vehicles that are known."""
    seen: dict[str, tuple[int, float]] = {}
    came = asyncio.Event()

    def hear(_kind: str, vehicle: str, fix: int) -> None:
        seen[vehicle] = fix, time.perf_counter()
        came.set()

    viewer = await watch(there.port, {"all": True}, Watcher(hear))
    client = await Http.connect(here.port)
    took = []
    for number in range(2 * NEWS):
        vehicle, fix = f"news-{number % NEWS}", int(time.time() * 1000)
        body = {"vehicle": vehicle, "time": fix, "lat": 60.0 + number / 1e6, "lon": 25.0, "accuracy_m": 5}
        began = time.perf_counter()
        status, _ = await client.request(post_bytes(POSITIONS, json.dumps(body).encode()))
        assert status == 200
        while seen.get(vehicle, (0, 0.0))[0] != fix:
            came.clear()
            await came.wait()
        if number >= NEWS:
            took.append(1000 * (seen[vehicle][1] - began))
    viewer.close()
    client.transport.close()
    return took


async def missed(nodes: list[Server]) -> float:
    """Seconds from the kill of one node until the others have taken a batch of all vehicles again."""
    positions = Traffic(1000, now_ms() - 20_000).take(1000)
    await spread(nodes[:1], positions)
    nodes[-1].process.send_signal(signal.SIGKILL)
    nodes[-1].process.wait()
    began = time.perf_counter()
    client = await Http.connect(nodes[0].port)
    while (await client.request(post_bytes(POSITIONS, b"[" + b",".join(positions) + b"]")))[0] != 200:
        pass
    client.transport.close()
    return time.perf_counter() - began


def main() -> None:
    rows = ingest(1, alone=True)
    for count in COUNTS:
        rows += ingest(count)
        if count > 1:
            rows += ingest(count, watched=True)
    for count, way in ((2, "over the bus, as all look"), (3, "passed on, as the third does not look")):
        with world(count) as (nodes, _, _):
            took = asyncio.run(news(*nodes[:2]))
            rows += [
                Row(f"{count} nodes: ping to a viewer of another, p50", "ms", [percentile(took, 0.5)], note=way),
                Row(f"{count} nodes: ping to a viewer of another, p99", "ms", [percentile(took, 0.99)]),
            ]
    gone = []
    for _ in range(ROUNDS):
        with world(2) as (nodes, _, _):
            gone.append(asyncio.run(missed(nodes)))
    rows.append(Row("2 nodes: one is killed, the other has taken its vehicles", "s", gone))
    report("Several nodes", rows, "json")


if __name__ == "__main__":
    main()
