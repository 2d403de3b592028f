from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracker.live.cursor import mark_of, read_cursor

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire"


def test_the_cursor_of_a_golden_update_says_where_it_is() -> None:
    text = json.loads((GOLDEN / "update.json").read_text(encoding="utf-8"))["cursor"]
    cursor = read_cursor(text)
    assert cursor is not None
    assert (cursor.seq, cursor.version, cursor.mark) == (42, 9, mark_of("event42"))
    assert cursor.text() == text


@pytest.mark.parametrize("text", ["", "x", "ä", "A" * 35, "A" * 37, "A" * 36 + "=", "{}", "A" * 10_000])
def test_rubbish_is_no_cursor(text: str) -> None:
    assert read_cursor(text) is None
