"""One recorded day, made from a seed: what it tells is known by its hash, and stays so.

    python -m tests.support.day [pings]        1,000,000 unless said otherwise; also: make day

It ends with 1 when `fixtures/day.json` knows another hash for so many.

Vans on random ways through town, with stops, some late, some twice, some off by half a kilometre once, some that only
know where they are to a kilometre or not at all; regions of all shapes with rules and hours, in a zone whose clock is
set that night; edits, deletions, removals, acknowledgements, a clock that somebody sets, restarts, alarms, timers.

A day is one journal: whatever happens in it is an entry, and goes through the door that the server's entries go through.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import msgspec

from tests.property.test_fleet import Machine
from tests.support.scenario import box, feature, place, point, ring
from tracker.model.change import Registered
from tracker.model.events import Event
from tracker.model.ping import NOWHERE, Ping
from tracker.pipeline.entries import journal
from tracker.regions.region import Region

BEGIN = 1_774_735_200_000  #: 2026-03-28T22:00:00Z: in Helsinki the clock is set forward five hours later
DAY_MS = 86_400_000
SIZE_M = 6000
POOR_M = 1200.0  #: so rough a fix decides nothing
HOURS = {"zone": "Europe/Helsinki", "weekly": {day: [["02:00", "05:30"], ["08:00", "16:00"]] for day in ("sat", "sun")}}


def drawn(rng: random.Random) -> dict[str, Any]:
    east, north = rng.uniform(-SIZE_M, SIZE_M), rng.uniform(-SIZE_M, SIZE_M)
    size = rng.choice([60, 150, 400, 1200])
    rules: dict[str, Any] = {}
    if rng.random() < 0.3:
        rules["dwell_s"] = rng.choice([60, 600, 3600])
    if rng.random() < 0.2:
        rules |= {"speed_limit_mps": rng.choice([8.0, 14.0]), "min_s": rng.choice([0, 20])}
    if rng.random() < 0.1:
        rules["schedule"] = HOURS
    more = {"rules": rules, "debounce": rng.choice(["accuracy", "accuracy", "accuracy", "none"])}
    kind = rng.randrange(4)
    if kind == 0:
        return feature(point(east, north), radius_m=float(size), **more)
    if kind == 1:
        line = ring([(east, north), (east + size, north + 2 * size), (east + 3 * size, north + size)])
        return feature({"type": "LineString", "coordinates": line}, buffer_m=rng.choice([15.0, 60.0]), **more)
    if kind == 2:
        return feature(box(east, north, east + size, north + size * 0.7), **more)
    star = []
    for n in range(10):
        reach, angle = size * (1 if n % 2 else 0.5), radians(n * 36)
        star.append((east + reach * cos(angle), north + reach * sin(angle)))
    return feature({"type": "Polygon", "coordinates": [ring([*star, star[0]])]}, **more)


class Van:
    """Where one is every so often: it drives, turns, stands, and is sometimes told late, twice or wrongly."""

    def __init__(self, name: str, rng: random.Random, every_ms: int) -> None:
        self.name, self.rng, self.every_ms = name, rng, every_ms
        self.time = BEGIN + rng.randrange(every_ms)
        self.east, self.north = rng.uniform(-SIZE_M, SIZE_M), rng.uniform(-SIZE_M, SIZE_M)
        self.heading, self.stands = rng.uniform(0, 360), 0
        self.speed = rng.choice([4.0, 9.0, 17.0])

    def pings(self) -> Iterator[tuple[int, Ping]]:
        """(received at, ping), in fix order."""
        rng = self.rng
        while True:
            self.time += self.every_ms + rng.randrange(-400, 400)
            if rng.random() < 0.001:
                self.time += rng.choice([900_000, 5_400_000])  # a tunnel, a flat battery
            if self.stands:
                self.stands -= 1
            elif rng.random() < 0.02:
                self.stands = rng.choice([3, 20, 90])
            else:
                way = self.speed * self.every_ms / 1000
                self.heading += rng.gauss(0, 12)
                self.east += way * sin(radians(self.heading))
                self.north += way * cos(radians(self.heading))
                if max(abs(self.east), abs(self.north)) > SIZE_M:
                    self.heading += 180
            off = 500.0 if rng.random() < 0.001 else rng.gauss(0, 4)
            lat, lon = place(self.east + off, self.north + rng.gauss(0, 4))
            ping = Ping(
                self.name,
                self.time,
                lat,
                lon,
                speed_mps=None if rng.random() < 0.1 else 0.0 if self.stands else self.speed,
                accuracy_m=POOR_M if rng.random() < 0.002 else rng.choice([None, 5.0, 12.0, 40.0]),
                ignition=None if rng.random() < 0.5 else not self.stands,
                battery_pct=float(rng.randrange(10, 40)) if rng.random() < 0.01 else None,
                alarm="sos" if rng.random() < 0.0005 else None,
            )
            late = (
                rng.choice([3_000, 90_000, 900_000])
                if rng.random() < 0.01 and ping.alarm is None
                else rng.randrange(900)
            )
            if rng.random() < 0.004:  # a heartbeat, or an alarm from where nothing is received
                ping = msgspec.structs.replace(ping, lat=NOWHERE[0], lon=NOWHERE[1])
            yield self.time + late, ping
            if rng.random() < 0.01:
                yield self.time + late + 500, ping


class Day:
    def __init__(self, pings: int, regions: int, vehicles: int, seed: int = 11) -> None:
        self.rng = random.Random(seed)
        self.machine = Machine()
        self.versions: dict[str, int] = {}
        self.hash = hashlib.sha256()
        self.kinds: Counter[str] = Counter()
        self.entered: Counter[str] = Counter()
        self.restarts = self.poor = 0  # fixes that say they may be a kilometre off
        self.set_by = 0  # ms our clock was set by
        self.every_ms = DAY_MS * vehicles // pings
        self.vans = [Van(f"van-{n}", random.Random(seed * 1000 + n), self.every_ms) for n in range(vehicles)]
        self.names = [f"region-{n}" for n in range(regions)]
        self.live(pings)

    def save(self, ids: list[str], now: int) -> None:
        made = []
        for id in ids:
            self.versions[id] = self.versions.get(id, 0) + 1
            made.append(Region.read_feature(drawn(self.rng), id=id, version=self.versions[id], now=now))
        self.enter(journal.RegionsSaved(now, made))

    def enter(self, entry: journal.Entry) -> None:
        self.machine.enter(entry)
        self.entered[type(entry).__name__] += 1
        if isinstance(entry, journal.RegionsSaved | journal.RegionsDeleted):
            self.evaluate()

    def evaluate(self, steps: int = 1 << 60) -> None:
        while steps and self.machine.took(self.machine.fleet.evaluate(200)):
            steps -= 1

    def live(self, pings: int) -> None:
        machine, rng = self.machine, self.rng
        self.save(self.names, BEGIN - 1000)
        arrivals: list[tuple[int, Ping]] = []
        streams = [van.pings() for van in self.vans]
        turn = 0
        while pings > 0:
            # An hour or so at a time: what arrives late is sorted among the next.
            rounds = max(1, min(pings // len(streams), 3_600_000 // self.every_ms))
            arrivals += [next(stream) for stream in streams for _ in range(rounds)]
            pings -= rounds * len(streams)
            arrivals.sort(key=lambda one: (one[0], one[1].vehicle, one[1].time))
            upto = min(van.time for van in self.vans)
            ready = [one for one in arrivals if one[0] <= upto]
            arrivals = arrivals[len(ready) :]
            for begin in range(0, len(ready), 50):
                batch = ready[begin : begin + 50]
                now = batch[-1][0] + self.set_by
                if rng.random() < 0.5:  # asked for once: `due_at` may say that something is due when nothing is
                    while (due := machine.fleet.due_at()) is not None and due <= now:
                        machine.took(machine.fleet.fire(now, 20))
                self.enter(journal.Messages(now, [ping for _, ping in batch]))
                self.poor += sum(ping.accuracy_m == POOR_M for _, ping in batch)
                self.evaluate(1)
                self.note()
            turn += 1
            self.deeds(turn, upto + self.set_by)
            now = upto + self.set_by
            self.save(rng.sample(self.names, min(5, len(self.names))), now)
            if turn % 4 == 0:
                id = rng.choice(sorted(machine.fleet.regions.regions))
                self.versions[id] += 1
                self.enter(journal.RegionsDeleted(now, [id]))
            if turn % 5 == 0:
                machine.restart(now)
                self.restarts += 1
            self.note()

    def deeds(self, turn: int, now: int) -> None:
        """What people do beside drawing, and to the clock."""
        name = self.rng.choice(self.vans).name
        if turn % 3 == 0:
            self.enter(journal.VehicleRegistered(now, Registered(name, f"Van {turn}")))
            self.enter(journal.EventAcknowledged(now, "anything", "Ann"))
        if turn % 6 == 0:
            self.enter(journal.VehicleRemoved(now, name))
        if turn % 7 == 0:
            by = -self.set_by or 3_600_000
            self.set_by += by
            self.enter(journal.ClockSet(now, by))

    def note(self) -> None:
        """Take the events there are so far into the hash, every field of them."""
        for event in self.machine.events:
            self.kinds[event.kind] += 1
            self.hash.update(canonical(event))
        self.machine.events.clear()


def canonical(event: Event) -> bytes:
    """JSON with sorted keys; numbers to a millionth: another processor may differ in the last bit."""
    return json.dumps(rounded(msgspec.to_builtins(event)), sort_keys=True, separators=(",", ":")).encode() + b"\n"


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def size(pings: int) -> tuple[int, int]:
    """How many regions and vehicles a day of so many has."""
    return max(20, pings // 1000), max(20, pings // 2000)


def of(pings: int) -> Day:
    return Day(pings, *size(pings))


if __name__ == "__main__":
    pings = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    day = of(pings)
    print(day.hash.hexdigest(), dict(day.kinds), dict(day.entered))
    known = json.loads((Path(__file__).parents[2] / "fixtures" / "day.json").read_text())
    sys.exit(known.get(str(pings)) not in (None, day.hash.hexdigest()))
