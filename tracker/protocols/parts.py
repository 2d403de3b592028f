"""Parts: what a payload is made of, each of which can be left out or say something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from tracker.errors import BadRequest
from tracker.protocols import Payload
from tracker.protocols.forms import form_fields

MOST = 100  #: parts of a payload that are looked at
TRIED = 20  #: items of an array
#: headers that say nothing about a fix
QUIET = frozenset({
    b"host", b"connection", b"content-length", b"content-type", b"content-encoding", b"transfer-encoding", b"accept",
    b"accept-encoding", b"accept-language", b"date", b"cookie", b"origin", b"referer", b"expect", b"te",
})  # fmt: skip

FORM = b"application/x-www-form-urlencoded"


class Part(NamedTuple):
    where: str  # body, query, header, path or token
    name: str  # of a JSON body with dots, as `location.coords.speed`
    value: Any
    at: tuple[str | int, ...] = ()

    def said(self) -> str:
        match self.where:
            case "path":
                return "the end of the address"
            case "token":
                return "the token"
        where = {"body": "", "query": " of the address", "header": " of the headers"}[self.where]
        return f"`{self.name}`{where}"


def parts_of(payload: Payload) -> list[Part]:
    """At most MOST."""
    return [part for _, part in zip(range(MOST), _parts(payload), strict=False)]


def _parts(payload: Payload) -> Iterator[Part]:
    if payload.device:
        yield Part("token", "vehicle", payload.device)
    if payload.rest:
        yield Part("path", "rest", payload.rest)
    for name, value in parse_qsl(payload.query, keep_blank_values=True):
        yield Part("query", name, value)
    document = document_of(payload)
    if document is not None:
        yield from _leaves(document, ())
    elif payload.body:
        for name, value in fields_of(payload).items():
            yield Part("body", name, value)
    for header, said in payload.headers.items():
        if header not in QUIET and not header.startswith((b"sec-", b"x-forwarded")):
            yield Part("header", header.decode("latin-1"), said.decode("latin-1"))


def document_of(payload: Payload) -> Any:
    """The JSON of the body, or the first line of it; None where it is none."""
    body = payload.body.strip(b"\xef\xbb\xbf \t\r\n")
    if body[:1] not in (b"{", b"["):
        return None
    for text in (body, body.partition(b"\n")[0]):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            continue
    return None


def fields_of(payload: Payload) -> dict[str, str]:
    try:
        return form_fields(payload)
    except BadRequest:
        return {}


def _leaves(value: Any, at: tuple[str | int, ...]) -> Iterator[Part]:
    if isinstance(value, dict) and len(at) < 8:
        for name, inner in value.items():
            yield from _leaves(inner, (*at, name))
    elif isinstance(value, list) and len(at) < 8 and (_is_array(value) or (at and isinstance(at[-1], int))):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*at, number))
    elif at:
        name = ".".join(str(step) for step in (*(step for step in at[:-1] if step != 0), at[-1]))
        yield Part("body", name, value if not isinstance(value, dict | list) else str(value), at)


def reduced(payload: Payload, reads: Callable[[Payload], bool]) -> Payload:
    """With one item of each array of objects: the first of which something is read, or the first."""
    document = document_of(payload)
    if not isinstance(document, dict | list):
        return payload
    less = [_with_body(payload, _cut(document, number)) for number in range(min(TRIED, _longest(document)))]
    return next((one for one in less if reads(one)), less[0] if less else payload)


def _longest(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else [value]
    return max((len(one) for one in inner if _is_array(one)), default=1)


def _is_array(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict | list) for one in value)


def _cut(value: Any, number: int) -> Any:
    if _is_array(value):
        return [value[number % len(value)]]
    if isinstance(value, dict):
        return {name: [one[number % len(one)]] if _is_array(one) else one for name, one in value.items()}
    return value


def without(payload: Payload, part: Part) -> Payload:
    return _changed(payload, part, None, True)


def replaced(payload: Payload, part: Part, value: Any) -> Payload:
    return _changed(payload, part, value, False)


def _changed(payload: Payload, part: Part, value: Any, gone: bool) -> Payload:
    text = "" if gone else str(value)
    match part.where:
        case "token":
            return payload._replace(device=text)
        case "path":
            return payload._replace(rest=text)
        case "header":
            headers = {name: one for name, one in payload.headers.items() if name.decode("latin-1") != part.name}
            return payload._replace(headers=headers if gone else headers | {part.name.encode("latin-1"): text.encode()})
        case "query":
            fields = parse_qsl(payload.query, keep_blank_values=True)
            return payload._replace(query=_form(fields, part.name, text, gone))
    if part.at:
        return _with_body(payload, _set(document_of(payload), part.at, value, gone))
    body = _form(list(fields_of(payload).items()), part.name, text, gone).encode()
    return payload._replace(body=body, headers={**payload.headers, b"content-type": FORM})


def _form(fields: list[tuple[str, str]], name: str, text: str, gone: bool) -> str:
    kept = [(key, text if key == name else value) for key, value in fields if key != name or not gone]
    return urlencode(kept)


def _with_body(payload: Payload, document: Any) -> Payload:
    return payload._replace(body=msgspec.json.encode(document))


def _set(value: Any, at: tuple[str | int, ...], new: Any, gone: bool) -> Any:
    """A copy of it, changed there."""
    step, *rest = at
    if isinstance(value, dict):
        if not rest and gone:
            return {name: one for name, one in value.items() if name != step}
        return value | {step: _set(value[step], tuple(rest), new, gone) if rest else new}
    copy = list(value)
    if rest:
        copy[int(step)] = _set(copy[int(step)], tuple(rest), new, gone)
    elif gone:
        copy[int(step)] = None
    else:
        copy[int(step)] = new
    return copy
