"""Slots: how many TCP connections may be open at once, and which gives way when there are too many.

One peer may hold nine tenths of them, so that another always gets in. When there is no room, the connection that has
idled longest gives way: one of the newcomer's peer when its share is used up, anybody's when all slots are. Without an
idle one the newcomer is refused.

A proxy's connection counts for whomever it asks for while it does; the proxy has only those that idle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from ipaddress import IPv6Address
from typing import Generic, NamedTuple, TypeVar

C = TypeVar("C", bound=Hashable)

FRESH_S = 1.0  #: a connection that has asked nothing yet is left in peace for so long
TOLD_S = 60.0  #: the log is told at most so often


class Statistics(NamedTuple):
    open: int
    idle: int
    accepted: int
    refused: int
    evicted: int


class _Idle(Generic[C]):
    """Connections without a request, the oldest first, and since when."""

    def __init__(self) -> None:
        self.kept: dict[C, float] = {}  # answered before
        self.fresh: dict[C, float] = {}  # has asked nothing yet

    def discard(self, connection: C) -> None:
        self.kept.pop(connection, None)
        self.fresh.pop(connection, None)

    def oldest(self, now: float) -> C | None:
        for connection in self.kept:
            return connection
        for connection, since in self.fresh.items():
            return connection if now - since >= FRESH_S else None
        return None


class Slots(Generic[C]):
    def __init__(self, most: int) -> None:
        self.most = most
        self.share = most - max(1, most // 10)  #: what one peer may hold
        self._peer: dict[C, str] = {}
        self._lent: dict[C, str] = {}  # connections of proxies that ask for somebody, and the proxy
        self._held: Counter[str] = Counter()
        self._idle: _Idle[C] = _Idle()
        self._idle_of: dict[str, _Idle[C]] = {}
        self._accepted = self._refused = self._evicted = 0
        self._told_at = float("-inf")
        self._told = (0, 0)

    def enter(self, connection: C, address: str, now: float) -> C | None:
        """Take a slot. Answers the connection that has to go for it: another one, this one, or none."""
        peer = peer_of(address)
        leaves: C | None = None
        if self._held[peer] >= self.share:
            leaves = self._idle_of[peer].oldest(now) or connection
        elif len(self._peer) >= self.most:
            leaves = self._idle.oldest(now) or connection
        if leaves == connection:
            self._refused += 1
            return leaves
        if leaves is not None:
            self._evicted += 1
            self.leave_slot(leaves)
        self._accepted += 1
        self._add(connection, peer)
        for idle in (self._idle, self._idle_of[peer]):
            idle.fresh[connection] = now
        return leaves

    def leave_slot(self, connection: C) -> None:
        """Its slot is free; saying so twice does no harm."""
        self._lent.pop(connection, None)
        if (peer := self._peer.pop(connection, None)) is not None:
            self._idle.discard(connection)
            self._take_from(connection, peer)

    def ask_for(self, connection: C, address: str) -> bool:
        """Until it idles, a proxy's connection counts for this one. False: whose share is used up."""
        peer, proxy = peer_of(address), self._peer.get(connection)
        if proxy is None or proxy == peer:
            return True
        if self._held[peer] >= self.share:
            self._refused += 1
            return False
        self._lent.setdefault(connection, proxy)
        self._take_from(connection, proxy)
        self._add(connection, peer)
        return True

    def _add(self, connection: C, peer: str) -> None:
        self._peer[connection] = peer
        self._held[peer] += 1
        self._idle_of.setdefault(peer, _Idle())

    def _take_from(self, connection: C, peer: str) -> None:
        self._idle_of[peer].discard(connection)
        self._held[peer] -= 1
        if not self._held[peer]:
            del self._held[peer], self._idle_of[peer]

    def busy(self, connection: C) -> None:
        """A request has begun."""
        if (peer := self._peer.get(connection)) is not None:
            for idle in (self._idle, self._idle_of[peer]):
                idle.discard(connection)

    def idle(self, connection: C, now: float) -> None:
        """It was answered and waits for the next request."""
        if proxy := self._lent.pop(connection, None):
            self._take_from(connection, self._peer[connection])
            self._add(connection, proxy)
        if (peer := self._peer.get(connection)) is not None:
            for idle in (self._idle, self._idle_of[peer]):
                idle.discard(connection)
                idle.kept[connection] = now

    def statistics(self) -> Statistics:
        idle = len(self._idle.kept) + len(self._idle.fresh)
        return Statistics(len(self._peer), idle, self._accepted, self._refused, self._evicted)

    def complaint(self, now: float) -> str | None:
        """What the log should hear, at most once a minute: that connections gave way since it last heard."""
        refused, evicted = self._refused - self._told[0], self._evicted - self._told[1]
        if not (refused or evicted) or now - self._told_at < TOLD_S:
            return None
        self._told_at, self._told = now, (self._refused, self._evicted)
        peer, held = max(self._held.items(), key=lambda item: item[1], default=("nobody", 0))
        return (
            f"too many connections: {refused} refused, {evicted} idle ones closed; {len(self._peer)} of "
            f"{self.most} are open (max_connections), {held} of them from {peer}; one address may hold {self.share}"
        )


def peer_of(address: str) -> str:
    """Who an address belongs to: of IPv6 its /64, which one machine owns."""
    if ":" not in address:
        return address
    whole = IPv6Address(address.partition("%")[0])
    if whole.ipv4_mapped:
        return str(whole.ipv4_mapped)
    return f"{IPv6Address(int(whole) >> 64 << 64)}/64"
