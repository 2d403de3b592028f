"""AIS position reports, types 1, 2, 3, 9, 18, 19 and 27, from VDM sentences.

Layouts: ITU-R M.1371-5 annex 8. A report says only its second; the minute is that of the receiver's own clock.
"""

from __future__ import annotations

from tracker.formats import Point, Skip
from tracker.formats.fields import position

MINUTE_MS = 60_000


class _Layout:
    """Where a kind of report has its fields: first bit and how many."""

    def __init__(self, speed: int, lon: int, course: int, second: int, step: float = 0.1) -> None:
        self.speed, self.lon, self.course, self.second, self.step = speed, lon, course, second, step


_CLASS_A = _Layout(50, 61, 116, 137)
_CLASS_B = _Layout(46, 57, 112, 133)
_LAYOUTS = {1: _CLASS_A, 2: _CLASS_A, 3: _CLASS_A, 9: _Layout(50, 61, 116, 128, 1.0), 18: _CLASS_B, 19: _CLASS_B}


class Ais:
    """Puts messages together that were split, and reads them."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], list[str]] = {}

    def read_message(self, cells: list[str], clock: int, line: int) -> Point | Skip:
        """`clock`: the receiver's newest time, UTC ms; 0 when it never told one."""
        if len(cells) < 6 or not (cells[0].isdigit() and cells[1].isdigit()):
            return Skip("not_a_position", line)
        if cells[0] != "1":
            parts = self._parts.setdefault((cells[2], cells[3]), [])
            parts.append(cells[4])
            if len(self._parts) > 64:  # halves whose other half never came
                self._parts.pop(next(iter(self._parts)))
            if cells[1] != cells[0]:
                return Skip("supplement", line)
            cells[4] = "".join(self._parts.pop((cells[2], cells[3]), parts))
        bits = _bits(cells[4])
        kind = _unsigned(bits, 0, 6)
        if kind == 27:
            return _long_range(bits, clock, line)
        layout = _LAYOUTS.get(kind)
        if layout is None or len(bits) < layout.second + 6:
            return Skip("not_a_position", line)
        lon, lat = _signed(bits, layout.lon, 28) / 600_000, _signed(bits, layout.lon + 28, 27) / 600_000
        speed, course = _unsigned(bits, layout.speed, 10), _unsigned(bits, layout.course, 12)
        second = _unsigned(bits, layout.second, 6)
        return _point(bits, (lat, lon), speed * layout.step, speed < 1023, course / 10, clock, second, line)


def _long_range(bits: str, clock: int, line: int) -> Point | Skip:
    if len(bits) < 94:
        return Skip("not_a_position", line)
    lon, lat = _signed(bits, 44, 18) / 600, _signed(bits, 62, 17) / 600
    speed, course = _unsigned(bits, 79, 6), _unsigned(bits, 85, 9)
    return _point(bits, (lat, lon), speed, speed < 63, course, clock, 60, line)


def _point(
    bits: str, place: tuple[float, float], knots: float, moves: bool, course: float, clock: int, second: int, line: int
) -> Point | Skip:
    lat, lon = place
    if abs(lat) > 90 or abs(lon) > 180:  # 91° and 181°: not available
        return Skip("no_fix", line)
    if not clock:
        return Skip("no_time", line)
    time = clock
    if second < 60:  # the report's own second, in the minute nearest to the receiver's clock
        time = clock - clock % MINUTE_MS + second * 1000
        time += MINUTE_MS if time < clock - MINUTE_MS // 2 else -MINUTE_MS if time > clock + MINUTE_MS // 2 else 0
    return Point(
        time,
        position(
            f"{_unsigned(bits, 8, 30):09d}",
            round(lat, 7),
            round(lon, 7),
            speed_mps=round(knots * 1852 / 3600, 3) if moves else None,
            heading=course if course < 360 else None,
        ),
        line=line,
    )


def _bits(payload: str) -> str:
    """Six bits a character; what is no armour ends it."""
    out: list[str] = []
    for char in payload:
        value = ord(char) - 48
        value -= 8 if value > 40 else 0
        if not 0 <= value < 64:
            break
        out.append(f"{value:06b}")
    return "".join(out)


def _unsigned(bits: str, at: int, size: int) -> int:
    return int(bits[at : at + size] or "0", 2)


def _signed(bits: str, at: int, size: int) -> int:
    value = _unsigned(bits, at, size)
    return value - (1 << size) if bits[at : at + 1] == "1" else value
