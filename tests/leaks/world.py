"""World: what there is and who may have what of it, by a model that shares nothing with the server.

Regions are boxes over sites three kilometres apart, vehicles drive from site to site: so who is inside is never in
doubt. A person may have what one of their groups shows: vehicles of its vehicle groups in regions of its region groups.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.leaks.marks import LAT, LON, Mark, Mint, place, texts

STEP_MS = 310_000  #: between two fixes of a vehicle: so long that no speed is too high
SITES = [(LAT + 30_000 * i, LON + 12_000 * i * i) for i in range(6)]  #: no two with a third between them
NOWHERE = [(LAT - 40_000, LON + 300_000), (LAT + 250_000, LON - 60_000)]  #: no region is ever drawn there
HALF = (4_000, 8_000)  #: of a region over one site
LASTING = 2**60  #: ms, when a visit ends that lasts
VERBS = ("watch", "acknowledge", "edit_regions", "edit_vehicles")


@dataclass(eq=False)
class Fix:
    time: int
    lat: int
    lon: int
    driver: str
    alarm: str | None = None
    told_in: set[str] = field(default_factory=set)  # regions its vehicle was in with it, or left by it

    def marks(self, cell_m: float) -> frozenset[Mark]:
        return place(self.lat, self.lon, cell_m) | texts(self.driver, self.alarm)


@dataclass(eq=False)
class Vehicle:
    id: str
    group: str | None = None
    said: dict[str, Any] = field(default_factory=dict)  # of the register
    fixes: list[Fix] = field(default_factory=list)
    newest: Fix | None = None  # of those that decide
    clock: int = 0  # of its newest message
    wild: bool = False  # its newest message is a jump nobody believes
    inside: set[str] = field(default_factory=set)
    visits: list[tuple[str, int, int]] = field(default_factory=list)  # region, since, until

    @property
    def marks(self) -> frozenset[Mark]:
        return texts(self.id, self.group, *map(str, self.said.values()))

    def end(self, at: int, but: Container[str] = ()) -> None:
        """The visits that last end, but those to some regions."""
        self.visits = [
            (region, since, at if until == LASTING and region not in but else until)
            for region, since, until in self.visits
        ]


@dataclass(eq=False)
class Drawn:
    """One version of a region."""

    box: tuple[int, int, int, int]  # south, west, north, east
    name: str
    group: str | None
    color: str
    note: str

    @cached_property
    def marks(self) -> frozenset[Mark]:
        south, west, north, east = self.box
        return place(south, west) | place(north, east) | texts(self.name, self.group, self.note) | {self.color}

    def covers(self, fix: Fix) -> bool:
        south, west, north, east = self.box
        return south <= fix.lat <= north and west <= fix.lon <= east

    def feature(self, id: str) -> dict[str, Any]:
        south, west, north, east = (value / 1e6 for value in self.box)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        said: dict[str, Any] = {"name": self.name, "group": self.group, "color": self.color, "debounce": "none"}
        said |= {"rules": {"dwell_s": 100, "speed_limit_mps": 12, "min_s": 0}, "attributes": {"note": self.note}}
        return {"type": "Feature", "id": id, "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": said}


@dataclass(eq=False)
class Area:
    id: str
    versions: list[Drawn] = field(default_factory=list)
    there: bool = False

    @property
    def now(self) -> Drawn:
        return self.versions[-1]

    @property
    def marks(self) -> frozenset[Mark]:
        return texts(self.id).union(*(one.marks for one in self.versions))


@dataclass(eq=False)
class Group:
    name: str
    regions: list[str] | None  # None: all
    vehicles: list[str] | None = None
    may: list[str] = field(default_factory=lambda: ["watch"])
    coarse_m: float = 0

    def document(self) -> dict[str, Any]:
        regions, vehicles = ("all" if one is None else one for one in (self.regions, self.vehicles))
        return {"regions": regions, "vehicles": vehicles, "may": self.may, "coarse_m": self.coarse_m or None}


Grant = frozenset[str]  #: regions, vehicles and how coarse, by each group


@dataclass(eq=False)
class Person:
    name: str
    role: str
    groups: list[str]
    disabled: bool = False
    token: str = ""  # as a script of theirs
    token_id: str = ""
    cookie: str = ""
    cursors: list[str] = field(default_factory=list)  # heard so far, however long ago

    @property
    def is_out(self) -> bool:
        return self.disabled or not (self.token or self.cookie)


@dataclass(eq=False)
class Happened:
    """An event as an administrator reads it."""

    id: str
    seq: int
    vehicle: str
    region: str | None
    inside: frozenset[str]  # of an event without a region
    place: tuple[int, int] | None  # of one with a region; without, it is that of a fix
    marks: frozenset[Mark]


class World:
    def __init__(self) -> None:
        self.mint = Mint()
        self.areas: dict[str, Area] = {}
        self.vehicles: dict[str, Vehicle] = {}
        self.groups: dict[str, Group] = {}
        self.people: dict[str, Person] = {}
        self.events: dict[str, Happened] = {}
        self.erased: set[Mark] = set()  # events of which only their number is left
        self._allowed: dict[str, frozenset[Mark]] = {}  # until something happens
        self.begin = time.time_ns() // 1_000_000 - 20 * 3_600_000

    # ------------------------------------------------------------------------------------------- what happens

    def fix(self, vehicle: Vehicle, site: tuple[int, int], *, ago: int = -1, alarm: bool = False) -> Fix:
        """The next of a vehicle, or one that comes late: so many milliseconds before its newest."""
        newest = vehicle.clock or self.begin
        at = newest + STEP_MS if ago < 0 else newest - ago
        by, mint = self.mint.jitter(), self.mint
        said = mint.text("sos") if alarm else None
        return Fix(at, site[0] + by, site[1] + by, mint.text("driver"), said)

    def drive(self, vehicle: Vehicle, fix: Fix) -> None:
        """It is newer than all before it."""
        vehicle.fixes.append(fix)
        vehicle.newest, vehicle.clock, vehicle.wild = fix, fix.time, False
        fix.told_in |= vehicle.inside  # where it was seen to leave
        self._settle(vehicle, fix.time, fix.time)

    def drive_late(self, vehicle: Vehicle, fix: Fix) -> None:
        vehicle.fixes.append(fix)
        self._look_back(vehicle)

    def _look_back(self, vehicle: Vehicle) -> None:
        """Fixes within the time of a visit to a region, at a place that is in it now."""
        for region, since, until in vehicle.visits:
            area = self.areas[region]
            for fix in vehicle.fixes:
                if area.there and since <= fix.time <= until and area.now.covers(fix):
                    fix.told_in.add(region)

    def doubted(self, vehicle: Vehicle, fix: Fix) -> None:
        """A jump, or a fix of poor accuracy, far from every region: it decides nothing."""
        vehicle.fixes.append(fix)
        vehicle.clock = fix.time

    def drawn(self, area: Area, drawn: Drawn) -> None:
        area.versions.append(drawn)
        area.there = True
        self._evaluate()

    def wiped(self, area: Area) -> None:
        area.there = False
        self._evaluate()

    def _evaluate(self) -> None:
        for vehicle in self.vehicles.values():
            if vehicle.newest is not None:
                vehicle.newest.told_in |= vehicle.inside
                self._settle(vehicle, self.now(), vehicle.newest.time)
            self._look_back(vehicle)

    def _settle(self, vehicle: Vehicle, since: int, until: int) -> None:
        """What begins now begins at `since`, what ends now ended at `until`, by the clock of the fixes."""
        fix = vehicle.newest
        assert fix is not None
        inside = {id for id, area in self.areas.items() if area.there and area.now.covers(fix)}
        for region in inside - vehicle.inside:
            vehicle.visits.append((region, since, LASTING))
        vehicle.end(until, inside)
        vehicle.inside = inside
        fix.told_in |= inside

    def removed(self, vehicle: Vehicle, erased: bool) -> None:
        if vehicle.newest:
            vehicle.end(vehicle.newest.time)
        vehicle.newest, vehicle.inside, vehicle.group, vehicle.said = None, set(), None, {}
        vehicle.wild = False
        if erased:
            vehicle.fixes, vehicle.visits = [], []
            self.erased |= {f"!{id}" for id, one in self.events.items() if one.vehicle == vehicle.id}
            self.events = {id: one for id, one in self.events.items() if one.vehicle != vehicle.id}

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    # --------------------------------------------------------------------------------------- who may have what

    def watching(self, person: Person) -> Iterator[Group]:
        """The groups that show somebody anything: what the others let them do is nothing."""
        if not person.is_out:
            groups = (self.groups[name] for name in person.groups)
            yield from (group for group in groups if "watch" in group.may)

    def grant_of(self, person: Person) -> Grant:
        """What somebody may see, however the groups that say so are called."""
        return frozenset(repr((group.regions, group.vehicles, group.coarse_m)) for group in self.watching(person))

    def sees_area(self, person: Person, id: str) -> bool:
        area = self.areas[id]
        return area.there and any(
            group.regions is None or area.now.group in group.regions for group in self.watching(person)
        )

    def sees_all_areas(self, person: Person) -> bool:
        return any(group.regions is None for group in self.watching(person))

    def cells(self, person: Person, vehicle: Vehicle, regions: Iterable[str]) -> set[float]:
        """How coarse the places of this vehicle are while it is in these regions, by each group that shows it."""
        groups = {self.areas[one].now.group for one in regions if one in self.areas and self.areas[one].there}
        return {
            group.coarse_m
            for group in self.watching(person)
            if (group.regions is None or not groups.isdisjoint(group.regions))
            and (group.vehicles is None or vehicle.group in group.vehicles)
        }

    def sees_in(self, person: Person, vehicle: Vehicle, region: str) -> bool:
        """Whether somebody sees this vehicle while it is in this region."""
        return self.areas[region].there and bool(self.cells(person, vehicle, [region]))

    def roams(self, person: Person, vehicle: Vehicle) -> bool:
        """Whether somebody sees it wherever it is."""
        return bool(self.cells(person, vehicle, []))

    def sees(self, person: Person, vehicle: Vehicle) -> bool:
        return bool(self.cells(person, vehicle, vehicle.inside))

    def sees_event(self, person: Person, event: Happened) -> bool:
        vehicle = self.vehicles.get(event.vehicle)
        if vehicle is None:
            return False
        if self.roams(person, vehicle):
            return True
        return bool(self.cells(person, vehicle, event.inside if event.region is None else [event.region]))

    def inside_count(self, person: Person, region: str) -> int:
        return sum(region in one.inside and (self.sees_in(person, one, region)) for one in self.vehicles.values())

    def events_of(self, person: Person) -> list[Happened]:
        return [event for event in self.events.values() if self.sees_event(person, event)]

    def changed(self) -> None:
        self._allowed = {}

    def allowed(self, person: Person) -> frozenset[Mark]:
        """Every mark that may be found in what this person is told now."""
        if person.name not in self._allowed:
            self._allowed[person.name] = self._allowed_to(person)
        return self._allowed[person.name]

    def _allowed_to(self, person: Person) -> frozenset[Mark]:
        if person.is_out:
            return frozenset()
        found: set[Mark] = set(texts(person.name, *person.groups))
        for group in (self.groups[name] for name in person.groups):
            found |= texts(*(group.regions or ()), *(group.vehicles or ()))
            if "watch" in group.may and group.regions is None and group.vehicles is None:
                found |= self.erased
        for id, area in self.areas.items():
            if self.sees_area(person, id) or self.sees_all_areas(person):
                found |= area.marks  # those who see all regions, of deleted ones too
        for vehicle in self.vehicles.values():
            if self.sees(person, vehicle):
                found |= vehicle.marks
            for fix in vehicle.fixes:
                for cell_m in self.cells(person, vehicle, fix.told_in):
                    found |= fix.marks(cell_m) | texts(vehicle.id)
        for event in self.events_of(person):
            found |= event.marks | {f"!{event.id}"}
            vehicle, where = self.vehicles[event.vehicle], [event.region] if event.region else []
            if event.place is not None:
                lat, lon = event.place
                found = found.union(*(place(lat, lon, cell_m) for cell_m in self.cells(person, vehicle, where)))
        return frozenset(found)
