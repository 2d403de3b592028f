"""Schedule: reports the server makes by itself, daily and weekly, into a folder. They tell everything."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from tracker.access.grants import EVERYTHING
from tracker.node import Node
from tracker.reports.asked import Asked
from tracker.reports.days import DAILY, WEEKLY, due, surplus
from tracker.turns.jobs import Job
from tracker.web.reports.desk import Desk
from tracker.web.reports.gathering import Choice, Gathering

LOOK_S = 60.0


def job(node: Node, desk: Desk) -> Job:
    return Job("make reports", LOOK_S, partial(make_due, node, desk))


async def make_due(node: Node, desk: Desk, now: int) -> None:
    """Those that are missing, the oldest first; then the oldest go. Raises what keeps it from that: tried again."""
    if not await node.store.does_chores():
        return
    settings = node.settings
    kinds = [kind for kind, wanted in ((DAILY, settings.report_daily), (WEEKLY, settings.report_weekly)) if wanted]
    folder, files = await asyncio.to_thread(_found, settings.report_folder)
    keep = settings.report_keep or len(files) + 7
    for missing in due(kinds, files, now, ZoneInfo(settings.report_zone), keep):
        asked = Asked(missing.since, missing.until, now, settings.report_zone)
        await desk.draw(asked, Gathering(node, EVERYTHING, Choice()), folder / missing.file)
        files.append(missing.file)
    if settings.report_keep:
        for name in surplus(files, settings.report_keep):
            (folder / name).unlink(missing_ok=True)


def _found(name: str) -> tuple[Path, list[str]]:
    folder = Path(name).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return folder, [path.name for path in folder.iterdir()]
