"""Ping: one normalised position report, and the gate that nonsense does not pass."""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from typing import Any

import msgspec

from tracker.model.keys import holds_key
from tracker.problems import PROBLEMS
from tracker.times import FIRST, BadTime, NaiveTime, parse_time, rfc3339

Scalar = str | int | float | bool | None


class Ping(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What one vehicle said: where it was, or only (at NOWHERE) that it is there. `time` is the fix time, UTC ms.

    Values are rounded once, on the way in (lat/lon 1e-7°, speed 1 mm/s, the rest 0.01), to what the
    store keeps: so a ping read back decides exactly what it decided when it came.
    """

    vehicle: str
    time: int
    lat: float
    lon: float
    speed_mps: float | None = None
    heading: float | None = None  # degrees clockwise from north, 0 <= heading < 360
    altitude_m: float | None = None
    accuracy_m: float | None = None
    ignition: bool | None = None
    battery_pct: float | None = None
    odometer_m: float | None = None
    driver: str | None = None
    alarm: str | None = None
    attributes: dict[str, Scalar] | None = None


NOWHERE = (0.0, 0.0)  #: the place of a message without one; also what a receiver without a fix says


def has_place(ping: Ping) -> bool:
    """Without one it is a message all the same (an alarm, a heartbeat): stored, and heard, and it moves nobody."""
    return ping.lat != 0 or ping.lon != 0


def at_place_of(ping: Ping, known: Ping) -> Ping:
    return msgspec.structs.replace(ping, lat=known.lat, lon=known.lon)


AHEAD_MS = 60_000  #: a fix may be this far ahead of our clock
OLDEST = 946_684_800_000  #: 2000-01-01: a receiver without a date reports its own epoch
MAX_ID = 128  #: characters of a vehicle id
MAX_TEXT = 256  #: characters of `driver` and `alarm`
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_CHARS = 4096  #: of all attribute names and texts together

#: what one unit of each speed field is in m/s
SPEEDS = {"speed_mps": 1.0, "speed_kmh": 1 / 3.6, "speed_kn": 1852 / 3600}

#: lowest and highest value, and the steps of 1 it is rounded to
RANGES: dict[str, tuple[float, float, float]] = {
    "lat": (-90, 90, 1e7),
    "lon": (-180, 180, 1e7),
    "speed_mps": (0, 1000, 1e3),
    "heading": (0, 360, 1e2),
    "altitude_m": (-12_000, 100_000, 1e2),
    "accuracy_m": (0, 10_000_000, 1e2),
    "battery_pct": (0, 100, 1e2),
    "odometer_m": (0, 1e10, 1e2),
}

#: every code an item can be refused with, and what it means
CODES: dict[str, str] = {
    code: PROBLEMS[code].meaning
    for code in (
        *("not_an_object", "not_json", "line_too_long", "missing", "wrong_type", "not_finite", "vehicle_empty"),
        *("vehicle_too_long", "vehicle_invalid", "lat_out_of_range", "lon_out_of_range", "no_fix", "time_invalid"),
        *("time_without_zone", "time_in_future", "time_too_old", "two_speeds", "not_text", "text_too_long"),
        *("attribute_not_scalar", "attributes_too_large", "not_your_vehicle", "unknown_vehicle", "vehicle_refused"),
    )
}


class Unfit(ValueError):
    """One item cannot be a ping. `code` is one of CODES; `field` is None when it is the whole item."""

    def __init__(self, code: str, field: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control and format characters: two ids would look the same
_JOINERS = "\u200c\u200d"  # but Persian and some emoji are written with these


@lru_cache(maxsize=65_536)
def vehicle_id(text: str) -> str:
    """The id as we keep it: NFC, 1–128 characters, no control character, no `/`, no outer space. Raises Unfit.

    Cached because the same few thousand ids come with every batch.
    """
    if len(text) > 4 * MAX_ID:  # normalising can shorten a text, but not by more
        raise Unfit("vehicle_too_long", "vehicle", f"a vehicle id has at most {MAX_ID} characters, not {len(text)}")
    name = unicodedata.normalize("NFC", text)
    if not name:
        raise Unfit("vehicle_empty", "vehicle", "the vehicle id is empty")
    if len(name) > MAX_ID:
        raise Unfit("vehicle_too_long", "vehicle", f"a vehicle id has at most {MAX_ID} characters, not {len(name)}")
    if name != name.strip():
        raise Unfit("vehicle_invalid", "vehicle", f"the vehicle id {name!r} begins or ends with a space")
    if name in (".", ".."):
        raise Unfit("vehicle_invalid", "vehicle", f"a vehicle cannot be called {name!r}: no browser can address it")
    if holds_key(name):
        raise Unfit("vehicle_invalid", "vehicle", "that is a token, not the name of a vehicle: say which one it is")
    for char in name:
        if char == "/" or (unicodedata.category(char) in _UNSEEN and char not in _JOINERS):
            raise Unfit("vehicle_invalid", "vehicle", f"a vehicle id cannot contain {char!r}")
    return name


@lru_cache(maxsize=65_536)
def vehicle_of(name: str) -> str:
    """What somebody calls a vehicle, as an id: on one line, no sign that cannot be seen, no `/`, at most 128
    characters; "" when nothing is left of it."""
    line = unicodedata.normalize("NFC", " ".join(name[: 8 * MAX_ID].split()))
    seen = "".join(char for char in line if unicodedata.category(char) not in _UNSEEN or char in _JOINERS)
    return "" if holds_key(seen) else seen.replace("/", "-")[:MAX_ID].strip()


def read_ping(item: Any, now: int, ignored: list[str] | None = None, *, nowhere: bool = False) -> Ping:
    """One decoded JSON item as a Ping; `now` (UTC ms) bounds its time. Raises Unfit for the first fault.

    `nowhere`: it may be without a place, as a heartbeat is.
    An optional number that cannot be right costs only itself: its name goes to `ignored`. Unknown scalar fields
    become attributes. This is the careful path, one item at a time;
    tracker.protocols.native has the fast one, which gives up to this one at any doubt.
    """
    if type(item) is not dict:
        raise Unfit("not_an_object", None, f"a position is a JSON object, not {_kind(item)}")
    fields = {name: value for name, value in item.items() if value is not None}
    for name in ("vehicle", "time", "lat", "lon"):
        if name not in fields:
            raise Unfit("missing", name, f"`{name}` is missing")
    ignored = [] if ignored is None else ignored
    vehicle = vehicle_id(_text("vehicle", fields.pop("vehicle"), MAX_ID * 8))
    time = _time(fields.pop("time"), now)
    lat, lon = read_number("lat", fields.pop("lat")), read_number("lon", fields.pop("lon"))
    ping = Ping(
        vehicle=vehicle,
        time=time,
        lat=lat,
        lon=lon,
        speed_mps=_speed(fields, ignored),
        heading=_heading(fields, ignored),
        altitude_m=_optional("altitude_m", fields, ignored),
        accuracy_m=_optional("accuracy_m", fields, ignored) or None,  # 0: not known
        ignition=_flag("ignition", fields),
        battery_pct=_optional("battery_pct", fields, ignored),
        odometer_m=_optional("odometer_m", fields, ignored),
        driver=_words("driver", fields, ignored),
        alarm=_words("alarm", fields, ignored),
        attributes=_attributes(fields, ignored),
    )
    if not has_place(ping) and ping.alarm is None and not nowhere:
        raise Unfit("no_fix", "lat", "(0, 0) is what a receiver without a fix says; send nothing instead")
    return ping


def check_time(time: int, now: int) -> int:
    """`time` itself when a fix may have it, seen at `now` (both UTC ms). Raises Unfit."""
    if time > now + AHEAD_MS:
        raise Unfit("time_in_future", "time", f"the time is {(time - now) // 1000} s ahead of the server's clock")
    if time < OLDEST:
        shown = rfc3339(time) if time >= FIRST else str(time)
        raise Unfit("time_too_old", "time", f"the time {shown} is before the year 2000")
    return time


def check_attributes(attributes: dict[str, Any], ignored: list[str] | None = None) -> dict[str, Scalar] | None:
    """The attributes that have a value, or None without any. Raises Unfit.

    What is left out is named in `ignored`, where there is one: a number that is none (NaN, infinite, over 64 bits), and
    a token of ours.
    """
    kept: dict[str, Scalar] = {}
    chars = 0
    for name, value in attributes.items():
        if value is None:
            continue
        if isinstance(value, dict | list):
            raise Unfit("attribute_not_scalar", name, f"the attribute `{_cut(name)}` is {_kind(value)}, not one value")
        if _is_no_number(value):
            if ignored is None:
                raise Unfit("not_finite", name, f"the attribute `{_cut(name)}` is not a finite number of 64 bits")
            ignored.append(name)
            continue
        if not _is_text(name) or (isinstance(value, str) and not _is_text(value)):
            raise Unfit("not_text", "attributes", "an attribute has half a surrogate pair in it, which is no character")
        if isinstance(value, str) and holds_key(value):
            if ignored is None:
                raise Unfit("not_text", name, f"the attribute `{_cut(name)}` is a token")
            ignored.append(name)
            continue
        chars += len(name) + (len(value) if isinstance(value, str) else 8)
        kept[name] = value
    if len(kept) > MAX_ATTRIBUTES:
        raise Unfit("attributes_too_large", "attributes", f"a position has at most {MAX_ATTRIBUTES} attributes")
    if chars > MAX_ATTRIBUTE_CHARS:
        raise Unfit("attributes_too_large", "attributes", f"attributes take at most {MAX_ATTRIBUTE_CHARS} characters")
    return kept or None


def _time(value: Any, now: int) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit("wrong_type", "time", f"`time` is an RFC 3339 text or a number, not {_kind(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfit("not_finite", "time", "`time` is not a finite number")
    try:
        return check_time(parse_time(value), now)
    except NaiveTime as fault:
        raise Unfit("time_without_zone", "time", str(fault)) from None
    except BadTime as fault:
        raise Unfit("time_invalid", "time", str(fault)) from None


def read_number(name: str, value: Any, unit: float = 1.0, limits: str = "") -> float:
    """A finite number within its range, in SI units, rounded to what the store keeps. Raises Unfit."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("wrong_type", name, f"`{name}` is a number, not {_kind(value)}")
    low, high, steps = RANGES[limits or name]
    try:
        number = value * unit
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Unfit("not_finite", name, f"`{name}` is not a finite number")
    if not low <= number <= high:
        raise Unfit(
            f"{name.partition('_')[0]}_out_of_range",
            name,
            f"`{name}` is {value:.10g}, which is not within {low / unit:.10g} … {high / unit:.10g}",
        )
    return round(number * steps) / steps


def _optional(
    name: str, fields: dict[str, Any], ignored: list[str], unit: float = 1.0, limits: str = ""
) -> float | None:
    """None, and its name in `ignored`, when the number cannot be right: what a receiver sends that does not know."""
    value = fields.pop(name, None)
    if value is None:
        return None
    try:
        return read_number(name, value, unit, limits)
    except Unfit as fault:
        if fault.code == "wrong_type":
            raise
        ignored.append(name)
        return None


def _speed(fields: dict[str, Any], ignored: list[str]) -> float | None:
    given = [name for name in SPEEDS if name in fields]
    if not given:
        return None
    if len(given) > 1:
        raise Unfit("two_speeds", given[1], f"send one speed, not {' and '.join(given)}")
    name = given[0]
    return _optional(name, fields, ignored, SPEEDS[name], "speed_mps")


def _heading(fields: dict[str, Any], ignored: list[str]) -> float | None:
    heading = _optional("heading", fields, ignored)
    return 0.0 if heading == 360 else heading


def _flag(name: str, fields: dict[str, Any]) -> bool | None:
    value = fields.pop(name, None)
    if value is None or isinstance(value, bool):
        return value
    raise Unfit("wrong_type", name, f"`{name}` is true or false, not {_kind(value)}")


def _words(name: str, fields: dict[str, Any], ignored: list[str]) -> str | None:
    value = fields.pop(name, None)
    text = None if value is None else _text(name, value, MAX_TEXT) or None
    if text and holds_key(text):
        ignored.append(name)
        return None
    return text


def _text(name: str, value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise Unfit("wrong_type", name, f"`{name}` is a text, not {_kind(value)}")
    if len(value) > limit:
        code = "vehicle_too_long" if name == "vehicle" else "text_too_long"
        raise Unfit(code, name, f"`{name}` has {len(value)} characters, which is too many")
    if not _is_text(value):
        raise Unfit("not_text", name, f"`{name}` has half a surrogate pair in it, which is no character")
    return value


def _is_text(value: str) -> bool:
    """False for what JSON can escape and UTF-8 cannot carry: a lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_no_number(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return type(value) is int and not -(2**63) <= value < 2**63


def _attributes(fields: dict[str, Any], ignored: list[str]) -> dict[str, Scalar] | None:
    """`attributes`, and whatever else is left over."""
    given = fields.pop("attributes", None)
    if given is None:
        return check_attributes(fields, ignored) if fields else None
    if not isinstance(given, dict):
        raise Unfit("wrong_type", "attributes", f"`attributes` is an object, not {_kind(given)}")
    return check_attributes(fields | given, ignored)


def _kind(value: Any) -> str:
    """What JSON calls it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for kind, name in ((int | float, "a number"), (str, "a text"), (list, "an array")):
        if isinstance(value, kind):
            return name
    return "an object"


def _cut(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"
