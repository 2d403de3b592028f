"""One table of problems: whatever is raised or told stands in it, each row is used, docs and page show it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

from tracker import errors
from tracker.geometry import validation
from tracker.model.ping import CODES
from tracker.problems import PROBLEMS, SECTIONS, Problem
from tracker.web.server import answers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
WORD = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")

#: which statuses an error of a kind answers with; Invalid answers with 422 whatever is wrong in what was sent
KINDS = {
    "BadRequest": {400, 408},
    "TooLarge": {413},
    "Unsupported": {415},
    "NotAllowed": {403},
    "NotFound": {404},
    "Conflict": {412},
    "StoreError": {503},
    "StoreUnusable": {503},
}
NOWHERE = 99
#: calls that take a code, and at which place; a keyword `code` is always one
PLACES = {name: 0 for name, kind in vars(errors).items() if isinstance(kind, type)}
PLACES |= {"fault": 0, "error": 0, "Unfit": 0, "_stray": 0, "_fault": 1, "refuse": 1}
PLACES |= {
    "StoreError": 1,
    "StoreUnusable": 1,
    "Overloaded": 2,
    "Stopping": NOWHERE,
    "StoreFull": NOWHERE,
    "StoreLocked": NOWHERE,
}


@cache
def told() -> list[tuple[str, str, str]]:
    """(code, the call it is in, where) of every code that is spelt where an error is made."""
    return [(code, call, f"{path}:{line}") for path in sources() for code, call, line in _told(path)]


def sources() -> Iterator[Path]:
    return (ROOT / "tracker").rglob("*.py")


def _told(path: Path) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        found: list[ast.expr] = []
        name = ""
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "__init__":
                name = "TrackerError"
            place = PLACES.get(name, NOWHERE)
            found = node.args[place : place + 1] + [more.value for more in node.keywords if more.arg == "code"]
        elif isinstance(node, ast.Dict):
            found = [v for k, v in zip(node.keys, node.values, strict=True) if getattr(k, "value", "") == "code"]
        elif isinstance(node, ast.FunctionDef):
            found = [default for arg, default in _defaults(node.args) if arg == "code"]
        for one in found:
            either = [one.body, one.orelse] if isinstance(one, ast.IfExp) else [one]
            for text in either:
                if isinstance(text, ast.Constant) and WORD.fullmatch(str(text.value)):
                    yield str(text.value), name, one.lineno


def _defaults(arguments: ast.arguments) -> list[tuple[str, ast.expr]]:
    names = [one.arg for one in arguments.args]
    return list(zip(reversed(names), reversed(arguments.defaults), strict=False))


def test_whatever_is_raised_or_told_stands_in_the_table() -> None:
    spelt = [*told(), *((code, "", "answers.py") for code in answers._CODES.values())]
    spelt += [(code, "", "validation.py") for code, _ in validation._REASONS.values()]
    assert len(spelt) > 200
    assert not [one for one in spelt if one[0] not in PROBLEMS]


def test_every_row_is_raised_or_told_somewhere() -> None:
    text = "".join(path.read_text() for path in sources() if path.name != "problems.py")
    made = {f"{name}_out_of_range" for name in ("lat", "lon")}
    assert not [code for code in PROBLEMS if f'"{code}"' not in text and code not in made]


@pytest.mark.parametrize("row", PROBLEMS.values(), ids=PROBLEMS)
def test_an_error_answers_as_its_row_says(row: Problem) -> None:
    fault = errors.TrackerError(row.code, "so it is")
    status, _, body = answers.problem(fault)
    told = msgspec.json.decode(body)
    assert (status, told["status"], told["code"], told["title"]) == (row.status or 500, status, row.code, row.title)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_of_the_kind_its_status_asks_for(kind: str) -> None:
    wrong = [one for one in told() if one[1] == kind and PROBLEMS[one[0]].status not in KINDS[kind] | {None}]
    assert not wrong


def test_an_item_that_is_refused_has_a_code_of_the_table_and_of_the_api() -> None:
    assert {code for code, call, _ in told() if call == "Unfit"} <= CODES.keys()
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning} |" in API, "docs/api.md"


def shown(row: Problem) -> str:
    mark = " †" if row.lasting else ""
    return f"| `{row.code}`{mark} | {row.status or ''} | {row.meaning} | {row.remedy} |"


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_shows_the_table(section: str) -> None:
    page = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [shown(row) for row in SECTIONS[section]], "docs/errors.md: " + "\n".join(
        shown(row) for row in SECTIONS[section]
    )


def test_a_server_that_stops_has_a_code_of_its_own() -> None:
    assert (errors.Stopping().code, errors.Overloaded("too much").code) == ("stopping", "overloaded")
    assert errors.Stopping().status == 503 and errors.Stopping().retry_after


def test_no_two_rows_say_the_same() -> None:
    meanings = [row.meaning for row in PROBLEMS.values()]
    assert len(meanings) == len(set(meanings)) == sum(map(len, SECTIONS.values()))


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_has_a_sentence_for_each_answer_and_for_no_other_code(language: str) -> None:
    words = (ROOT / "static" / "js" / "words" / f"{language}.js").read_text()
    sentences = set(re.findall(r'"problem\.(\w+)"', words))
    assert sentences <= PROBLEMS.keys()
    assert sentences >= {code for code, row in PROBLEMS.items() if row.status}
