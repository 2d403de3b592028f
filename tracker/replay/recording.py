"""Recording: any number of sources as one stream in time order, which can be played more than once.

Points are sorted in memory up to a quarter of a million (about 200 MB); more go to temporary files and are merged, so
that a recording of any length takes the same memory. Points of one moment stay in the order of their files.
"""

from __future__ import annotations

import heapq
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from tracker.formats import REASONS, Format, Point, Reading, Skip, Unreadable, find_format
from tracker.formats.text import DAMAGED, decode_head
from tracker.model.ping import OLDEST, vehicle_of
from tracker.replay.sources import Opened, opened
from tracker.times import rfc3339

IN_MEMORY = 250_000
GAP_MS = 600_000
NEVER = 1 << 62
EXAMPLES = 3  # skipped items shown of each reason
HEAD = 8_192  # bytes a format is recognised by


class Choice(msgspec.Struct, frozen=True):
    """Which points are played. Times are UTC ms, half-open."""

    since: int | None = None
    until: int | None = None
    vehicles: tuple[str, ...] = ()  # patterns such as `89*`; none: all

    def takes(self, point: Point) -> bool:
        if self.since is not None and point.time < self.since:
            return False
        if self.until is not None and point.time >= self.until:
            return False
        return not self.vehicles or any(fnmatchcase(str(point.vehicle), pattern) for pattern in self.vehicles)


EVERYTHING = Choice()


class Source(msgspec.Struct):
    """One file, and what its reader said of it."""

    name: str
    format: str
    item: str  # what its items are called
    reader: Format | None
    items: int = 0
    notes: list[str] = []

    def place(self, line: int) -> str:
        """Where an item stands; a file of text is read by lines, whatever they are called."""
        return f"{self.name} {'line' if self.item in ('row', 'message') else self.item} {line}"


class Played(Protocol):
    """What a player plays, and a summary tells of."""

    @property
    def first(self) -> int | None: ...
    @property
    def last(self) -> int | None: ...
    @property
    def sources(self) -> Sequence[Source]: ...
    @property
    def vehicles(self) -> Set[str]: ...

    items: int
    count: int
    gaps: int
    out_of_order: int
    skipped: Counter[str]
    examples: dict[str, list[str]]

    def __iter__(self) -> Iterator[Point]: ...


class Points:
    """Points that somebody else can give again and again, in the order in which they are to be played."""

    def __init__(self, name: str, points: Callable[[], Iterator[Point]]) -> None:
        self._points = points
        self.first: int | None = None
        self.last: int | None = None
        self.vehicles: set[str] = set()
        self.items = self.count = self.gaps = self.out_of_order = 0
        self.skipped: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        for point in points():
            self.count += 1
            self.vehicles.add(point.vehicle)
            self.first = point.time if self.first is None else self.first
            self.last = point.time
        self.items = self.count
        self.sources = [Source(name, "store", "message", None, self.items)]

    def where(self, point: Point) -> str:
        return f"{point.vehicle} at {rfc3339(point.time)}"

    def __iter__(self) -> Iterator[Point]:
        return self._points()


