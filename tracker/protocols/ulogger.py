"""µlogger: forms to <server>/client/index.php, and a session: it signs in, begins a track, and sends its positions.

Who it is the token says; where that is of several vehicles, the name it signs in with, which a cookie brings back.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tracker.errors import BadRequest, NotSignedIn
from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.forms import form_fields, query_fields
from tracker.protocols.heard import scalar

_NAMES = {
    "lat": "lat", "lon": "lon", "time": "time", "altitude": "altitude_m", "speed": "speed_mps", "bearing": "heading",
    "accuracy": "accuracy_m", "battery": "battery_pct",
}  # fmt: skip
_KEPT = {"provider": "provider", "comment": "comment", "trackid": "track"}
_COOKIE = re.compile(r"(?:^|;\s*)ulogger=([^;\s]*)")


def read(payload: Payload, now: int) -> Reading:
    fields = form_fields(payload) if payload.body else query_fields(payload)
    if "action" not in fields:
        raise BadRequest("empty", "send a form with `action`")
    match fields["action"]:
        case "auth":
            return _signed_in(payload, fields, now)
        case "addtrack":
            return _beat(payload.device or _cookie(payload), _reply(error=False, trackid=now // 1000), now)
        case "addpos":
            return _position(payload, fields, now)
        case _:
            return Reading(items=1, discarded=1, reply=_reply(error=False))


def _beat(vehicle: str, reply: Reply, now: int) -> Reading:
    """It is there, without a place yet; whoever it is, where that is known already."""
    reading = Reading(reply=reply)
    if vehicle:
        reading.hear({"vehicle": vehicle, "time": now}, now)
    else:
        reading.discard()
    return reading


def _signed_in(payload: Payload, fields: dict[str, str], now: int) -> Reading:
    """The token let it in: what it says here only names the vehicle, where the token is of several."""
    reply = _reply(error=False)
    if not payload.device:
        name = fields.get("user", "").encode().hex()  # whatever it is, it is a cookie
        reply = reply._replace(headers={"set-cookie": f"ulogger={name}; Path=/; HttpOnly; SameSite=Strict"})
    return _beat(payload.device, reply, now)


def _position(payload: Payload, fields: dict[str, str], now: int) -> Reading:
    reading = Reading(reply=_reply(error=False))
    said: dict[str, Any] = {ours: fields[name] for name, ours in _NAMES.items() if name in fields}
    said["vehicle"] = payload.device or _signed_in_as(payload)
    said["attributes"] = {ours: scalar(fields[name]) for name, ours in _KEPT.items() if name in fields}
    reading.hear(said, now)
    return reading


def _signed_in_as(payload: Payload) -> str:
    if not (name := _cookie(payload)):
        raise NotSignedIn("not_signed_in", "sign in first: the user's name is the vehicle's")
    return name


def _cookie(payload: Payload) -> str:
    """Whose it is; empty: there is none."""
    found = _COOKIE.search(payload.header(b"cookie"))
    try:
        return bytes.fromhex(found[1]).decode() if found else ""
    except ValueError:
        return ""


def _reply(status: int = 200, **told: Any) -> Reply:
    return Reply(msgspec.json.encode(told), "application/json", status)


def refusal(status: int, why: str) -> Reply:
    return _reply(status, error=True, message=why)


SPOKEN = (Spoken("ulogger", ("/client/index.php",), read=read, methods=("GET", "POST"), refusal=refusal),)
