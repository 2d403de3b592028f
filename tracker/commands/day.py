"""`tracker export day` and `tracker verify`: a day of the whole fleet as one file, and whether such a file is whole."""

from __future__ import annotations

import asyncio
import io
import os
import time
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import click

from tracker.bundles.day.reading import Day
from tracker.bundles.day.worker import order_of, write
from tracker.commands.office import Server, office, told_by
from tracker.commands.report import MAKING_S, check_place, write_file
from tracker.config import Settings
from tracker.errors import TrackerError

PATH = "/api/v1/history/day"


def export_day(where: Settings | Server, day: date, out: str, zone: str) -> None:
    file = check_place(out)
    hash = _fetched(where, day, file, zone) if isinstance(where, Server) else _written(where, day, file, zone)
    click.echo(f"wrote {out} ({file.stat().st_size:,} bytes)", err=True)
    click.echo(f"hash: {hash}")


def _fetched(server: Server, day: date, file: Path, zone: str) -> str:
    """Made there, and checked here before it is kept."""
    with told_by({"date": "YYYY-MM-DD", "tz": "--tz"}), office(server, patience_s=MAKING_S) as ours:
        made = ours.fetch("GET", f"{PATH}?{urlencode({'date': day, 'tz': zone})}")
    found = Day.open(io.BytesIO(made))
    found.verify()
    write_file(file, made)
    return found.hash


def _written(settings: Settings, day: date, file: Path, zone: str) -> str:
    """Beside a server or without one: nothing of the folder is locked or written."""
    if not settings.has_data:
        raise TrackerError("no_data", f"there is no folder {settings.folder}; name another with --data")
    now = time.time_ns() // 1_000_000
    try:
        order = order_of(settings.store_url, now, day, zone)
    except (ValueError, OverflowError) as fault:
        raise click.UsageError(str(fault)) from None
    if order.until > now:
        click.echo(f"{day} is not over there: the file ends at {datetime.now(ZoneInfo(zone)):%H:%M}", err=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with draft.open("xb") as begun:
            hash = asyncio.run(write(order, begun))
        os.replace(draft, file)
    except OSError as fault:
        raise TrackerError("report_target", f"cannot write {file}: {fault.strerror or fault}") from None
    finally:
        draft.unlink(missing_ok=True)
    return hash


def verify(name: str) -> None:
    """Raises Unreadable, which says what is wrong."""
    with Path(name).open("rb") as file:
        day = Day.open(file)
        day.verify()
    told = day.directory
    click.echo(f"{told.day} {told.zone}: {told.vehicles:,} vehicles, {told.fixes:,} fixes", err=True)
    if told.thinned or told.gone:
        gone = f"{sum(told.gone.values()):,}"
        click.echo(f"partial: {told.thinned:,} vehicles were thinned, {gone} positions are not kept any more", err=True)
    click.echo(f"hash: {day.hash}")
