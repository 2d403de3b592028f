"""A large JSON document in pieces: weighed before anything is made of it, cut at its items, decoded some at a time.

A decoder keeps the GIL from its first byte to its last, and makes of `{},{},…` thirty times its bytes. So a document
of any size is first looked at in its own bytes, which costs no objects and lets every other thread have its turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tracker.errors import BadRequest, TooLarge

PIECE = 256 * 1024  #: bytes decoded in one go
RATIO = 8  #: what is made of a body takes at most so many times its bytes
FREE = 4 * 2**20  #: or this much: a small one may well be all brackets
HEAVIEST = 96  #: bytes of objects that one byte of a body can make

Body = bytes | bytearray
Span = tuple[int, int]


class Cut(NamedTuple):
    """A document without the items of its one long array, and where each of them is in it. None: no such array."""

    frame: bytes
    spans: list[Span] | None


def weigh(body: Body) -> int:
    """About how many bytes of objects a decoder would make of it."""
    weight = 0
    for at in range(0, len(body), PIECE):
        end = at + PIECE
        things = body.count(b"{", at, end) + body.count(b"[", at, end)
        weight += HEAVIEST * things + 32 * (body.count(b",", at, end) + body.count(b'"', at, end))
    return weight


def check_weight(body: Body) -> None:
    """Raises TooLarge for a body that is nothing but brackets and commas."""
    if len(body) * HEAVIEST > FREE and weigh(body) > max(FREE, RATIO * len(body)):
        raise TooLarge("too_many_items", "the body holds too many values for its size; send less of them at once")


def cut(body: Body, name: str, most_items: int, most_bytes: int) -> Cut:
    """Cut an array, or the array `name` of an object, into its items, each of at most so many bytes.

    What is malformed is left for the decoder of the frame or of an item to tell. Raises BadRequest, TooLarge.
    """
    at = _blank(body, 0)
    if body[at : at + 1] == b"[":
        spans, end = _items(body, at + 1, most_items, most_bytes)
        return Cut(_frame([body[: at + 1]], body, end, most_bytes, "array"), spans)
    found: list[Span] | None = None
    kept: list[Body] = []
    start = 0
    wanted = f'"{name}"'.encode()
    at += 1 if body[at : at + 1] == b"{" else len(body)
    while body[(at := _blank(body, at)) : at + 1] == b'"':
        end = _string(body, at, at + most_bytes)
        key, at = body[at:end], _blank(body, end)
        at = _blank(body, at + 1)  # the colon
        if key == wanted and body[at : at + 1] == b"[":
            found, end = _items(body, at + 1, most_items, most_bytes)
            kept.append(body[start : at + 1])
            start, at = end, end + 1
        at = _end(body, at, most_bytes)
        if body[at : at + 1] != b",":
            break
        at += 1
    return Cut(_frame(kept, body, start, most_bytes, name), found)


def batches(spans: list[Span]) -> Iterator[list[Span]]:
    """Items that follow each other, as many as make a piece."""
    batch: list[Span] = []
    for span in spans:
        if batch and span[1] - batch[0][0] > PIECE:
            yield batch
            batch = []
        batch.append(span)
    if batch:
        yield batch


def _frame(kept: list[Body], body: Body, rest: int, most: int, name: str) -> bytes:
    if sum(map(len, kept)) + len(body) - rest > most:
        raise TooLarge("body_too_large", f"what is not in its {name} may have {most} bytes")
    return b"".join([*kept, body[rest:]])


def _items(body: Body, at: int, most_items: int, most_bytes: int) -> tuple[list[Span], int]:
    """Where the items are, and where the bracket is that ends them."""
    spans: list[Span] = []
    while True:
        end = _end(body, at, most_bytes)
        last = body[end : end + 1]
        if last not in (b",", b"]"):
            raise BadRequest("not_json", f"not JSON: item {len(spans)} of the array does not end")
        if last == b"]" and not spans and not body[at:end].strip():
            return [], end
        spans.append((at, end))
        if len(spans) > most_items:
            raise TooLarge("too_many_items", f"the array has more than {most_items} items; send them in several bodies")
        if last == b"]":
            return spans, end
        at = end + 1


#: between two brackets that matter: numbers, words, strings without an escape, and arrays of nothing but numbers
_INNER = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+"|\[[^"\[\]{}]*+\]){1,1000}+|["\[\]{}]')
_OUTER = re.compile(rb'[^"\[\]{},]++|["\[\]{},]')
_SPACE = re.compile(rb"[ \t\r\n]*+")


def _end(body: Body, at: int, most: int) -> int:
    """Where a value ends: at the comma or bracket after it."""
    limit, depth = at + most, 0
    while at < len(body):
        if at > limit:
            raise TooLarge("body_too_large", f"one item of this body may have {most} bytes")
        token = (_INNER if depth else _OUTER).match(body, at, at + PIECE)
        end = token.end() if token else at + 1
        if end == at + 1:
            match body[at:end]:
                case b'"':
                    end = _string(body, at, limit)
                case b"[" | b"{":
                    depth += 1
                case b"]" | b"}" | b"," if not depth:
                    return at
                case b"]" | b"}":
                    depth -= 1
        at = end
    return len(body)


def _string(body: Body, at: int, limit: int) -> int:
    """Just after the quote that ends the string beginning here."""
    at += 1
    while (found := body.find(b'"', at, limit)) >= 0:
        back = found
        while body[back - 1] == 0x5C:
            back -= 1
        at = found + 1
        if (found - back) % 2 == 0:
            return at
    if limit < len(body):
        raise TooLarge("body_too_large", "one text of this body is too long")
    return len(body)


def _blank(body: Body, at: int) -> int:
    """The first place from here on that is not white."""
    while (end := _SPACE.match(body, at, at + PIECE).end()) > at:  # type: ignore[union-attr]
        at = end
    return at
