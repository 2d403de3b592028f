"""How fast recordings are read and played: CSV and NDJSON read alone, a dry run with 100 regions, of a file and of what
is stored, into a local server.

CPU time of this process where it works alone; for the server, points a second on the wall, as `tracker replay` tells.
The reference is plain `json` reading the same points.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from bench import Row, report
from clients import Server
from traffic import Traffic, circles

from tracker.model.commit import Commit, SavedRegion, SavedVehicle, StoredPing
from tracker.model.ping import read_ping
from tracker.regions.region import Region
from tracker.replay.offline import Offline
from tracker.replay.past.stored import Stored
from tracker.replay.past.window import Choice, Rules, Window, play
from tracker.replay.player import Player
from tracker.replay.progress import Progress
from tracker.replay.recording import Recording
from tracker.stores import open_store

ROUNDS = 3
POINTS = 100_000
VEHICLES = 200
COLUMNS = ("vehicle", "time", "lat", "lon", "speed_mps", "heading")


def written(folder: Path) -> tuple[Path, Path]:
    """The same drive as CSV and as NDJSON, some hours ago."""
    traffic = Traffic(VEHICLES, int(time.time() * 1000) - 12 * 3_600_000)
    lines = traffic.take(POINTS)
    table, objects = folder / "drive.csv", folder / "drive.ndjson"
    objects.write_bytes(b"\n".join(lines) + b"\n")
    with table.open("w") as file:
        file.write(",".join(COLUMNS) + "\n")
        for line in lines:
            position = msgspec.json.decode(line)
            file.write(",".join(str(position.get(name, "")) for name in COLUMNS) + "\n")
    return table, objects


def read(path: Path) -> Recording:
    recording = Recording()
    recording.add_source(str(path))
    return recording


def cpu_of(work: Callable[[], object]) -> float:
    """µs of CPU a point."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / POINTS * 1e6


def dry(recording: Recording) -> None:
    began = recording.first or 0
    offline = Offline(io.StringIO(), circles(100)["features"], began)
    Player(recording, offline, Progress(io.StringIO(), recording.count), speed=None).play()


async def keep(lines: list[bytes], folder: str) -> None:
    """In a store, as if each had been received when it was made; the regions before all of them."""
    pings = [read_ping(msgspec.json.decode(line), 1 << 62) for line in lines]
    numbers = {name: n for n, name in enumerate(sorted({ping.vehicle for ping in pings}), 1)}
    began = pings[0].time - 1
    drawn = [
        Region.read_feature(one, id=f"circle-{at}", version=1, now=began)
        for at, one in enumerate(circles(100)["features"])
    ]
    store = open_store(folder)
    await store.open()
    regions = [SavedRegion(one.id, 1, began, one.feature()) for one in drawn]
    await store.commit(Commit(regions=regions, vehicles=[SavedVehicle(n, name, None) for name, n in numbers.items()]))
    for at in range(0, len(pings), 1000):
        some = pings[at : at + 1000]
        await store.commit(Commit(pings=[StoredPing(numbers[one.vehicle], one, one.time) for one in some]))
    await store.close()


def again(folder: str) -> None:
    source = Stored(folder)
    choice, rules = Choice(source.known, [], []), Rules(None, None, None)
    play(source, Window.around(None, None, None), choice, rules, lambda _event: None, lambda _one: None)
    source.close()


def played(path: Path, server: Server) -> float:
    """µs of wall a point, as a process into a server."""
    command = [sys.executable, "-m", "tracker", "replay", str(path), "--speed", "max"]
    done = subprocess.run(
        [*command, "--to", f"http://127.0.0.1:{server.port}"], capture_output=True, text=True, check=True
    )
    told = re.findall(r"([\d,]+) pings/s", done.stderr)
    return 1e6 / float(told[-1].replace(",", ""))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        table, objects = written(Path(name))
        lines = objects.read_bytes().splitlines()
        references = [cpu_of(lambda: [json.loads(line) for line in lines]) for _ in range(ROUNDS)]
        rows = [
            Row(what, "µs CPU a point", costs, references, f"{1e6 / sorted(costs)[ROUNDS // 2]:,.0f} points/s")
            for what, costs in (
                ("read CSV", [cpu_of(lambda: read(table)) for _ in range(ROUNDS)]),
                ("read NDJSON", [cpu_of(lambda: read(objects)) for _ in range(ROUNDS)]),
                ("read CSV and dry run, 100 regions", [cpu_of(lambda: dry(read(table))) for _ in range(ROUNDS)]),
            )
        ]
        asyncio.run(keep(lines, f"{name}/store"))
        costs = [cpu_of(lambda: again(f"{name}/store")) for _ in range(ROUNDS)]
        note = f"{1e6 / sorted(costs)[ROUNDS // 2]:,.0f} points/s"
        rows.append(Row("dry run from a store, 100 regions", "µs CPU a point", costs, references, note))
        costs = []
        for _ in range(ROUNDS):
            with Server() as server:
                costs.append(played(objects, server))
        note = f"{1e6 / sorted(costs)[ROUNDS // 2]:,.0f} points/s; server and replay share two cores"
        rows.append(Row("--speed max into a local server", "µs wall a point", costs, references, note))
        report("Recordings", rows, "bare json")


if __name__ == "__main__":
    main()
