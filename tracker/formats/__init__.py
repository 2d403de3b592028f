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


class Point(msgspec.Struct, array_like=True):
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


def item(point: Point, shift: int = 0) -> dict[str, Any] | str:
    """A point as the API takes it, its time shifted by so many ms."""
    position = point.position
    if isinstance(position, str) or "time" in position:  # nothing that can be read, or a time that cannot
        return position
    time = min(max(point.time + shift, FIRST), LAST)  # a year no fix has is refused at either end
    return {"time": rfc3339(time), **position}


class Skip(NamedTuple):
    """A row that is not a position at all: a waypoint without a time, a message of another kind."""

    reason: str
    line: int


class Reading(NamedTuple):
    """How a source is to be read."""

    name: str  # the file's name, for messages
    vehicle: str  # what the points belong to when the file does not say
    zone: str | None = None  # of times that name none
    speed_unit: str = "mps"  # of a speed whose name does not say


class Format(Protocol):
    """What a module of this package offers."""

    NAME: str  # as --format takes it
    ABOUT: str  # one line for docs and help

    def recognises(self, name: str, head: str) -> bool:
        """Whether a file with this lower-case name and these first characters looks like one of ours."""
        ...

    def read(self, file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
        """Points in file order. Raises Unreadable."""
        ...


def formats() -> tuple[Format, ...]:
    """Every format, the most particular first: the first that recognises a file reads it."""
    from tracker.formats import cabs, csv, geojson, gpx, gtfs, hfp, json, kml, ndjson, tcx

    return (gpx, kml, tcx, hfp, geojson, gtfs, json, ndjson, cabs, csv)


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
