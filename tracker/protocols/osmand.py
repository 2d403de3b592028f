"""OsmAnd's way: a fix a request, in the address, a form or JSON. What Traccar Client, the OsmAnd app, GPSLogger, Locus,
OpenGTS clients and whatever can ask for a URL speak, each by names of its own: all of them are understood.

    GET /?id=van-7&lat=60.17&lon=24.94&timestamp=1795424400&speed=12.3&batt=80
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.errors import BadRequest, TooLarge
from tracker.model.ping import Unfit
from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.forms import form_fields, query_fields
from tracker.protocols.gprmc import read_gprmc
from tracker.protocols.heard import SPEED_UNITS, battery, flag, number, scalar, speed
from tracker.protocols.native import read_document
from tracker.protocols.who import name_of, whose

MOST_POINTS = 10_000  #: of one body

#: what we call it ← what clients do (case aside), the surest first
NAMES = {
    "vehicle": ("id", "deviceid", "device_id", "dev", "uniqueid", "imei", "aid", "uid", "tid", "vehicle"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "long", "longitude"),
    "time": ("timestamp", "tst", "time", "timeoffset", "fixtime", "ts", "tsi", "datetime", "utc"),
    "heading": ("bearing", "heading", "course", "cog", "dir", "hdg", "track", "direction"),
    "altitude_m": ("altitude", "alt", "elevation", "ele", "altitude_m"),
    "accuracy_m": ("accuracy", "acc", "hacc", "horizontal_accuracy", "gps_accuracy", "accuracy_m"),
    "battery_pct": ("batt", "battery", "bat", "battery_level", "batterylevel", "battery_pct"),
    "ignition": ("ignition", "ign", "acc_on"),
    "odometer_m": ("odometer", "odometer_m"),
    "driver": ("driveruniqueid", "driver"),
    "alarm": ("alarm",),
    "speed": ("speed_mps", "spd", "speed_kmh", "spd_kph", "vel", "speed_kn", "spd_kn", "speed"),
    "place": ("location", "gps"),
    "gprmc": ("gprmc",),
    "valid": ("valid",),
    "charging": ("charging", "charge", "is_charging", "ischarging"),
    "motion": ("motion", "is_moving"),
}
_RANKED = {alias: (name, rank) for name, aliases in NAMES.items() for rank, alias in enumerate(aliases)}
#: what is no speed as this client understands it
_SPEEDS = {"spd": "mps", "spd_kph": "kmh", "vel": "kmh", "spd_kn": "kn"}
_SPEEDS |= {"speed_mps": "mps", "speed_kmh": "kmh", "speed_kn": "kn"}
#: options of an address, and secrets: no attributes
_NO_ATTRIBUTES = frozenset({"speed_unit", "app", "token", "api_key", "ticket", "notificationtoken", "accesstoken", "_"})
_NO_NUMBERS = frozenset(
    {"nan", "-nan", "inf", "-inf", "none", "undefined"}
)  #: how programs write what they do not know
_NUMBERS = frozenset({"heading", "altitude_m", "accuracy_m", "odometer_m"})
APPS = {"osmand": "mps", "gpslogger": "mps", "locus": "mps", "traccar": "kn"}  #: what each means by `speed`
PANIC = "0xF841"  #: the code of OpenGTS that is an alarm; the others are ways to say where one is


def read(payload: Payload, now: int) -> Reading:
    reading = Reading(reply=Reply())
    query = query_fields(payload)
    body = payload.body.strip()
    if body[:1] in (b"{", b"["):
        points = _points(read_document(body))
        if len(points) > MOST_POINTS:
            raise TooLarge("too_many_items", f"a body has at most {MOST_POINTS} points")
        for point in points:
            if isinstance(point, dict):
                _take(reading, payload, query | point, now)
            else:
                reading.items += 1
                reading.reject(reading.items - 1, Unfit("not_an_object", None, "a point is a JSON object"))
        return reading
    fields: dict[str, Any] = form_fields(payload) | query if body else query
    if not fields:
        raise BadRequest("empty", "send id, lat and lon, in the address, as a form or as JSON")
    _take(reading, payload, fields, now)
    return reading


def claims(method: str, query: str) -> bool:
    """Of `/`, where the page is too: a GET that says who and what; other methods are never the page's."""
    return method in ("POST", "PUT") or (method == "GET" and bool(_WHO.search(query) and _WHAT.search(query)))


_WHO = re.compile(r"(?:^|&)(?:id|deviceid)=", re.IGNORECASE)
_WHAT = re.compile(r"(?:^|&)(?:lat|latitude|location|gprmc|timestamp|alarm)=", re.IGNORECASE)


def _points(document: Any) -> list[Any]:
    """Flat objects of one document: one, an array of them, or as Traccar Client nests them."""
    if isinstance(document, list):
        return [_flat(one) for one in document]
    if isinstance(document, dict) and isinstance(many := document.get("location"), list) and _are_objects(many):
        return [_flat(document | {"location": one}) for one in many]
    return [_flat(document)]


def _are_objects(many: list[Any]) -> bool:
    return all(isinstance(one, dict) for one in many)


def _flat(document: Any) -> Any:
    """Of Traccar Client 9 what it nests, under the names it has in an address; its speed is m/s, its battery 0–1."""
    if not isinstance(document, dict) or not isinstance(location := document.get("location"), dict):
        return document
    beside = {name: document[name] for name in ("battery", "activity") if isinstance(document.get(name), dict)}
    flat = {name: value for name, value in document.items() if name != "location" and name not in beside}
    for name, value in (beside | location).items():  # Dawarich's clients leave them outside
        inner: Mapping[str, Any] = value if isinstance(value, dict) else {}
        if name in ("coords", "extras"):
            flat |= inner
        elif name == "battery":
            level = number(inner.get("level"))
            flat |= {"battery": None if level is None or level < 0 else battery(level, fraction=True)}
            flat |= {"charging": inner.get("is_charging")}
        elif name == "activity":
            flat["activity"] = inner.get("type")
        else:
            flat[name] = value
    if "speed" in flat:
        flat["speed_mps"] = flat.pop("speed")
    return flat


