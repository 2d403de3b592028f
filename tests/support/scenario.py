"""Scenarios that read like a drive.

    town = Town()
    town.region("depot", box(0, 0, 400, 300))
    town.drive("van-7").at(-500, 100).at(200, 100).expect("enter depot").at(900, 100).expect("exit depot")

Places are metres east and north of the middle of town; each `at` is ten seconds after the one before. `expect` says
every event since the last `expect`; a row that says something else fails with its file and line.

    draw(...): a letter is a region's square of 100 m, a digit is where the vehicle is, in this order; "2A" lies in A
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import shapely

from tracker.fleet.fleet import Fleet, FleetSettings, Outcome, Step
from tracker.geometry.earth import frame
from tracker.model.change import Registered
from tracker.model.commit import Loaded, SavedRegion, SavedVehicle
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.regions.region import Region

LAT, LON = 52.5, 13.4  #: the middle of town
START = 1_795_424_400_000  #: 2026-11-23T09:00:00Z, a Monday
SQUARE_M = 100.0

KX, KY = frame(LAT)


def place(east: float, north: float) -> tuple[float, float]:
    return round(LAT + north / KY, 7), round(LON + east / KX, 7)


def ring(corners: Iterable[tuple[float, float]]) -> list[list[float]]:
    return [[lon, lat] for lat, lon in (place(east, north) for east, north in corners)]


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [ring(corners)]}


def point(east: float, north: float) -> dict[str, Any]:
    lat, lon = place(east, north)
    return {"type": "Point", "coordinates": [lon, lat]}


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def says(event: Event) -> str:
    """An event in the words of `expect`."""
    return f"{event.kind} {event.region}" if event.region else event.kind


class Town:
    """A fleet, its clock, and everything it ever did."""

    def __init__(self, **settings: Any) -> None:
        self.fleet = Fleet(FleetSettings(**settings))
        self.now = START
        self.events: list[Event] = []
        self.steps: list[Step] = []
        self._versions: dict[str, int] = {}

    def region(self, id: str, geometry: dict[str, Any], **properties: Any) -> Town:
        """Create or change a region; every vehicle is evaluated at once."""
        version = self._versions[id] = self._versions.get(id, 0) + 1
        region = Region.read_feature(feature(geometry, **properties), id=id, version=version, now=self.now)
        self.took(self.fleet.save_regions([region], self.now))
        return self.evaluate()

    def delete(self, id: str) -> Town:
        self._versions[id] += 1
        self.took(self.fleet.delete_regions([id], self.now))
        return self.evaluate()

    def evaluate(self, limit: int = 1000) -> Town:
        while step := self.fleet.evaluate(limit):
            self.took(step)
        return self

    def wait(self, seconds: float) -> Town:
        """Nothing is heard for a while: timers go off when they are due."""
        until = self.now + round(seconds * 1000)
        while (due := self.fleet.due_at()) is not None and due <= until:
            self.now = max(self.now, due)
            if step := self.fleet.fire(self.now):
                self.took(step)
            self.evaluate()
        self.now = until
        return self

    def ping(self, vehicle: str, lat: float, lon: float, time: int, **known: Any) -> str:
        step = self.fleet.apply([Ping(vehicle, time, lat, lon, **known)], self.now)
        self.took(step)
        return step.outcomes[0]

    def drive(self, vehicle: str) -> Drive:
        return Drive(self, vehicle)

    def took(self, step: Step) -> None:
        self.steps.append(step)
        self.events += step.change.events

    def new(self) -> list[Event]:
        events, self.events = self.events, []
        return events

    def restart(self) -> Town:
        """A new process on what the store would have kept."""
        vehicles: dict[str, SavedVehicle] = {}
        regions: dict[str, SavedRegion] = {}
        registered: dict[str, Registered] = {}
        meta: dict[str, str] = {}
        last_n = 0
        for step in self.steps:
            for saved in step.commit.vehicles:
                vehicles[saved.vehicle] = saved
                last_n = max(last_n, saved.n)
            for region in step.commit.regions:
                regions[region.id] = region
            for entry in step.commit.registered:
                registered[entry.vehicle] = entry
            for name in step.commit.unregistered:
                registered.pop(name, None)
            meta |= step.commit.meta
        kept = [region for region in regions.values() if region.feature is not None]
        loaded = Loaded(list(vehicles.values()), kept, list(registered.values()), meta, 0, last_n)
        self.fleet = Fleet(self.fleet.settings)
        self.fleet.restore(loaded, self.now)
        return self

    def stored(self) -> dict[tuple[int, int], tuple[float, float]]:
        """What the store has: (n, fix time) → place."""
        return {
            (row.n, row.ping.time): (row.ping.lat, row.ping.lon) for step in self.steps for row in step.commit.pings
        }


class Drive:
    """One vehicle's way through town."""

    def __init__(self, town: Town, vehicle: str) -> None:
        self.town = town
        self.vehicle = vehicle
        self.outcome = ""

    def at(self, east: float, north: float, *, after: float = 10, late: float = 0, fix: int = 0, **known: Any) -> Drive:
        """`after` seconds later a fix comes in, `late` seconds old (or of the time `fix`)."""
        self.town.wait(after)
        lat, lon = place(east, north)
        time = fix or self.town.now - round(late * 1000)
        self.outcome = self.town.ping(self.vehicle, lat, lon, time, **known)
        return self

    def along(self, *places: tuple[float, float], **known: Any) -> Drive:
        for east, north in places:
            self.at(east, north, **known)
        return self

    def expect(self, *wanted: str, outcome: str = "", **detail: Any) -> Drive:
        """Exactly these events since the last `expect`, in this order; `detail` must be true of the last one."""
        __tracebackhide__ = True
        row = _row()
        events = self.town.new()
        got = [says(event) for event in events]
        assert got == list(wanted), f"{row}: expected {list(wanted)}, got {got}"
        if outcome:
            assert self.outcome == outcome, f"{row}: expected the ping to be {outcome}, it was {self.outcome}"
        for name, value in detail.items():
            have = events[-1].detail.get(name, getattr(events[-1], name, None))
            assert have == value, f"{row}: expected {name} = {value!r}, got {have!r}"
        return self

    def wait(self, seconds: float) -> Drive:
        self.town.wait(seconds)
        return self


