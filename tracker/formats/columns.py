"""Columns: which column of a table is which field, by its title and, where that is not enough, by its first rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tracker.formats import Reading, Unreadable
from tracker.formats.degrees import LAT, LON
from tracker.formats.minutes import are_joined, titled
from tracker.formats.names import CLOCKS, DATES, ELSEWHERE, NAMES, Plan, plain, plan
from tracker.formats.sides import LETTER_O, find_letter_o, read_side, words

#: titles of columns that number rows, unless their rows say otherwise
COUNTERS = frozenset(
    ["id", "name", "no", "nr", "number", "index", "row", "seq", "fid", "ogc_fid", "objectid", "object_id"]
)
_DAY = re.compile(r"\d+[./-]\d+[./-]\d|(19|20)\d{6}$")
_FEET = re.compile(r"(altitude|alt|elevation|ele|height)_(ft|feet)")
#: titles, and names in JSON, of what says the side of the degrees beside it
SAID_SIDE = {
    LAT: re.compile(r"(n_s|s_n|ns|n_z|hemisphere|hemispherio|lat(itude)?_?(dir|ref|hemi|n_s|ns)\w*)"),
    LON: re.compile(
        r"(e_w|w_e|ew|e_o|o_e|o_w|w_o|l_o|hemisphere|hemispherio|(lon(g|gitude)?|lng)_?(dir|ref|hemi|e_w|ew|e_o)\w*)"
    ),
}


class Columns(NamedTuple):
    """Where each field stands, -1 where there is none."""

    vehicle: int
    time: int
    clock: int  # a second column with the time of day, beside one with the date
    lat: int
    lon: int
    north: int  # a column with N or S
    east: int  # a column with E or W
    speed: int
    unit: str  # of the speed; "": its title does not say
    letter_o: str  # the side an O is, E or W; "": nobody knows
    decimal: str  # what separates the fraction of a number
    joined: bool  # degrees and minutes are one number
    others: tuple[tuple[int, str], ...]  # number and flag and text fields of ours
    attributes: tuple[tuple[int, str], ...]


def find_columns(header: Sequence[str], sample: Sequence[Sequence[str]], reading: Reading) -> Columns:
    """Which column is which, noted for the summary. Raises Unreadable when place or time is not among them."""
    titles = [title if title.strip() else f"\0{at}" for at, title in enumerate(header)]
    if "lat" not in plan(tuple(titles)).fields:
        titles = [titled(title) or title for title in titles]
    found = plan(tuple(titles))
    at = {title: number for number, title in reversed(list(enumerate(titles)))}
    _check(found, titles, reading)
    fields = {field: at[title] for field, title in found.fields.items()}
    feet = next((number for number, title in enumerate(titles) if _FEET.fullmatch(plain(title))), -1)
    if feet >= 0 and "altitude_m" not in fields:
        fields["altitude_ft"] = feet
    time, clock = _clock(fields["time"], titles, sample)
    fields["time"] = time
    vehicle = fields.get("vehicle", -1)
    if vehicle >= 0 and _counts_rows(titles[vehicle], [_cell(row, vehicle) for row in sample]):
        reading.note(f"the column {header[vehicle].strip()!r} numbers the rows and is no vehicle")
        del fields["vehicle"]
        vehicle = -1
    elif vehicle >= 0 and sample and not any(_cell(row, vehicle) for row in sample):
        reading.note(f"the column {header[vehicle].strip()!r} is empty and names no vehicle")
        del fields["vehicle"]
        vehicle = -1
    speed = at[found.speed] if found.speed is not None else -1
    north, east = (_side(of, fields[at], titles, sample) for of, at in ((LAT, "lat"), (LON, "lon")))
    if min(north, east) < 0:  # one alone, by its cells: a W under `type` is no west
        north, east = (
            at if at >= 0 and (not header[at].strip() or SAID_SIDE[of].fullmatch(plain(header[at]))) else -1
            for of, at in ((LAT, north), (LON, east))
        )
    taken = {*fields.values(), clock, speed, north, east}
    others = tuple((i, field) for field, i in fields.items() if field not in ("vehicle", "time", "lat", "lon"))
    rest = tuple((i, " ".join(title.split())) for i, title in enumerate(header) if i not in taken and title.strip())
    lats, lons = ([_cell(row, fields[name]) for row in sample] for name in ("lat", "lon"))
    beside = [header[fields[name]] for name in ("lat", "lon")]
    joined = are_joined(lats, lons, beside, min(north, east) >= 0, reading)
    columns = Columns(
        vehicle, time, clock, fields["lat"], fields["lon"], north, east, speed, found.unit,
        _letter_o((fields["lat"], fields["lon"], north, east), titles, sample, reading),
        _decimal(sample, fields["lat"], fields["lon"]), joined, others, rest,
    )  # fmt: skip
    _note(columns, header, fields, reading)
    return columns


def _check(found: Plan, titles: Sequence[str], reading: Reading) -> None:
    if titles and not any(re.search(r"[^\W\d]", title) for title in titles):
        raise Unreadable(f"{reading.name}: its first line holds numbers, not the names of its columns")
    named = ", ".join(" ".join(title.split())[:40] for title in titles[:20] if title[:1] != "\0") or "nothing"
    for field, what in (("lat", "latitude"), ("lon", "longitude")):
        if field not in found.fields:
            if any(ELSEWHERE.fullmatch(plain(title)) for title in titles):
                said = "its places are where somebody is going, not where a vehicle was"
                raise Unreadable(f"{reading.name}: {said}: {named}")
            _missing(field, what, named, reading)
    if "time" not in found.fields:
        _missing("time", "time", named, reading, ". A list of places, or of plans, is no recording")


def _missing(field: str, what: str, named: str, reading: Reading, more: str = "") -> None:
    names = ", ".join(NAMES[field][:3])
    raise Unreadable(f"{reading.name}: no column for the {what} (such as {names}) among: {named}{more}")


def _cell(row: Sequence[str], at: int) -> str:
    return row[at].strip() if 0 <= at < len(row) else ""


def _clock(time: int, titles: Sequence[str], sample: Sequence[Sequence[str]]) -> tuple[int, int]:
    """(date or time, time of day) where the two stand side by side."""
    columns = [plain(title) for title in titles]
    day = next((columns.index(one) for one in DATES if one in columns), -1)
    if day >= 0 and columns[day] == "data" and not all(_DAY.match(_cell(row, day)) for row in sample[:20]):
        day = -1  # data, and not the day in Italian
    if columns[time] in CLOCKS and day >= 0:
        return day, time
    if columns[time] in DATES:
        return time, next((columns.index(one) for one in CLOCKS if one in columns), -1)
    return time, -1


def _counts_rows(title: str, cells: Sequence[str]) -> bool:
    """Does a column called id or name count one by one, so that every row would be a vehicle of its own?"""
    if plain(title) not in COUNTERS or len(cells) < 3:
        return False
    numbers = [re.fullmatch(r"(\D*)(\d{1,9})", cell) for cell in cells]
    counted = [int(match[2]) for match in numbers if match]
    one_kind = len({match[1] for match in numbers if match}) == 1
    return len(counted) == len(cells) and one_kind and all(b == a + 1 for a, b in pairwise(counted))


def _side(of: str, beside: int, titles: Sequence[str], sample: Sequence[Sequence[str]]) -> int:
    """The column with N and S (or E and W): titled so, or right beside the degrees."""
    for at, title in enumerate(titles):
        titled = SAID_SIDE[of].fullmatch(plain(title)) is not None
        if at == beside or not (titled or abs(at - beside) == 1):
            continue
        said = {cell for row in sample if (cell := _cell(row, at))}
        sides = {read_side(cell, "W") for cell in said}
        if sides & set(of) and (titled or sides <= set(of)):
            return at
        if titled and sides == {"?"} and all(cell.isalpha() for cell in said):  # words of a language we do not know
            return at
    return -1


def _letter_o(places: Sequence[int], titles: Sequence[str], sample: Sequence[Sequence[str]], reading: Reading) -> str:
    said = words(cell for row in sample for at in places if (cell := _cell(row, at)))
    if reading.letter_o:
        return LETTER_O[reading.letter_o]
    letter_o = find_letter_o(said, [plain(title) for title in titles])
    if letter_o and "o" in said:
        reading.note(f"an O is {'east' if letter_o == 'E' else 'west'}, as the titles or the other sides show")
    return letter_o


def _decimal(sample: Sequence[Sequence[str]], *columns: int) -> str:
    cells = [_cell(row, at) for row in sample for at in columns]
    return "," if sum("," in cell for cell in cells) > sum("." in cell for cell in cells) else "."


def _note(columns: Columns, header: Sequence[str], fields: dict[str, int], reading: Reading) -> None:
    def named(at: int) -> str:
        return repr(" ".join(header[at].split()) or f"column {at + 1}")

    chosen = [f"{field} = {named(at)}" for field, at in fields.items()]
    chosen += [f"{what} = {named(at)}" for what, at in (("time of day", columns.clock), ("N/S", columns.north),
                                                       ("E/W", columns.east)) if at >= 0]  # fmt: skip
    if columns.speed >= 0:
        unit = columns.unit or f"{reading.speed_unit}, taken for granted"
        chosen.append(f"speed ({unit}) = {named(columns.speed)}")
    if columns.vehicle < 0:
        chosen.append(f"vehicle = {reading.vehicle!r}, the file's name")
    reading.note(f"columns: {', '.join(chosen)}")
    if columns.attributes:
        reading.note(f"kept as attributes: {', '.join(title for _, title in columns.attributes)[:400]}")
    taken = {*fields.values(), columns.clock, columns.speed, columns.north, columns.east}
    untitled = [str(at + 1) for at, title in enumerate(header) if not title.strip() and at not in taken]
    if untitled:
        reading.note(f"without a title and ignored: column {', '.join(untitled[:20])}")
