"""Makers: JSON whose form shows who made it, and so what its short names and its speeds without a unit mean.

What is known of them is public: the APIs of Wialon, Samsara, Traccar, Geotab and flespi, and Teltonika's codec as its
parsers and its routers write it.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import msgspec


class Maker(msgspec.Struct, frozen=True):
    name: str
    is_of: Callable[[Set[str]], bool]  # by the names of a position, those of its place among them
    unit: str  # of a speed
    names: dict[str, str] = {}  # theirs → what anybody understands
    series: tuple[str, ...] = ()  # objects of short or numbered names, which are attributes
    known: dict[str, str] = {}  # of those, what has a field of its own


_WIALON = {"s": "speed", "c": "heading", "z": "altitude", "sc": "satellites", "nm": "vehicle"}
_TELTONIKA = {"angle": "heading", "ang": "heading", "sp": "speed", "sat": "satellites"}
_IO = ("io", "IO", "ioElements", "io_elements")
#: AVL ids: ignition, battery level in per cent, total odometer in metres
_AVL = {"239": "ignition", "113": "battery_pct", "16": "odometer_m"}

MAKERS = (
    Maker("Traccar", lambda names: names >= {"deviceId", "fixTime", "serverTime"}, "kn"),
    Maker("Geotab", lambda names: names >= {"device", "dateTime", "latitude", "longitude"}, "kmh"),
    Maker("flespi", lambda names: names >= {"ident", "position.latitude"}, "kmh", {"position.speed": "speed"}),
    Maker("Samsara", lambda names: "reverseGeo" in names, "mph"),
    Maker("Wialon", lambda names: names >= {"pos", "y", "x", "t"}, "kmh", _WIALON, ("p",)),
    Maker(
        "Teltonika",
        lambda names: bool(names & {"gps", "angle", "ang"} and names & {*_IO, "evt", "event_id", "eventId"}),
        *("kmh", _TELTONIKA, _IO, _AVL),
    ),
)


def find_maker(names: Set[str]) -> Maker | None:
    return next((maker for maker in MAKERS if maker.is_of(names)), None)


def in_plain_names(item: dict[str, Any], maker: Maker) -> dict[str, Any]:
    """The same with names that anybody understands; what its series say are attributes."""
    said = {maker.names.get(name, name): value for name, value in item.items() if name not in maker.series}
    attributes: dict[str, Any] = {}
    for name in maker.series:
        attributes |= _series(item.get(name))
    for values in (attributes, said):  # a router's reports have them side by side
        for name in maker.known.keys() & values.keys():
            said.setdefault(maker.known[name], values.pop(name))
    if attributes:
        kept = said.get("attributes")
        said["attributes"] = attributes | (kept if isinstance(kept, dict) else {})
    return said


def _series(values: Any) -> dict[str, Any]:
    """{"239": 1}, or [{"id": 239, "value": 1}]."""
    if isinstance(values, list):
        return {
            str(one["id"]): one["value"] for one in values if isinstance(one, dict) and one.keys() >= {"id", "value"}
        }
    return {str(name): value for name, value in values.items()} if isinstance(values, dict) else {}
