"""What phones and gateways say, under our names, as a Ping. They read no errors and cannot be asked again: an optional
value that cannot be right is left out, a clock whose fault is known is put right, and only what says neither who nor
anything to keep is refused."""

from __future__ import annotations

import math
import re
from typing import Any

from tracker.model.ping import AHEAD_MS, MAX_ATTRIBUTE_CHARS, MAX_ATTRIBUTES, MAX_TEXT, OLDEST, Ping, Unfit, read_ping
from tracker.times import BadTime, parse_time

#: what is wrong with a clock → ms that put it right
REPAIRS = {
    "week_rollover": 619_315_200_000,  # the week number of GPS has 10 bits: an old receiver is 1,024 weeks behind
    "epoch_2001": 978_307_200_000,  # Apple counts from 2001
}
NO_PHONE = (
    1_420_070_400_000  #: 2015: before, no app counted from the wrong epoch, and a receiver without a date is 1980
)
ROLLED = REPAIRS["week_rollover"]

#: numbers that one may leave out; of those in _UNSIGNED below 0 is how a client says that it does not know
_OPTIONAL = ("speed_mps", "heading", "altitude_m", "accuracy_m", "battery_pct", "odometer_m")
_UNSIGNED = frozenset({"speed_mps", "heading", "accuracy_m", "battery_pct", "odometer_m"})
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def read_heard(said: dict[str, Any], now: int, ignored: list[str]) -> tuple[Ping, str]:
    """A ping of `vehicle`, `time`, `lat`, `lon`, `speed_mps`, …, `attributes`; and what ailed its clock, or "".

    Numbers and flags may be texts. Without a time it is now; without `lat` and `lon` it is a heartbeat, or an alarm
    without a fix. Raises Unfit.
    """
    item = {name: value for name, value in said.items() if value is not None and value != ""}
    attributes: dict[str, Any] = item.pop("attributes", None) or {}
    item["time"], repair = read_time(item.get("time", now), now)
    if repair:
        attributes = attributes | {"time_repaired": repair, "time_said": said["time"]}
    nowhere = "lat" not in item and "lon" not in item
    for name in ("lat", "lon"):
        if nowhere:
            item[name] = 0.0
        elif isinstance(value := item.get(name), str):
            item[name] = number(value)
            if item[name] is None:
                raise Unfit("wrong_type", name, f"`{name}` is a number, not {value[:40]!r}")
    for name in _OPTIONAL:
        if name in item:
            value = number(item[name])
            item[name] = None if value is None or (value < 0 and name in _UNSIGNED) else value
            if value is None:
                ignored.append(name)
    if (heading := item.get("heading")) is not None and 360 < heading <= 720:
        item["heading"] = heading - 360
    if "ignition" in item:
        item["ignition"] = flag(item["ignition"])
    if "vehicle" in item:
        item["vehicle"] = _text(item["vehicle"])
    for name in ("driver", "alarm"):
        if name in item:
            item[name] = text = _text(item[name])
            if not isinstance(text, str):
                item[name] = name if text is True else None  # alarm: true
                ignored += [] if isinstance(text, bool) else [name]
    if attributes:
        item["attributes"] = _kept(attributes, ignored)
    return read_ping(item, now, ignored, nowhere=nowhere), repair


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
        return value if math.isfinite(value) else None
    except (OverflowError, TypeError):
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
        if (count := number(value)) is None:
            return _rolled(_read_text(value), now)
        value = count
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e20:
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
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return value
    return _plain(value.strip()[:MAX_TEXT])


def _plain(text: str) -> str:
    """Without halves of surrogate pairs."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _kept(attributes: dict[str, Any], ignored: list[str]) -> dict[str, Any]:
    """As many of them as a ping may have, those first that were said first."""
    kept: dict[str, Any] = {}
    chars = 0
    for name, value in attributes.items():
        if value is None or value == "":
            continue
        chars += len(name) + (len(value) if isinstance(value, str) else 8)
        if len(kept) == MAX_ATTRIBUTES or chars > MAX_ATTRIBUTE_CHARS or isinstance(value, dict | list):
            ignored.append(name)
            continue
        kept[_plain(name)] = _plain(value) if isinstance(value, str) else value
    return kept
