"""`tracker export day` and `tracker verify`: a day of the whole fleet as one file, and whether such a file is whole."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from tracker.bundles.day.gathering import gathered
from tracker.bundles.day.reading import Day
from tracker.bundles.day.writing import Written
from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.history.story.summary import midnights
from tracker.stores import read_store


def export_day(settings: Settings, day: date, out: str, zone: str) -> None:
    """Beside a server or without one: nothing of the folder is locked or written."""
    file = Path(out)
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise TrackerError("report_target", f"{out} is no place for a file; name one in a folder that is there")
    if not settings.folder.is_dir():
        raise TrackerError("no_data", f"there is no folder {settings.folder}; name another with --data")
    noon = round(datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    since, until = midnights(ZoneInfo(zone), noon, noon)
    now = time.time_ns() // 1_000_000
    if since > now:
        raise click.UsageError(f"{day} has not begun there yet")
    if until > now:
        click.echo(f"{day} is not over there: the file ends at {datetime.now(ZoneInfo(zone)):%H:%M}", err=True)
    written = Written(str(day), zone, since, until)
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        asyncio.run(_write(settings.store_url, written, draft, now))
        size = draft.stat().st_size
        os.replace(draft, file)
    except OSError as fault:
        raise TrackerError("report_target", f"cannot write {out}: {fault.strerror or fault}") from None
    finally:
        draft.unlink(missing_ok=True)
    click.echo(f"wrote {out} ({size:,} bytes)", err=True)
    click.echo(f"hash: {written.hash}")


async def _write(url: str, written: Written, draft: Path, now: int) -> None:
    store = read_store(url)
    loaded = await store.open()
    try:
        with draft.open("xb") as file:
            async for piece in gathered(store, loaded, written, now):
                file.write(piece)
    finally:
        await store.close()


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
