"""The functions that the port knows the engine in PostgreSQL by."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tracker.config import SettingsError
from tracker.stores import Finding, SharedStore, Store
from tracker.stores.postgres.url import place_of

PARTITIONS = 64  #: of a store that nodes are to share, where it is made

T = TypeVar("T")


def open_store(url: str, accept_loss: bool) -> Store:  # noqa: ARG001
    _need_driver()
    from tracker.stores.postgres.store import PostgresStore

    return PostgresStore(url)


def share_store(url: str) -> SharedStore:
    _need_driver()
    from tracker.stores.postgres.shared import SharedStore as Shared

    return Shared(url, secrets.token_hex(6), PARTITIONS)


def read_store(url: str) -> Store:
    _need_driver()
    from tracker.stores.postgres.reading import Reading

    return Reading(url)


def restore_store(url: str, file: str) -> str | None:
    _need_driver()
    from tracker.stores.backups import copying

    return _run(lambda: copying.restore(place_of(url), file))


def backup_store(url: str, file: str) -> None:
    _need_driver()
    from tracker.stores.backups import copying

    _run(lambda: copying.to_file(place_of(url), file))


def examine_store(url: str) -> list[Finding]:
    _need_driver()
    from tracker.stores.postgres.doctor import examine

    return _run(lambda: examine(url))


def _need_driver() -> None:
    try:
        import asyncpg  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "a store in PostgreSQL needs its driver: pip install 'live-map-tracker[postgres]'"
        ) from error


def _run(ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """In a thread of its own: who asks may be in a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(ask())).result()
