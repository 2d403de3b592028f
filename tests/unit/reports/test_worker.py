"""The process that draws a report, without the process."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.rounds import BEGAN, columns_of, driven
from tracker.model.events import Event
from tracker.reports import worker
from tracker.reports.asked import DAY_MS, Asked, Befell, Heard, Message, Whole, packed

ASKED = Asked(BEGAN, BEGAN + DAY_MS, BEGAN + DAY_MS)
VAN = Heard.told_of("van-4711", "Näckros", None, columns_of(driven((300, 0), (300, 12), (300, 0))))
ALARM = Befell([Event("e1", "alarm", "van-4711", BEGAN, BEGAN, "moved", 60.17, 24.94)])


def said(*messages: Message) -> Any:
    return io.BytesIO(b"".join(map(packed, messages)))


def test_what_is_told_is_drawn_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []

    def render(payload: bytes, title: str, names: Any) -> str:
        drawn.extend((payload, title, names))
        return "<p>Näckros</p>"

    monkeypatch.setattr("tracker.reports.document.render", render)
    worker.draw(said(ASKED, ALARM, VAN, Whole()), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == "<p>Näckros</p>"
    assert drawn[0] and drawn[1] == ASKED.title


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (None, 0),
        (EOFError(), worker.GIVEN_UP),
        (OSError(errno.ENOSPC, "full"), worker.NO_ROOM),
        (OSError(errno.EDQUOT, "no more for you"), worker.NO_ROOM),
    ],
)
def test_how_it_ends_says_why(
    fault: Exception | None, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[Path] = []

    def draw(_said: Any, file: Path) -> None:
        files.append(file)
        if fault:
            raise fault

    alone(monkeypatch, tmp_path / "report.html", draw)
    assert worker.main() == code
    assert files == [tmp_path / "report.html"]


def test_a_fault_nobody_thought_of_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(_said: Any, _file: Path) -> None:
        raise PermissionError(errno.EACCES, "not yours")

    alone(monkeypatch, tmp_path / "report.html", draw)
    with pytest.raises(PermissionError, match="not yours"):
        worker.main()


@pytest.mark.parametrize("messages", [(), (ASKED,), (ASKED, VAN)])
def test_told_nothing_more_it_leaves_no_file(messages: tuple[Message, ...], tmp_path: Path) -> None:
    with pytest.raises(EOFError):
        worker.draw(said(*messages), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def alone(monkeypatch: pytest.MonkeyPatch, file: Path, draw: Any) -> None:
    """As in a process of its own: this one stays as nice as it is."""
    monkeypatch.setattr(os, "nice", lambda _: 0)
    monkeypatch.setattr(sys, "argv", ["worker", str(file)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr(worker, "draw", draw)
