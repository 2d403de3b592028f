"""Credentials: by what somebody who asks shows who they are. Nothing is checked here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

#: key of a scope: the token that stood in its address
IN_PATH = "tracker.token"


class Credentials(NamedTuple):
    """What a request shows, at most one of each; empty when it does not."""

    cookie: str = ""  # the secret of a session
    secret: str = ""  # a token: in the path, Bearer, the password of Basic, X-API-Key, `?token=`, `?api_key=`
    ticket: str = ""  # `?ticket=`


def credentials(scope: Mapping[str, Any], cookie_name: str) -> Credentials:
    """Of an ASGI scope. A header wins over the query, which is written into logs on the way; an address with a token in
    it is its sender's own, whatever else a client shows by habit."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    query = _query(scope.get("query_string", b""))
    cookies = headers.get(b"cookie")
    return Credentials(
        next(_cookies(cookies, cookie_name), "") if cookies else "",
        scope.get(IN_PATH, "")
        or _authorization(headers.get(b"authorization", b""))
        or _text(headers.get(b"x-api-key", b""))
        or query.get("token", "")
        or query.get("api_key", ""),  # as Dawarich's clients send it
        query.get("ticket", ""),
    )


def _query(raw: bytes) -> dict[str, str]:
    if b"t" not in raw and b"api_key" not in raw:
        return {}
    try:
        return dict(parse_qsl(raw.decode("ascii"), max_num_fields=100))
    except ValueError:  # too many of them, or no ASCII: whoever reads it for itself says so
        return {}


def _cookies(raw: bytes, name: str) -> Iterator[str]:
    for part in _text(raw).split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            yield value.strip('"')


def _authorization(raw: bytes) -> str:
    scheme, _, rest = _text(raw).partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        plain = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        plain = rest.strip() if ":" in rest else ""  # as Overland writes it
    user, _, password = plain.partition(":")
    return password or user  # some clients can only send a name


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip()
