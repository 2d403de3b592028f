"""Where each kind of store is for a test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import databases


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
