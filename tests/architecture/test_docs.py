"""What exists is documented: docs/ leaves out no setting, command, route, event kind, close code or protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from tracker.commands.cli import cli
from tracker.config import Settings, load
from tracker.formats import REASONS, formats
from tracker.live import close_codes
from tracker.model.events import KINDS
from tracker.protocols import Spoken, spoken
from tracker.protocols.explain import WARNINGS
from tracker.stores.sqlite.schema import MIGRATIONS
from tracker.times import NaiveTime, parse_parameter
from tracker.web.api.health import METRICS
from tracker.web.app import create_app

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


@pytest.mark.parametrize("code", sorted(close_codes.CLOSE_CODES))
def test_every_close_code_is_documented(code: int) -> None:
    assert str(code) in PAGES["wire.md"], "docs/wire.md"


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_documented(name: str) -> None:
    assert f"| `tracker_{name}` | {METRICS[name]} |" in PAGES["metrics.md"], "docs/metrics.md"


@pytest.mark.parametrize("one", spoken(), ids=lambda one: one.name)
def test_every_protocol_is_documented(one: Spoken) -> None:
    """Ours on the page of the API, each of the others on a page of its own, with all its addresses."""
    if one.name in ("json", "ndjson"):
        assert re.search(rf"\b{one.name}\b", PAGES["api.md"], re.IGNORECASE), "docs/api.md"
        return
    page = (ROOT / "docs" / "clients" / f"{one.name}.md").read_text()
    for address in (f"/ingest/{one.name}", *one.addresses):
        assert f"`{address}" in page, f"docs/clients/{one.name}.md"


@pytest.mark.parametrize("kind", WARNINGS)
def test_every_warning_about_a_payload_is_documented(kind: str) -> None:
    assert f"| `{kind}` | {WARNINGS[kind]} |" in PAGES["api.md"], "docs/api.md"


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


def test_every_time_of_a_command_in_our_pages_is_one_that_the_command_takes() -> None:
    shown = 0
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for line in re.findall(r"^(?:\S*/)?tracker .+", page.read_text(), re.MULTILINE):
            for time in re.findall(r"--(?:from|until|as-of) (\d\S+)", line):
                shown += 1
                try:
                    parse_parameter(time)
                except NaiveTime:
                    assert "--tz" in line, f"{page.relative_to(ROOT)}: {line}"
    assert shown


def test_the_page_on_several_machines_quotes_the_script_that_sets_them_up() -> None:
    assert f"```sh\n{(ROOT / 'packaging/scale.sh').read_text()}```" in PAGES["scale.md"]


def test_who_upgrades_is_told_the_number_of_the_schema() -> None:
    number = len(MIGRATIONS)
    assert f"| unreleased | {number}: " in PAGES["upgrading.md"] and f"({number}) |" in PAGES["upgrading.md"]
    assert f"The schema becomes {number};" in (ROOT / "CHANGELOG.md").read_text()


def test_what_is_in_containers_is_set_as_a_server_takes_it() -> None:
    lines = (ROOT / "packaging/compose.yaml").read_text().replace("${PASSWORD:?}", "s3cret").splitlines()
    environ = dict(line.strip().split(": ", 1) for line in lines if line.strip().startswith("TRACKER_"))
    assert load(environ=environ).store == "postgresql://tracker:s3cret@postgres/tracker" and len(environ) == 5
