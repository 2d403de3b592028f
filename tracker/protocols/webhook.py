"""Webhook: positions that another cloud posts as JSON of its own, signed. A file says which field is what.

[motive]                                 # /ingest/webhook/TOKEN/motive
secret = "…"
header = "X-KT-Webhook-Signature"
algorithm = "sha1"
vehicle = "vehicle_number"
time = "located_at"
lat = "lat"
lon = "lon"
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tracker.errors import BadRequest, NotFound, NotSignedIn, TooLarge, TrackerError
from tracker.protocols import Payload, Reader, Reading, Reply, Spoken
from tracker.protocols.heard import SPEED_UNITS, battery, number, speed
from tracker.protocols.native import read_document

MOST_ITEMS = 10_000  #: of one body
FRESH_MS = 300_000  #: how far a signed time may be from ours


class Hook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one sender's body means. A path is `a.b.0.c`; with a slash before it from the top; `=van-7` is itself."""

    vehicle: str
    lat: str
    lon: str
    time: str = ""
    items: str = ""  # where the array is; empty: the body itself, one item or an array
    speed: str = ""
    speed_unit: str = "mps"
    heading: str = ""
    altitude_m: str = ""
    accuracy_m: str = ""
    battery_pct: str = ""
    battery_fraction: bool = False  # 0–1
    odometer_m: str = ""
    odometer_unit: Literal["m", "km", "mi"] = "m"
    ignition: str = ""
    driver: str = ""
    alarm: str = ""
    attributes: dict[str, str] = {}  # name → path
    only: dict[str, list[str | int | bool]] = {}  # path → what has to be there; other items are none of ours

    secret: str = ""  # empty: the token in the address is enough
    header: str = "X-Signature"
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""  # of the header's value, as `sha256=`
    signed: str = "{body}"  # or with {timestamp}, as `{timestamp}.{body}`
    timestamp: str = ""  # the header with the time that is signed

    def __post_init__(self) -> None:
        if self.speed_unit not in SPEED_UNITS:
            raise ValueError(f"speed_unit is one of {', '.join(SPEED_UNITS)}")
        if "{body}" not in self.signed or (("{timestamp}" in self.signed) != bool(self.timestamp)):
            raise ValueError("`signed` has {body} in it, and {timestamp} where `timestamp` names a header")


_MILES = {"m": 1.0, "km": 1000.0, "mi": 1609.344}
_PLAIN = ("time", "heading", "altitude_m", "accuracy_m", "ignition", "driver", "alarm", "lat", "lon")


def read_hooks(text: str) -> dict[str, Hook]:
    """The file. Raises TrackerError."""
    try:
        return msgspec.convert(tomllib.loads(text), dict[str, Hook])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise TrackerError("settings", f"the file of webhooks cannot be read: {fault}") from None


def reader(text: str) -> Reader:
    """What reads as this file says."""
    hooks = read_hooks(text)

    def read(payload: Payload, now: int) -> Reading:
        hook = hooks.get(payload.rest)
        if hook is None:
            raise NotFound("not_found", "the address ends with the name of a webhook, one in the file of `webhooks`")
        _check(hook, payload, now)
        document = read_document(payload.body.strip())
        items = _at(document, hook.items) if hook.items else document
        items = items if isinstance(items, list) else [items]
        if len(items) > MOST_ITEMS:
            raise TooLarge("too_many_items", f"a body has at most {MOST_ITEMS} positions")
        reading = Reading(reply=Reply(b'{"result":"ok"}', "application/json"))
        for item in items:
            _take(reading, hook, document, item, payload.device, now)
        return reading

    return read


def _take(reading: Reading, hook: Hook, document: Any, item: Any, device: str, now: int) -> None:
    def at(path: str) -> Any:
        if path[:1] == "=":
            return path[1:]
        return (_at(document, path[1:]) if path[:1] == "/" else _at(item, path)) if path else None

    if any(at(path) not in wanted for path, wanted in hook.only.items()):
        reading.discard()
        return
    said: dict[str, Any] = {name: at(getattr(hook, name)) for name in _PLAIN}
    if all(value is None for value in said.values()):
        reading.discard()  # a test, or something nobody described
        return
    vehicle, odometer = at(hook.vehicle), number(at(hook.odometer_m))
    said |= {
        "vehicle": device if vehicle in (None, "") else vehicle,
        "speed_mps": speed(at(hook.speed), hook.speed_unit),
        "battery_pct": battery(at(hook.battery_pct), fraction=hook.battery_fraction),
        "odometer_m": None if odometer is None else odometer * _MILES[hook.odometer_unit],
        "attributes": {name: at(path) for name, path in hook.attributes.items()},
    }
    reading.hear(said, now)


def _at(value: Any, path: str) -> Any:
    """What is there, or None."""
    for word in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(word)
        elif isinstance(value, list) and word.isdecimal() and len(word) < 6 and int(word) < len(value):
            value = value[int(word)]
        else:
            return None
    return value


def _check(hook: Hook, payload: Payload, now: int) -> None:
    """Raises NotSignedIn when the body is not signed with the secret, or was signed too long ago."""
    if not hook.secret:
        return
    stamp = payload.header(hook.timestamp.lower().encode()) if hook.timestamp else ""
    before, _, after = hook.signed.replace("{timestamp}", stamp).partition("{body}")
    text = before.encode("latin-1", "replace") + payload.body + after.encode("latin-1", "replace")
    expected = hmac.new(hook.secret.encode(), text, getattr(hashlib, hook.algorithm)).digest()
    shown = payload.header(hook.header.lower().encode()).removeprefix(hook.prefix)
    if not hmac.compare_digest(_bytes(shown, hook.encoding), expected):
        raise NotSignedIn("wrong_signature", f"{hook.header} is not the signature of this body with the secret")
    if hook.timestamp:
        when = number(stamp)
        when = when if when is None or when > 1e11 else when * 1000
        if when is None or abs(when - now) > FRESH_MS:
            raise NotSignedIn("wrong_signature", f"{hook.timestamp} is over {FRESH_MS // 1000} s from our clock")


def _bytes(text: str, encoding: str) -> bytes:
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _unset(_payload: Payload, _now: int) -> Reading:
    raise BadRequest("no_webhooks", "the setting `webhooks` names no file that says what such a body means")


SPOKEN = (Spoken("webhook", ("/webhook/",), read=_unset, file="webhooks", prepare=reader, gateway=True),)
