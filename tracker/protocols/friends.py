"""Friends: what an OwnTracks app is told in the reply: where others are, and regions of ours as waypoints of its own.

The app knows others by their `tid`, two letters on the map, which has to be another one for each. It keeps waypoints,
reports as the phone enters or leaves one, and so wakes up where it matters to us.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from tracker.model.ping import Ping, has_place
from tracker.protocols import Reply

MOST_FRIENDS = 100
MOST_WAYPOINTS = 20  #: what an iPhone watches at once
_FIRST_TST = 1_000_000_000


class Friend(NamedTuple):
    name: str  # as it is shown
    ping: Ping  # where it was last


class Waypoint(NamedTuple):
    """A circle around a region: all that a phone can watch."""

    id: str
    name: str
    lat: float
    lon: float
    radius_m: float


def answer(friends: Iterable[Friend] = (), waypoints: Iterable[Waypoint] = ()) -> Reply:
    """What the app hears of those that its sender may see."""
    seen = [one for one in friends if has_place(one.ping)][:MOST_FRIENDS]
    ids = two_letters(one.ping.vehicle for one in seen)
    said: list[dict[str, Any]] = []
    for friend in seen:
        tid = ids[friend.ping.vehicle]
        said += (_location(friend.ping, tid), {"_type": "card", "tid": tid, "name": friend.name})
    if places := [_waypoint(one) for one in waypoints][:MOST_WAYPOINTS]:
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


def _waypoint(place: Waypoint) -> dict[str, Any]:
    """Android knows it again by `tst`, iOS by `desc`: both stay what they are while the region has its id and name."""
    return {
        "_type": "waypoint",
        "desc": place.name,
        "lat": round(place.lat, 6),
        "lon": round(place.lon, 6),
        "rad": math.ceil(place.radius_m),
        "tst": _FIRST_TST + crc32(place.id.encode()) % 500_000_000,
        "rid": place.id,
    }
