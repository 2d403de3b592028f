"""Read a fleet day (docs/fleetday.md) from a file or a web address, with nothing but Python's standard library.

    python read_fleetday.py yesterday.fleetday --hour 9
    python read_fleetday.py https://files.example.com/yesterday.fleetday --hour 9 --box 24.9,60.1,25.0,60.2 > nine.csv

Prints a line for each position of that hour; on standard error, how much of the file was read for it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import http.client
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

EDGE = 64  # bytes of the header, and of the footer
EDGES = struct.Struct("<8sHHIqq32s")
LARGEST = 64 * 2**20  # bytes of a part, unpacked
#: what comes of a file whose hashes are right and whose content is not as the page says
CONFUSED = (LookupError, ValueError, TypeError, AttributeError, RecursionError, struct.error)


class Damaged(Exception):
    """The file is not what it says it is."""


class Source:
    """Bytes that can be asked for; `read` counts them."""

    size: int
    total = 0

    def read(self, offset: int, length: int) -> bytes:
        found = self.fetch(offset, length)
        self.total += len(found)
        if len(found) != length:
            raise Damaged("the file is shorter than it says")
        return found

    def fetch(self, offset: int, length: int) -> bytes:
        raise NotImplementedError


class File(Source):
    def __init__(self, name: str) -> None:
        self._path = Path(name)
        self.size = self._path.stat().st_size

    def fetch(self, offset: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


class Web(Source):
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = connect(parts.netloc, timeout=30)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._ask(0, 1)

    def fetch(self, offset: int, length: int) -> bytes:
        return self._ask(offset, length)

    def _ask(self, offset: int, length: int) -> bytes:
        headers = {"Range": f"bytes={offset}-{offset + length - 1}", "Accept-Encoding": "identity"}
        self._connection.request("GET", self._path, headers=headers)
        answer = self._connection.getresponse()
        if answer.status != 206:
            self._connection.close()
            raise Damaged(f"the host answered {answer.status}, not with a range of the file (206)")
        self.size = int(answer.headers["Content-Range"].rpartition("/")[2])
        return answer.read(length + 1)


class Fix(NamedTuple):
    vehicle: str
    time: int  # UTC, ms
    lat: float
    lon: float
    held: bool  # kept, and believed by nobody: a jump


class Day:
    def __init__(self, source: Source) -> None:
        self.source = source
        if source.size < 2 * EDGE:
            raise Damaged("footer: the file is cut short")
        first, last = source.read(0, EDGE), source.read(source.size - EDGE, EDGE)
        magic, version, _, self.hour_ms, self.since, self.until, zone = EDGES.unpack(first)
        if magic != b"FLEETDAY" or version != 1:
            raise Damaged("header: this is no fleet day of version 1")
        self.zone = zone.rstrip(b"\0").decode("ascii", "replace")
        magic, _, _, check, offset, length, digest = EDGES.unpack(last)
        if magic != b"FLEETEND" or zlib.crc32(last[:12] + bytes(4) + last[16:]) != check:
            raise Damaged("footer: it was changed")
        if offset + length + EDGE != source.size:
            raise Damaged("footer: the directory is not where it says")
        raw = source.read(offset, length)
        if hashlib.sha256(raw).digest() != digest:
            raise Damaged("directory: it was changed")
        self.directory = json.loads(inflated(raw, LARGEST, "directory"))
        self.hash = self._chained(first, offset, digest)
        self._vehicles: list[dict[str, Any]] | None = None

    def _chained(self, header: bytes, end: int, directory: bytes) -> str:
        """The hash of the whole file, out of those of its parts. Parts lie one after the other."""
        chain, offset = link(bytes(32), "header", hashlib.sha256(header).digest()), EDGE
        for part in self.directory["parts"]:
            fits = 0 < part["bytes"] <= 2 * LARGEST and 0 <= part["unpacked"] <= LARGEST
            if part["offset"] != offset or not fits:
                raise Damaged(f"directory: {part['name']!r} is not where it can be")
            chain = link(chain, part["name"], bytes.fromhex(part["sha256"]))
            offset += part["bytes"]
        if offset != end or chain.hex() != self.directory["chain"]:
            raise Damaged("header: it was changed, or the directory")
        return link(chain, "directory", directory).hex()

    def parts(self, kind: str, hour: int | None = None) -> Iterator[dict[str, Any]]:
        for part in self.directory["parts"]:
            if part["kind"] == kind and hour in (None, part.get("hour")):
                yield part

    def content(self, part: dict[str, Any]) -> bytes:
        raw = self.source.read(part["offset"], part["bytes"])
        if hashlib.sha256(raw).hexdigest() != part["sha256"]:
            raise Damaged(f"{part['name']}: it was changed")
        return inflated(raw, part["unpacked"], part["name"])

    def lines(self, kind: str, hour: int | None = None) -> list[dict[str, Any]]:
        """Of `vehicles`, `regions` or `events`."""
        return [json.loads(line) for part in self.parts(kind, hour) for line in self.content(part).splitlines()]

    def vehicles(self) -> list[dict[str, Any]]:
        """By number: blocks name them by that."""
        if self._vehicles is None:
            self._vehicles = self.lines("vehicles")
        return self._vehicles

    def fixes(self, hour: int, box: list[float] | None = None) -> Iterator[Fix]:
        """Of one hour of the day, counted from 0; with a box (west, south, east, north) those in it."""
        begins = self.since + hour * self.hour_ms
        ends = min(begins + self.hour_ms, self.until)
        vehicles = self.vehicles()
        for part in self.parts("track", hour):
            if box is not None and (part.get("box") is None or not touches(part["box"], box)):
                continue
            head, columns = block(self.content(part), part["name"])
            numbers = [n for n, count in zip(head["vehicles"], head["counts"], strict=True) for _ in range(count)]
            rows = zip(numbers, *(columns[name] for name in ("time", "lat", "lon", "taken")), strict=True)
            for n, time, lat, lon, taken in rows:
                if not begins <= time < ends:
                    continue  # the fix before the hour, or the one after it: what lines are drawn to
                fix = Fix(vehicles[n]["vehicle"], time, lat / 1e7, lon / 1e7, taken == 2)
                if box is None or (box[0] <= fix.lon <= box[2] and box[1] <= fix.lat <= box[3]):
                    yield fix


def link(before: bytes, name: str, digest: bytes) -> bytes:
    return hashlib.sha256(before + name.encode() + digest).digest()


def inflated(raw: bytes, most: int, name: str) -> bytes:
    reader = zlib.decompressobj(-15)
    try:
        content = reader.decompress(raw, most + 1)
    except zlib.error:
        raise Damaged(f"{name}: it cannot be unpacked") from None
    if len(content) > most or not reader.eof or reader.unused_data:
        raise Damaged(f"{name}: it is longer than it says")
    return content


def block(content: bytes, name: str) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The head of a block, and its columns."""
    length = int.from_bytes(content[:4], "little")
    head = json.loads(content[4 : 4 + length])
    rows, at = sum(head["counts"]), 4 + length
    if at + rows * sum(planes for _, planes, _ in head["columns"]) != len(content):
        raise Damaged(f"{name}: its columns are not as long as its head says")
    columns = {}
    for column, planes, first in head["columns"]:
        zigzag = [0] * rows
        for plane in range(planes):
            shift = 8 * plane
            zigzag = [value | byte << shift for value, byte in zip(zigzag, content[at : at + rows], strict=True)]
            at += rows
        steps = (value >> 1 ^ -(value & 1) for value in zigzag)
        columns[column] = list(accumulate(steps, initial=first))[1:]
    return head, columns


