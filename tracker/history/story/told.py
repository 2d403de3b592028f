"""Told: trips, stops, silences and sums as they look outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tracker.history.story.corrections import Correction, notes
from tracker.history.story.stops import Stop
from tracker.history.story.summary import Totals
from tracker.history.story.trips import Quiet, Trip
from tracker.history.story.way import Place
from tracker.times import rfc3339


class Named(Protocol):
    @property
    def name(self) -> str: ...


Names = Mapping[str, Named]  # regions
Said = Mapping[str, Correction]  # that a story obeys, by id
NOTHING: Said = {}


def trip(one: Trip, said: Said = NOTHING) -> dict[str, Any]:
    idle = one.way.waited_ms(one.since, one.until)
    fastest = one.way.fastest_mps(one.since, one.until)
    return {
        "from": rfc3339(one.since),
        "until": rfc3339(one.until),
        "start": _place(one.start),
        "end": _place(one.end),
        "distance_m": round(float(one.way.metres[-1]), 1),
        "duration_s": _seconds(one.until - one.since),
        "driving_s": _seconds(one.until - one.since - idle),
        "idle_s": _seconds(idle),
        "max_mps": _speed(fastest),
    } | _corrected(one, said)


def stop(one: Stop, inside: Sequence[str], names: Names, said: Said = NOTHING) -> dict[str, Any]:
    return {
        "from": rfc3339(one.since),
        "until": rfc3339(one.until),
        "lat": one.lat,
        "lon": one.lon,
        "duration_s": _seconds(one.until - one.since),
        "regions": [{"id": id, "name": names[id].name} for id in inside],
    } | _corrected(one, said)


def gap(one: Quiet, said: Said = NOTHING) -> dict[str, Any]:
    return {
        "from": rfc3339(one.since),
        "until": rfc3339(one.until),
        "start": _place(one.start),
        "end": _place(one.end),
        "distance_m": round(one.metres, 1),
        "duration_s": _seconds(one.until - one.since),
    } | _corrected(one, said)


def totals(one: Totals, names: Names) -> dict[str, Any]:
    return {
        "from": rfc3339(one.since),
        "until": rfc3339(one.until),
        "distance_m": round(one.metres, 1),
        "driving_s": _seconds(one.driving_ms),
        "idle_s": _seconds(one.idle_ms),
        "stopped_s": _seconds(one.stopped_ms),
        "silent_s": _seconds(one.silent_ms),
        "trips": one.trips,
        "stops": one.stops,
        "max_mps": _speed(one.fastest_mps),
        "utilisation": round(one.utilisation, 4),
        "regions": [
            {"id": id, "name": names[id].name, "duration_s": _seconds(ms)} for id, ms in sorted(one.dwells.items())
        ],
    }


def _corrected(one: Trip | Stop | Quiet, said: Said) -> dict[str, Any]:
    """By whom, when and why; only where it is so."""
    return {"corrected": told} if (told := notes(said, one.corrected)) else {}


def _place(place: Place) -> dict[str, float]:
    return {"lat": place[0], "lon": place[1]}


def _seconds(ms: int) -> float:
    return ms / 1000


def _speed(mps: float | None) -> float | None:
    return None if mps is None else round(mps, 2)
