"""A floor for ingest: Redis, which only keeps each vehicle's last place, syncing before it answers as we do.

Batches of 100 GEOADD from four senders that wait for their answers; `appendfsync always`. No history, no region, no
event, nobody told: what a ping costs us beyond it is what we do beyond it. Skipped where Redis is not installed.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench import ROUNDS, Row, cpu_seconds, json_loop, report
from traffic import Traffic

COUNT, TOGETHER, SENDERS = 40_000, 100, 4


@contextmanager
def redis() -> Iterator[tuple[int, int]]:
    """Its process and port, with a folder that goes away with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always"]
        process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 10
            while time.monotonic() < end:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield process.pid, port
        finally:
            process.terminate()
            process.wait(10)


def command(position: bytes) -> bytes:
    one = json.loads(position)
    words = [b"GEOADD", b"fleet", b"%.6f" % one["lon"], b"%.6f" % one["lat"], one["vehicle"].encode()]
    return b"*5\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


async def send(port: int, positions: list[bytes]) -> None:
    batches = iter([b"".join(map(command, positions[at : at + TOGETHER])) for at in range(0, len(positions), TOGETHER)])

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for batch in batches:
            writer.write(batch)
            for _ in range(TOGETHER):
                if not (answer := await reader.readline()).startswith(b":"):
                    raise SystemExit(f"redis: {answer!r}")
        writer.close()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


def measure() -> list[Row]:
    """Nothing where it is not installed."""
    if shutil.which("redis-server") is None:
        print("\nRedis is not installed, so there is no floor for ingest: sudo apt-get install redis-server")
        return []
    traffic = Traffic(1000, 0)
    costs, references = [], []
    with redis() as (pid, port):
        for number in range(ROUNDS + 1):
            positions = traffic.take(COUNT)
            reference = json_loop(b"[" + b",".join(positions[:100]) + b"]") / 100
            cpu = cpu_seconds(pid)
            asyncio.run(send(port, positions))
            if number:
                costs.append(1e6 * (cpu_seconds(pid) - cpu) / COUNT)
                references.append(1e6 * reference)
    return [Row("Redis: batches of 100 GEOADD, synced", "µs CPU a ping", costs, references)]


def main() -> None:
    if rows := measure():
        report("A floor for ingest", rows, "bare json")


if __name__ == "__main__":
    main()
