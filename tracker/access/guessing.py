"""Guessing: how long one who gave wrong passwords waits for the next try to be heard.

Three counts, each forgotten after a while: of the name (whoever guesses it, the owner waits at most 5 s), of the
address, and of its network (a /24, or a /48 of IPv6), so that many addresses of one house are no way round.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

MOST_KEPT = 50_000  #: counts kept; the oldest go first, so that inventing names fills no memory


class Limit(NamedTuple):
    free: int  # wrong tries that cost nothing
    first_ms: int  # what the next costs; twice as much with each further one
    most_ms: int
    forget_ms: int  # without a wrong try


USER = Limit(2, 500, 5_000, 15 * 60_000)
ADDRESS = Limit(10, 1_000, 60_000, 15 * 60_000)
NETWORK = Limit(50, 500, 30_000, 15 * 60_000)


class Count:
    __slots__ = ("heard_at", "wrong")

    def __init__(self) -> None:
        self.wrong = 0
        self.heard_at = 0


class Guessing:
    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Count] = {}
        self.wrong = 0
        self.unheard = 0  # told to wait

    def wait_ms(self, user: str, address: str, now: int) -> int:
        """How long until a try of this name from this address is heard; 0: now."""
        return max(self._left(key, limit, now) for key, limit in _keys(user, address))

    def count(self, user: str, address: str, now: int) -> None:
        """One more try, wrong until `right` says otherwise: several at once are no way round."""
        for key, limit in _keys(user, address):
            count = self._counts.pop(key, None)
            if count is None or now - count.heard_at > limit.forget_ms:
                count = Count()
            count.wrong += 1
            count.heard_at = now
            self._counts[key] = count  # the newest last
        while len(self._counts) > MOST_KEPT:
            del self._counts[next(iter(self._counts))]

    def right(self, user: str, address: str) -> None:
        """The owner is here: the name is free again. Of the address only this try is taken back, or one account would
        buy tries at others."""
        keys = [key for key, _ in _keys(user, address)]
        self._counts.pop(keys[0], None)
        for key in keys[1:]:
            if key in self._counts:
                self._counts[key].wrong -= 1

    def _left(self, key: tuple[str, str], limit: Limit, now: int) -> int:
        count = self._counts.get(key)
        if count is None or count.wrong <= limit.free or now - count.heard_at > limit.forget_ms:
            return 0
        cost = min(limit.most_ms, limit.first_ms << min(count.wrong - limit.free - 1, 20))
        return max(0, count.heard_at + cost - now)


def _keys(user: str, address: str) -> tuple[tuple[tuple[str, str], Limit], ...]:
    return (
        (("user", user.casefold()), USER),
        (("address", address), ADDRESS),
        (("network", _network(address)), NETWORK),
    )


def _network(address: str) -> str:
    try:
        there = ip_address(address)
    except ValueError:
        return address
    if isinstance(there, IPv6Address) and there.ipv4_mapped:
        there = there.ipv4_mapped
    return str(ip_network((there, 24 if there.version == 4 else 48), strict=False))
