"""Exported: tables of Traccar's database in files (CSV, JSON, NDJSON, or a plain dump as SQL), zipped or not."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from tracker.formats import Point, Unreadable
from tracker.formats.csv import table
from tracker.formats.text import DAMAGED
from tracker.migrating.inserted import inserted
from tracker.migrating.traccar import Row, number_of, row_of, time_of
from tracker.replay.recording import Recording

TABLES = ("devices", "groups", "geofences", "positions", "events")
MOST_JSON = 256 * 2**20  #: bytes of a document, which is read in one piece
_ENDINGS = (".csv", ".json", ".ndjson", ".jsonl", ".tsv")
_COPY = re.compile(rb'COPY (?:"?\w+"?\.)?"?(?:tc_)?(\w+)"? \(([^)]*)\) FROM stdin;')
_DUMPED = re.compile(rb"^(COPY [^;]* FROM stdin;|INSERT\s+INTO\s)", re.IGNORECASE | re.MULTILINE)
_MYSQL = b'"{\\"'  #: how an attribute begins in a CSV of MySQL's own, which doubles no quotes
_NULL = re.compile(r"(?<![^,\t])\\N(?=[,\t\r\n])")
_STAMP = re.compile(r"_\d{6,}$")  #: of the moment of the export, as some programs name their files
_SNIFFED = 262_144
_ESCAPE = re.compile(rb"\\(.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_NOTHING = ("", r"\N", "NULL", "null")


class Exported:
    def __init__(self, path: Path, zone: tzinfo, in_memory: int = 250_000) -> None:
        """`in_memory`: positions that are sorted outside of a file. Raises Unreadable without devices in it."""
        self.name, self.origin = path.name, ""
        self.notes: list[str] = []
        self.broken: dict[str, int] = {}  # table → rows that nobody can read
        self.at: Any = None  # how many rows were told
        self.until: int | None = None
        self._zone = zone
        self._in_memory = in_memory
        self._files = _files(path)
        self._dump = _dump_of(path)
        self._path = path
        known = sorted(self._files.values()) or [path]
        self.asks = [[str(one), (told := one.stat()).st_size, told.st_mtime_ns] for one in known]
        self._places: dict[int, Row] | None = None
        if not self._dump and "devices" not in self._files:
            raise Unreadable(
                f"{path} has no table of devices: it is a folder with tc_devices.csv (or .json), and of tc_groups, "
                "tc_geofences, tc_positions and tc_events what there is; or a dump as SQL (pg_dump, mysqldump, SCRIPT)",
                usage=True,
            )
        missing = [name for name in TABLES if not self._dump and name not in self._files]
        if missing:
            self.notes.append(f"there is no file of {', '.join(missing)}")

    def close(self) -> None:
        pass

    def devices(self) -> list[Row]:
        found = list(self._rows("devices"))
        if found and not any(number_of(row) for row in found):
            raise Unreadable(f"{self.name}: no device has a number: its columns are those of tc_devices", usage=True)
        return found

    def groups(self) -> list[Row]:
        return list(self._rows("groups"))

    def geofences(self) -> list[Row]:
        return list(self._rows("geofences"))

    def positions(self, _devices: Iterable[Row], after: Any = None) -> Iterator[Row]:
        """In order of time, however many there are."""
        yield from self._counted(self._in_order(), after)

    def _counted(self, rows: Iterator[Row], after: Any) -> Iterator[Row]:
        for at, row in enumerate(rows, 1):
            if at > (after or 0):
                self.at = at
                yield row

    def _in_order(self) -> Iterator[Row]:
        recording = Recording(self._in_memory)
        try:
            for row in self._rows("positions"):
                recording.add(Point(time_of(row.get("fixtime"), self._zone) or 0, dict(row)))
            for point in recording:
                yield cast(dict[str, Any], point.position)
        finally:
            recording.close()

    def told_events(self, _devices: Iterable[Row], after: Any = None) -> Iterator[Row]:
        return self._counted(self._rows("events"), after)

    def places(self, numbers: Iterable[int]) -> dict[int, Row]:
        if self._places is None:  # one look for all of them
            wanted = {number_of(row, "positionid") for row in self._rows("events")}
            self._places = {number: row for row in self._rows("positions") if (number := number_of(row)) in wanted}
        return {number: self._places[number] for number in numbers if number in self._places}

    def _rows(self, name: str) -> Iterator[Row]:
        self.broken[name] = 0
        rows: Iterator[Mapping[str, Any]]
        if self._dump:
            rows = self._copied(name) if self._dump == "COPY" else self._inserted(name)
        elif name not in self._files:
            return
        else:
            rows = self._of_file(self._files[name], name)
        try:
            for row in rows:
                yield row_of({key: None if value in _NOTHING else value for key, value in row.items()})
        except DAMAGED as fault:
            raise Unreadable(f"{name}: the file is damaged or cut off ({fault}); export it again") from None

    def _of_file(self, path: Path, name: str) -> Iterator[Mapping[str, Any]]:
        with _opened(path) as file:
            ending = path.name.lower().removesuffix(".gz").rpartition(".")[2]
            if ending in ("csv", "tsv"):
                yield from self._csv(file, path, name)
            elif ending == "json":
                yield from _json(file, path, name)
            else:
                yield from self._lines(file, name)

    def _csv(self, file: BinaryIO, path: Path, name: str) -> Iterator[Mapping[str, Any]]:
        begin = file.read(_SNIFFED)
        file.seek(0)
        if _MYSQL in begin:
            yield from self._mysql(file, name)
            return
        rows = table(file, path.name)
        head = next(rows, None)
        if head is None:
            return
        titles = [title.strip() for title in head.cells]
        if "id" not in {title.lower() for title in titles}:
            raise Unreadable(f"{path.name}: its first line names no column `id`: export it with its header", usage=True)
        for row in rows:
            if row.whole and len(row.cells) == len(titles):
                yield dict(zip(titles, row.cells, strict=True))
            elif any(cell.strip() for cell in row.cells):
                self.broken[name] += 1

    def _mysql(self, file: BinaryIO, name: str) -> Iterator[Mapping[str, Any]]:
        lines = (_NULL.sub("", line.decode("utf-8-sig", "replace")) for line in file)
        head = next(lines, "")
        cells = csv.reader(lines, delimiter="\t" if "\t" in head else ",", escapechar="\\", doublequote=False)
        titles = [title.strip(' "\r\n') for title in re.split(r"[\t,]", head)]
        for row in cells:
            if len(row) == len(titles):
                yield dict(zip(titles, row, strict=True))
            else:
                self.broken[name] += 1

    def _lines(self, file: BinaryIO, name: str) -> Iterator[Mapping[str, Any]]:
        for line in file:
            if not line.strip():
                continue
            try:
                row = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                row = None
            if isinstance(row, dict):
                yield row
            else:
                self.broken[name] += 1

    def _inserted(self, name: str) -> Iterator[Mapping[str, Any]]:
        with _opened(self._path) as file:
            for row in inserted(file, name):
                if row is None:
                    self.broken[name] += 1
                else:
                    yield row

    def _copied(self, name: str) -> Iterator[Mapping[str, Any]]:
        columns: list[str] | None = None
        with _opened(self._path) as file:
            for line in file:
                if columns is None:
                    found = _COPY.match(line)
                    if found and found[1].decode() == name:
                        columns = [one.strip(' "') for one in found[2].decode().split(",")]
                    continue
                cells = line.rstrip(b"\r\n").split(b"\t")
                if cells == [b"\\."]:
                    columns = None
                elif len(cells) == len(columns):
                    yield dict(zip(columns, map(_unescaped, cells), strict=True))
                else:
                    self.broken[name] += 1
        if columns is not None:
            raise Unreadable(f"{self.name} ends in the middle of {name}: dump it again")


def _files(path: Path) -> dict[str, Path]:
    if not path.is_dir():
        return {}
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        stem = file.name.lower().removesuffix(".gz")
        for ending in _ENDINGS:
            name = _STAMP.sub("", stem.removesuffix(ending).rpartition(".")[2].removeprefix("tc_"))
            if stem.endswith(ending) and name in TABLES:
                if name in found:
                    raise Unreadable(f"{found[name].name} and {file.name} are both the table of {name}", usage=True)
                found[name] = file
    return found


def _dump_of(path: Path) -> str:
    """What a file is: a dump with `COPY`, or one of INSERTs; or none."""
    if path.is_dir():
        return ""
    try:
        with _opened(path) as file:
            while block := file.read(2**20):
                if found := _DUMPED.search(block + file.readline()):
                    return "COPY" if found[1][:4].upper() == b"COPY" else "INSERT"
    except DAMAGED as fault:
        raise Unreadable(f"{path.name} is damaged or cut off: {fault}") from None
    return ""


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, io.BufferedReader(gzip.open(path)) if zipped else path.open("rb"))


def _json(file: BinaryIO, path: Path, name: str) -> Iterator[Mapping[str, Any]]:
    body = file.read(MOST_JSON + 1)
    if len(body) > MOST_JSON:
        raise Unreadable(f"{path.name} has over {MOST_JSON >> 20} MiB: write an object a line, as .ndjson", usage=True)
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Unreadable(f"{path.name} is no JSON, or ends in the middle ({fault}); export it again") from None
    rows = (
        next((document[key] for key in (name, f"tc_{name}") if key in document), None)
        if isinstance(document, dict)
        else document
    )
    if not isinstance(rows, list):
        raise Unreadable(f"{path.name} holds no list of {name}", usage=True)
    yield from (row for row in rows if isinstance(row, dict))


def _unescaped(cell: bytes) -> str | None:
    if cell == rb"\N":
        return None
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), cell).decode("utf-8", "replace")
