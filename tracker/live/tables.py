"""Tables: whole vehicles as binary, about 25 bytes each, the same values as the rows of a JSON snapshot.

What columns.py has columns for goes into its blocks, which decide the order of the rows. Before the blocks come three
columns of numbers, each as

    u8 width (0: 1 byte, 1: 2, 2: 4, 3: 8), f64 base, then an unsigned number a row: 0 is null, else value - base + 1

`heard - when`, `when - since` and `accuracy_dm`. All other columns are texts, told as JSON by name; a column that is
null throughout is left out:

    {"of": [v]}                         the same in every row
    {"of": [v, …], "at": "0102…"}       few values: which of them each row has, a digit of base 36 each
    {"prefix": p, "digits": d}          p and a number, of d digits (0: as many as it has); the numbers are one more
                                        column after those three, in the order in which the JSON names them
    {"prefix": p, "rest": "a␡b␡c"}      many: what follows p in each row, joined by U+007F; U+0001 is null
    {"list": [v, …]}                    anything else
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from tracker.live.columns import Row, box, column, pack, read_column, unpack, width

_NUMBER = struct.Struct("<Bd")
_CODES, _SIZES = "BHIQ", (1, 2, 4, 8)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BETWEEN, _NONE = "\x7f", "\x01"
_MOST_DIGITS = 15  #: of a number that a double holds
_PACKED = ("n", "when", "lat_e6", "lon_e6", "speed_dmps", "heading", "state")
#: a column of numbers → what is kept of it, and what was, by the `when` of the row
_NUMBERS: dict[str, tuple[Callable[[int, int], int], Callable[[int, int], int]]] = {
    "heard": (lambda value, when: value - when, lambda kept, when: kept + when),
    "since": (lambda value, when: when - value, lambda kept, when: when - kept),
    "accuracy_dm": (lambda value, _when: value, lambda kept, _when: kept),
}


def pack_table(fields: Sequence[str], rows: list[list[Any]]) -> tuple[dict[str, Any], bytes]:
    """The texts by name, and the bytes of everything else."""
    at = {name: i for i, name in enumerate(fields)}
    packed = [(Row(*[row[at[name]] for name in _PACKED]), row) for row in rows]
    packed.sort(key=lambda pair: box(pair[0]))
    ordered = [row for _, row in packed]
    numbers = []
    for name, (keep, _) in _NUMBERS.items():
        i, when = at[name], at["when"]
        numbers.append(_numbers([None if row[i] is None else keep(row[i], row[when]) for row in ordered]))
    texts: dict[str, Any] = {}
    for name, i in at.items():
        if name not in _PACKED and name not in _NUMBERS:
            values = [row[i] for row in ordered]
            if any(value is not None for value in values):
                texts[name], counted = _texts(values)
                numbers += [_numbers(counted)] if counted is not None else []
    return texts, b"".join(numbers) + pack([row for row, _ in packed])


def unpack_table(fields: Sequence[str], texts: dict[str, Any], count: int, data: bytes) -> list[list[Any]]:
    """The rows again, in the order of the blocks. Raises ValueError when they are cut off."""
    start = 0
    numbers: dict[str, list[int | None]] = {}
    try:
        for name in _NUMBERS:
            numbers[name], start = _read_numbers(data, start, count)
        counted = {}
        for name, told in texts.items():
            if "digits" in told:
                counted[name], start = _read_numbers(data, start, count)
    except (struct.error, IndexError):
        raise ValueError("the table is cut off") from None
    packed = unpack(data[start:])
    if len(packed) != count:
        raise ValueError("the table has another number of rows than it says")
    columns: dict[str, list[Any]] = {name: [row[i] for row in packed] for i, name in enumerate(_PACKED)}
    for name, kept in numbers.items():
        back = _NUMBERS[name][1]
        columns[name] = [None if one is None else back(one, row.when) for one, row in zip(kept, packed, strict=True)]
    for name, told in texts.items():
        columns[name] = _read_counted(told, counted[name]) if name in counted else _read_texts(told, count)
    empty: list[Any] = [None] * count
    return [list(row) for row in zip(*[columns.get(name, empty) for name in fields], strict=True)]


def _numbers(values: list[int | None]) -> bytes:
    base = min((value for value in values if value is not None), default=0)
    told = [0 if value is None else value - base + 1 for value in values]
    size = width(max(told, default=0))
    return _NUMBER.pack(size, base) + column(_CODES[size], told)


def _read_numbers(data: bytes, at: int, count: int) -> tuple[list[int | None], int]:
    size, base = _NUMBER.unpack_from(data, at)
    at += _NUMBER.size
    end = at + count * _SIZES[size]
    if end > len(data):
        raise IndexError
    told = read_column(_CODES[size], data[at:end])
    return [None if value == 0 else int(base) + value - 1 for value in told], end


def _texts(values: list[Any]) -> tuple[dict[str, Any], list[int | None] | None]:
    """A column of texts, and the numbers in it where they are told apart."""
    try:
        known = list(dict.fromkeys(values))
    except TypeError:
        return {"list": values}, None
    if len(known) == 1:
        return {"of": known}, None
    if len(known) <= len(_DIGITS) and 2 * len(known) <= len(values):
        place = {value: _DIGITS[i] for i, value in enumerate(known)}
        return {"of": known, "at": "".join([place[value] for value in values])}, None
    texts = [value for value in values if value is not None]
    if not all(isinstance(text, str) for text in texts):
        return {"list": values}, None
    prefix = _common(min(texts), max(texts))
    for stem in (prefix, prefix.rstrip("0123456789")):
        rest = [None if value is None else value[len(stem) :] for value in values]
        if (digits := _digits([one for one in rest if one is not None])) is not None:
            return {"prefix": stem, "digits": digits}, [None if one is None else int(one) for one in rest]
    parts = [_NONE if value is None else value[len(prefix) :] for value in values]
    joined = _BETWEEN.join(parts)
    if joined.count(_BETWEEN) != len(values) - 1 or joined.count(_NONE) != values.count(None):
        return {"list": values}, None
    return {"prefix": prefix, "rest": joined}, None


def _digits(texts: list[str]) -> int | None:
    """How many digits all of these numbers have; 0: as many as each needs; None: they are no such numbers."""
    joined = "".join(texts)
    if not (joined.isascii() and joined.isdigit()) or max(map(len, texts)) > _MOST_DIGITS or not min(map(len, texts)):
        return None
    if len({len(text) for text in texts}) == 1:
        return len(texts[0])
    return 0 if all(text[0] != "0" or text == "0" for text in texts) else None


def _common(first: str, last: str) -> str:
    """What two texts begin with, and so whatever is sorted between them."""
    for i, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other:
            return first[:i]
    return first


def _read_counted(told: dict[str, Any], numbers: list[int | None]) -> list[Any]:
    return [None if n is None else f"{told['prefix']}{n:0{told['digits'] or 1}d}" for n in numbers]


def _read_texts(told: dict[str, Any], count: int) -> list[Any]:
    if "list" in told:
        return list(told["list"])
    if "at" not in told and "of" in told:
        return list(told["of"]) * count
    if "of" in told:
        return [told["of"][_DIGITS.index(digit)] for digit in told["at"]]
    prefix = told["prefix"]
    return [None if rest == _NONE else prefix + rest for rest in told["rest"].split(_BETWEEN)]
