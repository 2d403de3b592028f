"""Servers as fixtures; what a Server can do is in tests/support/servers.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dialling import hang_up_all
from tests.support.servers import Server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers, by default each on a new folder; all end with the test."""
    servers: list[Server] = []

    def start(data: Path | None = None, **settings: object) -> Server:
        server = Server(data or tmp_path / f"data{len(servers)}", **settings)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server of this test's own."""
    return start_server()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for tests that only add things with names of their own."""
    server = Server(tmp_path_factory.mktemp("shared") / "data").start()
    yield server
    server.kill()


@pytest.fixture
async def hang_up() -> AsyncIterator[None]:
    """For tests that `dial`."""
    yield
    await hang_up_all()
