"""The fleet against simpler truths: an oracle made of shapely, other orders of arrival, restarts, slices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import shapely.geometry
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.scenario import START, Town, box, feature, place, point, ring
from tracker.fleet import doubts
from tracker.fleet import timers as alarms
from tracker.fleet.edits import Concerned, Reach
from tracker.fleet.fleet import Fleet, Outcome, Step
from tracker.fleet.vehicle import Vehicle
from tracker.model.commit import APART, Loaded, SavedRegion, SavedVehicle
from tracker.model.events import Event
from tracker.model.ping import NOWHERE, Ping, has_place
from tracker.pipeline.entries import journal
from tracker.regions.region import Region

# -- without debounce, against shapely --------------------------------------------------------------------------------

#: places on a coarse grid: vertices, edges and shared borders are hit all the time
GRID = st.integers(-4, 4).map(lambda step: step * 50)


def hull(*corners: float) -> list[list[float]]:
    return box(*corners)["coordinates"][0]  # type: ignore[no-any-return]


SHAPES: list[dict[str, Any]] = [
    box(-100, -100, 100, 100),
    box(100, -100, 150, 100),  # shares a border with the first
    {"type": "Polygon", "coordinates": [hull(-150, -150, 150, 150), hull(-50, -50, 50, 50)]},  # a frame
    {"type": "MultiPolygon", "coordinates": [[hull(-200, -200, -150, -150)], [hull(0, 0, 50, 50)]]},
    {"type": "Polygon", "coordinates": [ring([(-200, 0), (0, -200), (200, 0), (-200, 0)])]},
]


@given(st.lists(st.tuples(GRID, GRID, st.sampled_from([5, 60, 299, 301])), min_size=2, max_size=25))
def test_without_debounce_events_are_those_of_brute_force(track: list[tuple[int, int, int]]) -> None:
    town = Town(jump_mps=1e9)
    shapes = {}
    for number, geometry in enumerate(SHAPES):
        town.region(f"r{number}", geometry, debounce="none")
        shapes[f"r{number}"] = shapely.geometry.shape(geometry)
    wanted: list[tuple[str, str]] = []
    before: tuple[Any, set[str], int] | None = None
    time = START
    for east, north, gap in track:
        time += gap * 1000
        lat, lon = place(east, north)
        here = shapely.Point(lon, lat)
        inside = {id for id, shape in shapes.items() if shape.covers(here)}
        if before is None:
            wanted += [("enter", id) for id in sorted(inside)]
        else:
            line = shapely.LineString([before[0], here])
            cut = {id for id, shape in shapes.items() if gap <= 300 and shape.intersects(line)}
            wanted += [("exit", id) for id in sorted(before[1] - inside)]
            wanted += [("cross", id) for id in sorted(cut - inside - before[1])]
            wanted += [("enter", id) for id in sorted(inside - before[1])]
        before = (here, inside, time)
        town.took(town.fleet.apply([Ping("van", time, lat, lon)], time))
    assert [(event.kind, event.region) for event in town.events if event.region] == wanted


# -- journals ---------------------------------------------------------------------------------------------------------

VEHICLES = ["a", "b", "c"]


def tracks(seed: int, count: int) -> list[Ping]:
    """Three vehicles that drive round and through the regions, with noise, silence and the odd leap."""
    rng = random.Random(seed)
    pings: list[Ping] = []
    for vehicle in VEHICLES:
        east, north, time = rng.uniform(-600, 600), rng.uniform(-600, 600), START
        course_e, course_n = 0.0, 0.0
        for _ in range(count):
            gap = rng.choice([1, 5, 10, 30, 30, 200, 400])
            time += gap * 1000 + rng.choice([0, 0, 1, 337])
            if rng.random() < 0.3:
                course_e, course_n = rng.uniform(-20, 20), rng.uniform(-20, 20)
            east = max(-700, min(700, east + course_e * min(gap, 40)))
            north = max(-700, min(700, north + course_n * min(gap, 40)))
            leap = 9000 if rng.random() < 0.05 else 0
            lat, lon = place(east + leap + rng.gauss(0, 4), north + rng.gauss(0, 4))
            speed = rng.choice([None, 0.0, round((course_e**2 + course_n**2) ** 0.5, 3)])
            known: dict[str, Any] = (
                {"alarm": "sos"} if rng.random() < 0.05 else {"battery_pct": float(rng.randint(10, 40))}
            )
            rough: dict[str, Any] = (
                {"accuracy_m": rng.choice([0.0, 3.0, 60.0, 300.0, 2000.0])} if rng.random() < 0.2 else {}
            )
            pings.append(Ping(vehicle, time, lat, lon, speed_mps=speed, **known, **rough))
    return sorted(pings, key=lambda ping: ping.time)


REGIONS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "yard": [
        (box(-100, -100, 200, 200), {"rules": {"dwell_s": 20, "speed_limit_mps": 8, "min_s": 5}}),
        (box(0, -100, 300, 200), {}),
        (box(0, -100, 300, 200), {"name": "Yard"}),
    ],
    "stop": [(point(-300, 0), {"radius_m": 120, "debounce": "none"}), (point(-250, 0), {"radius_m": 150})],
    "night": [
        (box(-700, 100, 700, 400), {"rules": {"schedule": {"zone": "UTC", "weekly": {"mon": [["09:05", "09:20"]]}}}}),
        (box(-700, 100, 700, 300), {"rules": {"dwell_s": 100}}),
    ],
}


def regions_of(now: int, versions: dict[str, int], id: str) -> Region:
    versions[id] = versions.get(id, 0) + 1
    geometry, properties = REGIONS[id][versions[id] % len(REGIONS[id])]
    return Region.read_feature(feature(geometry, **properties), id=id, version=versions[id], now=now)


Entry = tuple[int, str, Any]  # when it came, what it was, and of what


class Machine:
    """Plays a journal to a fleet, keeps what a store would keep, and can be switched off in between."""

    def __init__(self, slice_size: int = 1000) -> None:
        self.fleet = Fleet()
        self.slice = slice_size
        self.events: list[Event] = []
        self.outcomes: list[str] = []
        self.placeless = 0  # messages stored for their alarm alone
        self.versions: dict[str, int] = {}
        self.stored: dict[tuple[int, int], tuple[float, float]] = {}
        self.vehicles: dict[str, SavedVehicle] = {}
        self.regions: dict[str, SavedRegion] = {}
        self.meta: dict[str, str] = {}

    def took(self, step: Step | None) -> bool:
        if step is None:
            return False
        self.events += step.change.events
        self.outcomes += step.outcomes
        for row in step.commit.pings:
            key = row.n, row.ping.time
            if row.taken == APART:
                if not has_place(row.ping) and key not in self.stored:
                    self.placeless += 1
                    self.stored[key] = NOWHERE
                continue
            assert self.stored.get(key, NOWHERE) == NOWHERE, "stored twice"
            self.stored[key] = (row.ping.lat, row.ping.lon)
        self.vehicles |= {saved.vehicle: saved for saved in step.commit.vehicles}
        self.regions |= {saved.id: saved for saved in step.commit.regions}
        self.meta |= step.commit.meta
        return True

    def enter(self, entry: journal.Entry) -> None:
        """One entry, with what only the store remembers of it."""
        known = {}
        if isinstance(entry, journal.Messages):
            known = {key: self.stored[key] for key in self.fleet.unknown_fixes(entry.pings) if key in self.stored}
            for name, n, since, until in self.fleet.unknown_neighbours(entry.pings):
                near = [(t, place) for (m, t), place in self.stored.items() if m == n and since <= t < until]
                self.fleet.learn(name, [Ping(name, t, *place) for t, place in near])
        self.took(journal.decide(self.fleet, entry, known))

    def play(self, entries: list[Entry], restarts: frozenset[int] = frozenset(), whole: bool = True) -> Machine:
        for at, (now, what, subject) in enumerate(entries):
            if what == "pings":
                self.enter(journal.Messages(now, subject))
            elif what == "timers":
                while (due := self.fleet.due_at()) is not None and due <= now:
                    self.took(self.fleet.fire(now, 5))
            elif what == "save":
                self.enter(journal.RegionsSaved(now, [regions_of(now, self.versions, id) for id in subject]))
            elif what == "delete" and subject in self.fleet.regions.regions:
                self.versions[subject] += 1
                self.enter(journal.RegionsDeleted(now, [subject]))
            elif what == "remove":
                self.enter(journal.VehicleRemoved(now, subject))
            if what in ("save", "delete", "timers") or not whole:
                while self.took(self.fleet.evaluate(self.slice)) and whole:
                    pass
            if at in restarts:
                self.restart(now)
        while self.took(self.fleet.evaluate(1000)):
            pass
        return self

    def restart(self, now: int) -> None:
        kept = [saved for saved in self.regions.values() if saved.feature is not None]
        last = max((saved.n for saved in self.vehicles.values()), default=0)
        self.fleet = Fleet()
        self.fleet.restore(Loaded(list(self.vehicles.values()), kept, [], self.meta, 0, last), now)

    def told(self) -> list[tuple[Any, ...]]:
        return [(e.id, e.kind, e.vehicle, e.region, e.version, e.reason, e.time, e.detail) for e in self.events]

    def told_by_vehicle(self, without: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
        return {name: [e for e in self.told() if e[2] == name and e[1] not in without] for name in VEHICLES}


def with_delays(pings: list[Ping], rng: random.Random, most_s: int) -> list[Entry]:
    """Each ping comes 0 … `most_s` seconds after its fix, a vehicle's in fix order: nothing becomes late."""
    arrivals: list[tuple[int, Ping]] = []
    newest: dict[str, int] = {}
    for ping in pings:
        now = max(newest.get(ping.vehicle, 0), ping.time + rng.randint(0, most_s * 1000))
        newest[ping.vehicle] = now
        arrivals.append((now, ping))
    arrivals.sort(key=lambda arrival: arrival[0])
    return [(now, "pings", [ping]) for now, ping in arrivals]


