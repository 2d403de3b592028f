"""What several nodes commit to a store they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.events import Event, event_id
from tracker.model.ping import Ping
from tracker.stores.postgres import store as stores
from tracker.stores.postgres.shared import SharedStore
from tracker.stores.postgres.store import PostgresStore, connect

PARTS = 8
LEASE_MS = 3_600_000
T0 = 1_790_000_000_000


def pings(n: int, *seconds: int) -> list[StoredPing]:
    return [StoredPing(n, Ping(f"van-{n}", T0 + at * 1000, 60.1, 24.9), T0 + at * 1000) for at in seconds]


def entered(n: int, number: int) -> Event:
    id = event_id("enter", f"van-{n}", "depot", number)
    return Event(id, "enter", f"van-{n}", number, number, "moved", 60.1, 24.9, region="depot", version=1)


def told(n: int, *seconds: int, **more: Any) -> Commit:
    return Commit(pings=pings(n, *seconds), vehicles=[SavedVehicle(n, f"van-{n}", b"state")], **more)


async def by_hand(connection: Any, node: str, number: int, parts: Any, epochs: Any, commit: Commit) -> list[int]:
    values = (node, number, parts, epochs, *stores._values(commit))
    fresh: list[int] = await connection.fetchval(stores.COMMIT, *values)
    return fresh


@asynccontextmanager
async def under_way(store: SharedStore, part: int, commit: Commit, number: int = 1) -> AsyncIterator[None]:
    """A commit that has done everything but end."""
    connection = await connect(store.place)
    try:
        async with connection.transaction():
            await by_hand(connection, store.node, number, [part], [1], commit)
            yield
    finally:
        await connection.close()


async def asked(store: PostgresStore, sql: str, *values: Any) -> Any:
    connection = await connect(store.place)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


def cut_once(monkeypatch: pytest.MonkeyPatch, *, before: bool) -> None:
    """The way to the database is cut before a commit arrives there, or before its answer arrives here."""
    ask = asyncpg.Connection.fetchval
    done: list[str] = []

    async def fetchval(connection: Any, sql: str, *values: Any) -> Any:
        cut = "commit_all" in sql and not done
        answer = None if cut and before else await ask(connection, sql, *values)
        if cut:
            done.append(sql)
            connection.terminate()
            raise ConnectionResetError
        return answer

    monkeypatch.setattr(asyncpg.Connection, "fetchval", fetchval)
