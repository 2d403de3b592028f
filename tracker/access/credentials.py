"""Credentials: by what somebody who asks shows who they are. Nothing is checked here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

IN_ADDRESS = frozenset({"token", "ticket"})  #: parameters that belong to no route
INGEST = "/ingest/"  #: below it a protocol, and below that the token
MOST_COOKIES = 8  #: of one name that are looked at

#: key of a scope: the token that stood in its address, where that was taken apart already
IN_PATH = "tracker.token"


class Credentials(NamedTuple):
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
    query = scope.get("query_string")
    token, ticket = _in_query(query.decode("latin-1")) if query else (b"", "")
    return Credentials(
        tuple(islice(dict.fromkeys(_cookies(cookies, cookie_name(scope))), MOST_COOKIES)) if cookies else (),
        (_authorization(said) if said else b"") or headers.get(b"x-api-key", b"").strip() or token or _in_path(scope),
        ticket,
    )


def _in_query(text: str) -> tuple[bytes, str]:
    """The last token and the last ticket that say anything."""
    token = key = ticket = ""
    if "t" in text or "api_key=" in text:
        for part in text.split("&"):
            if part.startswith("token="):
                token = part[6:] or token
            elif part.startswith("api_key="):  # as Dawarich's clients send it
                key = part[8:] or key
            elif part.startswith("ticket="):
                ticket = part[7:] or ticket
    token = token or key
    return unquote_to_bytes(token.replace("+", " ")) if "%" in token or "+" in token else token.encode(
        "latin-1"
    ), ticket


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
    scheme, _, rest = raw.strip().partition(b" ")
    scheme = scheme.lower()
    if scheme == b"bearer":
        return rest.strip()
    if scheme != b"basic":
        return b""
    try:
        plain = base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        plain = rest.strip() if b":" in rest else b""  # as Overland writes it
    user, _, password = plain.partition(b":")
    return password or user  # some clients can only send a name


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip()
