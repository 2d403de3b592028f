"""Bus: every node hears every committed change, in order, its own too, or that it may have missed some.

And asking: a node asks another one, which answers; pings go to their owner so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
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


Answer = Callable[[bytes], Awaitable[bytes]]


class NotAsked(Exception):
    """Certainly nothing was done: there is no such node, or no way to it, or it has too much to do. Says which."""


class NoAnswer(Exception):
    """It may have been done, or be done yet: the answer did not come in time, or got lost."""


class Failed(Exception):
    """The other node could not answer; says what it said. What it had done by then only it knows."""


class Asking(Protocol):
    """Guarantees: a question is begun once or not at all; those of one node are begun by another in the order they were
    asked, and answered in any. Nobody waits longer than they said."""

    @property
    def away(self) -> str:
        """Why no other node can be asked now; empty: they can."""
        ...

    async def open(self, answer: Answer) -> None:
        """From now on this node answers. What `answer` raises is told as Failed."""
        ...

    async def close(self) -> None:
        """No further question is begun; those under way are answered, for a few seconds."""
        ...

    async def ask(self, node: str, question: bytes, seconds: float) -> bytes:
        """Raises NotAsked, NoAnswer, Failed. A node may ask itself."""
        ...


class Engine(Protocol):
    """What one kind of bus offers to the functions below: a module with three functions of these names."""

    def open_bus(self, url: str) -> Bus: ...

    def open_asking(self, url: str, me: str) -> Asking: ...

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


def open_asking(url: str, me: str) -> Asking:
    """How nodes of the bus with this URL ask each other; `me` is what this one is asked as: letters, digits, - and _.
    Raises SettingsError."""
    return _engine(url).open_asking(url, me)


def examine_bus(url: str) -> list[tuple[str, bool, str]]:
    """(what, whether it is a fault, detail): whether other nodes could be heard from here. Raises SettingsError."""
    return _engine(url).examine_bus(url)
