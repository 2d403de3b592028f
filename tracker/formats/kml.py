"""KML: Google's gx:Track with times and coordinates side by side, and placemarks with a time of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number
from tracker.formats.tracks import Tracks
from tracker.formats.xml import elements, tag
from tracker.model.ping import vehicle_of

NAME = "kml"
ABOUT = "KML and KMZ: gx:Track, gx:MultiTrack, points with a TimeStamp; each placemark is a vehicle"
ITEM = "point"

SURE = 8  #: placemarks that count one by one, each later than the one before, are no fleet
_NUMBERED = re.compile(r"(.*?)(\d{0,9})", re.DOTALL)


def recognises(name: str, head: str) -> bool:
    return "<kml" in head or ":kml" in head[:2000] or name.endswith(".kml")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone or "UTC")  # the format knows no other
    tracks = Tracks(reading)
    marks = _Marks(reading)
    number, timed = 0, False
    for event, element, parent in elements(file, reading.name, ("Track", "Placemark")):
        kind = tag(element)
        if event == "start":
            if kind == "Placemark":
                tracks.begin_track()
            continue
        if event == "cut" and kind == "Placemark":  # its track was told
            continue
        if kind == "name" and parent == "Placemark":
            tracks.name(element.text or "")
        outcomes: Iterator[Point | Skip] = iter(())
        if kind == "Track":
            outcomes = _track(element, tracks.vehicle, clock, number, cut=event == "cut")
        elif kind == "Placemark":
            outcomes = _placemark(element, tracks.vehicle, clock, number)
        found = [tracks.seen(outcome) for outcome in outcomes]
        number += len(found)
        yield from marks.take_found(found) if kind == "Placemark" else found
        timed = timed or any(not isinstance(one, Skip) for one in found)
    tracks.finish()
    yield from marks.finish()
    if not timed:
        reading.note(f"{number} places, none with a time: areas, a plan or a list of places; that is no recording")


class _Marks:
    """Placemarks of one point each whose names only number them, `Ride-0`, `Ride-1`, …, are one vehicle: `Ride`."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._held: list[Point] = []  # until there are enough to tell
        self._next: tuple[str, int] | None = None  # stem and number of the one that goes on
        self._numbered = False

    def take_found(self, found: list[Point | Skip]) -> Iterator[Point | Skip]:
        """What a placemark holds, once it is known whose it is."""
        match found:
            case [Point(position=dict()) as point]:
                stem, digits = _NUMBERED.fullmatch(str(point.vehicle)).groups()  # type: ignore[union-attr]
            case _:
                yield from found
                return
        goes_on = digits and (stem, int(digits)) == self._next and (self._numbered or point.time > self._held[-1].time)
        if not goes_on:
            yield from self.finish()
        self._next = (stem, int(digits) + 1) if digits else None
        self._held.append(point)
        if self._numbered or len(self._held) == SURE or self._next is None:
            self._numbered = self._numbered or len(self._held) == SURE
            yield from self._release()

    def finish(self) -> Iterator[Point | Skip]:
        yield from self._release()
        self._numbered = False

    def _release(self) -> Iterator[Point | Skip]:
        for point in self._held:
            if self._numbered and isinstance(point.position, dict):
                stem = str(_NUMBERED.fullmatch(str(point.vehicle))[1])  # type: ignore[index]
                point.position["vehicle"] = vehicle_of(stem.rstrip("-_#. ")) or self._reading.vehicle
                self._reading.note("names of placemarks that only number them are one vehicle")
        yield from self._held
        self._held = []


def _track(track: Element, vehicle: dict[str, Any], clock: Clock, number: int, *, cut: bool) -> Iterator[Point | Skip]:
    """Each coordinate with its time; where nobody can tell which belong together, none is guessed. `cut`: the file ends
    within it, so that the last of its times have lost their places."""
    kinds = [tag(child) for child in track if tag(child) in ("when", "coord")]
    told = [child for child in track if tag(child) in ("when", "coord")]
    alternating = "when" in kinds[kinds.index("coord") :] if "coord" in kinds else False
    if not alternating and not cut and kinds.count("when") != kinds.count("coord"):
        yield from (Skip("unpaired", number + at + 1) for at in range(max(kinds.count("coord"), kinds.count("when"))))
        return
    times = [child for child in told if tag(child) == "when"]
    places = [child for child in told if tag(child) == "coord"]
    pairs = _alternating(told) if alternating else zip(times, places, strict=False)
    for at, (when, place) in enumerate(pairs, number + 1):
        time = (when.text or "").strip() if when is not None else ""
        yield _point((place.text or "").split(), time, vehicle, clock, at)


def _alternating(told: list[Element]) -> Iterator[tuple[Element | None, Element]]:
    when: Element | None = None
    for child in told:
        if tag(child) == "when":
            when = child
        else:
            yield when, child
            when = None


def _placemark(mark: Element, vehicle: dict[str, Any], clock: Clock, number: int) -> Iterator[Point | Skip]:
    """A point at its TimeStamp; of a line from begin to end the first place and the last, nothing between invented."""
    when = _text(mark, "TimeStamp", "when")
    begin, end = _text(mark, "TimeSpan", "begin"), _text(mark, "TimeSpan", "end")
    for shape in mark.iter():
        if tag(shape) not in ("Point", "LineString"):
            continue
        places = [place.split(",") for place in _text(shape, "", "coordinates").split()]
        for at, place in enumerate(places):
            number += 1
            time = when or (begin if at == 0 else "") or (end if at == len(places) - 1 else "")
            yield _point(place, time, vehicle, clock, number)


def _point(place: list[str], time: str, vehicle: dict[str, Any], clock: Clock, number: int) -> Point | Skip:
    if not time:
        return Skip("no_time", number)
    if len(place) < 2:
        return Skip("no_position", number)
    lon, lat = read_number(place[0]), read_number(place[1])
    fields = dict(vehicle)
    if len(place) > 2:
        fields["altitude_m"] = read_number(place[2])
    return finished(position(fields.pop("vehicle"), lat, lon, **fields), time, clock, number)


def _text(element: Element, group: str, name: str) -> str:
    """The text of the first `name` below, inside of `group` where one is asked for."""
    for outer in element.iter() if group else (element,):
        if not group or tag(outer) == group:
            for child in outer.iter():
                if tag(child) == name:
                    return (child.text or "").strip()
    return ""
