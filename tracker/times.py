"""Times: UTC milliseconds inside, RFC 3339 outside (`2026-11-23T09:00:00.000Z`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
FIRST = -62_135_596_800_000  #: 0001-01-01T00:00:00Z, the first time RFC 3339 can write here
LAST = 253_402_300_799_999  #: 9999-12-31T23:59:59.999Z, the last time RFC 3339 can write
DATED = (
    FIRST + 2 * 86_400_000,
    LAST - 2 * 86_400_000,
)  #: where every zone's calendar has a day, and one before and after

_Aware = Annotated[datetime, msgspec.Meta(tz=True)]
_LOOKS_NAIVE = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)
_NO_SECONDS = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_OF_A_SYSTEM = re.compile(r"(localtime|posixrules|Factory)$|(posix|right)/")
_LEAP_SECOND = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:)60", re.ASCII)


class BadTime(ValueError):
    """Not a time we can read; the text says what to send instead."""


class NaiveTime(BadTime):
    """A time without a zone: it could be any of forty instants."""


class BadZone(ValueError):
    """Not the name of a time zone."""


def rfc3339(ms: int) -> str:
    """UTC milliseconds as RFC 3339 with milliseconds. Years 1 to 9999."""
    minute, rest = divmod(ms, 60_000)
    return _minute(minute) + _SECONDS[rest // 1000] + _THOUSANDTHS[rest % 1000]


#: put together of parts: a page of a track tells thousands of times, most of few minutes
_SECONDS = [f"{second:02d}." for second in range(60)]
_THOUSANDTHS = [f"{part:03d}Z" for part in range(1000)]


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return (EPOCH + minute * 60_000 * MS).isoformat()[:17]


def parse_time(value: str | int | float) -> int:
    """An RFC 3339 text, or a number since 1970 (below 1e11 seconds, below 1e14 milliseconds), as UTC milliseconds.

    Raises NaiveTime for a text without a zone and BadTime for anything else.
    """
    return _read_text(value) if isinstance(value, str) else _read_number(value)


def named_zone(name: object) -> ZoneInfo:
    """The zone that is called so everywhere. Raises BadZone.

    Beside the zones of IANA a system's database holds files that are another clock on every machine (`localtime`), and
    ones that count leap seconds (`right/…`)."""
    from zoneinfo import ZoneInfo  # most starts need none

    try:
        if isinstance(name, str) and not _OF_A_SYSTEM.match(name):
            return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # no such zone, a path out of the database, a folder of it
        pass
    raise BadZone(f"{_short(name)} is no time zone; names look like Europe/Helsinki")


def parse_local(text: str, zone: ZoneInfo) -> int:
    """A text without a zone as whoever lives in one means it: `2026-11-23` is where that day begins.

    Raises BadTime."""
    if not _LOOKS_NAIVE.fullmatch(text):
        raise BadTime(f"{_short(text)} is not a time such as 2026-11-23T09:00")
    try:
        return (datetime.fromisoformat(text.upper()).replace(tzinfo=zone).astimezone(UTC) - EPOCH) // MS
    except (ValueError, OverflowError):
        raise BadTime(f"{_short(text)} is no time there is") from None


def parse_parameter(text: str) -> int:
    """The same from a query parameter, where a number is text too and `+` may have become a space."""
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return _read_text(re.sub(r" (?=\d\d:?\d\d$)", "+", text))
    if "_" in text or not text.isascii():  # `float` reads 1_000 and the digits of every script
        return _read_text(text)
    return _read_number(number)


def _read_text(text: str) -> int:
    try:
        return (msgspec.convert(text, _Aware) - EPOCH) // MS
    except (msgspec.ValidationError, UnicodeEncodeError):  # half a surrogate pair
        pass
    if leap := _LEAP_SECOND.match(text):
        return _read_text(leap[1] + "59" + text[leap.end() :]) + 1000
    if minute := _NO_SECONDS.fullmatch(text):  # as people write it, and can be meant in one way only
        return _read_text(f"{minute[1]}:00{minute[2]}")
    if _LOOKS_NAIVE.fullmatch(text):
        raise NaiveTime(f"the time {text!r} has no zone; end it with Z or an offset such as +02:00")
    raise BadTime(f"{_short(text)} is not an RFC 3339 time such as 2026-11-23T09:00:00.000Z")


def _read_number(number: int | float) -> int:
    size = abs(number)
    if size < 1e11:
        return round(number * 1000)
    if size < 1e14 and number >= FIRST:
        return round(number)
    if number < 0 and size < 1e14:
        raise BadTime(f"{_short(number)} is before the year 1")
    raise BadTime(f"{_short(number)} is neither seconds (below 1e11) nor milliseconds (below 1e14) since 1970")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 50 else text[:47] + "…"
