"""What is done to nodes, PostgreSQL, NATS and the ways between them. Each ends with all as it was."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.torture.links import DOWN, UP, Link
from tests.torture.nodes import SCHEMA
from tests.torture.notes import BROKEN
from tests.torture.schedule import Planned
from tests.torture.world import World

if TYPE_CHECKING:
    from tests.torture.nodes import Node

PARTITIONS = 64
HOUR_S = 3600
LOOKS = 400  #: for a commit under way

Fault = Callable[["World", "Node", Planned], Awaitable[None]]


async def kill_node(_: World, node: Node, planned: Planned) -> None:
    async with node.turn:
        await node.kill()
        await asyncio.sleep(planned.hold_s)
        await node.start()


async def stop_node(_: World, node: Node, planned: Planned) -> None:
    async with node.turn:
        await node.stop()
        await asyncio.sleep(planned.hold_s)
        await node.start()


async def pause_node(_: World, node: Node, planned: Planned) -> None:
    async with node.turn:
        node.send_signal(signal.SIGSTOP)
        await asyncio.sleep(planned.hold_s)
        node.send_signal(signal.SIGCONT)


async def _hold(planned: Planned, *links: Link) -> None:
    """In one direction or both; or every connection is broken; some that were held up break at the end."""
    chance = random.Random(planned.chance)
    ways = chance.choice([(UP,), (DOWN,), (UP, DOWN), ()])
    for link in links:
        link.hold(*ways) if ways else link.cut()
    await asyncio.sleep(planned.hold_s)
    if chance.random() < 0.3:
        for link in links:
            link.cut()
    for link in links:
        link.mend()


async def cut_postgres(_: World, node: Node, planned: Planned) -> None:
    await _hold(planned, node.links["postgres"])


async def cut_nats(_: World, node: Node, planned: Planned) -> None:
    await _hold(planned, node.links["nats"])


async def cut_both(_: World, node: Node, planned: Planned) -> None:
    await _hold(planned, *node.links.values())


async def hold_commit(_: World, node: Node, planned: Planned) -> None:
    """What a node commits comes to PostgreSQL when its lease is long over."""
    node.links["postgres"].hold(UP)
    await asyncio.sleep(1.5 + planned.hold_s)
    node.links["postgres"].mend()


async def restart_postgres(world: World, _: Node, planned: Planned) -> None:
    async with world.turn:
        mode = random.Random(planned.chance).choice(["immediate", "fast"])
        await asyncio.to_thread(world.postgres.stop, mode)
        await asyncio.sleep(planned.hold_s / 2)
        await asyncio.to_thread(world.postgres.start)


async def restart_nats(world: World, _: Node, planned: Planned) -> None:
    async with world.turn:
        await asyncio.to_thread(world.nats.kill)
        await asyncio.sleep(planned.hold_s / 2)
        await asyncio.to_thread(world.nats.start)


async def end_backend(world: World, _: Node, planned: Planned) -> None:
    """In mid-commit, where one is seen; else any."""
    chance = random.Random(planned.chance)
    with suppress(*BROKEN):
        connection = await world.notes.connect()
        try:
            some: list[int] = []
            for _look in range(LOOKS):
                rows = await connection.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracker' AND (state = 'active' OR $1)"
                    " AND (query LIKE '%commit_all%' OR $1)",
                    _look == LOOKS - 1,
                )
                if some := [row["pid"] for row in rows]:
                    break
            for pid in chance.sample(some, min(len(some), 1)):
                await connection.execute("SELECT pg_terminate_backend($1)", pid)
        finally:
            await connection.close()


async def _within(world: World, sql: str, hold_s: float) -> None:
    """Somebody else's transaction, for so long."""
    with suppress(*BROKEN):
        connection = await world.notes.connect()
        try:
            async with connection.transaction():
                await connection.execute(sql)
                await asyncio.sleep(hold_s)
        finally:
            await connection.close()


async def slow_commit(world: World, _: Node, planned: Planned) -> None:
    """Commits of some parts of the fleet stand still after they have begun, and those of others overtake them."""
    some = ", ".join(map(str, random.Random(planned.chance).sample(range(PARTITIONS), 4)))
    await _within(world, f"SELECT FROM {SCHEMA}.leases WHERE partition IN ({some}) FOR UPDATE", planned.hold_s)


async def stay_in_transaction(world: World, _: Node, planned: Planned) -> None:
    """It may still write what comes before."""
    await _within(world, "SELECT pg_current_xact_id()", planned.hold_s)


async def set_clock(_: World, node: Node, planned: Planned) -> None:
    node.set_clock(random.Random(planned.chance).choice([-HOUR_S, HOUR_S]))
    await asyncio.sleep(planned.hold_s)
    node.set_clock(0)


async def fill_disk(world: World, _: Node, planned: Planned) -> None:
    """Of PostgreSQL. It may end by that: then it is started once there is room."""
    if world.disk is None:
        return
    async with world.turn:
        ballast = world.disk / "ballast"
        await asyncio.to_thread(world.fill, ballast)
        await asyncio.sleep(planned.hold_s)
        ballast.unlink()
        if not await asyncio.to_thread(world.postgres_runs):
            await asyncio.to_thread(world.postgres.start)


ONE_NODE: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill_node, stop_node, pause_node, cut_postgres, cut_nats, cut_both, hold_commit, restart_postgres, restart_nats,
        end_backend, stay_in_transaction, fill_disk,
    )
}  # fmt: skip
#: one alone goes by its own clock, and has no leases
FAULTS = ONE_NODE | {fault.__name__: fault for fault in (set_clock, slow_commit)}
#: while one of them lasts NATS or PostgreSQL is away from some node
CUTS = {
    fault.__name__
    for fault in (cut_postgres, cut_nats, cut_both, hold_commit, restart_postgres, restart_nats, fill_disk)
}
