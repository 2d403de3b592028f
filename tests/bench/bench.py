"""What every benchmark shares: repetition, the reference loop of the same process, the machine, one way to print.

Machines differ and this one's speed drifts, so a number never stands alone: beside each stands how often a bare loop
(plain `json`, plain `transport.write`) could have run in its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROUNDS = 9  #: of a ratio that is held to: the least of each side counts, and they take turns
RATIOS = Path(__file__).parent / "ratios.toml"
GROWN = 1.3  #: times the committed ratio, and a benchmark fails


class Row(NamedTuple):
    """One line of a result. `values` and `reference` are in the same unit of cost, one for each round."""

    what: str
    unit: str
    values: Sequence[float]
    reference: Sequence[float] = ()
    note: str = ""


def report(title: str, rows: Sequence[Row], reference: str, *, held: bool = False) -> None:
    """Print a Markdown table: median, spread (half the range, in percent of the median) and ratio to the reference.

    `held`: both sides are CPU time, and a row of ROUNDS or more is held to its committed ratio, or, with COMMIT=1 in
    the environment, that is written anew. Ends the program where one has grown, after all was printed: call it last.
    """
    print(f"\n### {title}\n")
    print(machine() + "\n")
    print(f"| what | median | spread | × {reference} | |")
    print("| --- | ---: | ---: | ---: | --- |")
    for row in rows:
        middle = statistics.median(row.values)
        spread = (max(row.values) - min(row.values)) / 2 / middle if middle else 0.0
        ratio = f"{middle / statistics.median(row.reference):.3g}" if row.reference else ""
        print(f"| {row.what} | {number(middle)} {row.unit} | ±{spread:.0%} | {ratio} | {row.note} |")
    if held:
        ratios = {
            row.what: min(row.values) / min(row.reference)
            for row in rows
            if row.reference and len(row.values) >= ROUNDS
        }
        if os.environ.get("COMMIT"):
            commit_ratios(title, ratios)
        elif grown := grown_ratios(title, ratios):
            raise SystemExit("\n" + "\n".join(grown))
    sys.stdout.flush()


def grown_ratios(title: str, ratios: dict[str, float]) -> list[str]:
    """Print each beside the committed one; a sentence of each that has grown too far."""
    committed = tomllib.loads(RATIOS.read_text()).get(title, {}) if RATIOS.exists() else {}
    print(f"\n| least of {ROUNDS} rounds each | ratio | committed |\n| --- | ---: | ---: |")
    for what, ratio in ratios.items():
        print(f"| {what} | {ratio:.3g} | {committed.get(what, '')} |")
    return [
        f"{title}, {what}: {ratio:.3g}, and {committed[what]} is committed: {GROWN} times that or more"
        for what, ratio in ratios.items()
        if what in committed and ratio >= GROWN * committed[what]
    ]


def commit_ratios(title: str, ratios: dict[str, float]) -> None:
    """Write these; other rows of this and other tables stay."""
    known = tomllib.loads(RATIOS.read_text()) if RATIOS.exists() else {}
    known[title] = {**known.get(title, {}), **{what: float(f"{ratio:.3g}") for what, ratio in ratios.items()}}
    lines = ["# CPU over its reference loop, least of both: COMMIT=1 make bench writes them, make bench holds to them."]
    for table, rows in sorted(known.items()):
        lines += ["", f"[{json.dumps(table, ensure_ascii=False)}]"]
        lines += [f"{json.dumps(what, ensure_ascii=False)} = {ratio}" for what, ratio in rows.items()]
    RATIOS.write_text("\n".join(lines) + "\n")


def number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """What this ran on, in one line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}, load before {load:.1f}"


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used in all its threads (Linux; 10 ms steps, so measure over seconds)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory a process holds (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cost(work: Callable[[], object], seconds: float = 0.2) -> float:
    """CPU seconds of one call of `work`, run for about `seconds`."""
    work()
    calls = 0
    started = time.process_time()
    while (spent := time.process_time() - started) < seconds:
        work()
        calls += 1
    return spent / calls


def json_loop(body: bytes) -> float:
    """Reference: CPU seconds to read one body with plain `json` and write it again."""
    return cost(lambda: json.dumps(json.loads(body)).encode())


def write_loop(chunk: bytes, count: int = 20_000) -> float:
    """Reference: CPU seconds of one bare `transport.write` on a socket that is read as fast as it fills."""

    async def run() -> float:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        spent = 0.0
        for _ in range(count // 20):
            started = time.process_time()
            for _ in range(20):
                transport.write(chunk)
            spent += time.process_time() - started
            with contextlib.suppress(BlockingIOError):
                while theirs.recv(1 << 20):
                    pass
        assert not transport.get_write_buffer_size(), "the chunk is too large for the socket's buffer"
        transport.close()
        theirs.close()
        return spent / count

    return asyncio.run(run())
