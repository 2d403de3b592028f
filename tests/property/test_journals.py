"""One journal, many ways to live through it: idle, busy, restarted, through the pipeline, as a dry run, as a preview.

Whatever the way, the events of a vehicle are the same, in the same order, in every field but `seq` and `received_at`.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.property.test_fleet import SEEDS, VEHICLES, Entry, Machine, full_journal
from tests.support.scenario import START, box, feature, place
from tracker.buses import open_bus
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.formats import Point
from tracker.history.rehearsal import Rehearsal
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.pipeline.pipeline import Pipeline
from tracker.regions.region import Region
from tracker.replay.offline import Offline, shown
from tracker.stores import EventQuery
from tracker.stores.sqlite.store import SqliteStore
from tracker.times import rfc3339

WORK = {
    "zone": "UTC",
    "weekly": {day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "fri")},
}
YARDS: dict[str, Any] = {
    "work": feature(box(-300, -300, 300, 300), rules={"schedule": WORK, "dwell_s": 3600}),
    "gate": feature(box(100, -300, 600, 300), rules={"dwell_s": 120, "speed_limit_mps": 10}),
    "exact": feature(box(-600, -300, 0, 300), debounce="none"),
}
LATER = feature(box(0, -300, 500, 300), rules={"dwell_s": 600}) | {"id": "gate"}

Told = dict[str, list[dict[str, Any]]]


def facts(events: list[Event]) -> Told:
    """What is the same in all ways to live through a journal, by vehicle."""
    return {name: [shown(event) for event in events if event.vehicle == name] for name in VEHICLES}


class Idle(Machine):
    """Every timer goes off when it is due."""

    def play(self, journal: list[Entry], restarts: frozenset[int] = frozenset(), whole: bool = True) -> Idle:
        for at, entry in enumerate(journal):
            self.wait(entry[0])
            super().play([entry], frozenset({0}) if at in restarts else frozenset(), whole)
        return self

    def wait(self, until: int) -> None:
        while (due := self.fleet.due_at()) is not None and due <= until:
            self.took(self.fleet.fire(due, 1))


class Busy(Machine):
    """No timer has its turn before the journal ends."""

    def play(self, journal: list[Entry], restarts: frozenset[int] = frozenset(), whole: bool = True) -> Busy:
        super().play([entry for entry in journal if entry[1] != "timers"], restarts, whole)
        end = journal[-1][0]
        while (due := self.fleet.due_at()) is not None and due <= end:
            self.took(self.fleet.fire(end, 3))
        return self


def days(seed: int, most_late_s: int = 100_000) -> list[tuple[int, Ping]]:
    """(received at, ping) in the order they came: minutes and days between fixes, some an hour or a day late."""
    rng = random.Random(seed)
    arrivals: list[tuple[int, Ping]] = []
    for name in VEHICLES:
        time = START - 2 * 3_600_000 + rng.randrange(3_600_000)
        for _ in range(25):
            time += rng.choice([10_000, 60_000, 60_000, 600_000, 7_200_000, 40_000_000, 200_000_000])
            late = min(rng.choice([0, 0, 200, 5_000, 400_000, 3_600_000, 100_000_000]), most_late_s * 1000)
            lat, lon = place(rng.choice([-700, -450, -150, 50, 200, 450, 900]), rng.uniform(-200, 200))
            speed = rng.choice([None, 0.0, 5.0, 20.0])
            accuracy = rng.choice([None, 5.0, 30.0])
            arrivals.append((time + late, Ping(name, time, lat, lon, speed_mps=speed, accuracy_m=accuracy)))
    end = min(max(now for now, ping in arrivals if ping.vehicle == name) for name in VEHICLES)
    return sorted((one for one in arrivals if one[0] <= end), key=lambda arrival: arrival[0])  # nobody quiet a week


def drawn(id: str, now: int = START - 4 * 3_600_000, version: int = 1) -> Region:
    return Region.read_feature(YARDS[id], id=id, version=version, now=now)


def machine(kind: type[Machine]) -> Machine:
    """One with the yards drawn before anything came."""
    made = kind()
    made.took(made.fleet.save_regions([drawn(id) for id in YARDS], START - 4 * 3_600_000))
    while made.took(made.fleet.evaluate(1000)):
        pass
    return made


def as_journal(arrivals: list[tuple[int, Ping]]) -> list[Entry]:
    return [(now, "pings", [ping]) for now, ping in arrivals]


@settings(max_examples=25)
@given(SEEDS, st.sets(st.integers(0, 75), max_size=4))
def test_who_fires_timers_late_or_starts_anew_decides_nothing_else(seed: int, restarts: set[int]) -> None:
    """Edits, removals, late fixes, minutes apart."""
    journal = [entry for entry in full_journal(seed) if entry[1] != "timers"]
    idle = facts(Idle().play(journal).events)
    assert facts(Busy().play(journal).events) == idle
    assert facts(Busy().play(journal, frozenset(restarts)).events) == idle
    assert facts(Idle().play(journal, frozenset(restarts)).events) == idle


@settings(max_examples=25)
@given(SEEDS, st.sets(st.integers(0, 60), max_size=4))
def test_windows_over_days_are_the_same_idle_busy_and_started_anew(seed: int, restarts: set[int]) -> None:
    journal = as_journal(days(seed))
    idle = facts(machine(Idle).play(journal).events)
    assert facts(machine(Busy).play(journal).events) == idle
    assert facts(machine(Busy).play(journal, frozenset(restarts)).events) == idle
    assert facts(machine(Idle).play(journal, frozenset(restarts)).events) == idle


@settings(max_examples=25)
@given(SEEDS)
def test_a_dry_run_tells_what_a_server_told(seed: int) -> None:
    """Each fix received as it was made."""
    arrivals = days(seed, most_late_s=0)
    live = machine(Idle).play(as_journal(arrivals))
    out = io.StringIO()
    offline = Offline(out, [feature | {"id": id} for id, feature in YARDS.items()], START - 4 * 3_600_000)
    offline.send([Point(ping.time, as_item(ping)) for _, ping in arrivals])
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    wanted = json.loads(json.dumps(facts(live.events)))
    assert {name: [event for event in told if event["vehicle"] == name] for name in VEHICLES} == wanted


@settings(max_examples=40)
@given(SEEDS)
def test_a_recording_sent_at_once_a_fortnight_later_tells_what_it_told_then(seed: int) -> None:
    """But for silence, and for what our clock brings from the last fix on: those are of the receipt."""
    arrivals = days(seed, most_late_s=0)
    last: dict[str, int] = {}
    for _, ping in arrivals:
        last[ping.vehicle] = ping.time
    now = arrivals[-1][0] + 14 * 86_400_000
    told = []
    for journal in (as_journal(arrivals), [(now, "pings", [ping]) for _, ping in arrivals]):
        events = machine(Idle).play(journal).events
        kept = [e for e in events if e.kind not in ("silent", "heard") and e.time < last[e.vehicle]]
        told.append({name: [event | {"delayed": None} for event in one] for name, one in facts(kept).items()})
    assert told[0] == told[1]


def weeks(seed: int) -> list[tuple[int, Ping]]:
    """One vehicle that is quiet for minutes, days or weeks; the gaps of a week and some days are the hard ones."""
    rng = random.Random(seed)
    time, arrivals = START - 2 * 3_600_000, []
    for _ in range(12):
        time += rng.choice([60_000, 600_000, 40_000_000, 200_000_000, 650_000_000, 900_000_000, 2_000_000_000])
        lat, lon = place(rng.choice([-700, -450, -150, 50, 200, 450, 900]), rng.uniform(-200, 200))
        speed, accuracy = rng.choice([None, 0.0, 5.0]), rng.choice([None, 5.0])
        arrivals.append((time, Ping(VEHICLES[0], time, lat, lon, speed_mps=speed, accuracy_m=accuracy)))
    return arrivals


@settings(max_examples=20)
@given(SEEDS, st.sets(st.integers(0, 11), max_size=4), st.sampled_from(sorted(YARDS)))
@example(11799, set(), "exact")  # the dwell of a window told late came before its hour
def test_after_more_than_a_week_without_a_turn_every_way_tells_only_what_is_at_the_end(
    seed: int, restarts: set[int], id: str
) -> None:
    """A server that was off, a dry run, a recording sent at once and a preview."""
    arrivals = weeks(seed)
    busy = machine(Busy).play(as_journal(arrivals)).events
    assert facts(machine(Busy).play(as_journal(arrivals), frozenset(restarts)).events) == facts(busy)
    for before, event in pairwise(arrivals):
        edges = [e for e in busy if e.reason.startswith("window") and before[0] < e.time <= event[0]]
        assert event[0] - before[0] <= 7 * 86_400_000 or len(edges) <= 1
    out = io.StringIO()
    offline = Offline(out, [feature | {"id": id} for id, feature in YARDS.items()], START - 4 * 3_600_000)
    offline.send([Point(ping.time, as_item(ping)) for _, ping in arrivals])
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert told == json.loads(json.dumps(facts(busy)[VEHICLES[0]]))
    end, now = arrivals[-1][0], arrivals[-1][0] + 14 * 86_400_000
    at_once = machine(Busy).play([(now, "pings", [ping]) for _, ping in arrivals]).events
    then, later = (
        [shown(e) | {"delayed": None} for e in one if e.kind not in ("silent", "heard") and e.time < end]
        for one in (busy, at_once)
    )
    assert later == then
    live = Busy()
    live.took(live.fleet.save_regions([drawn(id)], START - 4 * 3_600_000))
    live.play(as_journal(arrivals))
    rehearsal = Rehearsal(drawn(id), FleetSettings(), START - 4 * 3_600_000)
    for steps in (rehearsal.take_pings((ping, now) for now, ping in arrivals), rehearsal.finish(end)):
        for _ in steps:
            pass
    assert facts(rehearsal.events) == facts([event for event in live.events if event.region == id])


def as_item(ping: Ping) -> dict[str, Any]:
    item = {"vehicle": ping.vehicle, "time": rfc3339(ping.time), "lat": ping.lat, "lon": ping.lon}
    return item | {"speed_mps": ping.speed_mps, "accuracy_m": ping.accuracy_m}


@settings(max_examples=25)
@given(SEEDS, st.sampled_from(sorted(YARDS)))
def test_a_preview_tells_what_a_server_told(seed: int, id: str) -> None:
    arrivals = days(seed)
    live = Idle()
    live.took(live.fleet.save_regions([drawn(id)], START - 4 * 3_600_000))
    live.play(as_journal(arrivals))
    rehearsal = Rehearsal(drawn(id), FleetSettings(), START - 4 * 3_600_000)
    for steps in (rehearsal.take_pings((ping, now) for now, ping in arrivals), rehearsal.finish(arrivals[-1][0])):
        for _ in steps:
            pass
    assert facts(rehearsal.events) == facts([event for event in live.events if event.region == id])


class Clock:
    def __init__(self) -> None:
        self.now = START - 5 * 3_600_000

    def __call__(self) -> int:
        return self.now


async def through_the_pipeline(journal: list[Entry], rng: random.Random) -> list[Event]:
    """The real one, with a real store; held now and then, so that many entries wait behind each other."""
    clock, store, fleet, picture = Clock(), SqliteStore("sqlite://:memory:"), Fleet(), Picture()
    pipeline = Pipeline(fleet, store, open_bus("memory:"), picture, clock=clock)
    await pipeline.start()
    waiting: list[asyncio.Task[Any]] = []
    for now, what, subject in journal:
        clock.now = now
        if what == "pings":
            waiting.append(asyncio.ensure_future(pipeline.submit(subject)))
        elif what == "save":
            await pipeline.save_regions(subject)  # read in a thread first: only then it has its place
        await asyncio.sleep(0)
        if rng.random() < 0.4:
            await asyncio.gather(*waiting)
    await asyncio.gather(*waiting)
    while (due := fleet.due_at()) is not None and due <= clock.now:
        await pipeline.submit([])
    events = await store.events(EventQuery(limit=100_000))
    await pipeline.stop()
    return events


@settings(max_examples=10)
@given(SEEDS, SEEDS)
def test_the_pipeline_tells_what_an_idle_fleet_tells(seed: int, other: int) -> None:
    rng = random.Random(other)
    arrivals = days(seed)
    half = len(arrivals) // 2
    begin: list[Entry] = [(START - 4 * 3_600_000, "save", [YARDS[id] | {"id": id} for id in YARDS])]
    later: list[Entry] = [(arrivals[half][0], "save", [LATER])]
    journal = begin + as_journal(arrivals[: half + 1]) + later + as_journal(arrivals[half + 1 :])
    live = machine(Idle)
    live.play(as_journal(arrivals[: half + 1]))
    moment = arrivals[half][0] + 1  # an edit has one of its own, after that of the message before it
    changed = Region.read_feature(LATER, id="gate", version=2, now=moment)
    live.took(live.fleet.save_regions([changed], moment))
    while live.took(live.fleet.evaluate(1000)):
        pass
    live.play(as_journal(arrivals[half + 1 :]))
    assert facts(asyncio.run(through_the_pipeline(journal, rng))) == facts(live.events)
