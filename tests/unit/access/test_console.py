from __future__ import annotations

import stat
from pathlib import Path

from tracker.access.console import FILE, Console, read_console, remove_console, write_console

HERE = Console("127.0.0.1", 8000, False, "secret")


def test_what_was_written_is_read_and_only_its_owner_can(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("an older one that anybody may read")
    write_console(tmp_path, HERE)
    assert read_console(tmp_path) == HERE
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_folder_without_one_or_with_rubbish_has_none(tmp_path: Path) -> None:
    assert read_console(tmp_path / "nowhere") is None
    (tmp_path / FILE).write_text('{"host": 1}')
    assert read_console(tmp_path) is None
    remove_console(tmp_path)
    remove_console(tmp_path)
    assert not (tmp_path / FILE).exists()


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    write_console(tmp_path / "of" / "this", HERE)
    assert read_console(tmp_path / "of" / "this") == HERE
    assert stat.S_IMODE((tmp_path / "of" / "this").stat().st_mode) == 0o700
