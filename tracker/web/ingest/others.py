"""Others: what a device is told in the reply of those whom its token shows, and of the regions they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from heapq import nlargest
from typing import Any, NamedTuple

from tracker.access.grants import SEND, Grant
from tracker.access.tokens import Token
from tracker.errors import NotSignedIn
from tracker.model.change import Registered, VehicleState
from tracker.model.ping import Ping
from tracker.node import Node
from tracker.nodes.reading import needs_of
from tracker.protocols import Others
from tracker.protocols.friends import MOST_WAYPOINTS

MOST = 200  #: vehicles that are told, the newest first
FRESH_MS = 5_000  #: they are looked up at most so often
MOST_HEARD = 10_000  #: apps whose regions are remembered; of more, those that asked last
PERSON, WATCHER = "/person", "/watcher"  #: no names of groups: whoever has a token of their own, on the map or not
AGAIN_MS = 86_400_000  #: regions are told as they change, and once a day: an answer may have been lost


class Heard(NamedTuple):
    """What one app was told of regions."""

    said: int = 0
    at: int = 0
    regions: Mapping[str, Any] = {}
    gone: Mapping[str, Any] = {}  # told once; again as it is told everything again


class Friend(NamedTuple):
    """Another vehicle as it may be shown, and of what that was made: of another it has to be made anew."""

    state: VehicleState
    entry: Registered | None
    told: tuple[str, Ping] | None


Shown = tuple[Callable[[], Grant], tuple[str, ...]]  #: what by now, and by whose word


class Tellers:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen: dict[str, tuple[int, list[Friend]]] = {}  # by what is granted
        self._heard: dict[tuple[tuple[str, ...], str], Heard] = {}  # by what is shown, and to which vehicle

    def teller(self, token: Token | None, person: Grant | None = None) -> Callable[[str], Others] | None:
        """For a device, by its token, or for whoever shows one of their own. None: it shows nobody anything."""
        shown = self._shown(token, person)
        return shown and partial(self._tell, *shown)

    async def hear_of(self, token: Token | None, person: Grant | None = None) -> None:
        """Where those are by now of whom it tells: before it does."""
        if shown := self._shown(token, person):
            await self._node.hear_of(needs_of(shown[0]()))

    def _shown(self, token: Token | None, person: Grant | None) -> Shown | None:
        if person is not None:
            return partial(self._again, person), (PERSON if SEND in person.may else WATCHER, person.who)
        if token is None or not token.shows:
            return None
        return partial(self._node.doorman.shown_by, token), token.shows

    def _again(self, person: Grant) -> Grant:
        try:
            return self._node.access.again(person)
        except NotSignedIn:
            return Grant(may=frozenset())

    def _tell(self, granted_to: Callable[[], Grant], shows: tuple[str, ...], vehicle: str) -> Others:
        grant, now = granted_to(), self._node.clock()
        granted = grant.key()
        since, seen = self._seen.get(granted, (-FRESH_MS, ()))
        if now - since >= FRESH_MS:
            seen = self._look(grant)
            self._seen = {key: one for key, one in self._seen.items() if now - one[0] < FRESH_MS}
            self._seen[granted] = now, seen
        regions = [feature for id, feature in sorted(self._node.picture.regions.items()) if grant.sees_region(id)]
        said = hash(tuple((feature["id"], feature["properties"].get("version")) for feature in regions))
        key = shows, vehicle  # of what another token of this vehicle shows nothing is told, not that it is gone
        heard = self._heard.get(key, Heard())
        own = None if shows[0] == WATCHER else vehicle
        friends = [told for one in seen if (told := self._now(grant, one)) and told[1].vehicle != own]
        if heard.said == said and now - heard.at < AGAIN_MS:
            return Others(friends)
        shown = {feature["id"]: feature for feature in regions[:MOST_WAYPOINTS]}
        gone = {id: feature for id, feature in {**heard.gone, **heard.regions}.items() if id not in shown}
        self._heard.pop(key, None)
        self._heard[key] = Heard(said, now, shown, {} if heard.said == said else gone)  # who heard last is last
        if len(self._heard) > MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        return Others(friends, regions, list(gone.values()))

    def _look(self, grant: Grant) -> list[Friend]:
        everybody = (self._friend(grant, id) for id in self._node.picture.vehicles)
        return nlargest(MOST, (one for one in everybody if one and one.told), key=lambda one: one.state.ping.time)

    def _now(self, grant: Grant, friend: Friend) -> tuple[str, Ping] | None:
        """As it may be seen by now: what was taken away is gone at once."""
        picture, id = self._node.picture, friend.state.ping.vehicle
        if picture.vehicles.get(id) is not friend.state or picture.register.get(id) is not friend.entry:
            friend = self._friend(grant, id) or friend._replace(told=None)
        return friend.told

    def _friend(self, grant: Grant, id: str) -> Friend | None:
        picture = self._node.picture
        if (state := picture.vehicles.get(id)) is None:
            return None
        entry = picture.register.get(id)
        seen = grant.shown(state, entry.group if entry else None)
        return Friend(state, entry, ((entry.name if entry else None) or id, seen.ping) if seen else None)
