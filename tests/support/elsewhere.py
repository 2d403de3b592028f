"""Elsewhere: the other nodes of a server that has none, and where vehicles are by now. It is told what it asks for."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tracker.model.change import Change, VehicleState
from tracker.nodes.audience import Audience
from tracker.nodes.interest import Needs

OLD = (59.987654, 24.987654)  #: where everything is for all it knows, with a driver of long ago
OF_OLD = re.compile(rb"59\.?98765|long ago")


class Elsewhere:
    def __init__(self, node: Any) -> None:
        self.node = node
        self.now: dict[str, VehicleState] = dict(node.picture.vehicles)
        self.asked: list[Needs] = []
        node.hear_of = self.hear_of
        self.move()

    def move(self) -> None:
        """All vehicles, since this node heard of them."""
        self.asked.clear()
        self.tell([_old(state) for state in self.now.values()])

    async def hear_of(self, needs: Needs) -> None:
        self.asked.append(needs)
        who, group_of = Audience({"here": needs}).who, self.node.picture.group_of
        self.tell([state for vehicle, state in self.now.items() if who(state, group_of(vehicle))])

    def tell(self, states: list[VehicleState]) -> None:
        self.node._take(Change(moved=states), self.node.hub.route)


def _old(state: VehicleState) -> VehicleState:
    ping = msgspec.structs.replace(state.ping, lat=OLD[0], lon=OLD[1], driver="long ago")
    return msgspec.structs.replace(state, ping=ping)
