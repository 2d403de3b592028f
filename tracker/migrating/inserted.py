"""Inserted: rows of a dump that is INSERTs, as mysqldump, H2's SCRIPT and `pg_dump --inserts` write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracker.formats import Unreadable

_NAME = r'[`"]?(\w+)[`"]?'
_TABLE = rf"(?:{_NAME}\.)?{_NAME}"
_CREATE = re.compile(rf"CREATE\s+(?:\w+\s+)*?TABLE\s+(?:IF NOT EXISTS\s+)?{_TABLE}\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r'\s*([`"]?)(\w+)[`"]?\s+\S')
_NO_COLUMN = frozenset({"PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FOREIGN", "FULLTEXT", "CHECK", "SPATIAL"})
_INSERT = re.compile(rf"INSERT\s+INTO\s+{_TABLE}\s*(?:\(([^)]*)\))?\s*VALUES\s*", re.IGNORECASE)
#: a text, with or without backslashes that escape; what holds the rest together; anything else
_PLAIN = re.compile(r"'((?:[^']|'')*+)'|([(),;])|([^'(),;]++)", re.DOTALL)
_ESCAPING = re.compile(r"'((?:[^'\\]|\\.|'')*+)'|([(),;])|([^'(),;]++)", re.DOTALL)
_BACKSLASHED = re.compile(r"\\(.)", re.DOTALL)
_MEANS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}
_UNICODE = re.compile(r"\\(\\|[0-9a-fA-F]{4})")


class Torn(ValueError):
    """A statement does not end, or holds something else than rows."""


def unescaped(text: str) -> str:
    """As MySQL writes it."""
    return _BACKSLASHED.sub(lambda found: _MEANS.get(found[1], found[1]), text)


def inserted(lines: Iterable[bytes], table: str) -> Iterator[Mapping[str, Any] | None]:
    """Rows of a table; None: one that has not as many values as the table has columns. Raises Unreadable."""
    columns: list[str] = []
    creating, statement, escapes = False, "", False
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        if statement:
            statement += line
        elif creating:
            if line.lstrip().startswith(")"):
                creating = False
            elif (found := _COLUMN.match(line)) and (found[1] or found[2].upper() not in _NO_COLUMN):
                columns.append(found[2].lower())
            continue
        elif (found := _CREATE.match(line)) and _is(found[2], table):
            creating, columns = not line.rstrip().endswith(";"), []
            escapes = escapes or "`" in line
            continue
        elif (found := _INSERT.match(line)) and _is(found[2], table):
            statement = line
            escapes = escapes or "`" in found[0]
        if not statement or not line.rstrip().endswith(";"):
            continue
        try:
            yield from _rows_of(statement, columns, escapes)
            statement = ""
        except Torn:
            continue  # a text may have a line that ends like that
    if statement:
        raise Unreadable(f"the dump ends in the middle of {table}: dump it again")


def _is(name: str, table: str) -> bool:
    return name.lower().removeprefix("tc_") == table


def _rows_of(statement: str, columns: list[str], escapes: bool) -> list[Mapping[str, Any] | None]:
    found = _INSERT.match(statement)
    if found is None:
        raise Torn
    if found[3]:
        columns = [one.strip(' `"\n\r\t').lower() for one in found[3].split(",")]
    if not columns:
        raise Unreadable("the dump tells no columns: dump its CREATE TABLE too, or with --column-inserts", usage=True)
    return [
        dict(zip(columns, row, strict=True)) if len(row) == len(columns) else None
        for row in _values(statement, found.end(), escapes)
    ]


def _values(text: str, at: int, escapes: bool) -> Iterator[list[str | None]]:
    """Raises Torn."""
    tokens = _ESCAPING if escapes else _PLAIN
    row: list[str | None] = []
    said, before, depth = None, "", 0  # a text, and what stands before it
    while at < len(text):
        found = tokens.match(text, at)
        if found is None:
            raise Torn
        at = found.end()
        if found[1] is not None:
            said = _text(found[1], before.strip().upper(), escapes)
        elif (mark := found[2]) is None:
            before += found[3]
        elif depth == 0 and mark == ";":
            return
        elif mark == "(":
            depth += 1
            row, said, before = (row, said, before) if depth > 1 else ([], None, "")
        elif depth == 1 and mark in ",)":
            bare = before.strip()
            row.append(said if said is not None else None if bare.upper() in ("NULL", "") else bare)
            said, before = None, ""
        if mark == ")":
            depth -= 1
            if depth == 0:
                yield row
    raise Torn


def _text(inside: str, kind: str, escapes: bool) -> str:
    text = inside.replace("''", "'")
    if escapes or kind.endswith("E"):
        return unescaped(text)
    if kind == "U&":
        return _UNICODE.sub(lambda found: found[1] if found[1] == "\\" else chr(int(found[1], 16)), text)
    return text