def touches(one: list[float], other: list[float]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def opened(name: str) -> Day:
    return Day(Web(name) if name.startswith(("http://", "https://")) else File(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", help="a file, or an address that begins with http:// or https://")
    parser.add_argument("--hour", type=int, default=0, help="hour of the day, counted from 0")
    parser.add_argument("--box", help="west,south,east,north in degrees")
    asked = parser.parse_args()
    try:
        day = opened(asked.file)
        box = [float(one) for one in asked.box.split(",")] if asked.box else None
        called = {one["vehicle"]: one["name"] or "" for one in day.vehicles()}
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(["vehicle", "name", "time", "lat", "lon"])
        for fix in day.fixes(asked.hour, box):
            time = datetime.fromtimestamp(fix.time / 1000, UTC).isoformat(timespec="milliseconds")
            out.writerow([fix.vehicle, called[fix.vehicle], time, f"{fix.lat:.7f}", f"{fix.lon:.7f}"])
    except (Damaged, OSError, http.client.HTTPException, *CONFUSED) as fault:
        sys.exit(f"{asked.file}: {str(fault) or type(fault).__name__}")
    share = day.source.total / day.source.size
    print(f"{day.directory['day']} {day.zone}, hash {day.hash}", file=sys.stderr)
    print(f"read {day.source.total:,} of {day.source.size:,} bytes ({share:.1%})", file=sys.stderr)


if __name__ == "__main__":
    main()
