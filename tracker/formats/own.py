"""Own: how our exports write a fix, and how it is read back to the last bit. Tables, GPX and GeoJSON say the same.

A table's cells are guarded: a text that a spreadsheet would run as a formula begins with a quote. Reading takes it off.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.model.ping import Ping
from tracker.times import rfc3339

_NUMBERS = ("speed_mps", "heading", "altitude_m", "accuracy_m")
OPTIONAL = (*_NUMBERS, "ignition", "battery_pct", "odometer_m", "driver", "alarm", "attributes")
#: of a table. `attributes` are one cell of JSON
COLUMNS = ("vehicle", "time", "lat", "lon", *OPTIONAL)
NAMESPACE = "urn:tracker:position:1"  #: of the element that holds a fix in GPX, as JSON
_TEXTS = frozenset({"vehicle", "driver", "alarm"})
_FORMULA = tuple("=+-@'\t\r")

_encode = msgspec.json.Encoder().encode


def optional(ping: Ping) -> dict[str, Any]:
    """What a fix says beside vehicle, time and place."""
    return {name: value for name in OPTIONAL if (value := getattr(ping, name)) is not None}


def cells(ping: Ping) -> list[Any]:
    """A fix as the cells of a row under COLUMNS."""
    said = optional(ping)
    if "attributes" in said:
        said["attributes"] = _encode(said["attributes"]).decode()
    row: dict[str, Any] = {"vehicle": ping.vehicle, "time": rfc3339(ping.time), "lat": ping.lat, "lon": ping.lon} | said
    return [guarded(row[name]) if name in _TEXTS and name in row else row.get(name) for name in COLUMNS]


def position_of(row: list[str]) -> tuple[str, dict[str, Any]]:
    """(time, position) of such a row; a cell nobody can read stays a text, for the gate to refuse."""
    said: dict[str, Any] = {}
    for name, cell in zip(COLUMNS, row, strict=False):
        if not cell or name == "time":
            continue
        if name in _TEXTS:
            said[name] = unguarded(cell)
        elif name == "ignition":
            said[name] = {"True": True, "False": False}.get(cell, cell)
        else:
            said[name] = _decoded(cell)
    return (row[1] if len(row) > 1 else ""), said


def guarded(text: str) -> str:
    return "'" + text if text.lstrip()[:1] in _FORMULA and text.strip() else text


def unguarded(text: str) -> str:
    """The text without the quote that kept it from being a formula, ours or another program's."""
    return text[1:] if text[:1] == "'" and text[1:].lstrip()[:1] in _FORMULA and text[1:].strip() else text


def _decoded(cell: str) -> Any:
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return cell
