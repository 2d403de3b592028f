"""The data folder: where the file is, who may use it, how it is copied and put back."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from tracker.errors import Invalid, StoreError, StoreLocked
from tracker.model.records import ENDED_BY_RESTORE
from tracker.stores.sqlite.schema import check, connect, create

FILE = "tracker.db"
LOCK = "tracker.lock"
NOTE = 80  #: bytes of what the lock says


class State(StrEnum):
    """What the last one who used the folder left, as its lock says."""

    NEW = ""  # nobody used it yet
    KNOWN = "known"  # somebody did: 0.1.0 said no more
    RUNNING = "running"  # what was stored last is in the log; after a cut, too
    STOPPED = "stopped"  # everything is in tracker.db: the log may be gone
    SPOILT = "spoilt"  # another program wrote to the files that were in use


class Lock:
    """One server a folder. The kernel lets go of it with the process, however that ends.

    The folder itself is locked: a file in it can be deleted. tracker.lock says who has it, and what was left.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / LOCK
        self._held: list[int] = []
        self._db_inode = self._own_inode = 0
        self.state = State.NEW

    def take_lock(self) -> None:
        if self._held:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._held = [descriptor]
        try:
            self._held.append(os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            words = os.pread(descriptor, NOTE, 0).decode(errors="replace").split()
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lock_folder()
        except BlockingIOError:
            self.release()
            raise StoreLocked(
                f"Another tracker{f' (process {words[0]})' if words else ''} uses the data in {self._folder}. "
                "Stop it first, or choose another folder with --data."
            ) from None
        except BaseException:
            self.release()
            raise
        self._read(words)
        if self.state is not State.NEW:
            self._write()

    def _lock_folder(self) -> None:
        try:
            fcntl.flock(self._held[1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # some network file systems lock no folders: the file must do
            pass

    def _read(self, words: list[str]) -> None:
        """`words`: process, state, inode of tracker.db, inode of the lock."""
        if len(words) == 4 and words[1] in set(State):
            self.state = State(words[1])
            self._db_inode, self._own_inode = (int(word) if word.isdigit() else 0 for word in words[2:])
        else:
            self.state = State.KNOWN if words else State.NEW

    def note(self, state: State, db_inode: int = 0) -> None:
        """Say what a restart has to expect; on the disk when this returns."""
        self.state = state
        if self._held:
            self._db_inode, self._own_inode = db_inode, os.fstat(self._held[0]).st_ino
            self._write()

    def _write(self) -> None:
        """One sector, always as long: all of it or none, and no new room on a full disk."""
        text = f"{os.getpid()} {self.state} {self._db_inode} {self._own_inode}"
        os.pwrite(self._held[0], text.ljust(NOTE - 1).encode() + b"\n", 0)
        os.ftruncate(self._held[0], NOTE)
        os.fsync(self._held[0])

    def another_file(self, inode: int) -> bool:
        """Was tracker.db exchanged since a tracker ran here, and nothing else? (A copied folder is new as a whole.)"""
        own = os.fstat(self._held[0]).st_ino
        return self.state is State.RUNNING and own == self._own_inode and inode != self._db_inode

    def release(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)
        self._held = []


def copy(source: Path, target: Path) -> None:
    """A complete, self-contained copy of a data file, also of one in use. `target` appears when it is whole."""
    if target.exists() and (not target.is_file() or target.samefile(source)):
        raise Invalid("backup_target", f"{target} is not a place for a backup: name a new file.")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    create(part)
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
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock(folder)
        lock.take_lock()
        part = folder / (FILE + ".part")
        try:
            part.unlink(missing_ok=True)
            examine(backup)
            copy(backup, part)
            _end(part, ENDED_BY_RESTORE)
            kept = _set_aside(folder / FILE, lock)
            part.replace(folder / FILE)
            sync(folder)
            lock.note(State.STOPPED)
            _give_to_owner(folder)
        finally:
            part.unlink(missing_ok=True)
            lock.release()
    return kept


def _end(file: Path, kinds: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'records'").fetchone():
            connection.executemany("DELETE FROM records WHERE kind = ?", [(kind,) for kind in kinds])
    sync(file)


def _give_to_owner(folder: Path) -> None:
    """What root restores belongs to whom the folder does: the server runs as somebody else."""
    owner = folder.stat()
    for name in (FILE, LOCK):
        if os.geteuid() == 0 and (folder / name).stat().st_uid != owner.st_uid:
            os.chown(folder / name, owner.st_uid, owner.st_gid)


@contextmanager
def _plain_words(what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{what}: {error}.") from error


def examine(backup: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as source:
            if not check(source, backup):
                raise Invalid("backup_damaged", f"{backup} is not a tracker's backup: it is empty")
            if acts := source.execute("SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view')").fetchall():
                raise Invalid("backup_damaged", f"{backup} is not a tracker's backup: it would do {acts[0][0]!r}")
            fault = source.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise Invalid("backup_damaged", f"{backup} is not a tracker's backup: {error}") from error
    if fault != "ok":
        raise Invalid("backup_damaged", f"{backup} is damaged: {fault}")


def _set_aside(path: Path, lock: Lock) -> Path | None:
    """Rename the data that is there, with its log when that cannot be moved into it: it may be damaged or half gone."""
    log = path.with_name(path.name + "-wal")
    there = path.stat() if path.is_file() else None
    with suppress(sqlite3.Error):
        if there and there.st_size and lock.state is not State.SPOILT and not lock.another_file(there.st_ino):
            with closing(connect(path, write=True)) as connection:  # what is still in its log becomes part of it
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    number = 1
    while any(path.with_name(f"{path.stem}-replaced{number}{path.suffix}{end}").exists() for end in ("", "-wal")):
        number += 1
    kept = None
    for file, end in ((log, "-wal"), (path, "")):
        if file.exists():
            kept = path.with_name(f"{path.stem}-replaced{number}{path.suffix}{end}")
            file.replace(kept)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return kept


def keep_from_others(path: Path) -> None:
    """Positions of people, and what their passwords are known by, are read by no other user of the machine. What the
    group may do stays as somebody set it."""
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with suppress(OSError):  # somebody else's, who lets us write: theirs to decide
            if (mode := file.stat().st_mode) & 0o007:
                file.chmod(mode & 0o7770)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
