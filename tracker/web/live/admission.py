"""Admission: whether one more may watch from an address, and whether who asks without a socket asks too often."""

from __future__ import annotations

from collections import Counter

from tracker.config import Settings
from tracker.errors import Overloaded, Stopping
from tracker.turns.allowance import Allowances

PEERS = 10  #: connections' worth of messages that one address may ask for without a socket


class Admission:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: Counter[str] = Counter()  # connections by address
        self._lines = 0  # all of them
        self._closed = False
        rate = settings.live_messages_per_s
        self._asking = Allowances(rate), Allowances(PEERS * rate)

    def close(self) -> None:
        """The server is stopping."""
        self._closed = True

    def admit(self, address: str) -> None:
        """Whether one more may connect from there. Raises Overloaded, Stopping."""
        if self._closed:
            raise Stopping("the server is stopping; come back in a moment", 2)
        if self._lines >= self._settings.live_connections:
            raise Overloaded("too many live connections are open; try again later", 30)
        most = self._settings.live_per_address
        if most == 0 and not address.startswith(("127.", "::1")):
            most = 200
        if most and self._open[address] >= most:
            raise Overloaded("too many live connections are open from this address", 30)

    def admit_request(self, peer: tuple[str, int], now: float) -> None:
        """What a socket's handshake and first message would meet, for who asks by HTTP: is there room, is it too often?
        Raises Overloaded, Stopping."""
        by_peer, by_address = self._asking
        if not by_peer.take_one_for(peer, now) or not by_address.take_one_for(peer[0], now):
            raise Overloaded("this address asks too often; ask again in a second, or open a stream")
        self.admit(peer[0])

    def add_line(self, address: str) -> None:
        self._lines += 1
        self._open[address] += 1

    def leave_line(self, address: str) -> None:
        self._lines -= 1
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    def forget_whole(self, now: float) -> None:
        """Those who did not ask for a while."""
        for asking in self._asking:
            asking.forget_whole(now)
