"""Follows: what viewers follow, and what each has to be told by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.torture.checks.alike import Place, Places
from tests.torture.routes import EDGE, LAT

NEAR = 1e-5  #: degrees: so close to the edge of a view it may be taken either way

Follow = Mapping[str, Any]  #: as a client says it


def view(west: float, east: float) -> dict[str, Any]:
    return {"view": {"bbox": [west, LAT - 0.01, east, LAT + 0.01], "zoom": 14}}


#: a quarter of them everything: so at any time there are nodes at which nobody does
FOLLOWS: tuple[Follow, ...] = (
    {"all": True},
    {"regions": ["gate", "yard"]},
    view(EDGE - 0.008, EDGE - NEAR),
    {"vehicles": ["van-0-0", "van-1-3", "van-2-6", "van-3-9", "parker-0-1", "parker-3-0"]},
    {"regions": ["north", "south", "garage"]},
    {"all": True, "window": 1},
    view(EDGE, EDGE + 0.02) | {"window": 1},
    view(EDGE, EDGE + 0.02),
)


def is_in(bbox: Sequence[float], lat: float, lon: float) -> bool | None:
    """None: not well within it; then tiles decide, which are larger."""
    west, south, east, north = bbox
    within = west + NEAR < lon < east - NEAR and south + NEAR < lat < north - NEAR
    return True if within else None


def hears(follow: Follow, event: Mapping[str, Any]) -> bool | None:
    """Is it told of this event? None: it may be."""
    if "vehicles" in follow:
        return event["vehicle"] in follow["vehicles"]
    if "regions" in follow:
        return event["region"] in follow["regions"] if "region" in event else None  # if it was in one of them
    return is_in(follow["view"]["bbox"], event["lat"], event["lon"]) if "view" in follow else True


def knows(follow: Follow, vehicle: str, place: Place) -> bool | None:
    """Does it know of this vehicle, once that is here? None: it may."""
    if "vehicles" in follow:
        return vehicle in follow["vehicles"]
    if "regions" in follow:
        return not place.regions.isdisjoint(follow["regions"])
    return is_in(follow["view"]["bbox"], place.lat, place.lon) if "view" in follow else True


def shown(follow: Follow, place: Place) -> Place:
    """As it is told: who follows no region is not told of any."""
    if "all" in follow:
        return place
    return place._replace(regions=place.regions.intersection(follow.get("regions", ())))


def wanted(follow: Follow, places: Places) -> tuple[Places, Places]:
    """What it has to know at the end, and what it may know besides."""
    must, may = dict[str, Place](), dict[str, Place]()
    for vehicle, place in places.items():
        if (it := knows(follow, vehicle, place)) is not False:
            (must if it else may)[vehicle] = shown(follow, place)
    return must, may
