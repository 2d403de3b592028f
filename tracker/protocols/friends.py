"""Friends: what an OwnTracks app is told in the reply: where others are, and regions of ours as waypoints of its own.

The app knows others by their `tid`, two letters on the map, which has to be another one for each. It keeps waypoints,
reports as the phone enters or leaves one, and so wakes up where it matters to us.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zlib import crc32

import msgspec

from tracker.model.ping import Ping, has_place
from tracker.protocols import Others, Reply

MOST_FRIENDS = 100
MOST_WAYPOINTS = 20  #: what an iPhone watches at once
NO_PLACE = -1_000_000
DEGREE_M = 111_700  #: of latitude, at most
_FIRST_TST = 1_000_000_000


def answer(others: Others) -> Reply:
    """What the app hears of those that its sender may see."""
    seen = [(name, ping) for name, ping in others.pings if has_place(ping)][:MOST_FRIENDS]
    ids = two_letters(ping.vehicle for _, ping in seen)
    said: list[dict[str, Any]] = []
    for name, ping in seen:
        tid = ids[ping.vehicle]
        said += (_location(ping, tid), {"_type": "card", "tid": tid, "name": name})
    places = [_waypoint(one) for one in others.regions[:MOST_WAYPOINTS]]
    if places := [way for one in others.gone for way in _withdrawn(one)] + places:
        whole = {"_type": "waypoints", "waypoints": places}
        said.append({"_type": "cmd", "action": "setWaypoints", "waypoints": whole})
    return Reply(msgspec.json.encode(said), "application/json")


def two_letters(vehicles: Iterable[str]) -> dict[str, str]:
    """The end of each id, two letters of it or as many more as it takes to be another than those before."""
    given: dict[str, str] = {}
    taken: set[str] = set()
    for vehicle in sorted(vehicles):
        letters = "".join(char for char in vehicle if char.isalnum()) or vehicle
        ends = (letters[-length:] for length in range(2, len(letters) + 1))
        given[vehicle] = next((end for end in ends if end not in taken), vehicle)
        taken.add(given[vehicle])
    return given


def _location(ping: Ping, tid: str) -> dict[str, Any]:
    said: dict[str, Any] = {"_type": "location", "tid": tid, "lat": ping.lat, "lon": ping.lon, "tst": ping.time // 1000}
    if ping.accuracy_m is not None:
        said["acc"] = round(ping.accuracy_m)
    if ping.speed_mps is not None:
        said["vel"] = round(ping.speed_mps * 3.6)
    if ping.heading is not None:
        said["cog"] = round(ping.heading) % 360
    if ping.altitude_m is not None:
        said["alt"] = round(ping.altitude_m)
    if ping.battery_pct is not None:
        said["batt"] = round(ping.battery_pct)
    return said


def _waypoint(feature: Mapping[str, Any]) -> dict[str, Any]:
    """A circle around all of a region, which is what a phone can watch.

    Android knows it again by `tst`, iOS by `desc`: both stay what they are while the region has its id and name.
    """
    properties = feature["properties"]
    lat, lon, around = _circle(list(_corners(feature["geometry"]["coordinates"])))
    around += properties.get("radius_m") or properties.get("buffer_m") or 0
    return {
        "_type": "waypoint",
        "desc": properties.get("name") or feature["id"],
        "lat": round(lat, 6),
        "lon": round(lon, 6),
        "rad": math.ceil(around),
        "tst": _FIRST_TST + crc32(feature["id"].encode()) % 500_000_000,
        "rid": feature["id"],
    }


def _withdrawn(feature: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """New Android apps do not watch what has no radius; at no place iOS and older apps delete it."""
    flat = _waypoint(feature) | {"rad": 0}
    yield flat
    yield flat | {"lat": NO_PLACE, "lon": NO_PLACE}


def _circle(corners: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Its middle, and its radius in metres; a little too large, which costs the phone nothing."""
    first = corners[0][0]
    lons = [first + (lon - first + 180) % 360 - 180 for lon, _ in corners]  # across the antimeridian too
    lats = [lat for _, lat in corners]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    east = DEGREE_M * max(math.cos(math.radians(one)) for one in lats)
    around = max(math.hypot((y - lat) * DEGREE_M, (x - lon) * east) for x, y in zip(lons, lats, strict=True))
    return lat, (lon + 180) % 360 - 180, around


def _corners(coordinates: Any) -> Iterator[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates[0], coordinates[1]
        return
    for inner in coordinates:
        yield from _corners(inner)
