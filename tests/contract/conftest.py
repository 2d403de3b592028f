"""Where each kind of store is for a test."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
from tests.support.committing import LEASE_MS, PARTS
from tracker.stores.postgres.shared import SharedStore


@pytest.fixture(scope="session")
def database() -> Iterator[databases.Cluster]:
    with databases.cluster() as cluster:
        yield cluster


@pytest.fixture
def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A new place of a kind: a folder of this test, or a schema."""

    def url(kind: str) -> str:
        if kind in ("postgresql", "shared"):
            cluster: databases.Cluster = request.getfixturevalue("database")
            url = cluster.url(hashlib.blake2b(str(tmp_path).encode(), digest_size=8).hexdigest())
            return url.replace("postgresql", kind, 1)
        return f"{kind}:{tmp_path}/data"

    return url


@pytest.fixture
async def nodes(url_of: Callable[[str], str]) -> AsyncIterator[Callable[[int], Any]]:
    """So many stores on one database, each with the part of its number."""
    url = url_of("postgresql")
    async with AsyncExitStack() as opened:

        async def made(count: int) -> list[SharedStore]:
            stores = [SharedStore(url, f"node-{at}", PARTS) for at in range(count)]
            for at, store in enumerate(stores):
                await store.open()
                opened.push_async_callback(store.close)
                await store.lease_round(LEASE_MS, takes=[(at, 0)])
            return stores

        yield made
