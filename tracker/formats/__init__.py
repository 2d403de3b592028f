"""Formats: files of recorded positions, read as points. One file a format, an explicit tuple of them.

A format turns a file into points. A point holds a position in the words of the API; a value that cannot be read is
passed on as it is, so that there is one judge of what is a good position: the one every ping meets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec

from tracker.errors import TrackerError
from tracker.times import FIRST, LAST, rfc3339


class Unreadable(TrackerError):
    """A source is not what it should be, or not what anything knows. `usage`: the command can be put right."""

    def __init__(self, detail: str, *, usage: bool = False) -> None:
        super().__init__("unreadable", detail)
        self.usage = usage


class Point(msgspec.Struct, array_like=True, gc=False):
    """One row of a recording. `time` orders and paces it, UTC ms.

    `line` says where it stands in its source: a line, or a count of points where a file has no useful lines.
    """

    time: int
    position: dict[str, Any] | str  # a text: a line that holds no object
    source: int = 0
    line: int = 0

    @property
    def vehicle(self) -> Any:
        return self.position.get("vehicle") if isinstance(self.position, dict) else None


def item(point: Point, shift: int = 0, *, number: bool = False) -> dict[str, Any] | str:
    """A point as the API takes it, its time shifted by so many ms; as a `number` it is cheaper, and the same."""
    position = point.position
    if isinstance(position, str) or "time" in position:  # nothing that can be read, or a time that cannot
        return position
    time = point.time + shift
    if not FIRST <= time <= LAST:  # a year no fix has is refused at either end
        time = min(max(time, FIRST), LAST)
    return {"time": time if number and time >= 1e11 else rfc3339(time), **position}


#: why an item of a source is not played, and what that means: nothing is left out without one of these
REASONS: dict[str, str] = {
    "bad_checksum": "a sentence whose checksum says it was damaged on the way, or has none where the others do",
    "deleted": "an entity the feed takes back",
    "destination": "where somebody is going, not where somebody was",
    "no_fix": "a receiver that says it does not know where it is",
    "no_position": "no place in it",
    "no_side": "degrees whose north, south, east or west is missing, or a word nobody knows, where a column says it",
    "no_time": "no time in it",
    "not_a_point": "a shape that is no place: a line or an area without times",
    "not_a_position": "a message of another kind",
    "not_chosen": "outside --from, --until or --vehicle",
    "not_four_columns": "a line with more or fewer columns than four",
    "not_hfp": "a line that is no captured message",
    "not_json": "a line that is not JSON",
    "open_quote": "a row with a quote that is never closed, so that its cells are not known",
    "supplement": "a sentence that adds to the fix another one tells",
    "surplus_cells": "a row with more cells than the header has titles, so that nobody knows which is which",
    "unclear_side": "degrees with an O, which is east (Ost) or west (Ouest, Oeste): say which with --letter-o",
    "unpaired": "a place and a time of a track whose places and times are not equally many",
    "unreadable": "what is left of a damaged file from here on, or a file of an archive that is no recording",
    "waypoint": "a mark on the map beside tracks",
}


class Skip(NamedTuple):
    """An item that is not a position at all: a waypoint without a time, a message of another kind."""

    reason: str  # one of REASONS
    line: int


MOST_NOTES = 20


class Reading(msgspec.Struct):
    """How a source is to be read, and what its reader has to say of it."""

    name: str  # the file's name, for messages
    vehicle: str  # what the points belong to when the file does not say
    zone: str | None = None  # of times that name none
    speed_unit: str = "mps"  # of a speed whose name does not say
    split: bool = False  # tracks of one name are vehicles of their own
    dates: str | None = None  # dmy, mdy or ymd: how dates such as 03/04/2026 and 03/04/26 are meant
    letter_o: str | None = None  # east or west: what an O behind degrees is
    notes: list[str] = []  # for the summary: columns chosen and ignored, units and zones taken for granted

    def note(self, text: str) -> None:
        """Say it in the summary, once; a file of a thousand oddities is told by the first of them."""
        if len(self.notes) < MOST_NOTES and text not in self.notes:
            self.notes.append(text)


class Format(Protocol):
    """What a module of this package offers."""

    NAME: str  # as --format takes it
    ABOUT: str  # one line for docs and help
    ITEM: str  # what its items are called and counted by: row, line, point, feature

    def recognises(self, name: str, head: str) -> bool:
        """Whether a file with this lower-case name and these first characters looks like one of ours."""
        ...

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
        """Every item of the file, in its order, as a point or as a reason why it is none. Raises Unreadable."""
        ...


def formats() -> tuple[Format, ...]:
    """Every format, the most particular first: the first that recognises a file reads it."""
    from tracker.formats import (
        cabs,
        csv,
        fit,
        geojson,
        gpsd,
        gpx,
        gtfs,
        hfp,
        json,
        kml,
        ndjson,
        nmea,
        owntracks,
        siri,
        tcx,
    )

    return (fit, gpx, kml, tcx, siri, owntracks, hfp, geojson, gtfs, gpsd, json, ndjson, nmea, cabs, csv)


def find_format(name: str, head: str, wanted: str | None = None) -> Format:
    """The format called `wanted`, or the one that recognises the file. Raises Unreadable."""
    known = formats()
    name = name.removesuffix(".gz")
    if wanted is not None:
        for format in known:
            if wanted == format.NAME:
                return format
        raise Unreadable(f"no format is called {wanted!r}; there are {', '.join(f.NAME for f in known)}", usage=True)
    for format in known:
        if format.recognises(name.lower(), head):
            return format
    names = ", ".join(format.NAME for format in known)
    raise Unreadable(f"{name}: not a format we know. If it is one of {names}, say which with --format", usage=True)
