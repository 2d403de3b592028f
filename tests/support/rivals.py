"""Rivals: other ways to find stops, said again in a few lines each, to be scored on the same rounds."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.geometry.earth import distance_m
from tracker.model.ping import Ping

Span = tuple[int, int]


def _far(one: Ping, other: Ping) -> float:
    return distance_m(one.lat, one.lon, other.lat, other.lon)


def traccar(pings: Sequence[Ping], radius_m: float = 200.0, least_ms: int = 180_000) -> list[Span]:
    """Traccar's rule since 2025 (`report.trip.newLogic`): it has stopped when no fix of the last three minutes lies 200 m
    away, since the first of these; it moves again 200 m from there, since it went faster than 200 m in three minutes."""
    stops: list[Span] = []
    stopped: int | None = None  # where it did, by number
    oldest = 0
    for i, ping in enumerate(pings):
        while oldest + 1 < i and pings[oldest + 1].time <= ping.time - least_ms:
            oldest += 1
        if stopped is None:
            long = ping.time - pings[oldest].time >= least_ms
            if long and all(_far(one, ping) < radius_m for one in pings[oldest:i]):
                stopped = oldest
        elif _far(pings[stopped], ping) >= radius_m:
            left = i
            while left > stopped and _mps(pings[left - 1], pings[left]) > radius_m / least_ms * 1000:
                left -= 1
            stops.append((pings[stopped].time, pings[left].time))
            stopped, oldest = None, left
    if stopped is not None:
        stops.append((pings[stopped].time, pings[-1].time))
    return stops


def _mps(one: Ping, other: Ping) -> float:
    return _far(one, other) / max(1, other.time - one.time) * 1000


def speed_zero(pings: Sequence[Ping], least_ms: int = 120_000) -> list[Span]:
    """While the receiver says 0."""
    stops: list[Span] = []
    began: int | None = None
    for ping in pings:
        if ping.speed_mps == 0:
            began = ping.time if began is None else began
            newest = ping.time
        elif began is not None:
            stops.append((began, newest))
            began = None
    return [(since, until) for since, until in stops if until - since >= least_ms]


def stay_point(pings: Sequence[Ping], radius_m: float = 50.0, least_ms: int = 120_000) -> list[Span]:
    """Li and others, 2008: fixes within so many metres of the first of them, for so long."""
    stops, at = [], 0
    while at < len(pings):
        end = at
        while end + 1 < len(pings) and _far(pings[at], pings[end + 1]) <= radius_m:
            end += 1
        if pings[end].time - pings[at].time >= least_ms:
            stops.append((pings[at].time, pings[end].time))
            at = end + 1
        else:
            at += 1
    return stops
