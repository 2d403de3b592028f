"""`tracker users …` and `tracker token …`: who may come in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from tracker.commands.office import Office, Server, office
from tracker.config import Settings


def add_user(settings: Settings, name: str, role: str, groups: tuple[str, ...], password_stdin: bool) -> None:
    """Print a link to choose a password with, where none is given."""
    user: dict[str, Any] = {"name": name, "role": role, "groups": list(groups)}
    if password_stdin:
        user["password"] = sys.stdin.readline().rstrip("\r\n")
    with office(settings, new=True) as ours:
        ours.ask("POST", "/api/v1/users", user)
        click.echo(f"added {name} ({role})", err=True)
        if not groups and role != "administrator":
            click.echo(f"{name} is in no group and sees nothing yet", err=True)
        if not password_stdin:
            _print_link(ours.ask("POST", f"/api/v1/users/{quote(name, safe='')}/link"))


def list_users(settings: Settings | Server) -> None:
    with office(settings) as ours:
        for user in ours.pages("/api/v1/users", "users"):
            state = "disabled" if user["disabled"] else "" if user["has_password"] else "no password yet"
            click.echo("\t".join((user["name"], user["role"], ",".join(user["groups"]), state)).rstrip())


def disable_user(settings: Settings, name: str, disabled: bool) -> None:
    with office(settings) as ours:
        ours.ask("PATCH", f"/api/v1/users/{quote(name, safe='')}", {"disabled": disabled})
    click.echo(f"{name} is disabled and signed out" if disabled else f"{name} may sign in again", err=True)


def link_user(settings: Settings, name: str) -> None:
    with office(settings) as ours:
        _print_link(ours.ask("POST", f"/api/v1/users/{quote(name, safe='')}/link"))


def add_group(
    settings: Settings,
    name: str,
    regions: tuple[str, ...],
    vehicles: tuple[str, ...],
    may: tuple[str, ...],
    coarse_m: float | None,
) -> None:
    group: dict[str, Any] = {
        "name": name,
        "regions": "all" if "all" in regions else list(regions),
        "vehicles": "all" if "all" in vehicles or not vehicles else list(vehicles),
        "may": list(may) or ["watch"],
    }
    if coarse_m is not None:
        group["coarse_m"] = coarse_m
    with office(settings, new=True) as ours:
        ours.ask("POST", "/api/v1/groups", group)
    click.echo(f"added the group {name}", err=True)


def create_token(
    settings: Settings,
    vehicles: tuple[str, ...],
    groups: tuple[str, ...],
    shows: tuple[str, ...],
    name: str,
    kind: str,
    user: str | None,
) -> None:
    """Print the token, alone."""
    path, asked = "/api/v1/tokens", {"vehicles": list(vehicles), "groups": list(groups), "name": name, "kind": kind}
    asked |= {"shows": list(shows)}
    if user is not None:
        path, asked = f"/api/v1/users/{quote(user, safe='')}/tokens", {"name": name}
    with office(settings, new=True) as ours:
        click.echo(ours.ask("POST", path, asked)["token"])


def list_tokens(settings: Settings | Server) -> None:
    """Those of devices, then those of people; on stderr who came without one."""
    with office(settings) as ours:
        for token in (*ours.pages("/api/v1/tokens", "tokens"), *_of_people(ours)):
            sends = ",".join((*token["vehicles"], *(f"group {group}" for group in token["groups"])))
            whom = token["user"] or sends
            shows = [f"shows {','.join(token['shows'])}"] if token["shows"] else []
            words = (token["id"], token["name"], token["kind"], whom, token["used_at"] or "never used", *shows)
            click.echo("\t".join(words))
        for away in ours.ask("GET", "/api/v1/tokens?limit=1").get("without", ()):
            told = "without a token: {address}, {asked}, times: {times}, the last at {at}"
            click.echo(told.format_map(away), err=True)


def _of_people(ours: Office) -> Iterator[Any]:
    for user in ours.pages("/api/v1/users", "users"):
        yield from ours.pages(f"/api/v1/users/{quote(user['name'], safe='')}/tokens", "tokens")


def revoke_token(settings: Settings, id: str) -> None:
    with office(settings) as ours:
        ours.ask("DELETE", f"/api/v1/tokens/{quote(id, safe='')}")
    click.echo(f"{id} opens nothing any more", err=True)


def _print_link(link: Any) -> None:
    click.echo(link["path"])
    click.echo(f"open it below the server's address until {link['until']}: it works once", err=True)
