"""How recordings spell what we call vehicle, time, lat, lon, speed, heading: names, units, times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tracker.formats import Point, Reading, Unreadable
from tracker.times import FIRST, LAST

#: our field → how others call it, the surest name first; compared without case, spaces, dots and hyphens
NAMES: dict[str, tuple[str, ...]] = {
    "vehicle": (
        *("vehicle", "vehicle_id", "vehicleid", "veh", "veh_id", "track_id", "trackid", "device_id", "deviceid"),
        *("device", "imei", "unit_id", "unit", "bus_id", "taxi_id", "car_id", "truck_id", "tracker_id", "tracker"),
        *("entity_id", "asset_id", "asset", "object_id", "vehicle_name", "vehicle_no", "reg_no", "plate", "id", "name"),
    ),
    "time": (
        *("time", "timestamp", "datetime", "date_time", "fix_time", "fixtime", "gps_time", "gpstime", "device_time"),
        *("devicetime", "time_utc", "utc_time", "utc", "timestamp_utc", "recorded_at", "reported_at", "measured_at"),
        *("event_time", "position_time", "ts", "tst", "epoch", "unix_time", "unixtime", "unix", "tsi", "t", "when"),
        *("date",),
    ),
    "lat": ("lat", "latitude", "lat_deg", "gps_lat", "gps_latitude", "position_lat", "location_lat", "y"),
    "lon": (
        *("lon", "lng", "long", "longitude", "lon_deg", "gps_lon", "gps_lng", "gps_longitude", "position_long"),
        *("location_long", "location_lon", "location_lng", "x"),
    ),
    "heading": ("heading", "bearing", "course", "direction", "hdg", "cog", "azimuth", "track_deg", "gps_bearing"),
    "altitude_m": ("altitude_m", "altitude", "alt", "ele", "elevation", "height", "gps_altitude"),
    "accuracy_m": ("accuracy_m", "accuracy", "horizontal_accuracy", "h_accuracy", "hacc", "precision_m"),
    "ignition": ("ignition", "ign", "engine_on"),
    "battery_pct": ("battery_pct", "battery", "battery_level", "batt", "batt_pct", "battery_percent"),
    "odometer_m": ("odometer_m", "odometer", "odo"),
    "driver": ("driver", "driver_id", "driver_name"),
    "alarm": ("alarm",),
}

#: m/s in one of each unit a speed may be in
UNITS = {"mps": 1.0, "kmh": 1 / 3.6, "kn": 1852 / 3600, "mph": 0.44704}
_UNIT_WORDS = {
    **dict.fromkeys(("mps", "ms", "m_s", "mpers"), "mps"),
    **dict.fromkeys(("kmh", "kph", "km_h", "kmph", "kmhr"), "kmh"),
    **dict.fromkeys(("kn", "kt", "kts", "knots", "knot"), "kn"),
    **dict.fromkeys(("mph", "mi_h", "miles"), "mph"),
}
_SPEED_WORDS = ("speed", "velocity", "spd", "gps_speed", "ground_speed", "sog", "vehicle_speed")

#: what receivers say when they do not know: 255 mph (all eight bits set) and anything below 0
_ALL_BITS_MPS = 255 * 0.44704

_TIME = re.compile(
    r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)(?:[T\s]+(\d\d?):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_COMPACT = re.compile(r"(19|20)\d{6}(\d{6})?")  # 20150607 and 20150607120000 are dates, 1211018561 is not
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Naive(ValueError):
    """A time without a zone."""


def plain(name: str) -> str:
    """A column's name without case, units in brackets stay: `GPS Speed (km/h)` → `gps_speed_km_h`."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower().lstrip("\ufeff")).strip("_")


def speed_unit(name: str) -> str | None:
    """For the plain name of a speed column its unit, `""` when the name does not say; None: not a speed."""
    for word in sorted(_SPEED_WORDS, key=len, reverse=True):
        if name == word:
            return ""
        if name.startswith(word + "_") and (unit := _UNIT_WORDS.get(name[len(word) + 1 :])):
            return unit
    return None


def read_speed(value: Any, unit: str) -> Any:
    """m/s, None when the receiver says it does not know; what is no number stays as it is."""
    if not _is_number(value):
        return value
    mps = value * UNITS[unit]
    return None if mps < 0 or abs(mps - _ALL_BITS_MPS) < 0.01 else round(mps, 3)


def read_heading(value: Any) -> Any:
    """Degrees 0 … 360, None when the receiver says it does not know (negative, or 511 and the like)."""
    return value if not _is_number(value) or 0 <= value <= 360 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_number(text: str) -> float | str | None:
    """A number, the text itself when it is none (the gate says what is wrong with it), None without any text."""
    if not text:
        return None
    text = text.removesuffix("%")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.strip().replace(",", ".")) if text.count(",") == 1 and "." not in text else text
    except ValueError:
        return text


