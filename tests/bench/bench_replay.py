"""How fast recordings are read and played: CSV and NDJSON read alone, a dry run with 100 regions, into a local server.

CPU time of this process where it works alone; for the server, points a second on the wall, as `tracker replay` tells.
The reference is plain `json` reading the same points.
"""

from __future__ import annotations

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

from tracker.replay.offline import Offline
from tracker.replay.player import Player
from tracker.replay.progress import Progress
from tracker.replay.recording import Recording

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
        costs = []
        for _ in range(ROUNDS):
            with Server() as server:
                costs.append(played(objects, server))
        note = f"{1e6 / sorted(costs)[ROUNDS // 2]:,.0f} points/s; server and replay share two cores"
        rows.append(Row("--speed max into a local server", "µs wall a point", costs, references, note))
        report("Recordings", rows, "bare json")


if __name__ == "__main__":
    main()
