"""PhoneTrack: token and device in the address, a fix a request or many in `points`; so does its Android app.

GET /apps/phonetrack/logGet/TOKEN/van-7?lat=60.17&lon=24.94&timestamp=1795424400&bat=80
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.errors import BadRequest
from tracker.model.ping import Unfit
from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.forms import form_fields, query_fields
from tracker.protocols.heard import scalar
from tracker.protocols.items import BLANK
from tracker.protocols.native import read_document

APPS = ("", "/apps/phonetrack", "/index.php/apps/phonetrack")  #: where Nextcloud has it
WAYS = ("logGet", "logPost", "logPostMultiple")
ROW = ("lat", "lon", "timestamp", "alt", "acc", "bat", "sat", "useragent", "speed", "bearing")  #: of one of `points`

#: what we call it ← how it is called; speeds are m/s
_NAMES = {
    "lat": "lat", "lon": "lon", "alt": "altitude_m", "acc": "accuracy_m", "bat": "battery_pct", "speed": "speed_mps",
    "bearing": "heading",
}  # fmt: skip
_TIMES = ("timestamp", "datetime")
_UNKNOWN = ("", None, "null", "N/A")


def read(payload: Payload, now: int) -> Reading:
    vehicle = payload.device or payload.rest.rpartition("/")[2]
    if not vehicle or vehicle in WAYS:
        raise BadRequest("no_vehicle", "the address ends with the token and the device's name")
    body = payload.body.strip(BLANK)
    fields: dict[str, Any] = dict(query_fields(payload))
    if body[:1] == b"{":
        document = read_document(body)
        fields |= document if isinstance(document, dict) else {}
    elif body:
        fields |= form_fields(payload)
    if not fields:
        raise BadRequest("empty", "send lat, lon and timestamp, or `points`")
    if "logPostMultiple" not in payload.path and "points" not in fields:
        reading = Reading(reply=_reply(done=1, friends=[], pointId=1, deviceId=1))
        _take(reading, vehicle, fields, now)
        return reading
    reading = Reading(reply=_reply(done=1, friends=[]))
    points = fields.get("points")
    if isinstance(points, str):
        points = read_document(points.encode("utf-8", "replace"))
    if not isinstance(points, list):
        raise BadRequest("not_positions", "`points` is an array of arrays")
    for point in points:
        if isinstance(point, list):
            point = dict(zip(ROW, point, strict=False))
        _take(reading, vehicle, point, now)
    return reading


def _take(reading: Reading, vehicle: str, fields: Any, now: int) -> None:
    if not isinstance(fields, Mapping):
        reading.items += 1
        reading.reject(reading.items - 1, Unfit("not_an_object", None, "a point is an array or an object"))
        return
    known = {name: value for name, value in fields.items() if value not in _UNKNOWN}
    if not known:
        reading.discard()
        return
    said: dict[str, Any] = {ours: known[name] for name, ours in _NAMES.items() if name in known}
    said["vehicle"] = vehicle
    said["time"] = next((known[name] for name in _TIMES if name in known), None)
    kept = {name: known[name] for name in ("sat", "useragent") if name in known}
    kept = {name: scalar(value) if isinstance(value, str) else value for name, value in kept.items()}
    said["attributes"] = {name: value for name, value in kept.items() if value != -1}
    reading.hear(said, now)


def _reply(status: int = 200, **told: Any) -> Reply:
    return Reply(msgspec.json.encode(told), "application/json", status)


def refusal(status: int, why: str) -> Reply:
    return _reply(status, done=0, friends=[], error=why)


SPOKEN = (
    Spoken(
        "phonetrack",
        tuple(f"{app}/{way}/{{token}}/" for app in APPS for way in WAYS),
        read=read,
        methods=("GET", "POST"),
        refusal=refusal,
    ),
)
