"""The data folder: where the file is, who may use it, how it is copied and put back."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tracker.errors import Invalid, StoreError, StoreLocked
from tracker.stores.sqlite_schema import check, connect

FILE = "tracker.db"
LOCK = "tracker.lock"


def folder(url: str) -> Path:
    """The folder a URL names: `sqlite:///var/lib/tracker`, or just the path."""
    return Path(url.removeprefix("sqlite://")).expanduser()


class Lock:
    """One server a folder. The kernel lets go of it with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._descriptor: int | None = None

    def take(self) -> None:
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise StoreLocked(
                f"Another tracker{f' (process {owner})' if owner else ''} uses the data in {self._path.parent}. "
                "Stop it first, or choose another folder with --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def copy(source: Path, target: Path) -> None:
    """A complete, self-contained copy of a data file, also of one in use. `target` appears when it is whole."""
    if target.exists() and (not target.is_file() or target.samefile(source)):
        raise Invalid("backup_target", f"{target} is not a place for a backup: name a new file.")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with closing(connect(source)) as original, closing(sqlite3.connect(part, isolation_level=None)) as duplicate:
            original.backup(duplicate)
            duplicate.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        sync(part)
        part.replace(target)
        sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def backup(folder: Path, file: str) -> None:
    source = folder / FILE
    if not source.is_file():
        raise Invalid("no_data", f"There is no data in {folder}: nothing to back up.")
    with _plain_words(f"Could not copy {source} to {file}"):
        copy(source, Path(file))


def restore(file: str, folder: Path) -> Path | None:
    """See `restore_store`."""
    backup = Path(file)
    if not backup.is_file():
        raise Invalid("backup_missing", f"{backup} does not exist.")
    with _plain_words(f"Could not restore {folder} from {backup}"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = Lock(folder)
        lock.take()
        part = folder / (FILE + ".part")
        try:
            part.unlink(missing_ok=True)
            _examine(backup)
            copy(backup, part)
            kept = _set_aside(folder / FILE)
            part.replace(folder / FILE)
            sync(folder)
        finally:
            part.unlink(missing_ok=True)
            lock.release()
    return kept


@contextmanager
def _plain_words(what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{what}: {error}.") from error


def _examine(backup: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as source:
            if not check(source, backup):
                raise Invalid("backup_damaged", f"{backup} is not a tracker's backup: it is empty")
            fault = source.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Invalid("backup_damaged", f"{backup} is not a tracker's backup: {error}") from error
    if fault != "ok":
        raise Invalid("backup_damaged", f"{backup} is damaged: {fault}")


def _set_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    with closing(connect(path, write=True)) as connection:  # what is still in its log becomes part of it
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    number = 1
    while (kept := path.with_name(f"{path.stem}-replaced{number}{path.suffix}")).exists():
        number += 1
    path.replace(kept)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    return kept


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
