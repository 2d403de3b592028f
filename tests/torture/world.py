"""World: PostgreSQL, NATS and nodes, in processes of their own, with a link between each two that can be cut."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.support import databases, disks, nats
from tests.torture.nodes import SCHEMA, Node
from tests.torture.notes import Notes

#: nothing is synced but what asks for it: what was acknowledged too early is lost
SETTINGS = (
    "shared_buffers = 32MB",
    "synchronous_commit = off",
    "wal_writer_delay = 10s",
    "max_wal_size = 96MB",
    "min_wal_size = 32MB",
    "wal_keep_size = 0",
)
DISK_MB = 1024


class World:
    def __init__(
        self, postgres: databases.Cluster, nats: nats.Server, disk: Path | None, folder: Path, nodes: int
    ) -> None:
        self.postgres, self.nats, self.disk = postgres, nats, disk
        self.notes = Notes(postgres.port, SCHEMA)
        self.nodes = [Node(number, folder, postgres.port, nats.port, self.notes) for number in range(nodes)]
        self.turn = asyncio.Lock()  # of whoever stops or starts PostgreSQL or NATS

    def fill(self, ballast: Path) -> None:
        """Until nothing more goes in."""
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 20)) == 1 << 20:
                pass
            while file.write(bytes(4096)):
                pass

    def postgres_runs(self) -> bool:
        with suppress(AssertionError):
            self.postgres.run("pg_ctl", "-D", str(self.postgres.data), "status")
            return True
        return False


@asynccontextmanager
async def world(nodes: int) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracker-torture-")))
        disk = _disk(stack, folder)
        cluster = stack.enter_context(databases.cluster(SETTINGS, disk))
        made = World(cluster, stack.enter_context(nats.server()), disk, folder, nodes)
        await made.notes.open()
        for node in made.nodes:
            stack.push_async_callback(node.close)
            await node.open()
        first, *others = made.nodes
        await first.start()  # and makes the tables
        await asyncio.gather(*(node.start() for node in others))
        await made.notes.begin()
        yield made


def _disk(stack: AsyncExitStack, folder: Path) -> Path | None:
    """A small one for PostgreSQL, where we may mount one (as root)."""
    if os.geteuid():
        return None
    folder.chmod(0o755)
    place = folder / "disk"
    with suppress(pytest.skip.Exception):
        return stack.enter_context(disks.mounted(place, DISK_MB))
    return None
