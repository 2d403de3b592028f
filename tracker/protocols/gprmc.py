"""$GPRMC: the one NMEA sentence with a date, which OpenGTS clients put into a URL."""

from __future__ import annotations

import re
from typing import Any

from tracker.model.ping import Unfit
from tracker.protocols.heard import number, speed

_DEGREES = re.compile(r"(\d{0,3}?)(\d{1,2}(?:\.\d*)?)", re.ASCII)  # minutes have two digits before the point
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\.\d+)?", re.ASCII)
_DATE = re.compile(r"(\d\d)(\d\d)(\d\d)", re.ASCII)


def read_gprmc(sentence: str) -> dict[str, Any]:
    """What it says, under our names; without `lat` and `lon` when the receiver had no fix. Raises Unfit."""
    kind, *fields = sentence.strip().partition("*")[0].split(",")
    if len(kind) != 6 or not kind.endswith("RMC") or len(fields) < 9:
        raise Unfit(
            "wrong_type", "gprmc", "`gprmc` is a sentence such as $GPRMC,090000,A,6010.2,N,02456.6,E,12.3,90,231126,,"
        )
    time, status, lat, north, lon, east, knots, course, date = fields[:9]
    said: dict[str, Any] = {"speed_mps": speed(knots, "kn"), "heading": number(course)}
    if (clock := _TIME.fullmatch(time)) and (day := _DATE.fullmatch(date)):
        century = "19" if day[3] >= "80" else "20"
        said["time"] = f"{century}{day[3]}-{day[2]}-{day[1]}T{clock[1]}:{clock[2]}:{clock[3]}{clock[4] or ''}Z"
    if status == "A":
        said |= {"lat": _degrees("lat", lat, north == "S"), "lon": _degrees("lon", lon, east == "W")}
    return said


def _degrees(name: str, text: str, negative: bool) -> float:
    found = _DEGREES.fullmatch(text)
    if found is None:
        raise Unfit("wrong_type", name, f"`{name}` is degrees and minutes such as 6010.2, not {text[:20]!r}")
    value = int(found[1] or 0) + float(found[2]) / 60
    return -value if negative else value
