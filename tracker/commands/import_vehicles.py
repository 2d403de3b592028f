"""`tracker vehicles import`: names, plates and groups from a CSV file into the register, one vehicle a line.

What the file says is merged into what is known: an empty cell, or a column that is not there, changes nothing.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, TextIO
from urllib.parse import quote

import msgspec

from tracker.formats import Unreadable
from tracker.formats.csv import table
from tracker.formats.fields import read_value
from tracker.formats.names import plain
from tracker.model.change import SECRET
from tracker.model.ping import Unfit, vehicle_id
from tracker.replay.connection import Connection, Failed

#: our field → how lists of vehicles call it
COLUMNS = {
    "vehicle": ("vehicle", "vehicle_id", "id", "device", "device_id", "imei", "unit", "unit_id"),
    "name": ("name", "vehicle_name", "label", "title"),
    "plate": ("plate", "license_plate", "licence_plate", "number_plate", "registration", "reg_no", "reg"),
    "group": ("group", "fleet", "team", "depot"),
    "kind": ("kind", "type", "vehicle_type", "category"),
}


class Row(NamedTuple):
    line: int
    vehicle: str
    entry: dict[str, Any]


class Bad(NamedTuple):
    line: int
    message: str


def import_csv(file: BinaryIO, to: str, token: str | None, out: TextIO | None = None, ca: str | None = None) -> int:
    """Returns the exit code: 0 when every line was taken. Raises Unreadable, and Failed when the server is away."""
    connection = Connection(to, token, ca, told=_err)
    counts = {"created": 0, "updated": 0, "failed": 0}
    try:
        for row in read_rows(file.read(), getattr(file, "name", "the file")):
            fault = row.message if isinstance(row, Bad) else _put(connection, row, counts)
            if fault:
                counts["failed"] += 1
                _err(f"line {row.line}: {fault}")
    finally:
        connection.close()
    for name, count in counts.items():
        print(f"{name}: {count}", file=out or sys.stdout)
    return 1 if counts["failed"] else 0


def read_rows(content: bytes, name: str) -> Iterator[Row | Bad]:
    """Every line that holds something. Raises Unreadable without a column that names the vehicle."""
    if not content.strip():
        raise Unreadable(f"{name} is empty; its first line names the columns: vehicle, name, plate, group, kind")
    rows = table(io.BytesIO(content), name)
    titles = [" ".join(title.split()) for title in next(rows).cells]
    columns = _columns([plain(title) for title in titles])
    if "vehicle" not in columns:
        raise Unreadable(
            f"{name}: no column is called `vehicle` (or `id`) among: {', '.join(titles)[:200]}", usage=True
        )
    seen: dict[str, int] = {}
    for row in rows:
        if not row.whole:
            yield Bad(row.line, "a quote in it is never closed")
        elif any(cell.strip() for cell in row.cells):
            yield _row(row.cells, columns, titles, row.line, seen)


def _columns(names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for field, spellings in COLUMNS.items():
        for spelling in spellings:
            if spelling in names:
                found[field] = names.index(spelling)
                break
    return found


def _row(cells: list[str], columns: dict[str, int], titles: list[str], line: int, seen: dict[str, int]) -> Row | Bad:
    if len(cells) > len(titles):
        return Bad(
            line, f"{len(cells)} cells, but only {len(titles)} columns have a name; quote cells with a delimiter"
        )
    texts = [cell.strip() for cell in cells] + [""] * (len(titles) - len(cells))
    try:
        vehicle = vehicle_id(texts[columns["vehicle"]])
    except Unfit as fault:
        return Bad(line, fault.message)
    if seen.setdefault(vehicle, line) != line:
        return Bad(line, f"{vehicle!r} stands on line {seen[vehicle]} already")
    entry: dict[str, Any] = {field: texts[i] for field, i in columns.items() if field != "vehicle" and texts[i]}
    others = [i for i in range(len(titles)) if i not in columns.values() and titles[i] and texts[i]]
    if others:
        entry["attributes"] = {titles[i]: _value(titles[i], texts[i]) for i in others}
    return Row(line, vehicle, entry)


def _value(title: str, text: str) -> Any:
    return text if title.endswith(SECRET) else read_value(text)  # of a secret no digit may change


def _put(connection: Connection, row: Row, counts: dict[str, int]) -> str | None:
    """Merge one vehicle into the register; what the server says against it. Raises Failed."""
    path = f"/api/v1/vehicles/{quote(row.vehicle, safe='')}"
    body = msgspec.json.encode(row.entry)
    response = connection.request("PATCH", path, body)
    done = "updated"
    if response.status == 404:
        response = connection.request("PUT", path, body)
        done = "created"
    if response.status in (200, 201):
        counts[done] += 1
        return None
    answer = response.json()
    if response.status in (401, 403) or answer.get("code") == "may_not" or not answer:
        said = answer.get("detail", "is the tracker there?")
        do = (
            "; --token T shows one of a person (`tracker token create --user NAME`)"
            if response.status != 403 and answer
            else ""
        )
        raise Failed(f"{connection.url} refused with {response.status}: {said}{do}")
    faults = [str(error.get("message")) for error in answer.get("errors", ()) if isinstance(error, dict)]
    return "; ".join(faults) or str(answer.get("detail"))


def _err(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
