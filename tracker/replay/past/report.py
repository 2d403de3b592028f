"""Report: differences as text for people, as NDJSON and GeoJSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

from tracker.live import messages
from tracker.model.events import Event
from tracker.replay.past.differences import APPEARED, CHANGED, VANISHED, Difference, Differences

SIGNS = {APPEARED: "+", VANISHED: "-", CHANGED: "~"}
COLUMNS = (APPEARED, VANISHED, CHANGED)


def as_text(differences: Differences, stream: TextIO) -> None:
    if not differences.found:
        print(f"no differences: {differences.same} events are as they were", file=stream)
        return
    count = differences.totals()
    told = ", ".join(f"{count[what]} {what}" for what in COLUMNS)
    print(f"{told}; {differences.same} events are as they were", file=stream)
    for name in ("region", "vehicle"):
        table = differences.by(name)
        width = max(len(name), *(len(one) for one in table), len("(none)"))
        print("", f"{name:{width}}  " + "  ".join(f"{what:>8}" for what in COLUMNS), sep="\n", file=stream)
        for key, counts in table.items():
            print(f"{key or '(none)':{width}}  " + _row(counts), file=stream)
    print(file=stream)
    for one in differences.found:
        print(_line(one), file=stream)


def _row(counts: Counter[str]) -> str:
    return "  ".join(f"{counts[what] or '':>8}" for what in COLUMNS)


def _line(one: Difference) -> str:
    event = one.event
    told = messages.event(event)
    words = [SIGNS[one.what], told["time"], event.vehicle, event.kind, event.region or "", f"({event.reason})"]
    line = " ".join(filter(None, words))
    if one.fields:
        line += ": " + ", ".join(f"{name} {_value(was)} → {_value(now)}" for name, (was, now) in one.fields.items())
    return line


def _value(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else msgspec.json.encode(value).decode()


def as_ndjson(differences: Differences, stream: TextIO) -> None:
    """A difference a line."""
    for one in differences.found:
        event = one.event
        document: dict[str, Any] = {
            "what": one.what,
            "vehicle": event.vehicle,
            "region": event.region,
            "kind": event.kind,
        }
        if one.before is not None:
            document["before"] = _shown(one.before)
        if one.after is not None:
            document["after"] = _shown(one.after)
        if one.fields:
            document["fields"] = list(one.fields)
        stream.write(_encoded(document) + "\n")


def as_geojson(differences: Differences, stream: TextIO) -> None:
    """A difference a point: where the event is, or was."""
    stream.write('{"type":"FeatureCollection","features":[')
    for at, one in enumerate(differences.found):
        point = {"type": "Point", "coordinates": [one.event.lon, one.event.lat]}
        properties = {"what": one.what, **_shown(one.event)}
        if one.fields:
            properties["fields"] = list(one.fields)
            properties["before"] = {name: was for name, (was, _) in one.fields.items()}
        feature = {"type": "Feature", "geometry": point, "properties": properties}
        stream.write(("," if at else "") + "\n" + _encoded(feature))
    stream.write("\n]}\n")


def _shown(event: Event) -> dict[str, Any]:
    told = messages.event(event)
    for name in ("seq", "received_at"):
        told.pop(name, None)
    return told


def _encoded(document: Any) -> str:
    return msgspec.json.encode(document).decode()


FORMATS: dict[str, Callable[[Differences, TextIO], None]] = {
    "text": as_text,
    "ndjson": as_ndjson,
    "geojson": as_geojson,
}
