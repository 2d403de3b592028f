"""Guessing: how long one who gave wrong passwords waits for the next try to be heard.

Three counts, each forgotten after a while: of the name (whoever guesses it, the owner waits at most 5 s), of the
address (of IPv6 its /64, which is one house), and of its network (a /24, or a /48), so that many addresses of one house
are no way round. A name is counted apart where its owner has signed in before: a crowd that guesses it from everywhere
else, without end, keeps nobody out there.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

MOST_KEPT = 50_000  #: counts kept, and places; the oldest go first, so that inventing names fills no memory


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
        self._places: dict[tuple[str, str], None] = {}  # name and address where the owner signed in
        self.wrong = 0
        self.unheard = 0  # told to wait

    def wait_ms(self, user: str, address: str, now: int) -> int:
        """How long until a try of this name from this address is heard; 0: now."""
        return max(self._left(key, limit, now) for key, limit in self._keys(user, address))

    def count(self, user: str, address: str, now: int) -> None:
        """One more try, wrong until `right` says otherwise: several at once are no way round."""
        for key, limit in self._keys(user, address):
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
        self.take_back(user, address)
        self._counts.pop(self._keys(user, address)[0][0], None)
        self.know(user, address)

    def take_back(self, user: str, address: str) -> None:
        """The last try was not heard."""
        for key, _ in self._keys(user, address):
            if key in self._counts:
                self._counts[key].wrong -= 1

    def know(self, user: str, address: str) -> None:
        """The owner is or was signed in there."""
        self._places[user.casefold(), _house(address)] = None
        if len(self._places) > MOST_KEPT:
            del self._places[next(iter(self._places))]

    def knows(self, user: str, address: str) -> bool:
        return (user.casefold(), _house(address)) in self._places

    def _keys(self, user: str, address: str) -> tuple[tuple[tuple[str, str], Limit], ...]:
        name, house = user.casefold(), _house(address)
        return (
            (("user there", f"{house} {name}") if (name, house) in self._places else ("user", name), USER),
            (("address", house), ADDRESS),
            (("network", _network(address)), NETWORK),
        )

    def _left(self, key: tuple[str, str], limit: Limit, now: int) -> int:
        count = self._counts.get(key)
        if count is None or count.wrong <= limit.free or now - count.heard_at > limit.forget_ms:
            return 0
        cost = min(limit.most_ms, limit.first_ms << min(count.wrong - limit.free - 1, 20))
        return max(0, count.heard_at + cost - now)


def _house(address: str) -> str:
    return _around(address, 32, 64)


def _network(address: str) -> str:
    return _around(address, 24, 48)


def _around(address: str, bits4: int, bits6: int) -> str:
    try:
        there = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(there, IPv6Address) and there.ipv4_mapped:
        there = there.ipv4_mapped
    return str(ip_network((there, bits4 if there.version == 4 else bits6), strict=False))
