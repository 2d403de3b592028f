"""What no tool looks for in the page's sources."""

from __future__ import annotations

import re
from pathlib import Path

from tracker.live.close_codes import CLOSE_CODES, may_return

ROOT = Path(__file__).parents[2]
SCRIPTS = [ROOT / "static" / "boot.js", *(ROOT / "static" / "js").rglob("*.js"), *(ROOT / "tests" / "js").rglob("*.js")]
WIDTH = 120
ENGLISH = set(re.findall(r'^  "?([\w.-]+)"?:', (ROOT / "static" / "js" / "words" / "en.js").read_text(), re.M))


def test_comments_are_as_narrow_as_the_code_that_the_formatter_lays_out() -> None:
    for script in SCRIPTS:
        for number, line in enumerate(script.read_text().splitlines(), 1):
            comment = re.search(r"^\s*(/?\*|//)|(?<=[;{},)]) // [^\"'`]*$", line)
            assert len(line) <= WIDTH or not comment, f"{script.relative_to(ROOT)}:{number}"


def test_every_close_code_that_keeps_the_page_away_has_its_sentence() -> None:
    final = [code for code in CLOSE_CODES if not may_return(code) and code != 1008]  # the page comes back slower then
    assert len(final) >= 3
    assert {f"closed.{code}" for code in final} <= ENGLISH
