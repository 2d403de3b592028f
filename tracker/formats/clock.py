"""Clock: the times of a source, in every spelling that recordings have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from tracker.formats import Unreadable
from tracker.times import EPOCH, FIRST, LAST, MS, BadZone, named_zone

_TIME = re.compile(
    r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)(?:[T\s]+(\d\d?):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)", re.DOTALL)  # or a short year first
_AFTERNOON = re.compile(r"(\d{1,2})(:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*([AaPp])\.?[Mm]\.?(.*)", re.DOTALL)
_DAY_NUMBER = re.compile(r"[2-7]\d{4}(?:[.,]\d+)?", re.ASCII)  # 1954 … 2119, as spreadsheets count days
_SHORT = re.compile(r"(\d{1,2})(\d\d)(\d\d) (\d{1,6})", re.ASCII)  # YYMMDD and HHMMSS side by side
_FIRST_DAY = datetime(1899, 12, 30)  # the 1900 system, past the day that 1900 did not have
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_COMPACT = re.compile(r"(19|20)\d{6}(\d{6})?", re.ASCII)  # 20150607 and 20150607120000 are dates, 1211018561 is not

#: what is said of times that are written so
ORDERS = {"serial": "numbers of days, counted from 1900 as spreadsheets do", "ymd": "dates as YYMMDD"}
_SHORT_YEARS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


class Naive(ValueError):
    """A time without a zone."""


class Unordered(ValueError):
    """A date such as 03/04/2026, and nobody has said yet whether the day or the month stands first."""


@lru_cache(maxsize=8)
def find_zone(name: str) -> tzinfo:
    try:
        return named_zone(name)
    except BadZone:
        raise Unreadable(f"no time zone is called {name!r}; names look like Europe/Helsinki", usage=True) from None


def find_order(times: Iterable[str], name: str, *, year_first: bool = False) -> str:
    """How a file means 03/04/2026: dmy or mdy, as its times show; ymd for 261123 091500, serial for 46349.385.
    `year_first`: six digits are YYMMDD, which no file shows. Raises Unreadable when they do not show it."""
    shown: set[str] = set()
    unsure = ""
    texts = [text for text in times if text]
    if texts and all(_DAY_NUMBER.fullmatch(text) for text in texts) and any(not text.isdecimal() for text in texts):
        return "serial"
    if year_first and texts and all(_SHORT.fullmatch(text) for text in texts):
        return "ymd"
    for text in texts:
        if match := _DAY_FIRST.match(text):
            if order := _order_of(match):
                shown.add(order)
            else:
                unsure = unsure or text
    if len(shown) == 1:
        return shown.pop()
    if unsure or shown:
        raise _unsure(name, unsure or "of some rows")
    return ""


def short_years(times: Iterable[str], order: str) -> str:
    """What to say of dates whose years have two digits; "" where there are none."""
    found = next((text for text in times if (match := _DAY_FIRST.match(text)) and len(match[4]) == 2), "")
    return f"dates such as {found.split()[0]} are {_SHORT_YEARS[order]}" if found and order in _SHORT_YEARS else ""


def _order_of(match: re.Match[str]) -> str:
    """dmy or mdy where the date itself shows it."""
    first, mark, second, short = int(match[1]), match[2], int(match[3]), len(match[4]) == 2
    if short and first > 31:
        return "ymd"
    if mark == "." or (first > 12 and not (short and int(match[4]) <= 31)):  # 26/11/23 can be of 2026 and of 2023
        return "dmy"
    return "mdy" if second > 12 else ""


def _unsure(name: str, date: str) -> Unreadable:
    said = "can be read day first or month first; say which with --dates dmy or --dates mdy"
    if (match := _DAY_FIRST.match(date)) and len(match[4]) == 2:
        said = "can be read in several orders; say which with --dates dmy, --dates mdy or --dates ymd"
    return Unreadable(f"{name}: the date {date} {said}", usage=True)


def _year_first(text: str, order: str) -> str:
    """03/04/2026 2:30 PM → 2026-04-03 14:30, or what it was. Raises Unordered, ValueError."""
    if match := _DAY_FIRST.match(text):
        if not order:
            raise Unordered(text)
        parts = dict(zip(order, (match[1], match[3], match[4]), strict=True))
        year = parts["y"] if len(parts["y"]) == 4 else f"20{parts['y']:0>2}"
        text = f"{year}-{parts['m']:0>2}-{parts['d']:0>2}{match[5].removeprefix(',')}"
    date, _, clock = text.partition(" ")
    if match := _AFTERNOON.match(clock.strip()):
        hour = int(match[1]) % 12 + (12 if match[3] in "Pp" else 0)
        text = f"{date} {hour:02d}{match[2]}{match[4]}"
    return text


def read_time(text: str, zone: str | None = None, order: str = "dmy", near: int | None = None) -> int:
    """UTC ms of a time in one of the usual spellings, or seconds or milliseconds since 1970; finer parts are cut.

    `near`: where the hour that autumn repeats could mean two instants, the one nearer to this is meant.
    Raises Naive when it has no zone and none is given, Unordered when it needs an order and has none, ValueError
    when it is no time.
    """
    text = text.strip()
    if order == "serial" and _DAY_NUMBER.fullmatch(text):
        seconds = round(float(text.replace(",", ".")) * 86_400, 2)  # finer than a spreadsheet's digits go
        return _whole(_FIRST_DAY + timedelta(seconds=seconds), zone, near)
    if order == "ymd" and (match := _SHORT.fullmatch(text)):
        text = f"20{match[1]:0>2}{match[2]}{match[3]}T{match[4]:0>6}"
    if 9 < len(text) < 14 and text.isdecimal() and text.isascii():  # seconds or milliseconds, not a date without signs
        return int(text) * 1000 if len(text) < 12 else int(text)
    if text[4:5] != "-" and _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text):
        number = float(text)
        if "e" in text.lower() and len(re.sub(r"\D|e.*", "", text.lower())) < 10:
            raise ValueError(f"a spreadsheet rounded {text}")
        if not abs(number) < 1e14:
            raise ValueError(f"{text[:40]} is no time")
        return int(number * 1000 + 1e-4) if abs(number) < 1e11 else int(number)
    try:
        clock = datetime.fromisoformat(text)
    except ValueError:
        return _read_odd(_year_first(text, order), zone, near)
    return _whole(clock, zone, near)


def _read_odd(text: str, zone: str | None, near: int | None) -> int:
    match = _TIME.fullmatch(text)
    if match is None or _SHORT.fullmatch(text):  # 231126 090000 is no day of the year 2311
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
    return _whole(clock, zone, near)


def _whole(clock: datetime, zone: str | None, near: int | None) -> int:
    if clock.tzinfo is None:
        if zone is None:
            raise Naive(f"the time {clock.isoformat(' ')} has no zone")
        clock = clock.replace(tzinfo=find_zone(zone))
        if near is not None:
            later = clock.replace(fold=1)
            if later.utcoffset() != clock.utcoffset():
                return min(_since(clock), _since(later), key=lambda time: abs(time - near))
    return _since(clock)


def _since(clock: datetime) -> int:
    since = clock - EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


class Clock:
    """Reads a source's times. What has no zone stops the reading when it is the first time of the file: then all
    are like that, and guessing would put a fleet hours away. A single one later on is left to the gate."""

    def __init__(self, name: str, zone: str | None, order: str = "") -> None:
        self.name = name
        self.zone = zone
        self.order = order  # of a date such as 03/04/2026; "": the first that shows it says it for all after it
        self.seen = False
        self.last: int | None = None  # a row whose time cannot be read stays with the row before it
        self._text: str | None = None  # of `last`
        self._last_of: dict[str, int] = {}  # vehicle → its row before: tells which of two equal hours this one is

    def read_time(self, text: str, line: int, vehicle: Any = "") -> int | None:
        """UTC ms, None when it cannot be read. Raises Unreadable."""
        if text == self._text and self.zone is None:  # vehicles report together
            return self.last
        if len(text) == 13 and text.isdecimal() and text.isascii() and (time := int(text)) <= LAST:
            self.seen, self.last, self._text = True, time, text  # milliseconds since 1970, as loggers count
            return time
        try:
            near = self._last_of.get(vehicle) if self.zone is not None and type(vehicle) is str else None
            time = read_time(text, self.zone, self.order, near)
        except Naive:
            if not self.seen:
                raise Unreadable(
                    f"{self.name}, line {line}: the time {text!r} has no zone. "
                    "Say where it was recorded, for example --zone Europe/Helsinki, or --zone UTC",
                    usage=True,
                ) from None
            return None
        except Unordered:
            match = _DAY_FIRST.match(text.strip())
            self.order = _order_of(match) if match else ""
            if not self.order:
                raise _unsure(self.name, text.strip()[:40]) from None
            return self.read_time(text, line, vehicle)
        except (ValueError, OverflowError):
            return None
        if not FIRST <= time <= LAST:
            return None
        self.seen = True
        self.last = time
        self._text = text
        if self.zone is not None and type(vehicle) is str:
            self._last_of[vehicle] = time
        return time
