"""What became of a vehicle: how well stops are found, and what it costs to tell.

python tests/bench/bench_history.py
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec
from bench import Row, report

from tests.support.rivals import Span, speed_zero, stay_point, traccar
from tests.support.rounds import SEEDS, columns_of, drive, fixes, score
from tracker.history.story import told
from tracker.history.story.dwell import Drawn
from tracker.history.story.stops import Stop, Stops
from tracker.history.story.summary import totals
from tracker.history.story.trips import story_of
from tracker.model.columns import Columns, concatenate
from tracker.model.ping import Ping

DAY = 17_280
ROUNDS = 7


def ours(pings: Sequence[Ping]) -> list[Span]:
    looked = Stops()
    looked.take_fixes(columns_of(pings))
    return [(one.since, one.until) for one in looked.done() if isinstance(one, Stop)]


def spoken(pings: Sequence[Ping], seed: int) -> list[Ping]:
    """With the speed a receiver says: what it stands at is noise, never quite 0."""
    rng = random.Random(f"speeds {seed}")
    return [msgspec.structs.replace(ping, speed_mps=round(abs(rng.gauss(0, 0.4)) + 0.01, 3)) for ping in pings]


METHODS: dict[str, Callable[[Sequence[Ping]], list[Span]]] = {
    "this one": ours,
    "Traccar's rule (200 m, 180 s)": traccar,
    "stay point (50 m, 120 s)": stay_point,
    "the receiver says 0": speed_zero,
}


def scores() -> None:
    rounds = [drive(seed) for seed in SEEDS]
    print(
        f"\n### Stops of 12 seeded rounds, {sum(len(one.stops) for one in rounds)} known: found / false, begin late by\n"
    )
    ways = ((10, 5, 0.0), (30, 5, 0.1), (10, 20, 0.0), (60, 5, 0.0))
    print(
        "| |"
        + "".join(f" every {step} s, {noise} m off{', a tenth lost' * bool(lost)} |" for step, noise, lost in ways)
    )
    print("| --- |" + " ---: |" * len(ways))
    for name, method in METHODS.items():
        line = f"| {name} |"
        for step_s, noise_m, lost in ways:
            found = wrong = 0
            late: list[int] = []
            for seed, one in zip(SEEDS, rounds, strict=True):
                pings = spoken(fixes(one, seed, step_s, noise_m, lost), seed)
                hits, misses, begins = score(one.stops, method(pings))
                found, wrong, late = found + hits, wrong + misses, late + begins
            line += f" {found} / {wrong}{f', {statistics.median(late) / 1000:.0f} s' if late else ''} |"
        print(line)


def vehicle_day() -> Columns:
    """Rounds one after the other, a fix every 5 s."""
    parts, ahead = [], 0
    for seed in SEEDS:
        part = columns_of(fixes(drive(seed), seed, 5, 5))
        part.time += ahead
        ahead += int(part.time[-1] - part.time[0]) + 5000
        parts.append(part)
    return concatenate(parts).take(slice(0, DAY))


def cost(work: Callable[[], object]) -> list[float]:
    """ms of CPU, of each round."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) * 1000)
    return took


def main() -> None:
    scores()
    day = vehicle_day()
    positions = [{"time": one.ping.time, "lat": one.ping.lat, "lon": one.ping.lon} for one in day.pings("van", 1)]
    bare = cost(lambda: json.dumps(positions))

    def stops() -> None:
        looked = Stops()
        looked.take_fixes(day)
        looked.done()

    def answer() -> bytes:
        story = story_of(day)
        assert story is not None
        sums = totals(story, Drawn({}).dwells(story), story.since, story.until)
        return msgspec.json.encode(([told.trip(one) for one in story.trips], told.totals(sums, {})))

    rows = [
        Row(what, "ms", values, bare, f"{statistics.median(values) / len(day) * 1000:.2f} µs a fix")
        for what, values in (("stops", cost(stops)), ("trips and sums as JSON", cost(answer)))
    ]
    report(f"A vehicle-day of {len(day):,} fixes", rows, "json.dumps of its places")


if __name__ == "__main__":
    main()
