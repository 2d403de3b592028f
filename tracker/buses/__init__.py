"""Bus: every node hears every committed change, in order, its own too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from tracker.config import SettingsError
from tracker.model.change import Change


class Bus(Protocol):
    """Guarantees: per publisher in order; a node hears its own changes before `publish` returns (so what was
    answered can be read); delivery may repeat, state is absolute."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """`listen` ends once everything published before has been heard."""
        ...

    async def publish(self, change: Change) -> None: ...

    def listen(self) -> AsyncIterator[Change]:
        """Everything published from this call on."""
        ...


BUSES = ("memory:",)  #: the buses there are; the contract suite goes through them


def open_bus(url: str) -> Bus:
    """Imports the bus only here. Raises SettingsError."""
    if url != "memory:":
        raise SettingsError(f"no bus speaks {url.partition(':')[0]}: (bus = {url!r}); there is {', '.join(BUSES)}")
    from tracker.buses.memory import MemoryBus

    return MemoryBus()