def _row() -> str:
    """Where in a test we are."""
    here = Path(__file__).name
    for caller in inspect.stack()[1:]:
        if Path(caller.filename).name != here:
            return f"{Path(caller.filename).name}:{caller.lineno}"
    return "?"


class Scene:
    """What a drawing shows."""

    def __init__(self, drawing: str, letters: dict[str, str]) -> None:
        rows = [row.split() for row in drawing.strip().splitlines()]
        squares: dict[str, list[Any]] = {}
        places: dict[str, tuple[float, float]] = {}
        for down, row in enumerate(rows):
            for right, mark in enumerate(row):
                west, north = right * SQUARE_M, -down * SQUARE_M
                fix, letter = mark[0] if mark[0].isdigit() else "", mark[-1] if mark[-1].isalpha() else ""
                if fix:
                    places[fix] = (west + SQUARE_M / 2, north - SQUARE_M / 2)
                if letter:
                    squares.setdefault(letter, []).append(shapely.box(west, north - SQUARE_M, west + SQUARE_M, north))
        self.places = [places[key] for key in sorted(places)]
        self.shapes = {letters.get(letter, letter): _geometry(boxes) for letter, boxes in squares.items()}

    def town(self, **properties: Any) -> Town:
        town = Town()
        for id, geometry in self.shapes.items():
            town.region(id, geometry, **properties)
        return town

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(self.places)


def draw(drawing: str, **letters: str) -> Scene:
    """Letters are regions' squares of 100 m, digits the fixes in their order, "2A" is a fix within A."""
    return Scene(drawing, letters)


def _geometry(boxes: list[Any]) -> dict[str, Any]:
    whole = shapely.unary_union(boxes)
    polygons = [
        [ring(one.coords) for one in (part.exterior, *part.interiors)] for part in shapely.get_parts(whole).tolist()
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


__all__ = ["Drive", "Outcome", "Town", "box", "draw", "feature", "place", "point", "says"]
