"""HSL's high-frequency positioning, version 1, as captured from MQTT: `<received> <topic> {"VP": {…}}` a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_speed
from tracker.formats.text import raw_lines

NAME = "hfp"
ABOUT = "captured MQTT messages of Helsinki's transit (HFP v1); a vehicle is operator-number"
ITEM = "message"


def recognises(_name: str, head: str) -> bool:
    return " /hfp/v" in head.partition("\n")[0]


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    for number, line in enumerate(raw_lines(file, reading.name), 1):
        if line.strip():
            yield _point(line, clock, number)


def _point(line: bytes, clock: Clock, number: int) -> Point | Skip:
    start = line.find(b' {"')  # a topic may contain spaces: the head sign is in it
    topic = line[:start].partition(b"/hfp/")[2].split(b"/")
    if start < 0 or len(topic) < 6:
        return Skip("not_hfp", number)
    try:
        message: Any = msgspec.json.decode(line[start + 1 :])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Skip("not_json", number)
    report = message.get("VP") if isinstance(message, dict) else None
    if not isinstance(report, dict):
        return Skip("not_a_position", number)
    if report.get("lat") is None or report.get("long") is None:
        return Skip("no_position", number)
    attributes = {
        "mode": topic[3].decode("utf-8", "replace"),
        "line": report.get("desi"),
        "delay_s": report.get("dl"),
        "doors_open": None if report.get("drst") is None else bool(report["drst"]),
    }
    place = position(
        b"-".join(topic[4:6]).decode("utf-8", "replace"),
        report["lat"],
        report["long"],
        speed_mps=read_speed(report.get("spd"), "mps"),
        heading=report.get("hdg"),
        odometer_m=report.get("odo"),
        attributes={name: value for name, value in attributes.items() if value is not None},
    )
    return finished(place, str(report.get("tst") or report.get("tsi") or ""), clock, number)
