"""OsmAnd's way: a fix a request, in the address, a form or JSON. What Traccar Client, the OsmAnd app, GPSLogger, Locus,
OpenGTS clients and whatever can ask for a URL speak, each by names of its own: all of them are understood.

    GET /?id=van-7&lat=60.17&lon=24.94&timestamp=1795424400&speed=12.3&batt=80
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from tracker.errors import BadRequest, TooLarge
from tracker.model.keys import is_secret
from tracker.model.ping import Unfit
from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.forms import form_fields, names_of, query_fields
from tracker.protocols.gprmc import read_gprmc
from tracker.protocols.heard import SPEED_UNITS, battery, flag, number, scalar, speed
from tracker.protocols.items import BLANK
from tracker.protocols.native import read_document
from tracker.protocols.who import name_of, whose

MOST_POINTS = 10_000  #: of one body
MOST_LOOKED_UP = 2048  #: characters of all names together

#: what we call it ← what clients do (case aside), the surest first
NAMES = {
    "vehicle": ("id", "uniqueid", "deviceid", "device_id", "dev", "imei", "aid", "uid", "tid", "vehicle", "device"),
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
#: options of an address; these are no attributes, and secrets are none
_NO_ATTRIBUTES = frozenset({"speed_unit", "app", "_"})
_NO_NUMBERS = frozenset(
    {"nan", "-nan", "inf", "-inf", "none", "undefined"}
)  #: how programs write what they do not know
_NUMBERS = frozenset({"heading", "altitude_m", "accuracy_m", "odometer_m"})
APPS = {"osmand": "mps", "gpslogger": "mps", "locus": "mps", "traccar": "kn"}  #: what each means by `speed`
PANIC = "0xf841"  #: the code of OpenGTS that is an alarm; the others are ways to say where one is


def read(payload: Payload, now: int) -> Reading:
    reading = Reading(reply=Reply())
    query = query_fields(payload)
    body = payload.body.strip(BLANK)
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
    if method != "GET":
        return method in ("POST", "PUT")
    names = names_of(query)
    return not names.isdisjoint(_WHO) and not names.isdisjoint(_WHAT)


_WHO = frozenset({"id", "deviceid"})
_WHAT = frozenset({"lat", "latitude", "location", "gprmc", "timestamp", "alarm"})


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


class _Names(NamedTuple):
    """What the names of one request mean."""

    #: ours ← theirs, as it is written and in lower case, the surest first
    known: list[tuple[str, list[tuple[str, str]]]]
    others: list[str]


def _look_up(keys: tuple[str, ...]) -> _Names:
    known: dict[str, list[tuple[int, str, str]]] = {}
    others = []
    for key in keys:
        low = key.lower()
        if low in _RANKED:
            name, rank = _RANKED[low]
            known.setdefault(name, []).append((rank, key, low))
        elif low not in _NO_ATTRIBUTES and not is_secret(low):
            others.append(key)
    return _Names([(name, [said[1:] for said in sorted(ways)]) for name, ways in known.items()], others)


_looked_up = lru_cache(maxsize=256)(_look_up)  # an app says the same names again and again


def _take(reading: Reading, payload: Payload, fields: dict[str, Any], now: int) -> None:
    try:
        said = _said(payload, fields)
    except Unfit as fault:
        reading.items += 1
        reading.reject(reading.items - 1, fault)
        return
    if not said.get("vehicle"):
        raise BadRequest("no_vehicle", "there is no `id` in it: set one in the app, or use a token of one vehicle")
    reading.hear(said, now)


def _said(payload: Payload, fields: dict[str, Any]) -> dict[str, Any]:
    """Under our names; of several aliases of one thing the surest. Raises Unfit."""
    keys = tuple(fields)
    known, others = (_looked_up if sum(map(len, keys)) < MOST_LOOKED_UP else _look_up)(keys)
    if not known:
        raise BadRequest("not_positions", "nothing in it is known: send id, lat, lon and timestamp")
    said: dict[str, Any] = {}
    by: dict[str, str] = {}  # which of its names it had
    attributes: dict[str, Any] = {}
    for name, ways in known:
        for key, low in ways:
            value = fields[key]
            if value is None or value == "" or value == "null":
                continue
            if name in _NUMBERS:
                count = number(value)
                if count is None:
                    if str(value).lower() not in _NO_NUMBERS:
                        attributes[key] = value
                    continue
                value = count
            said[name], by[name] = value, low
            break
    for key in others:
        value = fields[key]
        if value is not None and value != "" and value != "null":
            attributes[key] = scalar(value) if isinstance(value, str) else value
    if "place" in said or "gprmc" in said or "valid" in said:
        _place(said)
    own = name_of(said.get("vehicle"))
    if vehicle := whose(payload) or own:
        said["vehicle"] = vehicle
        if own not in ("", vehicle):
            attributes["device"] = own
    if (
        "battery_pct" in said and 0 < (level := number(said["battery_pct"]) or 0) < 1
    ):  # nobody tells of parts of a percent
        said["battery_pct"] = level * 100
    if "speed" in said:
        _speed(said, by["speed"], fields, payload)
    if "accuracy_m" not in said and "hdop" in attributes and _app(fields, payload) == "osmand":
        said["accuracy_m"] = attributes.pop("hdop")
    if by.get("heading") == "dir" or by.get("speed") == "spd":
        _forget_zeros(said)
    if "charging" in said:
        attributes["charging"] = flag(said.pop("charging"))
    elif attributes.get("bs") in (2, 3):
        attributes["charging"] = True
    if "motion" in said:
        attributes["motion"] = flag(said.pop("motion"))
    if "code" in attributes and str(attributes["code"]).lower() == PANIC:
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
    if "valid" in said and flag(said.pop("valid")) is False:
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
