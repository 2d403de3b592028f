"""NMEA 0183 receiver logs: RMC, GGA, GLL and VTG of one second are one fix; the date is that of RMC or ZDA.

Sentences and their fields are those of the public summaries of NMEA 0183 (gpsd's NMEA.html among them).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

from tracker.formats import Point, Reading, Skip
from tracker.formats.ais import Ais
from tracker.formats.fields import position, read_number, read_speed
from tracker.formats.text import raw_lines
from tracker.times import EPOCH, MS

NAME = "nmea"
ABOUT = "NMEA 0183 logs of a receiver, and AIS position reports among them (a vessel is its MMSI)"
ITEM = "sentence"

AHEAD = 2_000  #: lines read to see which sentence tells the fixes
PLACES = ("RMC", "GGA", "GLL")  #: sentences with a place, the one that tells most first
HALF_A_DAY_MS = 43_200_000
UERE_M = 5.0  #: metres of error in one unit of HDOP, as usual for single-frequency receivers

_SENTENCE = re.compile(r"[$!]([A-Z0-9]{4,6}),([^*]*)(?:\*([0-9A-Fa-f]{2}))?")
_KINDS = "RMC|GGA|GLL|VTG|GSA|GSV|ZDA|GNS|VDM|VDO|TXT|DTM"
_STARTS = re.compile(rf"^[^\n]{{0,80}}[$!](?:[A-Z]{{2}}(?:{_KINDS})|P[A-Z]{{3,5}}),", re.MULTILINE)


#: when a logger heard a sentence, before it: the day, where no sentence tells it
_HEARD = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T_](\d\d):(\d\d)|\b(1\d{9})(?:\.\d+|\d{3})?\b")


class Sentence(NamedTuple):
    kind: str  # RMC, GGA, … without the talker
    cells: list[str]
    line: int


class Epoch:
    """The sentences of one instant."""

    def __init__(self, time: str) -> None:
        self.time = time
        self.told: dict[str, Sentence] = {}
        self.lines: list[int] = []  # of those that tell a place


def recognises(_name: str, head: str) -> bool:
    return _STARTS.search(head) is not None and not head.lstrip().startswith("{")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    lines = enumerate(raw_lines(file, reading.name), 1)
    first = list(islice(lines, AHEAD))
    told = PLACES if not any(b"RMC," in line for _, line in first) else PLACES[:1]
    return _Reader(reading, told).read_sentences(chain(first, lines))


class _Reader:
    def __init__(self, reading: Reading, told: tuple[str, ...]) -> None:
        self.reading = reading
        self.told = told  # the sentences that tell a fix; others add to it
        self.date: datetime | None = None
        self.clock = 0  # the newest time, UTC ms
        self.epoch = Epoch("")
        self.summed = False  # its sentences carry checksums
        self.ais = Ais()
        reading.note(f"a fix is told by {' or '.join(told)}; the other sentences of its second add to it")

    def read_sentences(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[Point | Skip]:
        for number, raw in lines:
            text = raw.decode("latin-1").strip()
            if not text or text.startswith("#"):
                continue
            match = _SENTENCE.search(text)
            if match is None:
                yield Skip("not_a_position", number)
            elif not self._is_whole(match, text):
                yield Skip("bad_checksum", number)
            elif match[1][-3:] in ("VDM", "VDO"):
                yield from self._finish()  # its clock is the newest
                yield self.ais.read_message(match[2].split(","), self.clock, number)
            else:
                if match.start() > 9 and self.date is None and self.told != PLACES[:1]:
                    self._hear(text[: match.start()], match[2])
                yield from self._take(Sentence(match[1][-3:], match[2].split(","), number))
        yield from self._finish()

    def _hear(self, before: str, sentence: str) -> None:
        """The day of a sentence that tells only a time, by the logger's clock, which is under twelve hours away."""
        heard, told = _HEARD.search(before), re.search(r"(?:^|,)(\d\d)(\d\d)\d\d(?:\.\d*)?(?:,|$)", sentence)
        if heard is None or told is None:
            return
        try:
            clock = (
                datetime.fromtimestamp(int(heard[6]), UTC)
                if heard[6]
                else datetime(*(int(part) for part in heard.groups()[:5]), tzinfo=UTC)  # type: ignore[arg-type, misc]
            )
        except ValueError:
            return
        minutes = int(told[1]) * 60 + int(told[2]) - clock.hour * 60 - clock.minute
        day = clock + timedelta(days=1 if minutes < -720 else -1 if minutes > 720 else 0)
        self.date = day.replace(hour=0, minute=0, second=0, microsecond=0)
        self.reading.note("the day is that which stands before the sentences")

    def _is_whole(self, match: re.Match[str], text: str) -> bool:
        """By its checksum; one without is cut short, where those before it had one."""
        if not match[3]:
            return not self.summed
        self.summed = True
        return _checksum(text[match.start() + 1 : match.end() - 3]) == int(match[3], 16)

    def _take(self, sentence: Sentence) -> Iterator[Point | Skip]:
        cells = sentence.cells
        if sentence.kind == "ZDA" and len(cells) > 3:
            self._set_date(cells[1], cells[2], cells[3])
        if sentence.kind not in PLACES:
            if sentence.kind == "VTG":
                self.epoch.told.setdefault("VTG", sentence)
            yield Skip("not_a_position" if sentence.kind not in ("VTG", "ZDA") else "supplement", sentence.line)
            return
        time = cells[4] if sentence.kind == "GLL" and len(cells) > 4 else cells[0]
        if time != self.epoch.time or not time or sentence.kind in self.epoch.told:
            yield from self._finish()
            self.epoch = Epoch(time)
        self.epoch.told[sentence.kind] = sentence
        self.epoch.lines.append(sentence.line)

    def _finish(self) -> Iterator[Point | Skip]:
        """One outcome for each sentence of the epoch that tells a place."""
        epoch, self.epoch = self.epoch, Epoch("")
        fix = next((epoch.told[kind] for kind in self.told if kind in epoch.told), None)
        for line in epoch.lines:
            yield self._fix(fix, epoch) if fix is not None and line == fix.line else Skip("supplement", line)

    def _fix(self, fix: Sentence, epoch: Epoch) -> Point | Skip:
        cells = fix.cells + [""] * 14
        if fix.kind == "RMC":
            valid, place = cells[1] == "A", cells[2:6]
            if re.fullmatch(r"\d{6}", cells[8]):
                year = int(cells[8][4:])
                self._set_date(cells[8][:2], cells[8][2:4], str(year + (1900 if year >= 80 else 2000)))
        elif fix.kind == "GGA":
            valid, place = cells[5] not in ("", "0"), cells[1:5]
        else:
            valid, place = cells[5] == "A", cells[0:4]
        time = self._time(epoch.time)
        if not valid:
            return Skip("no_fix", fix.line)
        if time is None:
            return Skip("no_time", fix.line)
        lat, lon = _degrees(place[0], place[1], 2), _degrees(place[2], place[3], 3)
        return Point(time, position(self.reading.vehicle, lat, lon, **_motion(epoch)), line=fix.line)

    def _set_date(self, day: str, month: str, year: str) -> None:
        try:
            self.date = datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            return

    def _time(self, text: str) -> int | None:
        """hhmmss.sss on the date we know; past midnight that is the next day."""
        if self.date is None or not re.fullmatch(r"\d{6}(\.\d*)?", text):
            return None
        seconds = int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])
        time = (self.date - EPOCH) // MS + round(seconds * 1000)
        if self.told != PLACES[:1] and time < self.clock - HALF_A_DAY_MS:
            self.date += timedelta(days=1)
            time += 2 * HALF_A_DAY_MS
        self.clock = time
        return time


