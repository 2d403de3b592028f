"""Credentials: by what somebody who asks shows who they are. Nothing is checked here."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

IN_ADDRESS = frozenset({"token", "ticket"})  #: parameters that belong to no route
INGEST = "/ingest/"  #: below it a protocol, and below that the token
MOST_COOKIES = 8  #: of one name that are looked at

#: key of a scope: the token that stood in its address, where that was taken apart already
IN_PATH = "tracker.token"


class Credentials(msgspec.Struct, frozen=True):
    """What a request shows; empty when it does not."""

    cookies: tuple[str, ...] = ()  # secrets of sessions: a page of another path or port can add one of our name
    secret: bytes = b""  # a token: Bearer, the password of Basic, X-API-Key, `?token=`, /ingest/<protocol>/<token>
    ticket: str = ""  # `?ticket=`


def credentials(
    scope: Mapping[str, Any], headers: Mapping[bytes, bytes], cookie_name: Callable[[Mapping[str, Any]], str]
) -> Credentials:
    """Of an ASGI scope. A header wins over the address, which is written into logs on the way."""
    cookies = headers.get(b"cookie")
    said = headers.get(b"authorization")
    query = "&" + asked.decode("latin-1") if (asked := scope.get("query_string")) else ""
    return Credentials(
        tuple(islice(dict.fromkeys(_cookies(cookies, cookie_name(scope))), MOST_COOKIES)) if cookies else (),
        (_authorization(said) if said else b"")
        or headers.get(b"x-api-key", b"").strip()
        or (_in_query(query) if query else b"")
        or _in_path(scope),
        _last(query, "&ticket=") if "&ticket=" in query else "",
    )


def _in_query(query: str) -> bytes:
    value = _last(query, "&token=") or _last(query, "&api_key=")  # as Dawarich's clients send it
    if "%" in value or "+" in value:
        return unquote_to_bytes(value.replace("+", " "))
    return value.encode("latin-1")


def _last(query: str, name: str) -> str:
    """The last of this name that says anything."""
    found = name
    while found:
        query, found, rest = query.rpartition(name)
        if found and (value := rest.partition("&")[0]):
            return value
    return ""


def _in_path(scope: Mapping[str, Any]) -> bytes:
    """Of devices that can be told an address and nothing else."""
    path: str = scope["path"]
    if not path.startswith(INGEST):
        return b""
    word = path[len(INGEST) :].partition("/")[2]
    return b"" if "/" in word else word.encode("utf-8", "surrogatepass")


def _cookies(raw: bytes, name: str) -> Iterator[str]:
    for part in _text(raw).split(";"):
        key, _, value = part.strip().partition("=")
        if key == name and value:
            yield value.strip('"')


def _authorization(raw: bytes) -> bytes:
    if raw.startswith(b"Bearer "):
        return raw[7:].strip()
    if raw.startswith(b"Basic "):
        scheme, rest = b"basic", raw[6:]
    else:
        scheme, _, rest = raw.strip().partition(b" ")
        scheme = scheme.lower()
    if scheme != b"basic":
        return rest.strip() if scheme == b"bearer" else b""
    try:
        plain = binascii.a2b_base64(rest.strip(), strict_mode=True)
    except ValueError:
        plain = rest.strip() if b":" in rest else b""  # as Overland writes it
    user, _, password = plain.partition(b":")
    return password or user  # some clients can only send a name


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip()
