"""A report on its way into a file: what becomes of both when whoever draws it ends in some way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import deadline
from tracker.errors import StoreFull, TrackerError
from tracker.reports.asked import DAY_MS, Asked, Befell, Whole, packed
from tracker.reports.press import Press

ASKED = Asked(0, DAY_MS, DAY_MS)
SPAWN = asyncio.create_subprocess_exec
NOTHING: Befell = Befell([])


@pytest.fixture
def drawn_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A line of shell in the place of the worker; "$1" is the file."""

    def stand_in(line: str) -> None:
        async def spawn(*words: str, **pipes: Any) -> Any:
            return await SPAWN("/bin/sh", "-c", line, "worker", words[-1], **pipes)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)

    return stand_in


async def press(file: Path, then: Exception | None = None) -> None:
    async with asyncio.timeout(deadline(30)), Press(ASKED, file) as told:
        await told.tell(NOTHING)
        if then:
            raise then


async def press_on(file: Path) -> None:
    async with asyncio.timeout(deadline(30)), Press(ASKED, file) as told:
        while True:
            await told.tell(NOTHING)
            await asyncio.sleep(0)


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_file_is_there_once_it_is_whole(drawn_by: Any, tmp_path: Path) -> None:
    drawn_by('cat > "$1"')
    file = tmp_path / "report.html"
    async with asyncio.timeout(deadline(30)), Press(ASKED, file) as told:
        await told.tell(NOTHING)
        assert not file.exists()
    assert file.read_bytes() == packed(ASKED) + packed(NOTHING) + packed(Whole())
    assert left(tmp_path) == ["report.html"]


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ('cat > "$1"; exit 3', StoreFull, "no room for the report"),
        ('cat > "$1"; echo first >&2; echo "ValueError: lost" >&2; exit 1', TrackerError, r"\(ValueError: lost\)"),
        ('cat > "$1"; exit 7', TrackerError, r"could not be drawn \(7\)"),
    ],
)
async def test_a_report_that_fails_says_why_and_leaves_no_file(
    line: str, kind: type[TrackerError], says: str, drawn_by: Any, tmp_path: Path
) -> None:
    drawn_by(line)
    with pytest.raises(kind, match=says):
        await press(tmp_path / "report.html")
    assert left(tmp_path) == []


async def test_a_block_that_is_broken_off_ends_the_drawing_and_leaves_no_file(drawn_by: Any, tmp_path: Path) -> None:
    drawn_by('echo begun > "$1"; exec cat > /dev/null')
    with pytest.raises(LookupError, match="nobody asks any more"):
        await press(tmp_path / "report.html", LookupError("nobody asks any more"))
    assert left(tmp_path) == []


async def test_who_draws_and_goes_away_is_not_told_more(drawn_by: Any, tmp_path: Path) -> None:
    """Whatever it had read by then."""
    drawn_by("exec 0<&-; exit 0")
    with pytest.raises(TrackerError, match="went away"):
        await press_on(tmp_path / "report.html")
    assert left(tmp_path) == []
