"""Dwell: how long a vehicle was in which regions, as they are drawn now, from its stops and the ways between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import shapely

from tracker.geometry.near import TWICE
from tracker.geometry.shape import Floats, Shape
from tracker.history.story.trips import Story

Span = tuple[int, int]


class Leg(NamedTuple):
    """From one place to the next; a stop is one that leads nowhere."""

    since: int
    until: int
    lat1: float
    lon1: float
    lat2: float
    lon2: float


def legs_of(story: Story) -> Floats:
    """A row each, as in `Leg`. Times fit into a float to the millisecond."""
    rows = [
        np.array([(one.since, one.until, one.lat, one.lon, one.lat, one.lon) for one in story.stops]).reshape(-1, 6)
    ]
    for trip in story.trips:
        times, places = trip.way.times, np.array(trip.way.places)
        rows.append(np.column_stack([times[:-1], times[1:], places[:-1], places[1:]]))
    legs = np.concatenate(rows)
    lons = legs[:, 3::2]  # beside the antimeridian, where it has two names
    lons[np.isin(lons, TWICE)] *= 1 - 1e-10
    return legs


class Drawn:
    """Shapes, asked of one vehicle after the other."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = dict(shapes)
        boxes = [(box, id) for id, shape in shapes.items() for box in shape.boxes]
        self._owners = [id for _, id in boxes]
        self._tree = shapely.STRtree(shapely.box(*np.array([box for box, _ in boxes]).T)) if boxes else None

    def covering(self, lat: float, lon: float) -> list[str]:
        """Which of them cover a place."""
        if self._tree is None:
            return []
        names = TWICE if lon in TWICE else (lon,)
        near = {self._owners[k] for east in names for k in self._tree.query(shapely.Point(east, lat)).tolist()}
        return sorted(id for id in near if self._shapes[id].covers(lat, lon))

    def dwells(self, story: Story) -> dict[str, list[Span]]:
        """When it was in which, in order."""
        if self._tree is None:
            return {}
        legs = legs_of(story)
        _, _, *places = legs.T
        south, north = np.minimum(places[0], places[2]), np.maximum(places[0], places[2])
        west, east = np.minimum(places[1], places[3]), np.maximum(places[1], places[3])
        asked, boxes = self._tree.query(shapely.box(west, south, east, north))
        near: dict[str, set[int]] = {}
        for leg, box in zip(asked.tolist(), boxes.tolist(), strict=True):
            near.setdefault(self._owners[box], set()).add(leg)
        found = {id: merged(self._in(self._shapes[id], _legs(legs, some))) for id, some in near.items()}
        return {id: spans for id, spans in found.items() if spans}

    @staticmethod
    def _in(shape: Shape, legs: list[Leg]) -> Iterable[Span]:
        first = _covered(shape, [(leg.lat1, leg.lon1) for leg in legs])
        last = _covered(shape, [(leg.lat2, leg.lon2) for leg in legs])
        for leg, begins, ends in zip(legs, first, last, strict=True):
            took = leg.until - leg.since
            if begins and ends:
                yield leg.since, leg.until
            elif abs(leg.lon2 - leg.lon1) > 180:  # over the antimeridian: half of it
                if begins or ends:
                    yield (leg.since, leg.since + took // 2) if begins else (leg.until - took // 2, leg.until)
            elif (touched := shape.crossing(*leg[2:])) is not None:
                enters, exits = (0.0 if begins else touched[0]), (1.0 if ends else touched[1])
                yield leg.since + round(took * enters), leg.since + round(took * exits)


def _legs(legs: Floats, some: set[int]) -> list[Leg]:
    return [Leg(round(since), round(until), *places) for since, until, *places in legs[sorted(some)].tolist()]


def _covered(shape: Shape, places: list[tuple[float, float]]) -> list[bool]:
    lats, lons = np.array(places).T
    may = np.zeros(len(places), bool)
    for stretch in range(len(shape.stretches)):
        may |= shape.may_cover(lats, lons, stretch)
    if shape.certain:
        return [bool(one) for one in may]
    return [bool(one) and shape.covers(*place) for one, place in zip(may, places, strict=True)]


def merged(spans: Iterable[Span]) -> list[Span]:
    whole: list[Span] = []
    for since, until in sorted(span for span in spans if span[1] > span[0]):
        if whole and since <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], until))
        else:
            whole.append((since, until))
    return whole
