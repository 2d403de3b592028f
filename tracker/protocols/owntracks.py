"""OwnTracks over HTTP: one JSON message a request, its kind in `_type`; trackers behind qtripp speak it too.

The app keeps what is not answered 2xx at the head of its queue and sends nothing else before it, so whatever can be
read at all is answered with a JSON array, even where nothing of it is kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tracker.errors import BadRequest
from tracker.model.ping import has_place, vehicle_of
from tracker.protocols import Others, Outcome, Payload, Reading, Reply, Spoken
from tracker.protocols.forms import query_fields
from tracker.protocols.friends import answer
from tracker.protocols.heard import flag, number, speed
from tracker.protocols.native import read_document
from tracker.protocols.pieces import check_weight
from tracker.protocols.who import check_named, whose

#: the register attribute with the passphrase of an app that encrypts
SECRET = "owntracks_secret"
MAX_MESSAGES = 1000  #: of one request; the app sends one

#: what the app says that it is there by, without a place; the time of a last will is that of its connection
_BEATS = ("lwt", "status")
_NOTHING_NEW = Reply(b"[]", "application/json")
_TOPICS = ("/event", "/waypoint", "/waypoints", "/info", "/status", "/cmd", "/dump", "/step", "/beacon", "/request")

#: why a tracker reports → the alarm it is
_ALARMS = {"9": "lowBattery", "!": "tow", "s": "overspeed"}
_HARSH = {0: "hardBraking", 3: "hardBraking", 1: "hardAcceleration", 4: "hardAcceleration"}
_HARSH |= {2: "hardCornering", 5: "hardCornering"}
_TRACKERS = frozenset({"imei", "vin", "uext", "ubatt", "ign", "rpm"})  # no phone says these
_IGNITION = {"i": True, "I": False}

#: no attributes: fields of ours, ids, pictures, and what tells where the driver lives
_APART = frozenset({"_type", "_id", "_http", "lat", "lon", "tst", "vel", "cog", "alt", "acc", "batt", "bs", "ign"})
_APART |= {"odometer", "topic", "tid", "created_at", "sent", "wtst", "face", "image", "imagename", "inrids"}
_APART |= {"SSID", "BSSID", "event", "desc", "rid"}


def read(payload: Payload, now: int) -> Reading:
    reading = Reading(reply=_NOTHING_NEW)
    body = payload.body.strip()
    if not body:  # a friend is cleared
        return reading
    check_weight(body)
    document = read_document(body)
    messages = document if isinstance(document, list) else [document]
    for message in messages[:MAX_MESSAGES]:
        _take(reading, message, payload, now)
    for _ in messages[MAX_MESSAGES:]:
        reading.discard()
    if payload.others is not None and any(map(has_place, reading.pings)):
        reading.reply = partial(_told, payload.others, reading.pings[-1].vehicle)
    check_named(reading, "set the username and the device id in the app")
    return reading


def _told(others: Callable[[str], Others], vehicle: str, _outcome: Outcome) -> Reply:
    return answer(others(vehicle))


def _take(reading: Reading, message: Any, payload: Payload, now: int) -> None:
    if isinstance(message, dict) and message.get("_type") == "encrypted":
        message = _opened(message, payload)
    kind = message.get("_type") if isinstance(message, dict) else None
    if kind in _BEATS and (vehicle := _sender(message, payload)):
        reading.hear({"vehicle": vehicle, "time": now, "battery_pct": message.get("batt")}, now)
        return
    if kind not in ("location", "transition"):
        reading.discard()
        return
    said = in_our_words(message)
    said["vehicle"] = _sender(message, payload)
    if kind == "transition":
        said["attributes"] |= {"transition": message.get("event"), "waypoint": message.get("desc")}
    reading.hear(said, now)


def in_our_words(message: Mapping[str, Any]) -> dict[str, Any]:
    """A location or a transition under our names."""
    trigger = message.get("t")
    ignition, odometer = flag(message.get("ign")), number(message.get("odometer"))
    return {
        "time": message.get("tst"),
        "lat": message.get("lat"),
        "lon": message.get("lon"),
        "speed_mps": speed(message.get("vel"), "kmh"),
        "heading": message.get("cog"),
        "altitude_m": message.get("alt"),
        "accuracy_m": message.get("acc"),
        "battery_pct": message.get("batt"),
        "ignition": _IGNITION.get(trigger) if ignition is None and isinstance(trigger, str) else ignition,
        "odometer_m": None if odometer is None else odometer * 1000,
        "alarm": _alarm(trigger, message),
        "attributes": _attributes(message),
    }


def name_in(topic: Any, tid: Any) -> str:
    """A vehicle as its topic names it (owntracks/jane/phone → jane-phone), else as the two letters on its marker."""
    if isinstance(topic, str):
        name = topic.removeprefix("owntracks/")
        for ending in _TOPICS:
            name = name.removesuffix(ending)
        if found := vehicle_of(name):
            return found
    return vehicle_of(str(tid)) if isinstance(tid, str | int) else ""


def _alarm(trigger: Any, message: Mapping[str, Any]) -> str | None:
    if trigger == "h":
        kind = number(message.get("rty"))
        return "hardDriving" if kind is None else _HARSH.get(int(kind), "hardDriving")
    if trigger == "e" and not _TRACKERS.isdisjoint(message):
        return "powerCut"
    return _ALARMS.get(trigger) if isinstance(trigger, str) else None


def _attributes(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in message.items() if name not in _APART}
    for name, value in kept.items():
        if isinstance(value, list):  # inregions, motionactivities
            kept[name] = ", ".join(one for one in value if isinstance(one, str))
    if (status := message.get("bs")) in (1, 2, 3):
        kept["charging"] = status != 1
    return kept


def _sender(message: Mapping[str, Any], payload: Payload) -> str:
    """Who it is, the surest first: the only vehicle of a token, the path, the topic, what the app says beside it."""
    if sure := whose(payload):
        return sure
    topic = message.get("topic")
    if isinstance(topic, str) and topic:
        return name_in(topic, message.get("tid"))
    query = query_fields(payload)
    said = [query.get("u", ""), query.get("d", "")]
    if not any(said):
        said = [payload.header(b"x-limit-u"), payload.header(b"x-limit-d")]
    if not any(said):
        user = _user(payload.header(b"authorization"))
        said = [user, str(message.get("tid") or "")] if user else []
    return vehicle_of("-".join(one for one in said if one)) or name_in(None, message.get("tid"))


def _user(authorization: str) -> str:
    """The name that Basic gives, unless it is the secret."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return user if password else ""


def _opened(message: Mapping[str, Any], payload: Payload) -> Any:
    """What is in an encrypted message. Raises BadRequest where it stays shut: the app keeps it until that is mended."""
    vehicle = _sender(message, payload)
    secret = payload.options(vehicle).get(SECRET)
    if not isinstance(secret, str) or not secret:
        raise BadRequest(
            "encrypted",
            f"this app encrypts, and the register has no attribute {SECRET} for {vehicle or 'it'}: "
            "put the app's encryption key there, or leave the key in the app empty",
        )
    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError:
        raise BadRequest(
            "encrypted", "this app encrypts; on the server install live-map-tracker[owntracks], which can decrypt"
        ) from None
    key = secret.encode("utf-8", "replace")[:32].ljust(32, b"\0")
    try:
        plain = SecretBox(key).decrypt(base64.b64decode(str(message.get("data")), validate=True))
    except (CryptoError, ValueError, TypeError):
        raise BadRequest(
            "encrypted", f"this message was not encrypted with the attribute {SECRET} of {vehicle}; make both the same"
        ) from None
    return read_document(plain)


SPOKEN = (Spoken("owntracks", ("/pub", "/api/v1/owntracks/points"), read=read, social=True),)
