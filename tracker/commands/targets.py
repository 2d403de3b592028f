"""`tracker targets …`: where positions go as vehicles move."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click

from tracker.commands.office import Server, office
from tracker.config import Settings

TARGETS = "/api/v1/targets"


def add_target(settings: Settings, secret_stdin: bool, **given: Any) -> None:
    """Print the secret, alone, unless it was given."""
    asked = {name: value for name, value in given.items() if value not in (None, ())}
    if secret_stdin:
        asked["secret"] = sys.stdin.readline().strip()
    with office(settings, new=True) as ours:
        made = ours.ask("POST", TARGETS, asked)
    click.echo(f"added {made['id']}; what it is sent is signed with its secret", err=True)
    if "secret" in made:
        click.echo(made["secret"])


def list_targets(settings: Settings | Server) -> None:
    with office(settings) as ours:
        for one in ours.pages(TARGETS, "targets"):
            state = "off" if not one["enabled"] else one["error"] or one["delivered_at"] or "nothing sent yet"
            click.echo("\t".join((one["id"], one["name"], one["url"], state)))


def test_target(settings: Settings, id: str) -> None:
    with office(settings) as ours:
        told = ours.ask("POST", f"{_at(id)}/test", {})
    if not told["delivered"]:
        raise click.ClickException(told["error"])
    click.echo(f"it answered {told['status']}", err=True)


def turn_target(settings: Settings, id: str, enabled: bool) -> None:
    with office(settings) as ours:
        ours.ask("PATCH", _at(id), {"enabled": enabled})
    click.echo(f"{id} is told positions again" if enabled else f"{id} is told nothing any more", err=True)


def remove_target(settings: Settings, id: str) -> None:
    with office(settings) as ours:
        ours.ask("DELETE", _at(id))
    click.echo(f"removed {id}", err=True)


def _at(id: str) -> str:
    return f"{TARGETS}/{quote(id, safe='')}"
