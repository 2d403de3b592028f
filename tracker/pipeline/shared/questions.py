"""Questions: what one node asks another, as bytes. Docs/scale.md says what is said."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tracker.model.change import VehicleState
from tracker.model.ping import Ping
from tracker.nodes.interest import Needs


class Store(msgspec.Struct, tag="store"):
    """Pings of vehicles that the other one owns. Answered as forwarding.py says."""

    pings: list[Ping]


class Moved(msgspec.Struct, tag="moved"):
    """States that the other one needs. Answered by the names of those it cannot take yet."""

    states: list[msgspec.Raw]


class Wanted(msgspec.Struct, tag="wanted"):
    """What this node needs from now on. Answered when it was passed whatever that makes it need, or need no more."""

    node: str
    version: int
    needs: Needs
    known: (
        list[str] | None
    ) = []  # of what it needs now, where it believes others to be; None: they are too many to name
    partitions: list[int] = []  # that the other one owns, as far as is known


class Done(msgspec.Struct, tag="done"):
    """There is a deed at this place. Answered when those who ask that node know of it, or in a moment."""

    place: int


class Called(msgspec.Struct, tag="called"):
    """Something that only one of them has is wanted, or all are told. Answered as calling.py says."""

    what: str
    given: msgspec.Raw


Question = Store | Moved | Wanted | Done | Called

encode = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], Question] = msgspec.msgpack.Decoder(Question).decode
state_of: Callable[[msgspec.Raw], VehicleState] = msgspec.msgpack.Decoder(VehicleState).decode
names_of: Callable[[bytes], list[str]] = msgspec.msgpack.Decoder(list[str]).decode
