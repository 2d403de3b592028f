"""Items: the members of one long JSON array, a large body in pieces, so that others have their turn in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracker.errors import BadRequest
from tracker.protocols.native import MAX_ITEMS, read_document
from tracker.protocols.pieces import PIECE, batches, cut

BLANK = b"\xef\xbb\xbf \t\r\n"  #: what may stand around a document; the first three are a mark of UTF-8


def read_items(body: bytes, name: str) -> tuple[dict[str, Any], Iterator[Any]]:
    """What a document says beside its array `name`, and the items of that. A bare array, and a bare object without that
    name, are items too. Raises BadRequest, TooLarge; the items may do so as well."""
    body = body.strip(BLANK)
    if not body:
        raise BadRequest("empty", "the body is empty; it should be JSON")
    spans = None
    if len(body) > PIECE:
        frame, spans = cut(body, name, MAX_ITEMS, PIECE)
    document = read_document(body if spans is None else frame)
    around: dict[str, Any] = {}
    items: Any = document
    if isinstance(document, dict):
        around, items = (document, document[name]) if name in document else ({}, [document])
    if not isinstance(items, list):
        raise BadRequest("not_positions", f"this is JSON without an array of {name or 'messages'}")
    return around, iter(items) if spans is None else _decoded(body, spans)


def _decoded(body: bytes, spans: list[tuple[int, int]]) -> Iterator[Any]:
    for batch in batches(spans):
        yield from read_document(b"[%b]" % body[batch[0][0] : batch[-1][1]])
