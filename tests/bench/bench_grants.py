"""What it costs to tell 200 viewers what they are granted, no server around it: 2,000 vehicles in 200 regions.

A twentieth of the vehicles move each tick, as at one report a second. Counted is the CPU of telling the viewers, over the
frames they were sent; and that of taking a ping, whoever follows what. The reference is plain `json` of one ping.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench import Row, json_loop, report

from tracker.access.grants import EVERYTHING, Grant, Part
from tracker.live.hub import Hub
from tracker.live.requests import Follow
from tracker.live.viewer import Viewer
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.picture import Picture
from tracker.model.ping import Ping

VIEWERS, VEHICLES, REGIONS, GROUPS = 200, 2_000, 200, 10
SEEN = 20  #: regions of one grant
TICKS, WARM, ROUNDS = 40, 20, 7
MOVED = VEHICLES // 20  #: in one tick
PING = b'{"vehicle":"v1234","time":"2026-01-01T12:00:00Z","lat":60.171,"lon":24.941,"speed_mps":12.5,"heading":90}'


class Sink:
    pending = 0

    def send(self, payload: bytes, text: bool = True) -> None:
        pass


INSIDE = [{f"r{n % REGIONS}": 0, f"r{n * 7 % REGIONS}": 0} for n in range(VEHICLES)]


def state(n: int, time: int, dice: random.Random) -> VehicleState:
    """It stays where it is: in one region, or in two."""
    ping = Ping(f"v{n}", time, 60 + dice.random(), 24 + dice.random(), 12.5, 90.0, accuracy_m=5.0)
    return VehicleState(n, ping, time, 1, regions=INSIDE[n])


class Stage:
    """A hub and its viewers."""

    def __init__(self, grants: list[Grant], follow: Follow) -> None:
        self._dice = random.Random(7)
        self._now = 1000
        self._hub = hub = Hub(Picture())
        hub.begin(epoch=b"abcd", t0=0)
        features: list[dict[str, Any]] = [
            {"type": "Feature", "id": f"r{i}", "geometry": None, "properties": {}} for i in range(REGIONS)
        ]
        entries = [Registered(f"v{n}", f"van {n}", group=f"g{n % GROUPS}") for n in range(VEHICLES)]
        moved = [state(n, 1, self._dice) for n in range(VEHICLES)]
        hub.route(Change(regions=features, registered=entries, moved=moved))
        for grant in grants:
            viewer = Viewer(Sink(), grant=grant)
            hub.attach(viewer)
            hub.follow(viewer, follow)
        self.measure(WARM)

    def measure(self, ticks: int) -> tuple[float, float, float]:
        """µs a viewer-frame, µs a ping, and how many frames each viewer was sent a tick."""
        hub, telling, taking, before = self._hub, 0.0, 0.0, self._hub.telling.frames
        for tick in range(ticks):
            self._now += 50
            moved = [state((tick * MOVED + i) % VEHICLES, self._now, self._dice) for i in range(MOVED)]
            began = time.process_time()
            hub.route(Change(moved=moved))
            told = time.process_time()
            for viewer in hub.tick():
                hub.serve(viewer, self._now)
            telling += time.process_time() - told
            taking += told - began
        sent = hub.telling.frames - before
        return 1e6 * telling / sent, 1e6 * taking / (ticks * MOVED), sent / ticks / VIEWERS


def some(dice: random.Random) -> frozenset[str]:
    return frozenset(f"r{i}" for i in dice.sample(range(REGIONS), SEEN))


def groups(dice: random.Random) -> frozenset[str]:
    return frozenset(f"g{i}" for i in dice.sample(range(GROUPS), 3))


def limited(*parts: Part) -> Grant:
    return Grant(parts=parts)


SHARED = frozenset(f"r{i}" for i in range(REGIONS))
NORTH = frozenset({"g1", "g2", "g3"})


def cases(dice: random.Random) -> dict[str, list[Grant]]:
    """One grant a viewer."""

    def each(grant_of: Callable[[int], Grant]) -> list[Grant]:
        return [grant_of(at) for at in range(VIEWERS)]

    return {
        "everything": [EVERYTHING] * VIEWERS,
        "one grant of all regions, shared": [limited(Part(SHARED))] * VIEWERS,
        "one grant of 20 regions, shared": [limited(Part(some(dice)))] * VIEWERS,
        "one grant of 3 groups of vehicles, shared": [limited(Part(None, NORTH))] * VIEWERS,
        "one coarse grant, shared": [limited(Part(None, coarse_m=1000))] * VIEWERS,
        "200 grants of 20 regions": each(lambda _: limited(Part(some(dice)))),
        "200 grants of 20 regions × 3 groups": each(lambda _: limited(Part(some(dice), groups(dice)))),
        "200 grants of two parts": each(lambda _: limited(Part(some(dice), groups(dice)), Part(some(dice)))),
        "200 grants of 20 regions, coarse": each(lambda _: limited(Part(some(dice), coarse_m=500.0))),
    }


def main() -> None:
    """Each takes its turn in every round: what else runs on the machine slows all of them alike."""
    reference = [1e6 * json_loop(PING)]
    stages = {what: Stage(grants, Follow(all=True)) for what, grants in cases(random.Random(5)).items()}
    gc.collect()
    gc.freeze()  # nobody has nine hubs to look through
    rounds = [{what: stage.measure(TICKS) for what, stage in stages.items()} for _ in range(ROUNDS)]
    rows: list[Row] = []
    for what in stages:
        frames, pings, sent = zip(*[round[what] for round in rounds], strict=True)
        over = median(round[what][0] / round["everything"][0] for round in rounds) - 1
        note = f"{over:+.0%} over everything; {sent[-1]:.2f} frames a tick; {median(pings):.1f} µs to take a ping"
        rows.append(Row(what, "µs a viewer-frame", list(frames), reference, note))
    report(f"{VIEWERS} viewers, {VEHICLES:,} vehicles, {REGIONS} regions", rows, "bare json")


if __name__ == "__main__":
    main()
