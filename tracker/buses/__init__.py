"""Bus: every node hears every committed change, in order, its own too, or that it may have missed some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol

from tracker.config import SettingsError, without_token
from tracker.model.change import Change


class Gap(NamedTuple):
    """Changes of other nodes from the last `ms` milliseconds may have been missed. What is stored holds them all, from
    now on: whoever reads it after this was told, and hears on, knows everything again.

    `away`: the bus is away, and more will be missed; one without it follows when it is back."""

    ms: int
    away: bool = False


Heard = Change | Gap


class Bus(Protocol):
    """Guarantees: per publisher in order; a node hears its own changes before `publish` returns (so what was
    answered can be read), and misses none of them; delivery may repeat, state is absolute; who may have missed
    what another node said is told so."""

    @property
    def away(self) -> str:
        """Why other nodes are not heard now; empty: they are."""
        ...

    async def open(self) -> None:
        """Returns also while other nodes cannot be heard yet."""
        ...

    async def close(self) -> None:
        """`listen` ends once everything published before has been heard; to other nodes it is on its way."""
        ...

    async def publish(self, change: Change) -> None: ...

    def listen(self) -> AsyncIterator[Heard]:
        """Everything published from this call on."""
        ...


class Engine(Protocol):
    """What one kind of bus offers to the functions below: a module with two functions of these names."""

    def open_bus(self, url: str) -> Bus: ...

    def examine_bus(self, url: str) -> list[tuple[str, bool, str]]: ...


def _memory() -> Engine:
    from tracker.buses import memory

    return memory


def _nats() -> Engine:
    from tracker.buses import nats

    return nats


#: scheme of a bus's URL → what speaks it; the contract suite goes through them
BUSES: dict[str, Callable[[], Engine]] = {"memory": _memory, "nats": _nats, "tls": _nats}


def _engine(url: str) -> Engine:
    name = url.partition(":")[0]
    if name not in BUSES:
        known = ", ".join(f"{one}:" for one in BUSES)
        raise SettingsError(f"no bus speaks {name}: (bus = {without_token(url)!r}); there is {known}")
    return BUSES[name]()


def open_bus(url: str) -> Bus:
    """Imports the bus only here. Raises SettingsError."""
    return _engine(url).open_bus(url)


def examine_bus(url: str) -> list[tuple[str, bool, str]]:
    """(what, whether it is a fault, detail): whether other nodes could be heard from here. Raises SettingsError."""
    return _engine(url).examine_bus(url)