def heartbeat(ping: Ping, rng: random.Random) -> Ping:
    """Half a second after a fix, or of its own time."""
    said: dict[str, Any] = rng.choice([{}, {"battery_pct": float(rng.randint(10, 40))}, {"alarm": "sos"}])
    return Ping(ping.vehicle, ping.time + rng.choice([0, 500]), *NOWHERE, **said)


def full_journal(seed: int) -> list[Entry]:
    """Pings with delays (some of them late), heartbeats, edits, timers and removals in the order they came."""
    rng = random.Random(seed)
    arrivals = [(ping.time + rng.choice([0, 200, 5_000, 120_000, 400_000]), ping) for ping in tracks(seed, 40)]
    arrivals += [(now + 700, heartbeat(ping, rng)) for now, ping in arrivals if rng.random() < 0.1]
    arrivals += [(now + 5000, ping) for now, ping in arrivals if rng.random() < 0.1]  # sent again
    arrivals.sort(key=lambda arrival: arrival[0])
    journal: list[Entry] = [(START, "save", ["yard", "night"])]
    batch: list[Ping] = []
    for now, ping in arrivals:
        batch.append(ping)
        if rng.random() < 0.6:
            journal.append((now, "pings", batch))
            batch = []
            chance = rng.random()
            if chance < 0.1:
                journal.append((now, "save", rng.sample(sorted(REGIONS), rng.randint(1, 3))))
            elif chance < 0.14:
                journal.append((now, "delete", rng.choice(sorted(REGIONS))))
            elif chance < 0.15:
                journal.append((now, "remove", rng.choice(VEHICLES)))
            elif chance < 0.6:
                journal.append((now, "timers", None))
    return journal


