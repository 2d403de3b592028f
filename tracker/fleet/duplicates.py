"""Duplicates: is a ping one the store has already? The fleet remembers the newest fix times; of older ones the store is
asked beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tracker.fleet.detectors import OVER_MS
from tracker.fleet.step import Outcome
from tracker.fleet.vehicle import ASK, NEW, SAME, Vehicle
from tracker.model.ping import NOWHERE, Ping, has_place

#: (n, fix time) → place of fixes that the store has and the fleet does not remember
Known = dict[tuple[int, int], tuple[float, float]]


def unknown_fixes(
    vehicles: Mapping[str, Vehicle], numbers: Mapping[str, int], pings: Iterable[Ping]
) -> list[tuple[int, int]]:
    asked: list[tuple[int, int]] = []
    for ping in pings:
        vehicle = vehicles.get(ping.vehicle)
        if vehicle is not None:
            if ping.time < vehicle.floor:
                asked.append((vehicle.n, ping.time))
        elif ping.vehicle in numbers:
            asked.append((numbers[ping.vehicle], ping.time))
    return asked


def unknown_neighbours(vehicles: Mapping[str, Vehicle], pings: Iterable[Ping]) -> list[tuple[str, int, int, int]]:
    spans = []
    for ping in pings:
        vehicle = vehicles.get(ping.vehicle)
        if ping.alarm is not None and vehicle is not None and ping.time < vehicle.floor:
            spans.append((ping.vehicle, vehicle.n, ping.time - OVER_MS, min(ping.time + OVER_MS, vehicle.floor)))
    return spans


def of_stored(n: int | None, ping: Ping, known: Known) -> str | None:
    """Of a vehicle that is not on the map: DUPLICATE or CONFLICT when it was, and the store has this fix."""
    place = None if n is None else known.get((n, ping.time))
    return None if place is None else _same(place, ping)


def of_remembered(vehicle: Vehicle, ping: Ping, known: Known) -> str | None:
    """DUPLICATE or CONFLICT when there is a fix of this time already."""
    knows = vehicle.knows(ping)
    if knows == NEW:
        return None
    if knows == ASK:
        place = known.get((vehicle.n, ping.time))
        same = None if place is None else _same(place, ping)
        if same is None and place in (None, NOWHERE):
            known[vehicle.n, ping.time] = (ping.lat, ping.lon)
        return same
    return Outcome.DUPLICATE if knows == SAME else Outcome.CONFLICT


def _same(place: tuple[float, float], ping: Ping) -> str | None:
    """A fix has its place beside a message of its time without one; that says nothing beside a fix."""
    if place == (ping.lat, ping.lon) or not has_place(ping):
        return Outcome.DUPLICATE
    return Outcome.CONFLICT if place != NOWHERE else None