def read_value(text: str) -> str | int | float:
    """An attribute: a number where nothing is lost by it, else the text."""
    if text.isascii() and text.isdigit() and len(text) < 16 and (text == "0" or text[0] != "0"):
        return int(text)
    if "." in text:
        try:
            number = float(text)
        except ValueError:
            return text
        return number if repr(number) == text else text
    return text


def read_flag(text: str) -> bool | str:
    word = text.strip().lower()
    return True if word in ("1", "true", "on", "yes") else False if word in ("0", "false", "off", "no") else text


@lru_cache(maxsize=8)
def find_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unreadable(f"no time zone is called {name!r}; names look like Europe/Helsinki", usage=True) from None


def read_time(text: str, zone: str | None = None) -> int:
    """UTC ms of a time in one of the usual spellings, or seconds or milliseconds since 1970.

    Raises Naive when it has no zone and none is given, ValueError when it is no time.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text):
        number = float(text)
        if not abs(number) < 1e14:
            raise ValueError(f"{text[:40]} is no time")
        return round(number * 1000) if abs(number) < 1e11 else round(number)
    try:
        clock = datetime.fromisoformat(text)
    except ValueError:
        return _read_odd(text, zone)
    return _whole(clock, zone)


def _read_odd(text: str, zone: str | None) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    clock = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro)
    if offset is not None:
        if offset[0] not in "+-":
            clock = clock.replace(tzinfo=UTC)
        else:
            sign = -1 if offset[0] == "-" else 1
            minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
            return (clock.replace(tzinfo=UTC) - sign * timedelta(minutes=minutes) - _EPOCH) // _MS
    return _whole(clock, zone)


def _whole(clock: datetime, zone: str | None) -> int:
    if clock.tzinfo is None:
        if zone is None:
            raise Naive(f"the time {clock.isoformat(' ')} has no zone")
        clock = clock.replace(tzinfo=find_zone(zone))
    return (clock - _EPOCH) // _MS


class Clock:
    """Reads a source's times. What has no zone stops the reading when it is the first time of the file: then all
    are like that, and guessing would put a fleet hours away. A single one later on is left to the gate."""

    def __init__(self, name: str, zone: str | None) -> None:
        self.name = name
        self.zone = zone
        self.seen = False
        self.last: int | None = None  # a row whose time cannot be read stays with the row before it

    def read(self, text: str, line: int) -> int | None:
        """UTC ms, None when it cannot be read. Raises Unreadable."""
        try:
            time = read_time(text, self.zone)
        except Naive:
            if not self.seen:
                raise Unreadable(
                    f"{self.name}, line {line}: the time {text!r} has no zone. "
                    "Say where it was recorded, for example --zone Europe/Helsinki, or --zone UTC",
                    usage=True,
                ) from None
            return None
        except (ValueError, OverflowError):
            return None
        if not FIRST <= time <= LAST:
            return None
        self.seen = True
        self.last = time
        return time


def finished(position: dict[str, Any], text: str, clock: Clock, line: int) -> Point:
    """The position as a point; a time that cannot be read goes along for the gate to refuse."""
    time = clock.read(text, line)
    if time is None:
        position["time"] = text or None
        time = clock.last or 0
    return Point(time, position, line=line)


def position(vehicle: str, lat: Any, lon: Any, **fields: Any) -> dict[str, Any]:
    """A position as the API takes it, without what is not known; the time is added when it is sent."""
    known = {"vehicle": vehicle, "lat": lat, "lon": lon, **fields}
    return {name: value for name, value in known.items() if value is not None}


def from_object(item: dict[str, Any], reading: Reading, clock: Clock, line: int) -> Point:
    """A JSON object as a point. What the API knows stays untouched; other spellings are put into its words."""
    place = dict(item)
    for field, names in NAMES.items():
        if field not in place and (other := next((name for name in item if plain(name) in names), None)) in place:
            place[field] = place.pop(other)
    if isinstance(place.get("vehicle"), int):
        place["vehicle"] = str(place["vehicle"])
    place.setdefault("vehicle", reading.vehicle)
    if not {"speed_mps", "speed_kmh", "speed_kn"} & item.keys():
        for name in item:
            if name in place and (unit := speed_unit(plain(name))) is not None and isinstance(item[name], int | float):
                place["speed_mps"] = read_speed(place.pop(name), unit or reading.speed_unit)
                break
    time = place.pop("time", None)
    if isinstance(time, int | float) and not isinstance(time, bool):
        time = repr(time)
    if isinstance(time, str):
        return finished(place, time, clock, line)
    place["time"] = time  # absent, or of a type no time has
    return Point(clock.last or 0, place, line=line)