SEEDS = st.integers(0, 10_000_000)


@given(SEEDS)
def test_live_is_the_replay_of_its_journal(seed: int) -> None:
    journal = full_journal(seed)
    assert Machine().play(journal).told() == Machine().play(journal).told()


@given(SEEDS, st.sets(st.integers(0, 60), max_size=4))
def test_restarts_change_nothing(seed: int, restarts: set[int]) -> None:
    journal = full_journal(seed)
    straight, broken = Machine().play(journal), Machine().play(journal, frozenset(restarts))
    assert broken.told() == straight.told()
    assert broken.outcomes == straight.outcomes


@given(SEEDS, st.integers(1, 2), st.sets(st.integers(0, 60), max_size=2))
def test_slices_change_nothing(seed: int, size: int, restarts: set[int]) -> None:
    """Other work goes on between slices: a vehicle that has not seen an edit sees it before its next ping."""
    journal = full_journal(seed)
    whole = Machine().play(journal)
    sliced = Machine(size).play(journal, frozenset(restarts), whole=False)
    assert sliced.told_by_vehicle() == whole.told_by_vehicle()


@given(SEEDS, SEEDS, st.booleans())
def test_delays_and_interleaving_change_no_event_of_a_ping(seed: int, other: int, batched: bool) -> None:
    pings = tracks(seed, 40)
    regions: list[Entry] = [(START - 1000, "save", ["yard", "stop"])]
    journal = with_delays(pings, random.Random(other), 120)
    if batched:
        slices = [journal[at : at + 7] for at in range(0, len(journal), 7)]
        journal = [(some[-1][0], "pings", [ping for _, _, one in some for ping in one]) for some in slices]
    with pytest.MonkeyPatch.context() as patch:  # how long nothing was heard is a fact of receipt, too
        patch.setattr(alarms, "WAIT_MS", 1 << 50)
        patch.setattr(doubts, "WAIT_MS", 1 << 50)
        prompt = Machine().play(regions + [(ping.time, "pings", [ping]) for ping in pings])
        delayed = Machine().play(regions + journal)
    of_receipt = ("silent", "heard")
    assert delayed.told_by_vehicle(of_receipt) == prompt.told_by_vehicle(of_receipt)


