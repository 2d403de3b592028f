"""Senders: whoever sends positions is asked anew, with each chunk of them, whether they still may, and for whom."""

from __future__ import annotations

from tracker.access.grants import SEND, Grant
from tracker.access.tokens import Token
from tracker.model.ping import Ping, Unfit
from tracker.node import Node
from tracker.protocols import Reading

REFUSED = "not_your_vehicle"


class Sender:
    def __init__(self, node: Node, grant: Grant, address: str) -> None:
        self._node = node
        self._grant = grant
        self._address = address

    @property
    def token(self) -> Token | None:
        """Of a device."""
        return self._grant.sends

    @property
    def device(self) -> str:
        """The one vehicle their token is for, "" without such a token."""
        return self._grant.sends.only_vehicle if self._grant.sends else ""

    def admit(self, reading: Reading, first: int = 0) -> None:
        """Take out what they may not send; `first` is the index of its first item. Raises NotSignedIn, NotFound."""
        grant = self._grant = self._node.access.again(self._grant)
        grant.check(SEND)
        if grant.sends is None:
            return
        tokens, now = self._node.directory.tokens, self._node.clock()
        tokens.used(grant.bearer, now, self._address)
        if not all(map(self._may_send, reading.pings)):
            tokens.failed(grant.bearer, now, REFUSED)
            self._refuse(reading, first)

    def _refuse(self, reading: Reading, first: int) -> None:
        known = {error["index"] for error in reading.errors}
        places = (index for index in range(first, first + reading.items) if index not in known)
        pings, reading.pings = reading.pings, []
        for ping, index in zip(pings, places, strict=False):
            if self._may_send(ping):
                reading.pings.append(ping)
            else:
                reading.reject(index, Unfit(REFUSED, "vehicle", f"this token may not send for {ping.vehicle!r}"))
        reading.errors.sort(key=lambda error: error["index"])

    def _may_send(self, ping: Ping) -> bool:
        entry = self._node.picture.register.get(ping.vehicle)
        return self._grant.may_send(ping.vehicle, entry.group if entry else None)
