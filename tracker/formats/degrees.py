"""Degrees: a latitude or longitude in the spellings of tables: decimal, N/S/E/W, degrees with minutes and seconds."""

from __future__ import annotations

import re

from tracker.formats.fields import NOTHING, with_minus
from tracker.formats.sides import read_side

LAT, LON = "NS", "EW"  #: the sides that each of the two can have

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
#: an s is seconds only behind minutes with an m: otherwise it is the south
_PARTS = re.compile(
    r"""(?P<before>[^\W\d_]+\.?)?\s*(?P<sign>[+-])?\s*
        (?P<deg>\d{1,3}(?:\.\d+)?)\s*(?:[°ºd:\s]\s*
        (?:(?P<min>\d{1,2}(?:\.\d+)?)\s*(?:(?:['′’:\s]|(?P<m>m))\s*
        (?:(?P<sec>\d{1,2}(?:\.\d+)?)\s*(?(m)s|(?:["″”]|''|’’|′′)?))?)?)?)?
        \s*(?P<after>[^\W\d_]+\.?)?""",
    re.VERBOSE,
)


def read_degrees(text: str, decimal: str = ".", side: str = "", of: str = "", letter_o: str = "") -> float | str | None:
    """Degrees, negative in the south and west; the text itself when it is none, None when it is empty.

    `side`: the N, S, E or W that stands in a column of its own; `of`: LAT or LON where only one of them can be meant;
    `letter_o`: the side an O is. Of two that contradict each other neither is believed. Raises Unclear.
    """
    if not side and decimal == "." and text[-1:].isdigit() and "_" not in text:
        try:
            return float(text)
        except ValueError:
            pass
    if not text or text.lower() in NOTHING:
        return None
    text = with_minus(text)
    plain = text.replace(",", ".") if decimal == "," or ("," in text and "." not in text) else text
    if _NUMBER.fullmatch(plain):
        value = float(plain)
    else:
        match = _PARTS.fullmatch(plain.strip())
        if match is None:
            return text
        minutes, seconds = float(match["min"] or 0), float(match["sec"] or 0)
        word = match["before"] or match["after"]
        said = read_side(word, letter_o) if word else ""
        if minutes >= 60 or seconds >= 60 or (match["before"] and match["after"]) or (side and said and said != side):
            return text
        side = said or side
        value = round(float(match["deg"]) + minutes / 60 + seconds / 3600, 9)
        value = -value if match["sign"] == "-" else value
    if side and side not in (of or LAT + LON):
        return text
    if side in ("S", "W"):
        return -abs(value)
    return text if side and value < 0 else value
