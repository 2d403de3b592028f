"""Fields of a request: of its query, and of a form in its body, by its type or, where that is missing, by its looks."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from tracker.errors import BadRequest
from tracker.protocols import Payload

MOST_FIELDS = 200
MOST_PARTS = 100  #: of a multipart body

_BOUNDARY = re.compile(rb'boundary="?([^";,\r\n]{1,200})"?', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="?([^";\r\n]*)"?', re.IGNORECASE)
_FILE = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)


def query_fields(payload: Payload) -> dict[str, str]:
    """Of the address. Of a name that comes twice the last. Raises BadRequest."""
    return _pairs(payload.query)


def names_of(query: str) -> set[str]:
    """Of the fields of an address, in lower case."""
    return {unquote_plus(pair.partition("=")[0]).lower() for pair in query.split("&") if "=" in pair}


def form_fields(payload: Payload) -> dict[str, str]:
    """Of the body: multipart, or else urlencoded. Files are left out. Raises BadRequest."""
    kind = payload.headers.get(b"content-type", b"")
    if kind[:19].lower() == b"multipart/form-data":
        return _parts(payload.body, kind)
    return _pairs(payload.body.strip().decode("utf-8", "replace"))


def all_fields(payload: Payload) -> dict[str, str]:
    """Of the body and of the address, which says more than the body where both say something."""
    if not payload.body:
        return query_fields(payload)
    return form_fields(payload) | query_fields(payload)


def _pairs(text: str) -> dict[str, str]:
    if text.count("&") >= MOST_FIELDS:
        raise BadRequest("too_many_fields", f"a request has at most {MOST_FIELDS} fields")
    fields: dict[str, str] = {}
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if equals and ("%" in pair or "+" in pair):
            name, value = unquote_plus(name), unquote_plus(value)
        if equals:
            fields[name] = value
    return fields


def _parts(body: bytes, kind: bytes) -> dict[str, str]:
    boundary = _BOUNDARY.search(kind)
    if boundary is None:
        raise BadRequest("not_a_form", "the Content-Type of a multipart body names no boundary")
    mark = b"--" + boundary[1].strip()
    if body.count(mark) > MOST_PARTS:
        raise BadRequest("too_many_fields", f"a multipart body has at most {MOST_PARTS} parts")
    _, *parts = (b"\r\n" + body).split(b"\r\n" + mark)
    fields: dict[str, str] = {}
    for part in parts:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head[:2000])
        if name and not _FILE.search(head[:2000]) and len(value) < 65_536:
            fields[name[1].decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    if not fields:
        raise BadRequest("not_a_form", "there is no field in this multipart body")
    return fields