def _take(reading: Reading, payload: Payload, fields: dict[str, Any], now: int) -> None:
    try:
        said = _said(payload, fields)
    except Unfit as fault:
        reading.items += 1
        reading.reject(reading.items - 1, fault)
        return
    if not _RANKED.keys() & {key.lower() for key in fields}:
        raise BadRequest("not_positions", "nothing in it is known: send id, lat, lon and timestamp")
    if not said.get("vehicle"):
        raise BadRequest("no_vehicle", "there is no `id` in it: set one in the app, or use a token of one vehicle")
    reading.hear(said, now)


def _said(payload: Payload, fields: dict[str, Any]) -> dict[str, Any]:
    """Under our names; of several aliases of one thing the surest. Raises Unfit."""
    said: dict[str, Any] = {}
    ranks: dict[str, tuple[int, str]] = {}
    attributes: dict[str, Any] = {}
    for key, value in fields.items():
        if value is None or value == "" or value == "null":
            continue
        low = key.lower()
        name, rank = _RANKED.get(low, ("", 0))
        if name in _NUMBERS and number(value) is None:
            if str(value).lower() in _NO_NUMBERS:
                continue
            name = ""
        if name and (name not in ranks or rank < ranks[name][0]):
            ranks[name] = rank, low
            said[name] = value
        elif not name and low not in _NO_ATTRIBUTES:
            attributes[key] = scalar(value) if isinstance(value, str) else value
    _place(said)
    own = name_of(said.get("vehicle"))
    if vehicle := whose(payload, own):
        said["vehicle"] = vehicle
        if own not in ("", vehicle):
            attributes["device"] = own
    if 0 < (level := number(said.get("battery_pct")) or 0) < 1:  # nothing tells of less than a percent
        said["battery_pct"] = level * 100
    if "speed" in said:
        _speed(said, ranks["speed"][1], fields, payload)
    if "accuracy_m" not in said and "hdop" in attributes and _app(fields, payload) == "osmand":
        said["accuracy_m"] = attributes.pop("hdop")
    if "dir" in ranks.get("heading", ()) or "spd" in ranks.get("speed", ()):
        _forget_zeros(said)
    if (charging := said.pop("charging", fields.get("bs", 0) in (2, 3, "2", "3") or None)) is not None:
        attributes["charging"] = flag(charging)
    if (motion := said.pop("motion", None)) is not None:
        attributes["motion"] = flag(motion)
    if str(attributes.get("code")).lower() == PANIC.lower():
        said.setdefault("alarm", "panic")
    if "alarm" in said and (is_one := flag(said["alarm"])) is not None:
        said["alarm"] = "alarm" if is_one else None
    said["attributes"] = attributes
    return said


def _place(said: dict[str, Any]) -> None:
    """From whichever way the place was given; without one where the receiver says that it has none."""
    place = said.pop("place", None)
    if sentence := said.pop("gprmc", None):
        for name, value in read_gprmc(str(sentence)).items():
            if name != "speed_mps":
                said.setdefault(name, value)
            elif "speed" not in said:
                said[name] = value
    elif place is not None and "lat" not in said:
        pair = place.strip("[] ").split(",") if isinstance(place, str) else place
        if isinstance(pair, list) and len(pair) >= 2:
            said["lat"], said["lon"] = pair[0], pair[1]
    if flag(said.pop("valid", True)) is False:
        said.pop("lat", None)
        said.pop("lon", None)


def _app(fields: Mapping[str, Any], payload: Payload) -> str:
    """Which app it is, where the address or the app itself says so."""
    if (named := str(fields.get("app", "")).lower()) in APPS:
        return named
    if payload.header(b"user-agent").lower().startswith("osmand"):
        return "osmand"
    # its example has milliseconds, and the accuracy as `hdop`: no other client of these names has both
    return "osmand" if "hdop" in fields and "accuracy" not in fields and len(str(fields.get("timestamp"))) == 13 else ""


def _speed(said: dict[str, Any], key: str, fields: Mapping[str, Any], payload: Payload) -> None:
    unit = _SPEEDS.get(key)
    if unit is None:
        unit = str(fields.get("speed_unit") or payload.options(str(said.get("vehicle"))).get("speed_unit") or "")
        unit = unit.lower() or APPS.get(_app(fields, payload), "kn")
    value = said.pop("speed")
    said["speed_mps"] = speed(value, unit) if unit in SPEED_UNITS else None


def _forget_zeros(said: dict[str, Any]) -> None:
    """GPSLogger says 0.0 for all it does not know: where nothing is known, and of who stands still no heading."""
    known = [name for name in ("speed_mps", "heading", "altitude_m") if number(said.get(name))]
    if not known:
        said |= {"speed_mps": None, "heading": None, "altitude_m": None}
    elif number(said.get("heading")) == 0 and not number(said.get("speed_mps")):
        said["heading"] = None
    if number(said.get("altitude_m")) == 0:
        said["altitude_m"] = None


SPOKEN = (
    Spoken(
        "osmand",
        ("/", "/gprmc/Data"),
        read=read,
        methods=("GET", "POST", "PUT"),
        claims=claims,
    ),
)
