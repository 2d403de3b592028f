"""What exists is documented: docs/ leaves out no setting, command, route, event kind, close code or protocol."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from tracker import errors
from tracker.commands.cli import cli
from tracker.config import Settings
from tracker.formats import REASONS, formats
from tracker.geometry import validation
from tracker.live import close_codes
from tracker.model.events import KINDS
from tracker.model.ping import CODES
from tracker.protocols import spoken
from tracker.web.api.health import METRICS
from tracker.web.app import create_app
from tracker.web.server import answers

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
ALL = "\n".join(PAGES.values())


def commands(group: click.Group, name: str = "tracker") -> Iterator[str]:
    """`tracker serve`, `tracker token create`, …: every command that does something."""
    with click.Context(group) as context:
        for word in group.list_commands(context):
            command = group.get_command(context, word)
            if isinstance(command, click.Group):
                yield from commands(command, f"{name} {word}")
            else:
                yield f"{name} {word}"


def routes() -> set[str]:
    """Every path that answers, with its parameters as docs write them: /api/v1/vehicles/{id}."""
    rules = (re.sub(r"<(?:[^:<>]*:)?([^<>]+)>", r"{\1}", rule.rule) for rule in create_app().url_map.iter_rules())
    return {rule for rule in rules if rule.startswith(("/api/", "/healthz", "/readyz", "/metrics", "/openapi"))}


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGES["settings.md"]
    assert f"TRACKER_{name.upper()}" in PAGES["settings.md"]


@pytest.mark.parametrize("command", sorted(commands(cli)))
def test_every_command_is_documented(command: str) -> None:
    assert command in ALL


@pytest.mark.parametrize("route", sorted(routes()))
def test_every_route_is_documented(route: str) -> None:
    assert route in PAGES["api.md"], "docs/api.md"


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_kind_is_documented(kind: str) -> None:
    assert f"`{kind}`" in PAGES["api.md"], "docs/api.md"


def problems() -> set[str]:
    """The code of every error that is raised or told somewhere, as it is spelt in the program."""
    raised = {name: 0 for name, kind in vars(errors).items() if isinstance(kind, type)} | {"fault": 0, "error": 0}
    raised |= {"_fault": 1, "refuse": 1, "StoreError": 1, "StoreUnusable": 1}
    found = {code for code, _ in answers._CODES.values()} | {code for code, _ in validation._REASONS.values()}
    for path in (ROOT / "tracker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                told = node.args[raised[name] : raised[name] + 1] if name in raised else []
                told += [more.value for more in node.keywords if more.arg == "code"]
            elif isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                told = [value for key, value in pairs if getattr(key, "value", "") == "code"]
            else:
                continue
            texts = [one.value for one in told if isinstance(one, ast.Constant)]
            found |= {text for text in texts if isinstance(text, str) and re.fullmatch("[a-z0-9_]+", text)}
    return found


@pytest.mark.parametrize("code", sorted(problems() | CODES.keys()))
def test_every_code_of_an_error_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGES["errors.md"] + (PAGES["api.md"] if code in CODES else ""), "docs/errors.md"


def test_no_code_is_documented_that_does_not_exist() -> None:
    listed = re.findall(r"^\| ((?:`[a-z0-9_]+`(?:, )?)+)(?: †)? \|", PAGES["errors.md"], re.MULTILINE)
    told = {code for row in listed for code in re.findall(r"`(\w+)`", row)}
    spelt = "".join(path.read_text() for path in (ROOT / "tracker").rglob("*.py"))
    unknown = {code for code in told if f'"{code}"' not in spelt and not code.endswith(("_missing", "_range", "_type"))}
    assert told and not unknown


@pytest.mark.parametrize("code", sorted(close_codes.CLOSE_CODES))
def test_every_close_code_is_documented(code: int) -> None:
    assert str(code) in PAGES["wire.md"], "docs/wire.md"


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_documented(name: str) -> None:
    assert f"| `tracker_{name}` | {METRICS[name]} |" in PAGES["metrics.md"], "docs/metrics.md"


@pytest.mark.parametrize("name", [one.name for one in spoken()])
def test_every_protocol_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGES["api.md"], re.IGNORECASE), "docs/api.md"


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_to_leave_out_an_item_is_documented(reason: str) -> None:
    assert f"| `{reason}` | {REASONS[reason]} |" in PAGES["replay.md"], "docs/replay.md"


@pytest.mark.parametrize("name", [one.NAME for one in formats()])
def test_every_format_is_documented(name: str) -> None:
    assert f"| `{name}` |" in PAGES["replay.md"], "docs/replay.md"


def test_links_between_our_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
