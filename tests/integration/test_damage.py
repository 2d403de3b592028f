"""Damaged, read-only, not ours: a start says in one sentence what is wrong and what to do, and touches nothing."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.test_presence import NEVER, cut, fixes, used
from tests.support.disks import mounted
from tests.support.servers import ROOT
from tests.support.waiting import deadline
from tracker.errors import StoreError, StoreUnusable
from tracker.stores import restore_store
from tracker.stores.sqlite.store import SqliteStore

PAGE = 4096


@pytest.fixture
async def stopped(tmp_path: Path) -> Path:
    store = await used(tmp_path / "data")
    await store.commit(fixes(100, 300))
    await store.backup(str(tmp_path / "backup.db"))
    await store.close()
    return tmp_path / "data"


@pytest.fixture
async def crashed(tmp_path: Path) -> Path:
    store = await used(tmp_path / "data", 40)
    cut(store)
    return tmp_path / "data"


def scribble(path: Path, begin: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(random.Random(begin).randbytes(length))


async def says_restore(folder: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"is damaged \(.+\)\. Stop the server and restore a backup") as refused:
        await SqliteStore(str(folder)).open()
    assert refused.value.code == "store_damaged"


async def test_a_damaged_header_asks_for_a_backup(stopped: Path) -> None:
    scribble(stopped / "tracker.db", 0, 100)
    await says_restore(stopped)


async def test_half_a_file_asks_for_a_backup(stopped: Path) -> None:
    os.truncate(stopped / "tracker.db", (stopped / "tracker.db").stat().st_size // 2 // PAGE * PAGE)
    await says_restore(stopped)


async def test_every_damaged_page_asks_for_a_backup(stopped: Path, tmp_path: Path) -> None:
    pages = (stopped / "tracker.db").stat().st_size // PAGE
    assert pages > 20
    for page in range(1, pages):
        shutil.copytree(stopped, tmp_path / f"{page}")
        scribble(tmp_path / f"{page}" / "tracker.db", page * PAGE, PAGE)
        await says_restore(tmp_path / f"{page}")


async def test_a_page_that_goes_bad_later_makes_the_server_unready(stopped: Path) -> None:
    """A large file is not looked through as a whole at the start: then it is noticed when it is read."""
    store = SqliteStore(str(stopped))
    await store.open()
    pages = (stopped / "tracker.db").stat().st_size // PAGE
    descriptor = os.open(stopped / "tracker.db", os.O_WRONLY)  # never closed: that would drop SQLite's locks
    for page in range(2, pages):
        os.pwrite(descriptor, random.Random(page).randbytes(PAGE), page * PAGE)
    store._presence.moved()  # a disk that rots changes no time of the file
    with pytest.raises(StoreError, match="restore a backup"):
        await store.track(1, 0, NEVER, None, 1000)
    with pytest.raises(StoreError, match="restore a backup"):
        await store.ping()
    await store.close()


async def test_a_damaged_beginning_of_the_log_asks_for_a_backup(crashed: Path) -> None:
    for place in (0, 9, 20, 28):
        copy = crashed.with_name(f"copy{place}")
        shutil.copytree(crashed, copy)
        scribble(copy / "tracker.db-wal", place, 4)
        log = (copy / "tracker.db-wal").read_bytes()
        await says_restore(copy)
        assert (copy / "tracker.db-wal").read_bytes() == log
        store = SqliteStore(str(copy), accept_loss=True)
        await store.open()
        await store.close()
        assert (copy / "tracker-lost1.db-wal").read_bytes() == log


async def test_a_damaged_middle_of_the_log_asks_for_a_backup(crashed: Path) -> None:
    size = (crashed / "tracker.db-wal").stat().st_size
    for part in (1, 2, 5, 8):
        copy = crashed.with_name(f"copy{part}")
        shutil.copytree(crashed, copy)
        scribble(copy / "tracker.db-wal", size * part // 10, 50)
        await says_restore(copy)
        await says_restore(copy)
        store = SqliteStore(str(copy), accept_loss=True)
        await store.open()
        assert 0 <= len(await store.track(1, 0, NEVER, None, 100)) < 40
        await store.close()


async def test_a_commit_torn_by_a_power_cut_is_no_damage(crashed: Path) -> None:
    log = crashed / "tracker.db-wal"
    for bytes_lost in (100, PAGE, 2 * PAGE):
        copy = crashed.with_name(f"copy{bytes_lost}")
        shutil.copytree(crashed, copy)
        os.truncate(copy / "tracker.db-wal", log.stat().st_size - bytes_lost)
        store = SqliteStore(str(copy))
        await store.open()
        assert len(await store.track(1, 0, NEVER, None, 100)) in (38, 39)
        await store.close()


async def test_a_backup_is_restored_over_whatever_is_damaged(stopped: Path, tmp_path: Path) -> None:
    spoils: list[Callable[[Path], object]] = [
        lambda path: scribble(path, 0, 100),
        lambda path: path.write_text("holiday photos"),
        lambda path: path.unlink(),
        lambda path: scribble(path, 5 * PAGE, 9 * PAGE),
    ]
    for number, spoil in enumerate(spoils):
        copy = tmp_path / f"{number}"
        shutil.copytree(stopped, copy)
        spoil(copy / "tracker.db")
        (copy / "tracker.db-wal").write_bytes(b"a log of another one" * 1000)
        restore_store(str(copy), str(tmp_path / "backup.db"))
        store = SqliteStore(str(copy))
        await store.open()
        assert len(await store.track(1, 0, NEVER, None, 1000)) == 303
        await store.close()
        assert len([path for path in copy.iterdir() if "replaced1" in path.name]) >= 1


# --------------------------------------------------------------------------------------------------- not writable


def serve(folder: Path, *before: str) -> str:
    """What a start that must fail says: one line, exit code 3."""
    command = [*before, sys.executable, "-m", "tracker", "serve", "--port", "0", "--data", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=deadline(30))
    assert done.returncode == 3, (done.returncode, done.stderr)
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("tracker: ")
    return line


def test_a_read_only_folder_says_so(tmp_path: Path, stopped: Path) -> None:
    with mounted(tmp_path / "disk", megabytes=4) as disk:
        shutil.copytree(stopped, disk / "data")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for folder in (disk / "data", disk / "new"):
            said = serve(folder)
            assert "read-only" in said and str(disk) in said and "--data" in said


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that other users may enter: pytest closes its own to them, again at every run beside this one."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_somebody_else() -> list[str]:
    """A command that runs the rest as a user who owns nothing here."""
    program = shutil.which("setpriv")
    if os.geteuid() or not program:
        pytest.skip("cannot become another user: run the tests as root, with setpriv (util-linux)")
    return [program, "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.mark.parametrize("which", ["tracker.db", "tracker.lock", "."])
def test_wrong_permissions_name_the_file(stopped: Path, open_place: Path, which: str) -> None:
    somebody = as_somebody_else()
    stopped = Path(shutil.copytree(stopped, open_place / "data"))
    if subprocess.run(
        [*somebody, sys.executable, "-c", "import tracker.web.app"], cwd=ROOT, capture_output=True
    ).returncode:
        pytest.skip("this Python is for its owner alone: not part of the repository")
    for place in (stopped, *stopped.iterdir()):
        os.chown(place, 65534, 65534)
    os.chown(stopped / which, 0, 0)
    (stopped / which).chmod(0o555 if which == "." else 0o444)
    said = serve(stopped, *somebody)
    assert "read-only" in said
    assert str(stopped / which) in said


@pytest.mark.parametrize("name", ["tracker.db", "tracker.lock"])
def test_a_folder_where_a_file_should_be_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "data" / name).mkdir(parents=True)
    assert str(tmp_path / "data" / name) in serve(tmp_path / "data")


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    assert "is not a folder" in serve(tmp_path / "data" / "deeper")


def test_a_newer_schema_ends_with_3(stopped: Path) -> None:
    file = sqlite3.connect(stopped / "tracker.db")
    file.execute("PRAGMA user_version = 99")
    file.close()
    assert "written by a newer tracker (schema 99" in serve(stopped)


def test_a_damaged_file_is_one_line_and_3(stopped: Path) -> None:
    scribble(stopped / "tracker.db", 0, 100)
    assert "restore a backup" in serve(stopped)
