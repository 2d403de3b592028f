"""The functions that the port knows an engine by."""

from __future__ import annotations

from tracker.config import folder_of
from tracker.stores import Finding, Store
from tracker.stores.sqlite import files
from tracker.stores.sqlite.reading import Reading
from tracker.stores.sqlite.store import SqliteStore


def open_store(url: str, accept_loss: bool) -> Store:
    return SqliteStore(url, accept_loss=accept_loss)


def read_store(url: str) -> Store:
    return Reading(url)


def restore_store(url: str, file: str) -> str | None:
    kept = files.restore(file, folder_of(url))
    return None if kept is None else str(kept)


def backup_store(url: str, file: str) -> None:
    files.backup(folder_of(url), file)


def examine_store(url: str) -> list[Finding]:  # noqa: ARG001
    return []
