"""What no tool looks for in the page's sources."""

from __future__ import annotations

import re
from pathlib import Path

from tracker.live.close_codes import CLOSE_CODES, may_return
from tracker.model.events import KINDS
from tracker.problems import PROBLEMS

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


def test_every_kind_and_reason_of_an_event_has_its_sentence() -> None:
    table = (ROOT / "docs" / "events.md").read_text().split("## Reasons")[1].split("## ")[0]
    reasons = re.findall(r"^\| `(\w+)` \|", table, re.M)[1:]  # the first is the head
    assert len(reasons) >= 10
    assert {f"reason.{reason}" for reason in reasons} <= ENGLISH
    assert {f"{what}.{kind}" for kind in KINDS for what in ("kind", "event")} <= ENGLISH
    assert set(re.findall(r"^  (\w+): \{ icon:", (ROOT / "static/js/words/phrases.js").read_text(), re.M)) == set(KINDS)


def test_every_answer_that_says_what_is_wrong_has_its_sentence() -> None:
    answers = {one.code for one in PROBLEMS.values() if one.status}
    assert {f"problem.{code}" for code in answers} <= ENGLISH


def _sources(pattern: str) -> str:
    static = ROOT / "static"
    return "\n".join(path.read_text() for path in sorted(static.glob(pattern)) if "vendor" not in path.parts)


def test_the_page_names_no_class_id_colour_or_sentence_that_nobody_uses() -> None:
    style, used = (
        re.sub(r"/\*.*?\*/", "", _sources("css/*.css"), flags=re.S),
        _sources("*.html") + _sources("js/**/*.js"),
    )
    selectors = re.sub(r"\{[^{}]*\}", "", style)
    named = {name for name in re.findall(r"[.#]([a-zA-Z][\w-]*)", selectors) if not name.startswith("leaflet-")}
    assert len(named) > 100
    assert {name for name in named if not re.search(rf"(?<![\w-]){name}(?![\w-])", used)} == set()
    colours = set(re.findall(r"(--[\w-]+)\s*:", style))
    assert {name for name in colours if len(re.findall(rf"{name}(?![\w-])", style + used)) < 2} == set()
    said = _without_catalogues()
    silent = {key for key in ENGLISH if not re.search(_asked(key), said)}
    assert silent == set()


def _without_catalogues() -> str:
    scripts = [path for path in (ROOT / "static" / "js").rglob("*.js") if path.name not in ("en.js", "de.js")]
    return _sources("*.html") + "".join(path.read_text() for path in scripts)


def _asked(key: str) -> str:
    """The key itself, or the beginning of it before a part that is put in: `kind.${name}`."""
    parts = key.split(".")
    begins = [re.escape(".".join(parts[:i]) + ".") + r"\$\{" for i in range(1, len(parts))]
    return "|".join([f"[\"'`]{re.escape(key)}[\"'`]", *begins])


def test_every_export_of_the_page_is_imported_somewhere() -> None:
    modules = {path: path.read_text() for path in (ROOT / "static" / "js").rglob("*.js")}
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "js").rglob("*.js"))
    for path, text in modules.items():
        for name in re.findall(r"^export (?:const|let|class|(?:async )?function) (\w+)", text, re.M):
            others = tests + "".join(one for other, one in modules.items() if other != path)
            assert re.search(rf"\b{name}\b", others), f"{path.relative_to(ROOT)} exports {name} to nobody"
