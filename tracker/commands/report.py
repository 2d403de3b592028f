"""`tracker report`: a range of some vehicles as one HTML file, made by a server or here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tracker.commands.office import Office, Server, office, told_by
from tracker.config import Settings
from tracker.errors import TrackerError

PATH = "/api/v1/reports"
OPTIONS = {"from": "--from", "until": "--until", "zone": "--tz", "vehicles": "--vehicle", "groups": "--group"}


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
    file = Path(out)
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise TrackerError("report_target", f"{out} is no place for a file; name one in a folder that is there")
    asked: dict[str, Any] = {"from": since, "vehicles": list(vehicles), "groups": list(groups), "units": units}
    asked |= {} if until is None else {"until": until}
    asked |= {} if zone is None else {"zone": zone}
    with told_by(OPTIONS), office(where) as ours:
        written = _made(ours, asked)
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(written)
        os.replace(draft, file)
    except OSError as fault:
        raise TrackerError("report_target", f"cannot write {out}: {fault.strerror or fault}") from None
    finally:
        draft.unlink(missing_ok=True)
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
