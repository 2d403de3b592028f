"""Durable ingest, nobody watching, 100 regions: what one core of the server takes in, several ways.

A ping counts when its 2xx (or `upto`) has arrived, so when it is on disk. "A core" is a second of the server's CPU
time over all its threads. The reference is plain `json` reading and writing the same positions in this process.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bench import ROUNDS, Row, cpu_seconds, json_loop, report
from clients import Http, Server, Socket, post_bytes
from traffic import Traffic, circles

PATH = "/api/v1/positions"
Send = Callable[[int, list[bytes]], Coroutine[Any, Any, None]]


async def batches(port: int, positions: list[bytes], size: int = 100, connections: int = 4) -> None:
    """Batches of 100 in one POST each, from four senders that wait for their answers."""
    requests = [
        post_bytes(PATH, b"[" + b",".join(positions[at : at + size]) + b"]") for at in range(0, len(positions), size)
    ]
    await _spread(port, requests, connections)


async def singles(port: int, positions: list[bytes], connections: int = 64) -> None:
    """One position in a POST, from 64 senders that wait for their answers."""
    await _spread(port, [post_bytes(PATH, position) for position in positions], connections)


async def odd_singles(port: int, positions: list[bytes], connections: int = 64) -> None:
    """The same by the whole HTTP stack: a header that is said twice takes no shortcut."""
    twice = b"HTTP/1.1\r\nX-Said: twice\r\nX-Said: twice\r\n"
    requests = [post_bytes(PATH, position).replace(b"HTTP/1.1\r\n", twice, 1) for position in positions]
    await _spread(port, requests, connections)


async def _spread(port: int, requests: list[bytes], connections: int) -> None:
    queue = iter(requests)

    async def sender() -> None:
        client = await Http.connect(port)
        for request in queue:
            status, body = await client.request(request)
            if status != 200:
                raise SystemExit(f"{status}: {body[:300]!r}")
        client.transport.close()

    await asyncio.gather(*(sender() for _ in range(connections)))


async def messages(port: int, positions: list[bytes], connections: int = 4, ahead: int = 1000) -> None:
    """One position a WebSocket message, sent on without waiting, at most `ahead` of them unanswered."""

    async def sender(own: list[bytes]) -> None:
        answered = asyncio.Event()
        upto = 0

        def hear(message: bytes) -> None:
            nonlocal upto
            answer = json.loads(message)
            if answer.get("errors"):
                raise SystemExit(f"refused: {answer}")
            upto = answer["upto"]
            answered.set()

        client = await Socket.connect(port, PATH, hear)
        for at in range(0, len(own), 100):
            client.send(*own[at : at + 100])
            while at + 100 - upto > ahead:
                answered.clear()
                await answered.wait()
        while upto < len(own):
            answered.clear()
            await answered.wait()
        client.close()

    await asyncio.gather(*(sender(positions[first::connections]) for first in range(connections)))


async def paced(port: int, positions: list[bytes], connections: int = 10, rate: int = 1000) -> None:
    """`rate` positions a second, one a message, by sockets in turn, whatever was answered."""
    answered, everything = [0] * connections, asyncio.Event()

    def hearer(number: int) -> Callable[[bytes], None]:
        def hear(message: bytes) -> None:
            answered[number] = json.loads(message)["upto"]
            if sum(answered) == len(positions):
                everything.set()

        return hear

    clients = [await Socket.connect(port, PATH, hearer(number)) for number in range(connections)]
    begin = time.perf_counter()
    for number, position in enumerate(positions):
        if (early := begin + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        clients[number % connections].send(position)
    await everything.wait()
    for client in clients:
        client.close()


def measure(server: Server, traffic: Traffic, send: Send, count: int) -> tuple[list[float], list[float], list[float]]:
    """Server CPU per ping, wall pings/s and reference CPU per ping, one of each a round."""
    costs, rates, references = [], [], []
    for number in range(ROUNDS + 1):
        positions = traffic.take(count)
        references.append(json_loop(b"[" + b",".join(positions[:100]) + b"]") / 100)
        cpu, wall = cpu_seconds(server.pid), time.perf_counter()
        asyncio.run(send(server.port, positions))
        if number:  # the first round only warms up
            costs.append((cpu_seconds(server.pid) - cpu) / count)
            rates.append(count / (time.perf_counter() - wall))
    return costs, rates, references


def main() -> None:
    cases: list[tuple[str, Send, int, int]] = [
        ("batches of 100 by HTTP", batches, 60_000, 40_000),
        ("one a message, pipelined WebSockets", messages, 30_000, 12_000),
        ("1,000 a second, one a message", paced, 4_000, 6_667),  # 15 % of a core
        ("one a POST", singles, 8_000, 10_000),
        ("one a POST, by the whole HTTP stack", odd_singles, 2_000, 1_500),
    ]
    rows = []
    with Server() as server:
        server.post("/api/v1/regions", circles(100))
        traffic = Traffic(1000, int(time.time() * 1000) - 6 * 3_600_000)
        for name, send, count, budget in cases:
            costs, rates, references = measure(server, traffic, send, count)
            middle, clock = sorted(costs)[len(costs) // 2], sorted(rates)[len(rates) // 2]
            note = f"{1 / middle:,.0f} pings/s a core (budget {budget:,}), {clock:,.0f}/s on the clock"
            rows.append(
                Row(name, "µs CPU a ping", [1e6 * one for one in costs], [1e6 * one for one in references], note)
            )
    report("Durable ingest, no viewers, 100 regions", rows, "bare json", held=True)


if __name__ == "__main__":
    main()
