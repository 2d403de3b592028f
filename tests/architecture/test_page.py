"""What no tool looks for in the page's sources."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = [ROOT / "static" / "boot.js", *(ROOT / "static" / "js").rglob("*.js"), *(ROOT / "tests" / "js").rglob("*.js")]
WIDTH = 120


def test_comments_are_as_narrow_as_the_code_that_the_formatter_lays_out() -> None:
    for script in SCRIPTS:
        for number, line in enumerate(script.read_text().splitlines(), 1):
            comment = re.search(r"^\s*(/?\*|//)|(?<=[;{},)]) // [^\"'`]*$", line)
            assert len(line) <= WIDTH or not comment, f"{script.relative_to(ROOT)}:{number}"
