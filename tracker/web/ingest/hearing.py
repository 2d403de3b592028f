"""Hearing: what is remembered of the last request of each token's device, for whoever connects it and looks on."""

from __future__ import annotations

from typing import Any

from tracker.access.tokens import Token
from tracker.model.ping import Ping
from tracker.node import Node
from tracker.protocols import Reading
from tracker.turns.heard import Heard
from tracker.web.server.answers import Scope, address_of

MOST_WAITING = 20  #: vehicles in quarantine that are told of one request


class Hearing:
    """Of one request."""

    def __init__(self, node: Node, scope: Scope, protocol: str) -> None:
        self._node = node
        self._protocol = protocol
        self._address = address_of(scope)
        self._scheme = str(scope.get("scheme", ""))
        self.forget()

    def forget(self) -> None:
        """The next request begins."""
        self._newest: Ping | None = None
        self._waiting: dict[str, None] = {}

    def took(self, pings: list[Ping]) -> None:
        """These are stored, or kept apart."""
        strangers = self._node.directory.strangers
        for ping in pings:
            if strangers[ping.vehicle] is not None:
                if len(self._waiting) < MOST_WAITING:
                    self._waiting[ping.vehicle] = None
            elif self._newest is None or ping.time >= self._newest.time:
                self._newest = ping

    def tell_outcome(self, token: Token, read: Reading, counts: dict[str, int], wrong: tuple[str, str]) -> None:
        """It is over. `wrong`: the code and the words of what was wrong with it."""
        became = {"items": read.items, "discarded": read.discarded, "rejected": read.rejected} | counts
        self._keep(token, became, *wrong, self._newest, tuple(self._waiting))

    def missed(self, secret: str, code: str) -> None:
        """The device with this token asked where, or how, nothing is taken."""
        now = self._node.clock()
        if secret and (token := self._node.directory.tokens.find_token(secret, now)):
            self._keep(token, {}, code)

    def _keep(self, token: Token, counts: dict[str, int], code: str, *more: Any) -> None:
        heard = Heard(self._node.clock(), self._address, self._scheme, self._protocol, counts, code, *more)
        self._node.heard.keep_heard(token.id, heard)
