"""Grant: what one caller may see and do, asked once a request. Everything, or some regions and who is in them.

What is not granted does not exist: whoever asks for it is answered what the asker of a name nobody knows is answered.
A vehicle is seen while it is calmly in a granted region, where its newest deciding fix is, and in these regions only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import msgspec

from tracker.access.tokens import Token
from tracker.errors import NotFound
from tracker.model.change import VehicleState
from tracker.model.events import Event

#: what somebody may do with what they see; `send`: positions come in, `scrape`: /metrics
WATCH, ACKNOWLEDGE, EDIT_REGIONS, EDIT_VEHICLES = "watch", "acknowledge", "edit_regions", "edit_vehicles"
ADMINISTER, SEND, SCRAPE = "administer", "send", "scrape"
MAY = frozenset({WATCH, ACKNOWLEDGE, EDIT_REGIONS, EDIT_VEHICLES, ADMINISTER, SEND, SCRAPE})

#: kinds of event of a region whose `why` may begin in that region: the fix before any other was somewhere else
_FROM_INSIDE = frozenset({"exit", "overspeed_start", "overspeed_end"})
NEAR_M = 100.0  #: as far outside a region as its members may be


class Grant(msgspec.Struct, frozen=True):
    everything: bool = False
    regions: frozenset[str] = frozenset()  # of who may not see everything
    may: frozenset[str] = frozenset({WATCH})
    who: str = ""  # whoever asks, by name; of a device `token:ID`
    bearer: str = ""  # id of the session or token by which they are known
    sends: Token | None = None  # of a device: for whom it may send; None: for all

    def check(self, verb: str) -> None:
        """Raises NotFound: what one may not do does not exist."""
        if verb not in self.may:
            raise NotFound("may_not", f"you may not {verb.replace('_', ' ')}; whoever runs this server can allow it")

    def may_send(self, vehicle: str, group: str | None) -> bool:
        return self.sends is None or self.sends.may_send(vehicle, group)

    def sees_region(self, region: str) -> bool:
        return self.everything or region in self.regions

    def shown(self, state: VehicleState) -> VehicleState | None:
        """What may be seen of a vehicle; None when that is nothing."""
        return state if self.everything else _from(state, self.regions)

    def sees_event(self, event: Event, inside: Collection[str]) -> bool:
        """`inside`: the regions its vehicle was in as it happened; they decide about an event of no region."""
        if self.everything:
            return True
        if event.region is not None:
            return event.region in self.regions
        return not self.regions.isdisjoint(inside)

    def shown_event(self, event: Event) -> Event:
        """An event that may be seen, without where its vehicle came from when that was elsewhere, and without a place
        that decided nothing."""
        if event.detail.get("apart") and not self.everything:
            return msgspec.structs.replace(event, lat=0.0, lon=0.0, detail=event.detail | {"placed": False})
        why = event.detail.get("why")
        if self.everything or not why or "from" not in why:
            return event
        if event.kind in _FROM_INSIDE and (why["from"].get("edge_m") or 0) <= NEAR_M:
            return event
        kept = {name: value for name, value in why.items() if name != "from"}
        return msgspec.structs.replace(event, detail=event.detail | {"why": kept})

    def key(self) -> str:
        """What tells apart two that see different things."""
        return "everything" if self.everything else "\n".join(("regions", *sorted(self.regions)))


EVERYTHING = Grant(everything=True, may=MAY)


class Access(Protocol):
    """The port: who asks, and what may they see and do?"""

    def check(self, method: str, scope: Mapping[str, Any]) -> Grant:
        """What the sender of this request (an ASGI scope) may do. `method` is CONNECT for whatever opens a channel: the
        handshake of a socket, a stream, a poll. Raises TrackerError."""
        ...

    def again(self, grant: Grant) -> Grant:
        """What it has become by now, for what lasts. Raises NotSignedIn when nothing is left of it."""
        ...


def _from(state: VehicleState, regions: frozenset[str]) -> VehicleState | None:
    """As it is seen from these regions: nothing of the others, and no place far outside that did not decide."""
    inside = {region: entered for region, entered in state.regions.items() if region in regions}
    if not inside:
        return None
    far = inside.keys() <= frozenset(state.beyond)
    ping = (state.decided or state.ping) if far else state.ping
    return msgspec.structs.replace(state, ping=ping, regions=inside, held=None, decided=None, beyond=())
