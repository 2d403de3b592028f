"""Weekly schedules: when a region counts, by the clock on the wall there.

    {"zone": "Europe/Berlin", "weekly": {"mon": [["08:00", "12:00"], ["13:00", "17:00"]], "fri": [["22:00", "06:00"]]}}

A window is open whenever the wall clock of the zone reads start <= time < end. An end that is not after its start
belongs to the next day (22:00–06:00), "24:00" is the end of the day. So daylight saving needs no rule of its own: a
night window is an hour shorter in spring and longer in autumn, an hour that is skipped opens nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tracker.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
MAX_WINDOWS = 24  #: a day
REACH_MS = 8 * 86_400_000  #: how far round an instant we look for changes: a week and a bit

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

Windows = tuple[tuple[int, int], ...]  # minutes of the day; an end beyond 1440 lies on the next day


class Schedule:
    """A week. `open_at` is asked for every ping, so it remembers the stretch it last answered for.

    That is one tuple, replaced as a whole: regions share a week (`read_schedule`), and a preview asks from its thread.
    """

    __slots__ = ("_stretch", "_windows", "_zone", "weekly", "zone")

    def __init__(self, zone: str, weekly: dict[str, list[list[str]]]) -> None:
        """Raises Invalid with one error per fault."""
        self.zone = zone
        self.weekly = weekly
        self._zone, self._windows = _read(zone, weekly)
        self._stretch = (0, 0, False)  # from, until, open

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and (self.zone, self.weekly) == (other.zone, other.weekly)

    __hash__ = None  # type: ignore[assignment]

    def as_json(self) -> dict[str, Any]:
        return {"zone": self.zone, "weekly": self.weekly}

    def open_at(self, time: int) -> bool:
        since, until, is_open = self._stretch
        return is_open if since <= time < until else self._look(time)[2]

    def change_before(self, time: int) -> int | None:
        """The newest instant <= time at which it opened or closed; None when that is over eight days ago."""
        since, _, _ = self._look(time)
        return since if self._is_change(since) else None

    def change_after(self, time: int) -> int | None:
        """The next instant > time at which it opens or closes; None when it never does."""
        for _ in range(3):  # one week may have none: the night that skips the hour of its only window
            _, time, _ = self._look(time)
            if self._is_change(time):
                return time
        return None

    def _look(self, time: int) -> tuple[int, int, bool]:
        """The longest span round `time`, at most eight days each way, without a change; and whether it is open."""
        stretch = self._stretch
        if stretch[0] <= time < stretch[1]:
            return stretch
        since, until, is_open = time - REACH_MS, time + REACH_MS, self._reads_open(time)
        for instant in self._candidates(time):
            if since < instant < until and self._is_change(instant):
                if instant <= time:
                    since = instant
                else:
                    until = instant
        self._stretch = since, until, is_open
        return since, until, is_open

    def _candidates(self, time: int) -> Iterator[int]:
        """Every instant within eight days of `time` at which the answer could change: edges of windows on both
        sides of a repeated hour, and the moments the zone changes its offset."""
        edges = {edge for windows in self._windows for window in windows for edge in window}
        today = datetime.fromtimestamp(time / 1000, self._zone).date()
        for shift in range(-8, 9):
            day = date.fromordinal(max(1, today.toordinal() + shift))
            for minute in edges:
                wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute % DAY_MIN)
                for fold in (0, 1):
                    yield _ms(wall.replace(tzinfo=self._zone, fold=fold))
            start = _ms(datetime(day.year, day.month, day.day, tzinfo=self._zone))
            yield from self._offset_change(start, start + 86_400_000)

    def _offset_change(self, low: int, high: int) -> Iterator[int]:
        offset = self._offset(low)
        if offset == self._offset(high):
            return
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == offset:
                low = middle
            else:
                high = middle
        yield high

    def _offset(self, time: int) -> timedelta | None:
        return (_EPOCH + time * _MS).astimezone(self._zone).utcoffset()

    def _is_change(self, time: int) -> bool:
        return self._reads_open(time - 1) != self._reads_open(time)

    def _reads_open(self, time: int) -> bool:
        """What the wall clock says."""
        wall = (_EPOCH + time * _MS).astimezone(self._zone)
        minute, day = wall.hour * 60 + wall.minute, wall.weekday()
        return any(start <= minute < end for start, end in self._windows[day]) or any(
            minute + DAY_MIN < end for _, end in self._windows[day - 1]
        )


def _ms(instant: datetime) -> int:
    return (instant - _EPOCH) // _MS


def read_schedule(value: Any, field: str = "schedule") -> Schedule:
    """Read the JSON of a schedule. Raises Invalid, one error per fault, each with its field."""
    if not isinstance(value, dict):
        raise _invalid([(field, "a schedule is an object with `zone` and `weekly`")])
    faults = [
        (f"{field}.{name}", "no such setting of a schedule; it has `zone` and `weekly`")
        for name in value
        if name not in ("zone", "weekly")
    ]
    try:
        schedule = Schedule(value.get("zone"), value.get("weekly"))  # type: ignore[arg-type]  # which looks itself
    except Invalid as error:
        faults += [(f"{field}.{one['field']}", one["message"]) for one in error.errors]
    if faults:
        raise _invalid(faults)
    return _shared(schedule.zone, json.dumps(schedule.weekly))


@lru_cache(maxsize=1000)
def _shared(zone: str, weekly: str) -> Schedule:
    """One object for equal weeks: a thousand regions that open at eight are worked out once."""
    return Schedule(zone, json.loads(weekly))


def _invalid(faults: list[tuple[str, str]]) -> Invalid:
    errors = [{"field": field, "code": "invalid_schedule", "message": message} for field, message in faults]
    return Invalid("invalid_schedule", faults[0][1], errors)


def _read(zone: Any, weekly: Any) -> tuple[ZoneInfo, tuple[Windows, ...]]:
    faults: list[tuple[str, str]] = []
    found = ZoneInfo("UTC")
    try:
        if not isinstance(zone, str):
            raise ValueError
        found = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):  # no such zone, a path out of the database, a folder of it
        faults.append(("zone", "`zone` is an IANA time zone such as Europe/Berlin"))
    week: dict[str, Windows] = {}
    if not isinstance(weekly, dict):
        faults.append(("weekly", '`weekly` is an object of days, such as {"mon": [["08:00", "17:00"]]}'))
        weekly = {}
    for day, windows in weekly.items():
        if day not in DAYS:
            faults.append((f"weekly.{day}", f"a day is one of {', '.join(DAYS)}"))
        elif not isinstance(windows, list) or len(windows) > MAX_WINDOWS:
            faults.append((f"weekly.{day}", f"a day is a list of at most {MAX_WINDOWS} windows"))
        else:
            week[day] = tuple(_window(window, f"weekly.{day}[{at}]", faults) for at, window in enumerate(windows))
    if faults:
        raise _invalid(faults)
    return found, tuple(week.get(day, ()) for day in DAYS)


def _window(window: Any, field: str, faults: list[tuple[str, str]]) -> tuple[int, int]:
    if not isinstance(window, list) or len(window) != 2:
        faults.append((field, 'a window is two times of day, such as ["22:00", "06:00"]'))
        return 0, 0
    start, end = (_minute(text) for text in window)
    if start is None or start == DAY_MIN:
        faults.append((f"{field}[0]", "a window starts at a time of day from 00:00 to 23:59"))
    if end is None:
        faults.append((f"{field}[1]", "a window ends at a time of day from 00:00 to 24:00"))
    if start is None or end is None:
        return 0, 0
    return start, end if end > start else end + DAY_MIN


def _minute(text: Any) -> int | None:
    if text == "24:00":
        return DAY_MIN
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    return int(match[1]) * 60 + int(match[2]) if match else None
