"""What a client of the live channel asks for, one JSON object a message. Mirror: static/js/wire.js; docs/wire.md."""

from __future__ import annotations

import math
import re

import msgspec

from tracker.errors import BadRequest, Invalid
from tracker.model.events import ERASED, KINDS, TOLD


class View(msgspec.Struct, frozen=True, tag_field="op", tag="view"):
    """The map moved: [west, south, east, north] in degrees and the map's zoom."""

    bbox: tuple[float, float, float, float]
    zoom: float


class Box(msgspec.Struct, frozen=True):
    bbox: tuple[float, float, float, float]
    zoom: float


class Follow(msgspec.Struct, frozen=True, tag_field="op", tag="follow"):
    """What this connection wants to hear from now on; replaces what it followed before."""

    all: bool = False
    regions: list[str] | None = None
    vehicles: list[str] | None = None
    view: Box | None = None
    events: bool | list[str] = True
    hz: float | None = None
    window: int | None = None
    max_vehicles: int | None = None
    counts: bool = True
    resume: str | None = None
    fresh: bool = False  # of what it knew, a client that resumes has kept only the cursor


class Got(msgspec.Struct, frozen=True, tag_field="op", tag="got"):
    frame: int


class Pong(msgspec.Struct, frozen=True, tag_field="op", tag="pong"):
    t: float = 0


class Ping(msgspec.Struct, frozen=True, tag_field="op", tag="ping"):
    """Are you there, and what time is it? `t` comes back as it was."""

    t: float = 0


Request = Follow | View | Got | Pong | Ping
_decoder = msgspec.json.Decoder(Request)
MOST_IDS = 1000  #: regions or vehicles named in one follow


def read_request(data: str | bytes) -> Request:
    """One message of a client. Raises BadRequest (not JSON, unknown op) or Invalid (a wrong member)."""
    if not data:
        raise BadRequest("empty", "the message is empty; send one JSON object")
    try:
        message: Request = _decoder.decode(data)
    except msgspec.ValidationError as fault:
        raise _explain(str(fault)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest("not_json", "the message is not one JSON object") from None
    check_request(message)
    return message


_MEMBER = re.compile(r"`\$\.(\w+)|field `(\w+)`")


def _explain(text: str) -> BadRequest:
    """What msgspec says of a message, as an error of ours."""
    member = _MEMBER.search(text)
    if member is None:
        return Invalid("not_an_object", "a message is one JSON object")
    name = member[1] or member[2]
    if name == "op":
        return BadRequest("unknown_op", "`op` is one of follow, view, got, ping, pong")
    return _bad(name, text)


def check_request(message: Request) -> None:
    """What types alone cannot say. Raises Invalid."""
    if isinstance(message, View):
        _check_box(message)
    elif isinstance(message, Follow):
        if message.view is not None:
            _check_box(message.view)
        for name, ids in (("regions", message.regions), ("vehicles", message.vehicles)):
            if ids and len(ids) > MOST_IDS:
                raise _bad(name, f"a follow names at most {MOST_IDS} {name}; follow all, or a view")
        if message.hz is not None and not 0.01 <= message.hz <= 100:
            raise _bad("hz", "hz is between 0.01 and 100")
        if message.window is not None and message.window < 1:
            raise _bad("window", "window is at least 1 frame")
        if message.max_vehicles is not None and message.max_vehicles < 0:
            raise _bad("max_vehicles", "max_vehicles is not negative")
        if not isinstance(message.events, bool) and not KINDS.keys() >= set(message.events) - {TOLD, ERASED}:
            raise _bad("events", f"events is true, false or some kinds of event: {', '.join(KINDS)}")


def _check_box(view: View | Box) -> None:
    west, south, east, north = view.bbox
    if not all(map(math.isfinite, (*view.bbox, view.zoom))) or south > north or abs(west) > 1e4 or abs(east) > 1e4:
        raise _bad("bbox", "bbox is [west, south, east, north] in degrees with south <= north, zoom is a number")


def _bad(name: str, message: str) -> Invalid:
    return Invalid("bad_parameter", message, [{"field": name, "code": "bad_parameter", "message": message}])
