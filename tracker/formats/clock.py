"""Clock: the times of a source, in every spelling that recordings have."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from tracker.formats import Unreadable
from tracker.times import EPOCH, FIRST, LAST, MS

_TIME = re.compile(
    r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)(?:[T\s]+(\d\d?):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_COMPACT = re.compile(r"(19|20)\d{6}(\d{6})?", re.ASCII)  # 20150607 and 20150607120000 are dates, 1211018561 is not


class Naive(ValueError):
    """A time without a zone."""


@lru_cache(maxsize=8)
def find_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unreadable(f"no time zone is called {name!r}; names look like Europe/Helsinki", usage=True) from None


def read_time(text: str, zone: str | None = None) -> int:
    """UTC ms of a time in one of the usual spellings, or seconds or milliseconds since 1970; finer parts are cut.

    Raises Naive when it has no zone and none is given, ValueError when it is no time.
    """
    text = text.strip()
    if text[4:5] != "-" and _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text):
        number = float(text)
        if not abs(number) < 1e14:
            raise ValueError(f"{text[:40]} is no time")
        return int(number * 1000 + 1e-4) if abs(number) < 1e11 else int(number)
    try:
        clock = datetime.fromisoformat(text)
    except ValueError:
        return _read_odd(text, zone)
    return _whole(clock, zone)


def _read_odd(text: str, zone: str | None) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    micro = int((fraction or "0").ljust(6, "0")[:6])
    clock = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro)
    if offset is not None:
        if offset[0] not in "+-":
            clock = clock.replace(tzinfo=UTC)
        else:
            sign = -1 if offset[0] == "-" else 1
            minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
            return (clock.replace(tzinfo=UTC) - sign * timedelta(minutes=minutes) - EPOCH) // MS
    return _whole(clock, zone)


def _whole(clock: datetime, zone: str | None) -> int:
    if clock.tzinfo is None:
        if zone is None:
            raise Naive(f"the time {clock.isoformat(' ')} has no zone")
        clock = clock.replace(tzinfo=find_zone(zone))
    since = clock - EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


class Clock:
    """Reads a source's times. What has no zone stops the reading when it is the first time of the file: then all
    are like that, and guessing would put a fleet hours away. A single one later on is left to the gate."""

    def __init__(self, name: str, zone: str | None) -> None:
        self.name = name
        self.zone = zone
        self.seen = False
        self.last: int | None = None  # a row whose time cannot be read stays with the row before it

    def read(self, text: str, line: int) -> int | None:
        """UTC ms, None when it cannot be read. Raises Unreadable."""
        try:
            time = read_time(text, self.zone)
        except Naive:
            if not self.seen:
                raise Unreadable(
                    f"{self.name}, line {line}: the time {text!r} has no zone. "
                    "Say where it was recorded, for example --zone Europe/Helsinki, or --zone UTC",
                    usage=True,
                ) from None
            return None
        except (ValueError, OverflowError):
            return None
        if not FIRST <= time <= LAST:
            return None
        self.seen = True
        self.last = time
        return time
