"""Others: what a device is told in the reply of those whom its token shows, and of the regions they see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from heapq import nlargest

from tracker.access.grants import Grant
from tracker.access.tokens import Token
from tracker.model.ping import Ping
from tracker.node import Node
from tracker.protocols import Others

MOST = 200  #: vehicles that are told, the newest first
FRESH_MS = 5_000  #: they are looked up at most so often
AGAIN_MS = 86_400_000  #: regions are told as they change, and once a day: an answer may have been lost


class Tellers:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen: dict[str, tuple[int, Sequence[tuple[str, Ping]]]] = {}  # by what is granted
        self._heard: dict[str, tuple[int, int]] = {}  # vehicle → the regions its app has, and since when

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
        told, at = self._heard.get(vehicle, (0, 0))
        if told == said and now - at < AGAIN_MS:
            regions = []
        else:
            self._heard[vehicle] = said, now
        return Others([one for one in seen if one[1].vehicle != vehicle], regions)

    def _look(self, grant: Grant) -> Sequence[tuple[str, Ping]]:
        picture = self._node.picture
        states = ((state, picture.group_of(id)) for id, state in picture.vehicles.items())
        shown = (seen.ping for state, group in states if (seen := grant.shown(state, group)) is not None)
        newest = nlargest(MOST, shown, key=lambda ping: ping.time)
        named = ((picture.register.get(ping.vehicle), ping) for ping in newest)
        return [((entry.name if entry else None) or ping.vehicle, ping) for entry, ping in named]
