"""`tracker report` and `tracker bundle`: a range of some vehicles as one file, made by a server or here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from tracker.commands.office import Office, Server, office, told_by
from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.formats import Unreadable

PATH = "/api/v1/reports"
OPTIONS = {"from": "--from", "until": "--until", "zone": "--tz", "vehicles": "--vehicle", "groups": "--group"}
BUNDLES = "/api/v1/history/bundle"
MAKING_S = 1800.0  #: a bundle may take: it is played as often as it takes, and all of that is done before a byte comes
OF_BUNDLES = {"event": "--event", "from": "--from", "until": "--until", "vehicle": "--vehicle"}


def write_report(
    where: Settings | Server,
    out: str,
    since: str,
    until: str | None,
    vehicles: tuple[str, ...],
    groups: tuple[str, ...],
    zone: str | None,
    units: str,
) -> None:
    file = check_place(out)
    asked: dict[str, Any] = {"from": since, "vehicles": list(vehicles), "groups": list(groups), "units": units}
    asked |= {} if until is None else {"until": until}
    asked |= {} if zone is None else {"zone": zone}
    with told_by(OPTIONS), office(where) as ours:
        written = _made(ours, asked)
    write_file(file, written)
    click.echo(f"wrote {out} ({len(written):,} bytes)", err=True)


def _made(ours: Office, asked: dict[str, Any]) -> bytes:
    """Nothing of it is left at the server, however it ends."""
    report = ours.ask("POST", PATH, asked)
    mine = f"{PATH}/{report['id']}"
    try:
        report = ours.watch(mine, report, "report")
        if report["error"]:
            raise TrackerError("report_failed", report["error"]["detail"])
        return ours.fetch("GET", f"{mine}/file")
    finally:
        ours.send("DELETE", mine, None)


# ------------------------------------------------------------------------------------------------------ evidence


def write_bundle(
    where: Settings | Server,
    out: str,
    event: str | None,
    since: str | None,
    until: str | None,
    vehicles: tuple[str, ...],
) -> None:
    from tracker.bundles.archive import unpack
    from tracker.bundles.members import read

    file = check_place(out)
    given = {"event": event, "from": since, "until": until}
    asked = [(name, value) for name, value in given.items() if value is not None]
    asked += [("vehicle", one) for one in vehicles]
    with told_by(OF_BUNDLES), office(where, patience_s=MAKING_S) as ours:
        made = ours.fetch("GET", f"{BUNDLES}?{urlencode(asked)}")
    opened = unpack(made)
    told = read(opened.contents).manifest
    write_file(file, made)
    if told.partial:
        click.echo(f"partial: {told.partial}", err=True)
    click.echo(f"wrote {out} ({len(made):,} bytes): {told.messages:,} messages, {told.events:,} events", err=True)
    click.echo(f"hash: {opened.hash}")


def verify_bundle(path: str) -> int:
    """The exit code."""
    from tracker.bundles.verifying import verify

    try:
        found = verify(Path(path))
    except Unreadable as fault:
        click.echo(f"tracker: {fault.detail}", err=True)
        return 2 if fault.usage else 1
    told = found.manifest
    of = f"event {told.event}, " if told.event else ""
    click.echo(f"{of}{told.since} … {told.until}, by tracker {told.tracker}")
    if told.partial:
        click.echo(f"partial: {told.partial}")
    click.echo(f"messages: {told.messages}\nevents: {told.events}\ndecided again, and the same: {found.same}")
    for line in found.differences:
        click.echo(line)
    if found.differences:
        sys.stdout.flush()
        click.echo(
            f"tracker: {Path(path).name}: {len(found.differences)} events are not what the rest decides", err=True
        )
        return 1
    click.echo(f"hash: {found.hash}")
    return 0


# ------------------------------------------------- a file that is there when it is whole, and not before


def check_place(out: str) -> Path:
    """Before anything is made for it. Raises TrackerError."""
    file = Path(out)
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise TrackerError("report_target", f"{out} is no place for a file; name one in a folder that is there")
    return file


def write_file(file: Path, content: bytes) -> None:
    """Raises TrackerError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        os.replace(draft, file)
    except OSError as fault:
        raise TrackerError("report_target", f"cannot write {file}: {fault.strerror or fault}") from None
    finally:
        draft.unlink(missing_ok=True)