@given(SEEDS, SEEDS)
def test_a_batch_in_any_order_is_the_same_batch(seed: int, other: int) -> None:
    pings = tracks(seed, 40)
    shuffled = pings[:]
    random.Random(other).shuffle(shuffled)
    now = pings[-1].time
    regions: list[Entry] = [(START - 1000, "save", ["yard", "stop"])]
    one, two = (Machine().play([*regions, (now, "pings", batch)]) for batch in (pings, shuffled))
    assert one.told_by_vehicle() == two.told_by_vehicle()


@given(SEEDS)
def test_a_failed_commit_leaves_no_trace(seed: int) -> None:
    journal = full_journal(seed)
    straight, shaky = Machine().play(journal), Machine()
    rng = random.Random(seed)
    for now, what, subject in journal:
        if what == "pings" and rng.random() < 0.3:
            asked = shaky.fleet.unknown_fixes(subject)
            known = {key: shaky.stored[key] for key in asked if key in shaky.stored}
            shaky.fleet.apply(subject, now, known)  # never committed
            names = sorted({ping.vehicle for ping in subject})
            shaky.fleet.forget_vehicles(names, [shaky.vehicles[name] for name in names if name in shaky.vehicles])
        shaky.play([(now, what, subject)])
    assert shaky.told() == straight.told()
    assert shaky.outcomes == straight.outcomes


@given(SEEDS)
def test_every_exit_ends_what_an_enter_began(seed: int) -> None:
    inside: set[tuple[str, str | None]] = set()
    ids: set[str] = set()
    machine = Machine().play(full_journal(seed))
    for event in machine.events:
        assert event.id not in ids, "an id twice"
        ids.add(event.id)
        here = (event.vehicle, event.region)
        if event.kind == "enter":
            assert here not in inside
            inside.add(here)
        elif event.kind == "exit":
            inside.remove(here)
        elif event.kind == "cross":
            assert here not in inside
    live = {(name, id) for name, vehicle in machine.fleet.vehicles.items() for id in vehicle.regions}
    assert live == inside


@settings(max_examples=15)
@given(SEEDS)
def test_every_ping_is_answered_for_and_stored_once(seed: int) -> None:
    machine = Machine().play(full_journal(seed))
    repeated = (Outcome.DUPLICATE, Outcome.CONFLICT)
    placed = sum(place != NOWHERE for place in machine.stored.values())
    assert placed + machine.placeless == sum(outcome not in repeated for outcome in machine.outcomes)


# -- whom an edit concerns ----------------------------------------------------------------------------------------


class Everybody(Reach):
    """Looks at nobody: each vehicle is evaluated, by the book."""

    def concerned(self, vehicles: Sequence[Vehicle]) -> list[Concerned]:
        return [Concerned(vehicle.ping.vehicle, vehicle.decided, None) for vehicle in vehicles]


NIGHT = {"schedule": {"zone": "UTC", "weekly": {"mon": [["09:05", "09:20"]]}}}
DRAWN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *((shape, {}) for shape in SHAPES),
    (SHAPES[0], {"rules": NIGHT}),
    (point(0, 0), {"radius_m": 100}),
    (point(50, 50), {"radius_m": 71, "rules": NIGHT}),
    ({"type": "LineString", "coordinates": ring([(-200, 0), (0, 50), (200, -150)])}, {"buffer_m": 30}),
]
DEEDS = st.one_of(
    st.tuples(st.just("ping"), st.integers(0, 3), GRID, GRID),
    st.tuples(st.just("draw"), st.sampled_from("ab"), st.sampled_from(DRAWN), st.booleans()),
    st.tuples(st.just("delete"), st.sampled_from("ab")),
    st.tuples(st.just("restart")),
)


@given(st.lists(DEEDS, min_size=4, max_size=25))
def test_looking_who_is_near_an_edit_changes_no_event(deeds: list[tuple[Any, ...]]) -> None:
    told = []
    for reach in (Reach, Everybody):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tracker.fleet.edits.Reach", reach)
            patch.setattr("tracker.fleet.edits.LOOK", 2)
            town, drawn = Town(), set[str]()
            for deed in deeds:
                match deed:
                    case "ping", n, east, north:
                        town.drive(f"van-{n}").at(east, north, after=60)
                    case "draw", id, (geometry, properties), exact:
                        town.wait(60).region(id, geometry, debounce="none" if exact else None, **properties)
                        drawn.add(id)
                    case "delete", id if id in drawn:
                        town.wait(60).delete(id)
                        drawn.discard(id)
                    case ("restart",):
                        town.restart()
            told.append(town.events)
    assert told[0] == told[1]
