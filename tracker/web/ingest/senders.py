"""Senders: whoever sends positions is asked anew, with each chunk of them, whether they still may, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from tracker.access.grants import SEND, WATCH, Grant
from tracker.access.tokens import Token
from tracker.errors import Overloaded
from tracker.model.ping import Ping, Unfit
from tracker.node import Node
from tracker.pipeline.entries.batch import Answer
from tracker.protocols import Reading
from tracker.web.ingest import hints

REFUSED = "not_your_vehicle"


class Sender:
    """Whoever sends, with or without a token: what is wrong is remembered of the token."""

    def __init__(self, node: Node, grant: Grant, address: str, quiet: bool = False) -> None:
        """`quiet`: nothing is remembered of what they do."""
        self._node = node
        self._grant = grant
        self.address = address
        self.only_listens = False
        self.wrong = ("", "")  # the code of what was last wrong, and what to do about it
        self._notes = grant.sends is not None and not quiet
        self._counts = not quiet
        self.wrong_address = ""  # in words, where what came is another protocol's
        self._note_use()

    @property
    def token(self) -> Token | None:
        """Of a device."""
        return self._grant.sends

    @property
    def person(self) -> Grant | None:
        """What may be seen by whoever shows a token of their own."""
        is_one = self._grant.sends is None and self._grant.who in self._node.directory.users
        return self._grant if is_one and WATCH in self._grant.may else None

    def listen(self) -> None:
        """What a person says who may not send is read, and not kept: they are told of others. Raises NotFound."""
        self.only_listens = self.person is not None and SEND not in self._grant.may
        if not self.only_listens:
            self._grant.check(SEND)

    @property
    def device(self) -> str:
        """The one vehicle their token is for, "" without such a token."""
        return self._grant.sends.only_vehicle if self._grant.sends else ""

    def options(self, vehicle: str) -> Mapping[str, Any]:
        """What its register entry says of how its app speaks; of another's nothing, secrets least of all."""
        entry = self._node.picture.register.get(vehicle)
        if self.only_listens:
            return {}
        return entry.attributes if entry and self._grant.may_send(vehicle, entry.group) else {}

    def admit(self, reading: Reading, first: int = 0) -> None:
        """Take out what they may not send; `first` is the index of its first item. Raises NotSignedIn, NotFound."""
        self.ask_again()
        grant = self._grant
        self._note_use()
        if (grant.sends is not None or self._node.quarantine.looks) and any(map(self._fault, reading.pings)):
            self._refuse(reading, first)
        if self._notes:
            self._note_fault(reading)

    def begin_again(self, pings: list[Ping]) -> bool:
        """With the next request. False: some of these are to be refused or kept apart. Raises NotSignedIn, NotFound."""
        self.wrong = ("", "")
        self.ask_again()
        if not self._node.quarantine.looks:
            return self._grant.sends is None or not any(map(self._fault, pings))
        known = all(self._node.quarantine.is_known(ping.vehicle, self._grant) for ping in pings)
        return known and not any(map(self._fault, pings))

    def check_pace(self) -> None:
        """Before its body is read, where it is known whose it will be. Raises Overloaded."""
        if self.device:
            self._slow_down(self._node.pace.wait_s(self._grant.bearer, self.device, self._now_s()))

    def spend(self, positions: Mapping[str, int], cost: float = 1.0) -> float:
        """For so many positions of each vehicle: how long their device has to wait; 0: not at all."""
        if (token := self._grant.sends) is None:
            return 0.0
        if self.device:  # whatever else it speaks of, it is this one
            positions = {self.device: sum(positions.values())}
        return self._node.pace.spend(token.id, positions or {"": 0}, self._now_s(), cost)

    def keep_pace(self, positions: Mapping[str, int]) -> None:
        """Raises Overloaded."""
        self._slow_down(self.spend(positions))

    def _slow_down(self, wait_s: float) -> None:
        if wait_s:
            said = "this device sends faster than it may (`device_rate_per_s`); send the same again in a moment"
            raise Overloaded(said, ceil(wait_s), "too_fast")

    def _now_s(self) -> float:
        return self._node.steady() / 1000

    async def submit(self, pings: list[Ping]) -> Answer:
        """Store what was admitted. Raises as Pipeline.submit does."""
        return await self._node.quarantine.submit(pings, self._grant, self.address)

    def _note_use(self) -> None:
        if self._notes:
            self._node.directory.tokens.used(self._grant.bearer, self._node.clock(), self.address)

    def _note_fault(self, reading: Reading) -> None:
        """What is wrong with it, or was and is no more."""
        if self.wrong_address:
            self.failed("", "")
        elif reading.errors:
            error = reading.errors[-1]
            self.failed(error["code"], hints.advised(error["code"], error["message"]))
        else:
            self._note_clock(reading)

    def _note_clock(self, reading: Reading) -> None:
        behind, right = hints.clock_behind(reading.pings, self._node.clock())
        if behind:
            self.failed(hints.BEHIND, behind)
        elif right:
            for code in ("time_in_future", hints.BEHIND):
                self._node.directory.tokens.recovered(self._grant.bearer, code)

    def failed(self, code: str, message: str) -> None:
        if self.wrong_address:
            code, message = hints.OTHER, self.wrong_address
        self.wrong = code, message
        if self._notes:
            self._node.directory.tokens.failed(self._grant.bearer, self._node.clock(), code, message)

    def ask_again(self) -> None:
        """Raises NotSignedIn, NotFound when they may not send any more."""
        self._grant = self._node.access.again(self._grant)
        self._grant.check(WATCH if self.only_listens else SEND)

    def _refuse(self, reading: Reading, first: int) -> None:
        known = {error["index"] for error in reading.errors}
        places = (index for index in range(first, first + reading.items) if index not in known)
        pings, reading.pings = reading.pings, []
        for ping, index in zip(pings, places, strict=False):
            if (fault := self._fault(ping)) is None:
                reading.pings.append(ping)
            else:
                reading.reject(index, fault)
                if self._counts:
                    self._node.quarantine.rejected(fault.code != REFUSED)
        reading.errors.sort(key=lambda error: error["index"])

    def _fault(self, ping: Ping) -> Unfit | None:
        entry = self._node.picture.register.get(ping.vehicle)
        if not self._grant.may_send(ping.vehicle, entry.group if entry else None):
            return Unfit(REFUSED, "vehicle", f"this token may not send for {ping.vehicle!r}")
        return self._node.quarantine.fault(ping.vehicle, self._grant)
