"""Fields: single values of a recording, and all of them together as a point."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from tracker.formats import Point, Reading
from tracker.formats.clock import Clock
from tracker.formats.names import UNITS

#: what receivers say when they do not know: 255 mph, all eight bits set
_ALL_BITS_MPS = 255 * 0.44704
NOT_KNOWN = -1.0  #: no speed has it: the gate leaves it out and counts it
NOT_A_NUMBER = 1e300  #: for NaN and infinity, which JSON has no word for; the gate leaves it out and counts it


def read_speed(value: Any, unit: str) -> Any:
    """m/s; what is no number stays as it is, and what cannot be a speed is left for the gate to leave out and count."""
    if type(value) is not float and type(value) is not int:
        return value
    if not abs(value) < NOT_A_NUMBER:  # digits beyond what a float holds, too
        return NOT_A_NUMBER
    mps = value * UNITS[unit]
    return NOT_KNOWN if abs(mps - _ALL_BITS_MPS) < 0.01 else round(mps, 3)


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def read_number(text: str) -> float | str | None:
    """A number, the text itself when it is none (the gate says what is wrong with it), None without any text."""
    if not text:
        return None
    text = text.removesuffix("%")
    try:
        number = float(text) if "_" not in text else text
    except ValueError:
        pass
    else:
        return number if isinstance(number, str) or math.isfinite(number) else NOT_A_NUMBER
    try:
        return float(text.strip().replace(",", ".")) if text.count(",") == 1 and "." not in text else text
    except ValueError:
        return text


#: cells that say nothing
NOTHING = frozenset({"null", "none", "nan", "n/a", "na", "nil", "-", "--", "–", "—", "unknown", "\\n"})
#: signs that stand for a minus where somebody typeset a table: U+2212, the en dash, the small and the wide hyphen
_MINUS = str.maketrans("−–﹣－", "----")
YES = frozenset(
    {
        "1",
        "1.0",
        "true",
        "on",
        "yes",
        "ja",
        "ein",
        "an",
        "wahr",
        "oui",
        "vrai",
        "sí",
        "si",
        "verdadero",
        "sim",
        "vero",
        "aan",
        "tak",
    }
)
NO = frozenset(
    {
        "0",
        "0.0",
        "false",
        "off",
        "no",
        "nein",
        "aus",
        "falsch",
        "non",
        "faux",
        "falso",
        "não",
        "nao",
        "nee",
        "uit",
        "nie",
    }
)
_FRACTION = re.compile(r"(\d+)([.,])(\d+)(?![\d.,])", re.ASCII)
_THOUSANDS = {".": re.compile(r"[+-]?\d{1,3}(?:[, '’\u00a0\u202f]\d{3})+(?:\.\d+)?", re.ASCII),
              ",": re.compile(r"[+-]?\d{1,3}(?:[. '’\u00a0\u202f]\d{3})+(?:,\d+)?", re.ASCII)}  # fmt: skip


def read_quantity(text: str, decimal: str = ".") -> float | str | None:
    """A number as a spreadsheet writes it, thousands and percent signs included; what is none stays as it is."""
    if text[-1:].isdigit() and "_" not in text and (decimal == "." or "." not in text):
        try:
            return float(text)
        except ValueError:
            pass
    return _odd_number(text, decimal)


_SIXTEEN = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
_LETTERS = (
    {letter: letter for letter in "NESW"},
    {"N": "north", "E": "east", "S": "south", "W": "west"},
    {"N": "с", "E": "в", "S": "ю", "W": "з"},
    {"N": "nord", "E": "ost", "S": "süd", "W": "west"},
)
#: points of the compass → which of the sixteen; an O is east or west, and so only words say it
_POINTS = {
    "".join(letters[letter] for letter in point).casefold(): number
    for number, point in enumerate(_SIXTEEN)
    for letters in _LETTERS
} | {"northbound": 0, "eastbound": 4, "southbound": 8, "westbound": 12, "sud": 8, "sued": 8, "nordest": 2}


#: what is one of each unit that a cell may name, in the unit of its field
CELL_UNITS: dict[str, dict[str, float]] = {
    "speed": dict.fromkeys(("km/h", "kmh", "kph", "km/u", "км/ч", "км/час", "км/год"), UNITS["kmh"])
    | dict.fromkeys(("kn", "kt", "kts", "knots", "knoten"), UNITS["kn"])
    | {"m/s": 1.0, "м/с": 1.0, "mps": 1.0, "mph": UNITS["mph"]},
    "altitude_m": {"m": 1.0, "km": 1000.0, "ft": 0.3048, "feet": 0.3048},
    "accuracy_m": {"m": 1.0, "km": 1000.0, "ft": 0.3048, "feet": 0.3048},
    "odometer_m": {"m": 1.0, "km": 1000.0, "mi": 1609.344, "miles": 1609.344},
    "heading": {"°": 1.0, "deg": 1.0},
}
_WITH_UNIT = re.compile(r"(.*\d)\s*([^\W\d_/]+(?:/[^\W\d_]+)?|°)\.?")


def read_heading(text: str, decimal: str = ".", letter_o: str = "") -> float | str | None:
    """Degrees; the middle of a point of the compass: NE, north-east, Nordost, NNW. `letter_o`: the side an O is."""
    word = re.sub(r"[\s\-_.]", "", text).casefold()
    if letter_o and len(word) < 4:
        word = word.replace("o", letter_o.lower())
    point = _POINTS.get(word)
    if point is not None:
        return point * 22.5
    number, _ = read_measure(text, decimal, "heading")
    return number


def read_measure(text: str, decimal: str, field: str) -> tuple[float | str | None, float | None]:
    """(the number, what one of the unit its cell names is); the second is None where it names none."""
    match = _WITH_UNIT.fullmatch(text)
    factor = CELL_UNITS[field].get(match[2].casefold()) if match else None
    if match is None or factor is None:
        return read_quantity(text, decimal), None
    number = read_quantity(match[1].strip(), decimal)
    return (number, factor) if isinstance(number, float) else (text, None)


def decimal_of(cells: Iterable[str], otherwise: str) -> str:
    """What separates the fraction in a column: its own cells show it where they can be no thousands."""
    found = [(cell, *match) for cell in cells for match in _FRACTION.findall(cell)]
    shown = {
        mark
        for cell, whole, mark, digits in found
        if cell.count(mark) == 1 and (len(digits) != 3 or whole[0] == "0" or len(whole) > 3)
    }
    return shown.pop() if len(shown) == 1 else otherwise


def with_minus(text: str) -> str:
    """The same with an ordinary minus, whichever sign stands for it."""
    return text if text.isascii() else text.translate(_MINUS)


def _odd_number(text: str, decimal: str) -> float | str | None:
    if not text or text.lower() in NOTHING:
        return None
    plain = with_minus(text).removesuffix("%").strip()
    if _THOUSANDS[decimal].fullmatch(plain):
        plain = re.sub(r"[ '’\u00a0\u202f]" + ("|," if decimal == "." else r"|\."), "", plain)
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    return float(plain) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", plain, re.ASCII) else text


def read_alarm(text: str) -> str | None:
    """What is alarming; a column of 0 and 1 only says that something is."""
    word = text.strip().lower()
    if word in NOTHING or word in NO or word in ("", "ok", "normal"):
        return None
    return "alarm" if word in YES else text.strip()


def read_value(text: str) -> str | int | float:
    """An attribute: a number where nothing is lost by it, else the text."""
    if text.isascii() and text.isdigit() and len(text) < 16 and (text == "0" or text[0] != "0"):
        return int(text)
    if "." in text:
        try:
            number = float(text)
        except ValueError:
            return text
        return number if repr(number) == text else text
    return text


def read_flag(text: str) -> bool | str:
    word = text.strip().lower()
    return True if word in YES else False if word in NO else text


def read_percent(value: Any, reading: Reading) -> Any:
    """A battery of 0 … 1 as percent. One that is exactly 1 is full where others are fractions."""
    if (type(value) is not float and type(value) is not int) or not 0 < value <= 1:
        return value
    note = "battery levels of 0 … 1 are taken for 0 … 100 %"
    if value == 1 and note not in reading.notes and type(value) is int:
        return value
    reading.note(note)
    return round(value * 100, 2)


def finished(position: dict[str, Any], text: str, clock: Clock, line: int, vehicle: Any = None) -> Point:
    """The position as a point; a time that cannot be read goes along for the gate to refuse."""
    time = clock.read_time(text, line, vehicle or position.get("vehicle"))
    return unfinished(position, text, clock, line) if time is None else Point(time, position, 0, line)


def unfinished(position: dict[str, Any], text: str, clock: Clock, line: int) -> Point:
    """The same with the time nobody could read."""
    position["time"] = text or None
    return Point(clock.last or 0, position, 0, line)


def position(vehicle: str, lat: Any, lon: Any, **fields: Any) -> dict[str, Any]:
    """A position as the API takes it, without what is not known; the time is added when it is sent."""
    known = {"vehicle": vehicle, "lat": lat, "lon": lon, **fields}
    return {name: value for name, value in known.items() if value is not None}
