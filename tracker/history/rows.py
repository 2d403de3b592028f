"""Rows: a visit as it looks outside: as JSON, and as a row of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from tracker.formats.own import guarded
from tracker.history.inside import End, Visit
from tracker.times import rfc3339

_PLAIN = ("entered_at", "exited_at", "duration_s", "fixes", "passed_through", "silent_s")
_ENDS = ("entry", "exit")
COLUMNS = ("vehicle", *_PLAIN, *(f"{end}{part}" for end in _ENDS for part in ("", "_lat", "_lon")))


def as_json(vehicle: str, visit: Visit) -> dict[str, Any]:
    return {
        "vehicle": vehicle,
        "entered_at": _time(visit.entry),
        "exited_at": _time(visit.exit),
        "duration_s": (visit.until - visit.since) / 1000,
        "fixes": visit.fixes,
        "passed_through": visit.passed_through,
        "silent_s": visit.silent_ms / 1000,
        "entry": _end(visit.entry),
        "exit": _end(visit.exit),
    }


def header() -> bytes:
    return _line(COLUMNS)


def as_csv(told: Mapping[str, Any]) -> bytes:
    """Of what `as_json` says."""
    cells = (told[name] for name in _PLAIN)
    plain = (str(cell).lower() if isinstance(cell, bool) else cell for cell in cells)
    ends = (told[end][part] for end in _ENDS for part in ("how", "lat", "lon"))
    return _line((guarded(told["vehicle"]), *plain, *ends))


def _end(end: End) -> dict[str, Any]:
    lat, lon = (None, None) if end.place is None else (round(at, 7) for at in end.place)
    return {"how": end.how, "lat": lat, "lon": lon}


def _time(end: End) -> str | None:
    return None if end.at is None else rfc3339(end.at)


def _line(cells: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
