"""Minutes: columns in which degrees and minutes run together, as receivers write them: 6010.1234 is 60° 10.1234'.

Such a number looks like a decimal that is out of range, or near the equator like one that is not. So it is read only
where a side stands beside it, or the titles say so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracker.formats import Reading, Unreadable
from tracker.formats.fields import NOTHING
from tracker.formats.names import plain

_JOINED = re.compile(r"([+-]|[^\W\d_]+\.?\s*)?(\d{1,5})([.,]\d+)?(\s*[^\W\d_]+\.?)?")
_TITLED = re.compile(r"(^|_)(d{2,3}mm\w*|nmea|degrees?_minutes?|deg_min)(_|$)")


def titled(title: str) -> str:
    """The title without what says that its degrees are joined to minutes; "" when it does not say so."""
    said = plain(title)
    return _TITLED.sub("_", said).strip("_") if _TITLED.search(said) else ""


def are_joined(lats: Sequence[str], lons: Sequence[str], titles: Sequence[str], sided: bool, reading: Reading) -> bool:
    """Do these two columns hold degrees and minutes in one? `sided`: a column says the side of each.

    Raises Unreadable when they can be nothing else, and nothing says it.
    """
    told = any(titled(title) for title in titles)
    found: list[re.Match[str]] = []
    for cells, digits, most in ((lats, 4, 90), (lons, 5, 360)):
        cells = [cell for cell in cells if cell and cell.lower() not in NOTHING]
        matches = [match for cell in cells if (match := _JOINED.fullmatch(cell))]
        if not matches or len(matches) < len(cells) or any(int(match[2]) % 100 > 59 for match in matches):
            return False
        beyond = sum(int(match[2]) > most for match in matches) * 2 > len(matches)
        if not told and not beyond and not all(len(match[2]) == digits for match in matches):
            return False
        found += matches
    if not told and not any(match[3] for match in found):
        return False
    lettered = all((match[1] or "+").strip(". ").isalpha() or match[4] for match in found)
    first = found[0][0]
    if told or sided or lettered:
        reading.note(f"degrees and minutes in one: {first} is {spaced_out(first)}")
        return True
    raise Unreadable(
        f"{reading.name}: {first} is no latitude in degrees. If its columns hold degrees and minutes in one "
        "(ddmm.mmmm), name them so (lat_ddmm, lon_dddmm), or put columns with N/S and E/W beside them",
    )


def spaced_out(text: str) -> str:
    """6010.1234 → 60 10.1234, whatever stands around it."""
    match = re.search(r"\d+", text)
    if match is None or len(match[0]) > 5:
        return text
    digits = match[0].rjust(3, "0")
    return f"{text[: match.start()]}{digits[:-2]} {digits[-2:]}{text[match.end() :]}"
