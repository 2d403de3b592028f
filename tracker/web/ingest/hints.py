"""Hints: what is wrong with a sender in words, and what whoever set it up does about it; kept with its token."""

from __future__ import annotations

from collections.abc import Mapping

from tracker.model.ping import Ping, has_place
from tracker.protocols import Payload, Reading, Spoken
from tracker.protocols.guess import LENIENT, looks_like

OTHER, BEHIND, PLAIN = "other_protocol", "clock_behind", "not_encrypted"

USE_TLS = "what it sends came unencrypted, so its token could be read on the way: give the app the address with https"

HOUR_MS, MOST_HOURS = 3_600_000, 14
NEAR_MS = 90_000  #: so close to whole hours it is not by chance
FRESH_MS = 300_000

#: what to do about some of what can be wrong with an item
_ADVICE: Mapping[str, str] = {
    "no_fix": "let the device see the sky, and allow the app to know its exact place",
    "time_in_future": "let the device set its date, time and time zone by itself; just an hour is a wrong time zone",
    "time_too_old": "its receiver has no date yet: let it see the sky for a few minutes",
    "not_your_vehicle": "make a token for this vehicle, or call it in the app as its token does",
    "unknown_vehicle": "add it under Vehicles, or spell it in the app as it is called there",
    "vehicle_refused": "forget it under People → Vehicles to let it in again",
    "missing": "look at what the app is told to send",
}

#: what is wrong with items that another protocol's reader was given
_MISREAD = frozenset({"missing", "not_an_object", "wrong_type", "attribute_not_scalar"})


def advised(code: str, message: str) -> str:
    return f"{message}; {_ADVICE[code]}" if code in _ADVICE else message


def other_protocol(one: Spoken, payload: Payload, reading: Reading | None, now: int) -> str:
    """What is said where the payload is another protocol's, else "". `reading`: what this one made of it."""
    if reading is not None and (reading.pings or not reading.items or not _MISREAD.issuperset(_codes(reading))):
        return ""
    other = looks_like(payload, now)
    if other in ("", one.name) or (reading is not None and not reading.rejected and other in LENIENT):
        return ""
    return f"this looks like {other}: send it to /ingest/{other}/ and the token"


def _codes(reading: Reading) -> set[str]:
    return {error["code"] for error in reading.errors}


def clock_behind(pings: list[Ping], now: int) -> tuple[str, bool]:
    """(what is said where the newest fix is whole hours old, whether a clock is surely right)."""
    times = [ping.time for ping in pings if has_place(ping)]
    if not times:
        return "", False
    age = now - max(times)
    hours = round(age / HOUR_MS)
    if 1 <= hours <= MOST_HOURS and abs(age - hours * HOUR_MS) < NEAR_MS:
        off = "an hour" if hours == 1 else f"{hours} hours"
        return (
            f"the newest fix is just {off} old: unless it waited so long in the device, its clock or time zone is "
            f"{off} behind; let it set its date, time and time zone by itself"
        ), False
    return "", age < FRESH_MS