class Recording:
    """Reads the sources once; iterating plays them, each time from the beginning."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self.in_memory = in_memory
        self.items = 0  # of the sources, whatever became of them
        self.count = 0  # of those, what is played
        self._first, self._last = NEVER, 0  # of the points with a sensible time
        self.sources: list[Source] = []
        self.skipped: Counter[str] = Counter()  # by reason
        self.examples: dict[str, list[str]] = {}  # reason → where, the first few
        self.vehicles: set[str] = set()
        self.out_of_order = 0  # rows earlier than the row before of the same vehicle
        self.gaps = 0  # times a vehicle says nothing for GAP_MS
        self._before: dict[str, int] = {}  # vehicle → time of its last row in the source being read
        self._points: list[Point] = []
        self._runs: list[BinaryIO] = []

    def add_source(
        self,
        source: str,
        choice: Choice = EVERYTHING,
        *,
        format: str | None = None,
        zone: str | None = None,
        speed_unit: str = "mps",
        split: bool = False,
        dates: str | None = None,
        letter_o: str | None = None,
        told: Callable[[str, int], None] = lambda _name, _count: None,
    ) -> None:
        """Read one source (`-`: standard input; gzip, zip or plain). `told` hears of progress. Raises Unreadable.

        A file that turns out damaged after something of it was read gives what came before, and the damage is told.
        """
        found, refused = 0, ""
        files = opened(source)
        while True:
            try:
                file = next(files, None)
            except Unreadable as fault:
                if not found or fault.usage:
                    raise
                self.sources[-1].notes.append(f"read as far as it goes: {fault.detail}")
                self.items += 1
                self._skip("unreadable", fault.detail)
                break
            if file is None:
                break
            stem = Path(file.name).stem if source != "-" or file.inner else "replay"
            reading = Reading(file.name, vehicle_of(stem) or "replay", zone, speed_unit, split, dates, letter_o)
            read = self._begin(file, format, reading)
            if read is None:
                continue
            found += 1
            try:
                self._read(read, file, reading, choice, told)
            except (Unreadable, *DAMAGED) as fault:
                damage = fault.detail if isinstance(fault, Unreadable) else f"{file.name} is damaged: {fault}"
                usage = isinstance(fault, Unreadable) and fault.usage
                if usage or not (read.items or file.inner):
                    raise Unreadable(damage, usage=usage) from None
                if not read.items:  # the other files of its archive may be recordings
                    found, refused = found - 1, refused or damage
                reading.note(f"read as far as it goes: {damage}" if read.items else f"left out: {damage}")
                read.items += 1
                self._skip("unreadable", f"{file.name} after {read.item} {read.items - 1}")
            finally:
                self.items += read.items
        if not found and refused:
            raise Unreadable(refused)
        if not found:
            raise Unreadable(f"{source}: nothing in it is a recording of a format we know", usage=True)

    def _begin(self, file: Opened, format: str | None, reading: Reading) -> Source | None:
        """None: a file of an archive that is no recording. Raises Unreadable."""
        try:
            head = decode_head(file.file.peek(HEAD)[:HEAD])
            if not head.strip("\ufeff \t\r\n\0"):
                raise Unreadable(f"{file.name} is empty")
            found = find_format(Path(file.name).name, head, format)
        except DAMAGED as fault:
            if isinstance(fault, Unreadable):
                raise
            raise Unreadable(f"{file.name} is damaged: {fault}") from None
        except Unreadable:
            if file.inner:
                return None
            raise
        self._before = {}
        self.sources.append(Source(file.name, found.NAME, found.ITEM, found, notes=reading.notes))
        return self.sources[-1]

    def _read(
        self, read: Source, file: Opened, reading: Reading, choice: Choice, told: Callable[[str, int], None]
    ) -> None:
        number = len(self.sources) - 1
        chosen = None if choice is EVERYTHING else choice.takes
        take = self._take
        items = 0
        assert read.reader is not None
        try:
            for item in read.reader.read(cast(BinaryIO, file.file), reading):
                items += 1
                if isinstance(item, Skip):
                    self._skip(item.reason, read.place(item.line))
                elif chosen is not None and not chosen(item):
                    self._skip("not_chosen", read.place(item.line))
                else:
                    if number:
                        item.source = number
                    take(item)
                    if items % 10_000 == 0:
                        told(file.name, self.count)
        finally:
            read.items = items

    def add(self, point: Point) -> None:
        """One that somebody else has read."""
        self._take(point)

    def where(self, point: Point) -> str:
        return self.sources[point.source].place(point.line)

    def close(self) -> None:
        for run in self._runs:
            run.close()

    def __iter__(self) -> Iterator[Point]:
        self._points.sort(key=_when)
        runs = [*(_replayed(run) for run in self._runs), iter(self._points)]
        return heapq.merge(*runs, key=_when) if len(runs) > 1 else runs[0]

    def _skip(self, reason: str, place: str) -> None:
        """Raises KeyError for a reason nobody has explained."""
        examples = self.examples.setdefault(reason, [])
        if not self.skipped[reason]:
            examples.append(f"{place}: {REASONS[reason]}")
        elif len(examples) < EXAMPLES:
            examples.append(place)
        self.skipped[reason] += 1

    def _take(self, point: Point) -> None:
        points = self._points
        points.append(point)
        self.count += 1
        time, position = point.time, point.position
        vehicle = position.get("vehicle") if type(position) is dict else None
        if vehicle and type(vehicle) is str:
            before = self._before.get(vehicle)
            self._before[vehicle] = time
            if before is None:
                self.vehicles.add(vehicle)
            elif not 0 <= time - before <= GAP_MS:
                if time < before:
                    self.out_of_order += 1
                else:
                    self.gaps += 1
        if time >= OLDEST:
            if time > self._last:
                self._last = time
            if time < self._first:
                self._first = time
        if len(points) >= self.in_memory:
            self._spill()

    @property
    def first(self) -> int | None:
        """Time of the first point with a sensible one."""
        return None if self._first == NEVER else self._first

    @property
    def last(self) -> int | None:
        return None if self._first == NEVER else self._last

    def _spill(self) -> None:
        """Move what is in memory to a temporary file, sorted. Earlier runs hold earlier rows: ties stay in order."""
        self._points.sort(key=_when)
        run = cast(BinaryIO, tempfile.TemporaryFile(prefix="tracker-replay-"))  # noqa: SIM115 - closed by `close`
        for point in self._points:
            run.write(_encoder.encode(point) + b"\n")
        self._runs.append(run)
        self._points = []


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Point)


def _when(point: Point) -> int:
    return point.time


def _replayed(run: BinaryIO) -> Iterator[Point]:
    run.seek(0)
    for line in run:
        yield _decoder.decode(line)