def _motion(epoch: Epoch) -> dict[str, Any]:
    """Speed and course, height and accuracy, from whichever sentence has them."""
    rmc, vtg, gga = (epoch.told[kind].cells if kind in epoch.told else [] for kind in ("RMC", "VTG", "GGA"))
    speed = _number(rmc, 6) if _number(rmc, 6) is not None else _number(vtg, 4)
    course = _number(rmc, 7) if _number(rmc, 7) is not None else _number(vtg, 0)
    hdop = _number(gga, 7)
    return {
        "speed_mps": read_speed(speed, "kn"),
        "heading": course,
        "altitude_m": _number(gga, 8),
        "accuracy_m": round(hdop * UERE_M, 1) if hdop is not None and 0 < hdop < 50 else None,
    }


def _number(cells: list[str], at: int) -> float | None:
    value = read_number(cells[at].strip()) if at < len(cells) else None
    return value if isinstance(value, float) else None


def _degrees(text: str, side: str, digits: int) -> float | str:
    """ddmm.mmmm and dddmm.mmmm with N, S, E, W as degrees; the text itself when it is none."""
    if not re.fullmatch(rf"\d{{{digits}}}\d\d(\.\d*)?", text):
        return text
    degrees = int(text[:digits]) + float(text[digits:]) / 60
    return round(-degrees if side.strip().upper() in ("S", "W") else degrees, 7)


def _checksum(text: str) -> int:
    total = 0
    for char in text:
        total ^= ord(char) & 0xFF
    return total
