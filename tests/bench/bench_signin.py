"""What a crowd at the door does to the others. Server and load are separate processes.

    python tests/bench/bench_signin.py

1,000 pings/s come in in batches while nobody signs in, and while four do every second (a second's worth of wrong
passwords costs the same): how late a timer on the server's loop is, and how long a sign-in takes. The rounds take turns.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import Row, percentile, report
from bench_live import post
from clients import Server
from traffic import Traffic

SECONDS, ROUNDS, A_SECOND = 10.0, 4, 4
PASSWORD = "two blue vans in may"


async def sign_in(server: Server) -> float:
    """How long it takes, in ms."""
    begun = time.perf_counter()
    await asyncio.to_thread(server.post, "/api/v1/session", {"name": "ben", "password": PASSWORD})
    return (time.perf_counter() - begun) * 1000


def round_of(server: Server, file: Path, people: int) -> tuple[list[float], list[float]]:
    """Lags of the loop, and times of sign-ins."""
    file.write_text("")
    times = asyncio.run(crowd(server, people))
    return [float(word) for word in file.read_text().split()], times


async def crowd(server: Server, people: int) -> list[float]:
    taking: list[asyncio.Task[float]] = []
    sending = asyncio.create_task(post(server, Traffic(1000, 0), 1000, SECONDS))
    begun = time.perf_counter()
    for number in range(int(people * SECONDS)):
        await asyncio.sleep(max(0.0, begun + number / people - time.perf_counter()))
        taking.append(asyncio.create_task(sign_in(server)))
    await sending
    return await asyncio.gather(*taking)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lag"
        file.touch()
        lagging = str(Path(__file__).parent / "lagging.py")
        with Server(sys.executable, lagging, str(file)) as server:
            server.let_people_in()
            server.post("/api/v1/users", {"name": "ben", "role": "viewer", "password": PASSWORD})
            lags: dict[int, list[list[float]]] = {0: [], A_SECOND: []}
            took: list[float] = []
            round_of(server, file, 1)  # warm
            for _ in range(ROUNDS):
                for people in lags:
                    late, times = round_of(server, file, people)
                    lags[people].append(late)
                    took += times
    rows = [
        Row(f"loop late, {people} sign-ins a second, {name}", "ms", [percentile(one, share) for one in rounds])
        for people, rounds in lags.items()
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    ]
    more = [
        percentile(with_, 0.99) - percentile(without, 0.99)
        for with_, without in zip(lags[A_SECOND], lags[0], strict=True)
    ]
    rows.append(Row("p99 more than without", "ms", more))
    rows.append(Row("a sign-in", "ms", took))
    report("signing in", rows, "")
    print(f"\nmedian p99 more than without: {statistics.median(more):.1f} ms")


if __name__ == "__main__":
    main()
