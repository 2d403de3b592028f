"""`tracker decode`: how bytes from a device would be read, without a server."""

from __future__ import annotations

import re
import sys
import time
from typing import Any, BinaryIO

import click
import msgspec

from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.model.keys import blanked
from tracker.protocols import Payload, spoken
from tracker.web.ingest.addresses import Addresses
from tracker.web.ingest.explained import explained, found, inflated

MOST = 64 * 2**20  #: bytes
_REQUEST = re.compile(rb"(GET|POST|PUT|HEAD) (\S*) HTTP/1\.[01]\r?\n|(GET|POST|PUT) ([/?]\S*)\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


def names() -> list[str]:
    return [one.name for one in spoken()]


def run(
    name: str, given: BinaryIO, query: str, headers: tuple[str, ...], path: str, vehicle: str, at: int | None,
    settings: Settings,
) -> int:  # fmt: skip
    """A line for each ping, and one for the rest of the answer; 0 when something was taken, or there was nothing to."""
    body = given.read(MOST + 1)
    if len(body) > MOST:
        raise TrackerError("body_too_large", f"more than {MOST} bytes: decode a part of it")
    said = dict(_header(line) for line in headers)
    method = "POST" if body else "GET"
    if match := _REQUEST.match(body):
        method, path, query, said, body = _request(match, body, path, query, said)
    target = found(Addresses(settings), name, method, path, query)
    assert target, name
    if method not in target.here.methods:
        method = next(iter(target.here.methods))
    address = path if path[:1] == "/" else ""
    payload = Payload(inflated(body, said, MOST), query, said, address, method, "", vehicle)
    told = explained(target, name, payload, time.time_ns() // 1_000_000 if at is None else at)
    for ping in told.pop("pings"):
        _say(ping)
    _say(told)
    return 1 if "error" in told or (told["rejected"] and told["rejected"] == told["items"]) else 0


def _request(
    match: re.Match[bytes], text: bytes, path: str, query: str, given: dict[bytes, bytes]
) -> tuple[str, str, str, dict[bytes, bytes], bytes]:
    """A request as it was captured; what the options say besides counts more."""
    method = (match[1] or match[3]).decode()
    target, _, asked = (match[2] or match[4] or b"").decode("latin-1").partition("?")
    end = _HEAD_END.search(text, match.end() - 2)
    head = text[match.end() : end.start() if end else len(text)]
    headers = dict(_header(line) for line in head.decode("latin-1").splitlines() if ":" in line)
    body = text[end.end() :] if end else b""
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = _unchunked(body)
    elif (length := headers.get(b"content-length", b"")).isdigit():
        body = body[: int(length)]
    return method, path or target or "/", query or asked, headers | given, body


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            break
        if not length:
            break
        whole, body = whole + body[:length], body[length + 2 :]
    return whole


def _header(line: str) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(":")
    if not colon:
        raise click.BadParameter(f"{line!r} is no header: say 'Name: value'", param_hint="--header")
    return name.strip().lower().encode("latin-1", "replace"), value.strip().encode("latin-1", "replace")


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(blanked(msgspec.json.encode(told).decode()) + "\n")
