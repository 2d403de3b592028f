"""Structs of the port as JSON, which is how a statement is given many of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

PIECE_BYTES = 2 << 20  #: of JSON in one statement

_encode = msgspec.json.Encoder().encode


def text(value: Any) -> str | None:
    """As JSON; nothing for nothing, which `json_each` reads as no rows."""
    return _encode(value).decode() if value else None


def text_pieces(values: Iterable[Any]) -> Iterator[str]:
    """The same of a list that may be long, as several lists: of thousands of regions one text would keep the GIL for a
    second, and be held four times over before it is written."""
    found: list[bytes] = []
    size = 0
    for value in values:
        found.append(_encode(value))
        size += len(found[-1])
        if size > PIECE_BYTES:
            yield f"[{b','.join(found).decode()}]"
            found, size = [], 0
    if found:
        yield f"[{b','.join(found).decode()}]"
