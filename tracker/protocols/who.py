"""Who: whose a message is. The only vehicle of a token says it whatever the app calls itself, then the path, then the
message."""

from __future__ import annotations

from typing import Any

from tracker.errors import BadRequest
from tracker.model.ping import vehicle_of
from tracker.protocols import Payload, Reading


def name_of(*told: Any) -> str:
    """The first of what was told that can be a name; "" when none can."""
    for one in told:
        kind = type(one)
        if (kind is str or kind is int) and (name := vehicle_of(str(one))):
            return name
    return ""


def whose(payload: Payload, *told: Any) -> str:
    """The same of what only one vehicle sends."""
    return payload.device or vehicle_of(payload.rest) or name_of(*told)


def check_named(reading: Reading, where: str) -> None:
    """Raises BadRequest when nothing can be taken because nothing says whose it is: that only a person can mend, and
    until then it is kept by the app. Beside what can be taken such a thing holds nobody up."""
    if not reading.pings and any((one["code"], one["field"]) == ("missing", "vehicle") for one in reading.errors):
        raise BadRequest("no_vehicle", f"there is no name in it: {where}, or use a token of one vehicle")
