"""Guess: what a payload looks like that came to the address of another protocol.

Whoever gets a fix with a place out of it reads it; those that take almost any field for a fix are asked last.
"""

from __future__ import annotations

from tracker.errors import TrackerError
from tracker.model.ping import has_place
from tracker.protocols import Payload, Reading, Spoken, spoken

MOST_BYTES = 16 * 2**10  #: of a body that is looked at
LENIENT = ("osmand", "traccar", "phonetrack")  #: from the more to the less particular
SOMEBODY = "somebody"  #: who it is, for a protocol whose address or token says so


def looks_like(payload: Payload, now: int) -> str:
    """The name of a protocol, "" when it looks like none."""
    if len(payload.body) > MOST_BYTES:
        return ""
    payload = payload._replace(device=payload.device or SOMEBODY, rest=payload.rest or SOMEBODY, others=None)
    return next((one.name for one in particular_first() if _reads(one, payload, now)), "")


def particular_first() -> list[Spoken]:
    return sorted(spoken(), key=lambda one: LENIENT.index(one.name) if one.name in LENIENT else -1)


def read_whole(one: Spoken, payload: Payload, now: int, max_line: int = 2**20) -> Reading:
    """A stream too. Raises TrackerError."""
    if one.read:
        return one.read(payload, now)
    assert one.decoder
    decoder, whole = one.decoder(max_line), Reading()
    for reading in (*decoder.feed(payload.body, now), *decoder.finish(now)):
        whole.add_part(reading)
        whole.pings += reading.pings
    return whole


def _reads(one: Spoken, payload: Payload, now: int) -> bool:
    try:
        return any(map(has_place, read_whole(one, payload, now).pings))
    except TrackerError:
        return False
