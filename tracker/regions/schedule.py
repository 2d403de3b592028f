"""Weekly schedules: when a region counts, by the clock on the wall there.

    {"zone": "Europe/Berlin", "weekly": {"mon": [["08:00", "12:00"], ["13:00", "17:00"]], "fri": [["22:00", "06:00"]]}}

A window is open whenever the wall clock of the zone reads start <= time < end. An end that is not after its start
belongs to the next day (22:00–06:00), "24:00" is the end of the day. So daylight saving needs no rule of its own: a
night window is an hour shorter in spring and longer in autumn, an hour that is skipped opens nothing.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tracker.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
MAX_WINDOWS = 24  #: a day
SPAN_MS = 7 * 86_400_000  #: what is worked out in one go
MOST_SPANS = 64  #: kept of a schedule: old recordings and today beside each other

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

Windows = tuple[tuple[int, int], ...]  # minutes of the day; an end beyond 1440 lies on the next day
Span = tuple[bool, tuple[int, ...]]  # open just before it, and the instants at which that changes


class Schedule:
    """A week. `open_at` is asked for every ping: what a span of seven days brings is worked out once and kept.

    A span is one tuple, put in its place as a whole: regions share a week (`read_schedule`), and a preview asks from
    its thread.
    """

    __slots__ = ("_spans", "_windows", "_zone", "weekly", "zone")

    def __init__(self, zone: str, weekly: dict[str, list[list[str]]]) -> None:
        """Raises Invalid with one error per fault."""
        self.zone = zone
        self.weekly = weekly
        self._zone, self._windows = _read(zone, weekly)
        self._spans: dict[int, Span] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and (self.zone, self.weekly) == (other.zone, other.weekly)

    __hash__ = None  # type: ignore[assignment]

    def as_json(self) -> dict[str, Any]:
        return {"zone": self.zone, "weekly": self.weekly}

    def open_at(self, time: int) -> bool:
        is_open, edges = self._span(time // SPAN_MS)
        return is_open ^ bool(bisect_right(edges, time) & 1)

    def change_before(self, time: int) -> int | None:
        """The newest instant <= time at which it opened or closed; None when that is over a week ago."""
        number = time // SPAN_MS
        for span in (number, number - 1):
            _, edges = self._span(span)
            if at := bisect_right(edges, time):
                return edges[at - 1]
        return None

    def change_after(self, time: int) -> int | None:
        """The next instant > time at which it opens or closes; None when it never does."""
        number = time // SPAN_MS
        for span in range(number, number + 4):  # one week may have none: the night that skips its only window
            _, edges = self._span(span)
            at = bisect_right(edges, time)
            if at < len(edges):
                return edges[at]
        return None

    def _span(self, number: int) -> Span:
        """Was it open just before the span, and when does it open or close within?"""
        found = self._spans.get(number)
        if found is None:
            if len(self._spans) >= MOST_SPANS:
                self._spans.clear()
            since = number * SPAN_MS
            edges = {at for at in self._candidates(since) if since <= at < since + SPAN_MS and self._is_change(at)}
            found = self._spans[number] = self._reads_open(since - 1), tuple(sorted(edges))
        return found

    def _candidates(self, since: int) -> Iterator[int]:
        """Every instant of a span at which the answer could change: edges of windows on both sides of a repeated
        hour, and the moments the zone changes its offset."""
        edges = {edge for windows in self._windows for window in windows for edge in window}
        today = datetime.fromtimestamp(since / 1000, self._zone).date()
        for shift in range(-1, 9):
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
