"""FIT, what sports watches and bicycle computers record: its `record` messages with a place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.fields import position, read_speed
from tracker.times import EPOCH, MS

NAME = "fit"
ABOUT = "FIT files of watches and bicycle computers, with the extra `fit`"
ITEM = "record"

DEGREE = 180 / 2**31  #: of a semicircle, the unit of FIT's places


def recognises(_name: str, head: str) -> bool:
    return ".FIT" in head[:16]


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    try:
        import fitdecode
    except ImportError:
        raise Unreadable(
            f"{reading.name}: a FIT file needs the extra fit: pip install 'live-map-tracker[fit]'"
        ) from None
    number = 0
    try:
        with fitdecode.FitReader(
            file, check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.IGNORE
        ) as frames:
            for frame in frames:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name == "record":
                    number += 1
                    yield _record(frame, reading, number)
    except Exception as fault:  # of damaged files the library raises all there is, AssertionError too
        why = str(fault)[:200] or "its messages make no sense"
        if not number:
            raise Unreadable(f"{reading.name}: not a FIT file that can be read: {why}") from None
        reading.note(f"damaged after record {number}: {why}")
        yield Skip("unreadable", number + 1)


def _record(frame: Any, reading: Reading, number: int) -> Point | Skip:
    def value(*names: str) -> Any:
        return next((found for name in names if (found := frame.get_value(name, fallback=None)) is not None), None)

    lat, lon, time = value("position_lat"), value("position_long"), value("timestamp")
    if not isinstance(lat, int) or not isinstance(lon, int):
        return Skip("no_position", number)
    if not isinstance(time, datetime) or time.tzinfo is None:
        return Skip("no_time", number)
    place = position(
        reading.vehicle,
        round(lat * DEGREE, 7),
        round(lon * DEGREE, 7),
        speed_mps=read_speed(value("enhanced_speed", "speed"), "mps"),
        altitude_m=value("enhanced_altitude", "altitude"),
        accuracy_m=value("gps_accuracy"),
    )
    return Point((time - EPOCH) // MS, place, line=number)
