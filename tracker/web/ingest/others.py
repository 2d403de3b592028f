"""Others: what a device is told in the reply of those whom its token shows, and of the regions they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from heapq import nlargest
from typing import Any, NamedTuple

from tracker.access.grants import Grant
from tracker.access.tokens import Token
from tracker.model.ping import Ping
from tracker.node import Node
from tracker.protocols import Others

MOST = 200  #: vehicles that are told, the newest first
FRESH_MS = 5_000  #: they are looked up at most so often
AGAIN_MS = 86_400_000  #: regions are told as they change, and once a day: an answer may have been lost


class Heard(NamedTuple):
    """What one app was told of regions."""

    said: int = 0
    at: int = 0
    regions: Mapping[str, Any] = {}
    gone: Mapping[str, Any] = {}  # told once; again as it is told everything again


class Tellers:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen: dict[str, tuple[int, Sequence[tuple[str, Ping]]]] = {}  # by what is granted
        self._heard: dict[str, Heard] = {}  # by vehicle

    def teller(self, token: Token | None) -> Callable[[str], Others] | None:
        """None: its token shows nobody anything."""
        return partial(self._tell, token) if token is not None and token.shows else None

    def _tell(self, token: Token, vehicle: str) -> Others:
        grant, now = self._node.doorman.shown_by(token), self._node.clock()
        granted = grant.key()
        since, seen = self._seen.get(granted, (-FRESH_MS, ()))
        if now - since >= FRESH_MS:
            seen = self._look(grant)
            self._seen = {key: one for key, one in self._seen.items() if now - one[0] < FRESH_MS}
            self._seen[granted] = now, seen
        regions = [feature for id, feature in sorted(self._node.picture.regions.items()) if grant.sees_region(id)]
        said = hash(tuple((feature["id"], feature["properties"].get("version")) for feature in regions))
        heard = self._heard.get(vehicle, Heard())
        friends = [one for one in seen if one[1].vehicle != vehicle]
        if heard.said == said and now - heard.at < AGAIN_MS:
            return Others(friends)
        shown = {feature["id"]: feature for feature in regions}
        gone = {id: feature for id, feature in {**heard.gone, **heard.regions}.items() if id not in shown}
        self._heard[vehicle] = Heard(said, now, shown, {} if heard.said == said else gone)
        return Others(friends, regions, list(gone.values()))

    def _look(self, grant: Grant) -> Sequence[tuple[str, Ping]]:
        picture = self._node.picture
        states = ((state, picture.group_of(id)) for id, state in picture.vehicles.items())
        shown = (seen.ping for state, group in states if (seen := grant.shown(state, group)) is not None)
        newest = nlargest(MOST, shown, key=lambda ping: ping.time)
        named = ((picture.register.get(ping.vehicle), ping) for ping in newest)
        return [((entry.name if entry else None) or ping.vehicle, ping) for entry, ping in named]
