"""docs/security.md keeps its word: every requirement is answered once, every test it names exists, every file is there.

And what it says of the code as a whole: nothing in it could run, read back or send what a stranger wrote.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()

#: levels 1 and 2 of OWASP ASVS 5.0.0: section → numbers in it
ASVS = {
    "1.1": "1-2", "1.2": "1-9", "1.3": "1-11", "1.4": "1-3", "1.5": "1-2", "2.1": "1-3", "2.2": "1-3", "2.3": "1-4",
    "2.4": "1", "3.2": "1-2", "3.3": "1-4", "3.4": "1-6", "3.5": "1-5", "3.7": "1-2", "4.1": "1-3", "4.2": "1",
    "4.3": "1-2", "4.4": "1-4", "5.1": "1", "5.2": "1-3", "5.3": "1-2", "5.4": "1-3", "6.1": "1-3", "6.2": "1-12",
    "6.3": "1-4", "6.4": "1-4", "6.5": "1-5", "6.6": "1-3", "6.8": "1-4", "7.1": "1-3", "7.2": "1-4", "7.3": "1-2",
    "7.4": "1-5", "7.5": "1-2", "7.6": "1-2", "8.1": "1-2", "8.2": "1-3", "8.3": "1", "8.4": "1", "9.1": "1-3",
    "9.2": "1-4", "10.1": "1-2", "10.2": "1-2", "10.3": "1-4", "10.4": "1-11", "10.5": "1-5", "10.6": "1-2",
    "10.7": "1-3", "11.1": "1-2", "11.2": "1-3", "11.3": "1-3", "11.4": "1-4", "11.5": "1", "11.6": "1", "12.1": "1-3",
    "12.2": "1-2", "12.3": "1-4", "13.1": "1", "13.2": "1-5", "13.3": "1-2", "13.4": "1-5", "14.1": "1-2",
    "14.2": "1-4", "14.3": "1-3", "15.1": "1-3", "15.2": "1-3", "15.3": "1-7", "16.1": "1", "16.2": "1-5",
    "16.3": "1-4", "16.4": "1-3", "16.5": "1-3", "17.1": "1", "17.2": "1-4", "17.3": "1-2",
}  # fmt: skip
SHEET = 25  #: pieces of advice in the WebSocket cheat sheet, at least

#: what runs or reads back what it is given
DANGEROUS = {"pickle", "marshal", "shelve", "dill", "subprocess", "ctypes", "yaml", "popen2", "pty", "code", "runpy"}
LENT = {"tracker/stores/memory.py": {"ctypes"}}  #: one call of the C library, with nothing that came from outside
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
BROKEN = {"md5", "sha1", "new"}
SOURCES = sorted((ROOT / "tracker").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "static" / "js").rglob("*.js"), ROOT / "static" / "boot.js"])


def wanted() -> list[str]:
    found = []
    for section, numbers in ASVS.items():
        low, _, high = numbers.partition("-")
        found += [f"V{section}.{number}" for number in range(int(low), int(high or low) + 1)]
    return found


def rows(heading: str) -> list[list[str]]:
    """Cells of the tables below a heading."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "| asked |" not in line]


@cache
def named_in(file: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE))


def test_every_requirement_of_levels_1_and_2_is_answered_once() -> None:
    assert len(wanted()) == 253
    assert [row[0] for row in rows("OWASP ASVS 5.0, levels 1 and 2")] == wanted()


def test_every_answer_names_a_test_or_a_reason() -> None:
    told = [row[-1] for row in rows("OWASP ASVS 5.0, levels 1 and 2")] + [
        row[-1] for row in rows("OWASP WebSocket cheat sheet")
    ]
    assert len(rows("OWASP WebSocket cheat sheet")) >= SHEET
    for answer in told:
        assert len(answer) > 8 or re.fullmatch(r"No \w+|V\d+\.\d+\.\d+|256 bits", answer), answer
    assert not re.search(r"\b(planned|todo|tbd|later|not yet|soon to)\b", " ".join(told), re.IGNORECASE)


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE))
    assert len(named) > 150
    assert [f"{file}::{name}" for file, name in sorted(named) if name not in named_in(file)] == []


def test_every_file_and_row_it_names_is_there() -> None:
    files = set(re.findall(r"`((?:tests|tracker|static|packaging|requirements|docs)/[\w./-]*)`", PAGE))
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []
    assert set(re.findall(r"\bV\d+\.\d+\.\d+\b", PAGE)) <= set(wanted())


def test_nothing_dangerous_is_imported_or_called() -> None:
    """Nothing runs a text or a program, nothing reads objects back that a sender chose, what must not be guessed comes
    of the system's generator, and no broken hash hides anything."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.partition(".")[0] for name in names}
            assert not roots & (DANGEROUS - LENT.get(path.relative_to(ROOT).as_posix(), set())), where
            assert "random" not in roots or "access" not in path.parts, where
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called not in CALLS, where
            assert not re.fullmatch(r"os\.(system|popen|exec\w+|spawn\w+|fork)", called), where
            assert called.removeprefix("hashlib.") not in BROKEN, where


def test_the_page_uses_nothing_that_could_run_or_send_what_it_should_not() -> None:
    """No text becomes markup or script, no other window is listened to, no object takes its names from somebody else,
    nothing but preferences is kept in the browser."""
    never = r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTMLUnsafe|document\.write|eval)\b"
    for path in SCRIPTS:
        text, where = path.read_text(), str(path.relative_to(ROOT))
        assert not re.search(never + r"|new Function\(|set(?:Timeout|Interval)\(\s*[\"'`]", text), where
        listens = r"addEventListener\(\s*[\"']message[\"']|\.postMessage\(|document\.domain|window\.name\b"
        assert not re.search(listens, text), where
        assert not re.search(r"__proto__|Object\.assign\((?!row\.dataset|node\.dataset|window,)", text), where
        assert not re.search(r"javascript:|document\.cookie|indexedDB|navigator\.sendBeacon", text), where
        kept = path.name in ("preferences.js", "boot.js")
        assert kept or not re.search(r"\blocalStorage\b|\bsessionStorage\b", text), where
