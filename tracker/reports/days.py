"""Days: which reports are due that a server makes by itself, and which of them go. The clock is an argument."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

GRACE_MS = 600_000  #: after midnight: what comes a little late belongs into the day
DAILY, WEEKLY = "daily", "weekly"
LENGTH = {DAILY: 1, WEEKLY: 7}  #: days
_NAME = re.compile(r"(daily|weekly)-(\d{4}-\d{2}-\d{2})\.html")


class Due(NamedTuple):
    file: str
    since: int
    until: int


def due(kinds: Iterable[str], files: Iterable[str], now: int, zone: ZoneInfo, most: int) -> list[Due]:
    """What is missing since the newest there is, up to the day or week that ended last; of what never was, that one.

    Those that were deleted stay deleted, those that are there stay as they are."""
    found = list(_dated(files))
    today = datetime.fromtimestamp((now - GRACE_MS) / 1000, zone).date()
    missing: list[Due] = []
    for kind in kinds:
        length = LENGTH[kind]
        begins = today - timedelta(days=today.weekday() if kind == WEEKLY else 0)
        newest = max((day for one, day in found if one == kind), default=begins - timedelta(days=2 * length))
        days = (begins - newest).days // length - 1  # that ended since
        missing += [_span(kind, begins - timedelta(days=length * ago), zone) for ago in range(min(days, most), 0, -1)]
    return missing


def surplus(files: Iterable[str], keep: int) -> list[str]:
    """The oldest of each kind beyond those that are kept; of other files nothing."""
    found = sorted(_dated(files), key=lambda one: one[1], reverse=True)
    return [f"{kind}-{day}.html" for each in LENGTH for kind, day in [one for one in found if one[0] == each][keep:]]


def _span(kind: str, day: date, zone: ZoneInfo) -> Due:
    first, last = (
        int(datetime(each.year, each.month, each.day, tzinfo=zone).timestamp() * 1000)
        for each in (day, day + timedelta(days=LENGTH[kind]))
    )
    return Due(f"{kind}-{day}.html", first, last)


def _dated(files: Iterable[str]) -> Iterator[tuple[str, date]]:
    for name in files:
        if (found := _NAME.fullmatch(name)) is not None:
            try:
                yield found[1], date.fromisoformat(found[2])
            except ValueError:
                continue
