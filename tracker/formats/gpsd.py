"""gpsd's JSON, one report a line, as `gpspipe -w` writes it: TPV is a fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_speed
from tracker.formats.text import raw_lines

NAME = "gpsd"
ABOUT = "gpsd's JSON reports, a line each; raw sentences between them are left out"
ITEM = "line"

_REPORT = re.compile(r'^\{"class":"(TPV|SKY|VERSION|DEVICE|DEVICES|WATCH|GST|ATT|PPS)"', re.MULTILINE)


def recognises(_name: str, head: str) -> bool:
    return _REPORT.search(head) is not None


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, "UTC")  # the format knows no other
    for number, line in enumerate(raw_lines(file, reading.name), 1):
        if line.strip() and not line.startswith(b"#"):
            yield _report(line, reading, clock, number)


def _report(line: bytes, reading: Reading, clock: Clock, number: int) -> Point | Skip:
    try:
        report: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Skip("not_json" if line.lstrip().startswith(b"{") else "not_a_position", number)
    if not isinstance(report, dict) or report.get("class") != "TPV":
        return Skip("not_a_position", number)
    if report.get("mode") in (0, 1) or "lat" not in report or "lon" not in report:
        return Skip("no_fix", number)
    if not isinstance(report.get("time"), str):
        return Skip("no_time", number)
    height = next((report[name] for name in ("altMSL", "alt", "altHAE") if name in report), None)
    errors = [error for name in ("eph", "epx", "epy") if isinstance(error := report.get(name), int | float)]
    place = position(
        reading.vehicle,
        report["lat"],
        report["lon"],
        speed_mps=read_speed(report.get("speed"), "mps"),
        heading=report.get("track"),
        altitude_m=height,
        accuracy_m=max(errors) if errors else None,
    )
    return finished(place, report["time"], clock, number)
