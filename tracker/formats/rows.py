"""Rows: lines of separated cells, in which one quote that nobody closed costs no more than its own line."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

MOST_LINES = 50  #: one row may take, a note with line breaks in it
DELIMITERS = ",;\t|"


class Row(msgspec.Struct, gc=False):
    line: int
    cells: list[str]
    whole: bool = True  # False: a quote in it is never closed, and its cells are not known


def find_delimiter(header: str) -> str:
    """What separates the most columns of the header, quoted parts left out."""
    bare = "".join(part for i, part in enumerate(header.split('"')) if i % 2 == 0)
    return max(DELIMITERS, key=bare.count)


def read_rows(lines: Iterable[str], delimiter: str, first: int = 1) -> Iterator[Row]:
    """Every line that holds something, the header first: it says how wide the others are. `first` is its number."""
    source = iter(lines)
    nothing = f"{delimiter} \t"
    again: deque[str] = deque()  # lines that turned out not to belong to the row before
    number, width = first, 0
    while True:
        line = again.popleft() if again else next(source, None)
        if line is None:
            return
        if '"' not in line:
            if line.strip(nothing):
                cells = line.split(delimiter)
                width = width or len(cells)
                yield Row(number, cells)
            number += 1
            continue
        taken, is_open = [line], _is_open(line, delimiter)
        while is_open and len(taken) < MOST_LINES:
            more = again.popleft() if again else next(source, None)
            if more is None:
                break
            taken.append(more)
            is_open = _is_open(more, delimiter, inside=True)
        read = None if is_open else _cells(taken, delimiter)
        if read is None or (len(taken) > 1 and width and len(read) != width):
            again.extendleft(reversed(taken[1:]))
            del taken[1:]
            bare = line.split(delimiter)
            yield Row(number, bare, whole=len(bare) == width)
        else:
            width = width or len(read)
            yield Row(number, read)
        number += len(taken)


def _cells(lines: list[str], delimiter: str) -> list[str] | None:
    try:
        text = [*(line + "\n" for line in lines[:-1]), lines[-1]]
        return next(csv.reader(text, delimiter=delimiter, strict=len(lines) > 1), None)
    except csv.Error:
        return None


def _is_open(line: str, delimiter: str, inside: bool = False) -> bool:
    """Does a quoted cell go on after this line? A quote opens one only where a cell begins; `inside`: one is open,
    which a quote closes only where a cell ends: what opens on the next line is another that nobody closes."""
    at, ends = 0, ("", delimiter) if inside else None
    while at < len(line):
        if inside:
            at = line.find('"', at)
            if at < 0:
                return True
            after = line[at + 1 : at + 2]
            if after == '"':
                at += 2
            elif ends and after not in ends:
                at += 1
            else:
                inside, ends = False, None
                at += 1
        elif line[at] == '"':
            inside = True
            at += 1
        else:
            at = line.find(delimiter, at)
            if at < 0:
                return False
            at += 1
    return inside
