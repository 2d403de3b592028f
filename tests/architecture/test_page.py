"""What no tool looks for in the page's sources."""

from __future__ import annotations

import re
from pathlib import Path

from tracker.live.close_codes import CLOSE_CODES, may_return
from tracker.model.events import KINDS, TOLD
from tracker.problems import PROBLEMS

ROOT = Path(__file__).parents[2]
SCRIPTS = [ROOT / "static" / "boot.js", *(ROOT / "static" / "js").rglob("*.js"), *(ROOT / "tests" / "js").rglob("*.js")]
JS = ROOT / "static" / "js"
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
    assert set(re.findall(r"^  (\w+): \{ icon:", (ROOT / "static/js/words/phrases.js").read_text(), re.M)) == {
        *KINDS,
        TOLD,
    }


def test_every_answer_that_says_what_is_wrong_has_its_sentence() -> None:
    answers = {one.code for one in PROBLEMS.values() if one.status}
    assert {f"problem.{code}" for code in answers} <= ENGLISH


def test_every_deed_that_is_kept_has_its_sentence_and_can_be_asked_for() -> None:
    texts = "".join(path.read_text() for path in (ROOT / "tracker").rglob("*.py") if path.parent.name != "protocols")
    deeds = set(
        re.findall(
            r'"((?:session|user|group|token|region|vehicle|event|correction|target|store|clock)\.[a-z_]+)"', texts
        )
    )
    assert len(deeds) >= 29
    assert {f"did.{deed}" for deed in deeds} <= ENGLISH
    told = re.findall(r"^\| (`\w+\.\w+`.*?) \|", (ROOT / "docs" / "people.md").read_text(), re.M)
    rows = [re.findall(r"`(\w*)\.(\w+)`", row) for row in told]
    assert deeds == {f"{row[0][0]}.{deed}" for row in rows for _, deed in row}, "docs/people.md lists them"
    assert deeds == set(re.findall(r'^  "([a-z]+\.[a-z_]+)",$', (JS / "people" / "record.js").read_text(), re.M))


def _sources(pattern: str) -> str:
    static = ROOT / "static"
    return "\n".join(path.read_text() for path in sorted(static.glob(pattern)) if "vendor" not in path.parts)


def test_the_page_names_no_class_id_colour_or_sentence_that_nobody_uses() -> None:
    style, page = re.sub(r"/\*.*?\*/", "", _sources("css/*.css"), flags=re.S), _sources("*.html")
    scripts = {path: path.read_text() for path in JS.rglob("*.js")}
    used = set(re.findall(r"[\w-]+", page + "".join(scripts.values())))
    named = set(re.findall(r"[.#]([a-zA-Z][\w-]*)", re.sub(r"\{[^{}]*\}", "", style)))
    assert len(named) > 100
    assert {name for name in named if not name.startswith("leaflet-")} <= used
    colours = set(re.findall(r"(--[\w-]+)\s*:", style))
    assert colours <= used | set(re.findall(r"var\((--[\w-]+)", style))
    said = page + "".join(text for path, text in scripts.items() if path.stem not in ("en", "de"))
    asked = set(re.findall(r"[\"'`]([\w.-]+)[\"'`]", said))
    begun = tuple(re.findall(r"`((?:[\w-]+\.)+)\$\{", said))  # `kind.${name}`
    assert {key for key in ENGLISH if key not in asked and not key.startswith(begun)} == set()


def test_every_export_of_the_page_is_imported_somewhere() -> None:
    modules = {path: path.read_text() for path in (ROOT / "static" / "js").rglob("*.js")}
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "js").rglob("*.js"))
    for path, text in modules.items():
        for name in re.findall(r"^export (?:const|let|class|(?:async )?function) (\w+)", text, re.M):
            others = tests + "".join(one for other, one in modules.items() if other != path)
            assert re.search(rf"\b{name}\b", others), f"{path.relative_to(ROOT)} exports {name} to nobody"


def imported(script: Path) -> list[Path]:
    named = re.findall(r'^import [^;"]*"(\.[^"]+)"|import\("(\.[^"]+)"\)\.default', script.read_text(), re.M)
    return [(script.parent / (one or other)).resolve() for one, other in named]


def test_no_module_of_the_page_imports_what_imports_it() -> None:
    seen: set[Path] = set()

    def visit(script: Path, path: tuple[Path, ...]) -> None:
        assert script not in path, " → ".join(one.name for one in (*path, script))
        if script not in seen:
            for other in imported(script):
                visit(other, (*path, script))
            seen.add(script)

    visit(JS / "main.js", ())
    assert len(seen) > 75


def test_the_model_knows_no_document_and_all_of_it_is_tested_without_one() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "js").rglob("*.js"))
    for script in (JS / "model").rglob("*.js"):
        rooms = {path.parent.name for path in imported(script)}
        assert rooms <= {"model", "past", "recorded", "words", "js"}, script.name
        code = re.sub(r"/\*.*?\*/|//.*", "", script.read_text())
        assert not re.search(r"\b(document|location|history|navigator)\.", code), script.name
        where = script.relative_to(JS).as_posix()
        assert f"static/js/{where}" in tests, f"no test of node reads {where}"


def test_no_folder_of_the_page_holds_more_than_a_reader_can_look_over() -> None:
    for folder in (JS, *(path for path in JS.rglob("*") if path.is_dir())):
        assert len(list(folder.iterdir())) <= 16, folder.name
