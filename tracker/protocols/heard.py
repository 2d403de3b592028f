"""What phones and gateways say, under our names, as a Ping. They read no errors and cannot be asked again: an optional
value that cannot be right is left out, a clock whose fault is known is put right, and only what says neither who nor
anything to keep is refused."""

from __future__ import annotations

import math
import re
from typing import Any

from tracker.model.keys import holds_key
from tracker.model.ping import (
    AHEAD_MS,
    MAX_ATTRIBUTE_CHARS,
    MAX_ATTRIBUTES,
    MAX_TEXT,
    NOWHERE,
    OLDEST,
    RANGES,
    Ping,
    Scalar,
    Unfit,
    check_time,
    read_number,
    vehicle_id,
)
from tracker.times import BadTime, parse_time

#: what is wrong with a clock → ms that put it right
REPAIRS = {
    "week_rollover": 619_315_200_000,  # the week number of GPS has 10 bits: an old receiver is 1,024 weeks behind
    "epoch_2001": 978_307_200_000,  # Apple counts from 2001
}
NO_PHONE = 1_420_070_400_000  #: 2015: before, no app counted from a wrong year, and a receiver without a date is 1980
ROLLED = REPAIRS["week_rollover"]

_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def read_heard(said: dict[str, Any], now: int, ignored: list[str]) -> tuple[Ping, str]:
    """A ping of `vehicle`, `time`, `lat`, `lon`, `speed_mps`, …, `attributes`; and what ailed its clock, or "".

    Numbers and flags may be texts. Without a time it is now; without `lat` and `lon` it is a heartbeat, or an alarm
    without a fix. Raises Unfit.
    """
    raw, attributes = said.get("time"), said.get("attributes") or {}
    time, repair = (now, "") if raw is None or raw == "" else read_time(raw, now)
    if repair:
        attributes = {"time_repaired": repair, "time_said": raw} | attributes
    vehicle = _text(said.get("vehicle"))
    if not vehicle or not isinstance(vehicle, str):
        raise Unfit("missing", "vehicle", "`vehicle` is missing")
    lat, lon = said.get("lat"), said.get("lon")
    nowhere = (lat is None or lat == "") and (lon is None or lon == "")
    place = NOWHERE if nowhere else (_degrees("lat", lat), _degrees("lon", lon))
    alarm, ignition = _words("alarm", said, ignored), said.get("ignition")
    if place == NOWHERE and alarm is None and not nowhere:
        raise Unfit("no_fix", "lat", "(0, 0) is what a receiver without a fix says; send nothing instead")
    ping = Ping(
        vehicle_id(vehicle),
        check_time(time, now),
        *place,
        _optional("speed_mps", said, ignored),
        _heading(said, ignored),
        _optional("altitude_m", said, ignored),
        _optional("accuracy_m", said, ignored) or None,  # 0: not known
        None if ignition is None else flag(ignition),
        _optional("battery_pct", said, ignored),
        _optional("odometer_m", said, ignored),
        _words("driver", said, ignored),
        alarm,
        _kept(attributes, ignored) if attributes else None,
    )
    return ping, repair


def _degrees(name: str, value: Any) -> float:
    count = number(value)
    if count is not None and (-90 <= count <= 90 or (name == "lon" and -180 <= count <= 180)):
        return round(count * 1e7) / 1e7
    if value is None or value == "":
        raise Unfit("missing", name, f"`{name}` is missing")
    if count is None and isinstance(value, str):
        raise Unfit("wrong_type", name, f"`{name}` is a number, not {value[:40]!r}")
    return read_number(name, value if count is None else count)


def _optional(name: str, said: dict[str, Any], ignored: list[str]) -> float | None:
    """None where it is not known; and named in `ignored` where it cannot be right."""
    value = said.get(name)
    if value is None or value == "":
        return None
    low, high, steps = RANGES[name]
    count = number(value)
    if count is not None and low <= count <= high:
        return round(count * steps) / steps
    if count is None or count > high or name == "altitude_m":
        ignored.append(name)
    return None  # below 0 is how a client says that it does not know


def _heading(said: dict[str, Any], ignored: list[str]) -> float | None:
    count = number(said.get("heading"))
    if count is not None and 0 <= count <= 720:
        return round(count * 1e2) % 36_000 / 1e2
    return _optional("heading", said, ignored)


def _words(name: str, said: dict[str, Any], ignored: list[str]) -> str | None:
    text = said.get(name)
    if text is None or text is False or text == "":
        return None
    if text is True:  # alarm: true
        return name
    text = _text(text)
    if not isinstance(text, str) or holds_key(text):
        ignored.append(name)
        return None
    return text or None


# ------------------------------------------------------------ numbers and flags


def number(value: Any) -> float | None:
    """A number, or a text that is one; None for anything else, and for what is not finite."""
    kind = type(value)
    if kind is str:
        try:
            value = float(value) if "_" not in value else None
        except ValueError:
            return None
    elif kind is not float and kind is not int:
        return None
    try:
        return value if value is not None and math.isfinite(value) else None
    except OverflowError:
        return None


def flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int | float) else None


def scalar(text: str) -> str | int | float | bool:
    """What a text of a form stands for: a number, true or false, or itself."""
    if text.isdecimal() and text.isascii():
        return int(text) if len(text) < 18 else text  # longer ones are names: an ICCID
    if text[:1] == "-" or text[:1].isdecimal():
        value = number(text)
        return text if value is None else int(value) if "." not in text and abs(value) < 2**53 else value
    return {"true": True, "false": False}.get(text.lower(), text)


def battery(value: Any, *, fraction: bool) -> float | None:
    """Percent. `fraction`: this client says 0–1; one that says 80 all the same means percent."""
    level = number(value)
    return level * 100 if fraction and level is not None and level <= 1 else level


#: what one unit of a speed is in m/s, by what a device's `speed_unit` may be
SPEED_UNITS = {
    **dict.fromkeys(("mps", "m/s", "ms"), 1.0),
    **dict.fromkeys(("kmh", "km/h", "kph"), 1 / 3.6),
    **dict.fromkeys(("kn", "kt", "knots"), 1852 / 3600),
    **dict.fromkeys(("mph",), 0.44704),
}


def speed(value: Any, unit: str) -> float | None:
    """In m/s; below 0 and no number is None. `unit` is one of SPEED_UNITS."""
    count = number(value)
    return None if count is None or count < 0 else count * SPEED_UNITS[unit]


# ------------------------------------------------------------ times

_SPACE_OFFSET = re.compile(r" (?=\d\d:?\d\d$)")  # a plus in an address is a space
_NO_ZONE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_SHORT_ZONE = re.compile(r"([+-]\d\d)(\d\d)$", re.ASCII)


def read_time(value: Any, now: int) -> tuple[int, str]:
    """UTC ms of a number (s, ms, µs or ns by its size) or a text (without a zone: UTC), put right where its clock has a
    fault we know, whose name comes second. Raises Unfit."""
    if isinstance(value, str):
        value = value.strip()
        if value[4:5] == "-" or (count := number(value)) is None:
            return _rolled(_read_text(value), now)
        value = count
    kind = type(value)
    if (kind is not int and kind is not float) or not abs(value) < 1e20:
        raise Unfit("time_invalid", "time", "the time is neither a number since 1970 nor an RFC 3339 text")
    while abs(value) >= 1e14:
        value = value / 1000
    time = parse_time(value)
    shifted = time + REPAIRS["epoch_2001"]
    if time < OLDEST and NO_PHONE <= shifted <= now + AHEAD_MS:
        return shifted, "epoch_2001"
    return _rolled(time, now)


def _rolled(time: int, now: int) -> tuple[int, str]:
    """There was no phone with a receiver 1,024 weeks ago: whoever says so is that much behind."""
    if OLDEST <= time <= now + AHEAD_MS - ROLLED:
        return time + ROLLED, "week_rollover"
    return time, ""


def _read_text(text: str) -> int:
    try:
        return parse_time(text)
    except BadTime:
        pass
    text = _SPACE_OFFSET.sub("+", text[:64])
    if _NO_ZONE.fullmatch(text):
        text += "Z"
    try:
        return parse_time(_SHORT_ZONE.sub(r"\1:\2", text))
    except BadTime as fault:
        raise Unfit("time_invalid", "time", str(fault)) from None


# ------------------------------------------------------------ attributes


def _text(value: Any) -> Any:
    """As much of a text as is kept; a number as it is written."""
    if type(value) is str and len(value) < MAX_TEXT and value.isascii():
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = _written(value)
    if not isinstance(value, str):
        return value
    return value.strip()[: MAX_TEXT * 4].encode("utf-8", "replace").decode()[:MAX_TEXT]


def _written(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # thousands of digits
        return "inf"


def _kept(attributes: dict[str, Any], ignored: list[str]) -> dict[str, Scalar] | None:
    """As many of them as a ping may have, those first that were said first."""
    kept: dict[str, Scalar] = {}
    chars = 0
    for name, value in attributes.items():
        kind = type(value)
        if value is None or value == "":
            continue
        size = len(name) + (len(value) if kind is str else 8)
        if chars + size > MAX_ATTRIBUTE_CHARS or len(kept) == MAX_ATTRIBUTES or not _is_scalar(value):
            ignored.append(name)
            continue
        chars += size
        if kind is str and holds_key(value):
            ignored.append(name)
            continue
        if not name.isascii() or len(name) > MAX_TEXT:
            name = _text(name)
        kept[name] = value.encode("utf-8", "replace").decode() if kind is str and not value.isascii() else value
    return kept or None


def _is_scalar(value: Any) -> bool:
    """What JSON has one word for, and the store a place."""
    kind = type(value)
    if kind is float:
        return math.isfinite(value)
    return kind is str or kind is bool or (kind is int and -(2**63) <= value < 2**63)
