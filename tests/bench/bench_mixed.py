"""Everything at once in one process: pings, viewers, commits, a history read; and where the core goes.

    python tests/bench/bench_mixed.py [pings/s viewers regions]      1,000, 200 and 100 unless said otherwise

Half of the viewers follow a region each, half look at a part of the map. Every second somebody reads a vehicle's
day and somebody saves a region. Loop lag is how much later than asked a timer on the server's own loop rings
(`lagging.py`, every 20 ms); its reference is the same timer on an idle loop in this process. Where the core goes is
py-spy's count of who held the interpreter, by the innermost module.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import Row, cpu_seconds, percentile, report, resident_bytes
from clients import Http, Server, Socket, post_bytes
from lagging import sample
from traffic import EAST, NORTH, SOUTH, WEST, Traffic, circles, encoded
from watching import drive, now_ms, watch

RATE, VIEWERS, REGIONS = [int(word) for word in sys.argv[1:4]] or (1000, 200, 100)
SECONDS = 20.0
DAY_FIXES = 17_280  # a vehicle's day, a fix each 5 s
HERE = Path(__file__).parent


def part(number: int) -> dict[str, Any]:
    """A view of a sixteenth of the city."""
    row, column = divmod(number % 16, 4)
    south, west = SOUTH + (NORTH - SOUTH) * row / 4, WEST + (EAST - WEST) * column / 4
    return {"bbox": [west, south, west + (EAST - WEST) / 4, south + (NORTH - SOUTH) / 4], "zoom": 13}


async def viewers(port: int, many: int = VIEWERS) -> list[Socket]:
    """Half follow a region each, half a part of the city."""
    opened = []
    for number in range(many):
        if number % 2:
            opened.append(await watch(port, {"regions": [f"r{number // 2}"], "events": True}))
        else:
            opened.append(await watch(port, {"view": part(number // 2), "events": True}))
    return opened


async def history(port: int, seconds: float, took: list[float], every_s: float = 1) -> None:
    """Read a day of one vehicle, page after page."""
    client = await Http.connect(port)
    end = time.perf_counter() + seconds
    path = f"/api/v1/vehicles/day0/track?from={now_ms() - 2 * 86_400_000}&until={now_ms()}&limit=10000"
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    while time.perf_counter() < end:
        started = time.perf_counter()
        status, body = await client.request(request)
        if status != 200:
            raise SystemExit(f"track: {status} {body[:300]!r}")
        took.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(every_s)
    client.transport.close()


async def edits(port: int, seconds: float, took: list[float], every_s: float = 1) -> None:
    """Replace a region."""
    client = await Http.connect(port)
    features = circles(REGIONS)["features"]
    for number in range(int(seconds / every_s)):
        feature = features[number % REGIONS]
        feature["properties"]["radius_m"] += 1
        raw = post_bytes(f"/api/v1/regions/{feature['id']}", encoded(feature)).replace(b"POST", b"PUT", 1)
        started = time.perf_counter()
        status, body = await client.request(raw)
        if status != 200:
            raise SystemExit(f"region: {status} {body[:300]!r}")
        took.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(every_s)
    client.transport.close()


async def load(port: int, traffic: Traffic, seconds: float) -> tuple[list[float], list[float], int]:
    """The mix itself; how long the reads and edits took in ms, and the bytes viewers received."""
    reads: list[float] = []
    saves: list[float] = []
    opened = await viewers(port)
    await asyncio.gather(
        drive(port, traffic, seconds, RATE), history(port, seconds, reads), edits(port, seconds, saves)
    )
    if any(viewer.closed for viewer in opened):
        raise SystemExit("the server closed a viewer")
    received = sum(viewer.received for viewer in opened)
    for viewer in opened:
        viewer.close()
    return reads, saves, received


def day(server: Server) -> None:
    """A vehicle with a day behind it."""
    past = Traffic(1, now_ms() - 86_400_000, prefix="day")
    positions = past.take(DAY_FIXES, 5000)
    for at in range(0, len(positions), 5000):
        server.post_raw("/api/v1/positions", b"[" + b",".join(positions[at : at + 5000]) + b"]")


def spy(pid: int, seconds: float) -> tuple[subprocess.Popen[bytes], Path] | None:
    program = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        return None
    target = Path(tempfile.mkdtemp()) / "stacks"
    command = [program, "record", "--pid", str(pid), "--duration", str(int(seconds)), "--rate", "100"]
    command += ["--gil", "--format", "raw", "--full-filenames", "--output", str(target)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE), target


def modules(stacks: str) -> collections.Counter[str]:
    """Samples by the module that was running: ours by file, others by package."""
    found: collections.Counter[str] = collections.Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        place = stack.split(";")[-1].rpartition("(")[2].rpartition(":")[0] or stack.split(";")[-1]
        if "/tracker/" in place:
            name = "tracker/" + place.rpartition("/tracker/")[2]
        elif "/site-packages/" in place:
            name = place.partition("/site-packages/")[2].split("/")[0]
        else:
            name = "Python's " + (Path(place).parent.name if "asyncio" in place else Path(place).name)
        found[name] += int(count)
    return found


def main() -> None:
    with tempfile.NamedTemporaryFile() as lags, Server(sys.executable, str(HERE / "lagging.py"), lags.name) as server:
        server.post("/api/v1/regions", circles(REGIONS))
        day(server)
        traffic = Traffic(RATE, 0)
        asyncio.run(load(server.port, traffic, 3))  # warm
        Path(lags.name).write_text("")
        cpu, started = cpu_seconds(server.pid), time.perf_counter()
        reads, saves, received = asyncio.run(load(server.port, traffic, SECONDS))
        core = (cpu_seconds(server.pid) - cpu) / (time.perf_counter() - started)
        lag = [float(line) for line in Path(lags.name).read_text().split()]
        watched = spy(server.pid, SECONDS)
        asyncio.run(load(server.port, traffic, SECONDS + 1))  # again under py-spy, which slows it
        memory = resident_bytes(server.pid)
    idle: list[float] = []
    with contextlib.suppress(TimeoutError):
        asyncio.run(asyncio.wait_for(sample(idle.append), 3))
    rows = [
        Row(f"loop lag {name}", "ms", [percentile(lag, share)], [percentile(idle, share)])
        for share, name in ((0.5, "p50"), (0.99, "p99"), (1.0, "worst"))
    ]
    rows += [
        Row("read of a day, p50 (10,000 fixes)", "ms", [percentile(reads, 0.5)]),
        Row("region saved, p50", "ms", [percentile(saves, 0.5)]),
        Row("server CPU", "% of a core", [core * 100]),
        Row("to viewers", "kB/s", [received / SECONDS / 1000]),
        Row("memory", "MB", [memory / 1e6]),
    ]
    report(
        f"Mixed: {RATE:,} pings/s, {VIEWERS} viewers, {REGIONS:,} regions, reads and edits, one process",
        rows,
        "idle loop",
    )
    if watched:
        process, target = watched
        trouble = process.communicate()[1]
        if target.is_file():
            found = modules(target.read_text())
            total = found.total()
            print("\nWhere the core goes (py-spy: who holds the interpreter, by innermost module):\n")
            print("| module | share |\n| --- | ---: |")
            for name, count in found.most_common(16):
                print(f"| {name} | {count / total:.0%} |")
        else:
            print(f"py-spy could not look: {trouble.decode().strip().splitlines()[-1:]}")


if __name__ == "__main__":
    main()
