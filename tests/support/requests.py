"""Requests as clients send them, in files: a request line, headers, an empty line, the body.

Headers that begin with `#` are what the server knows of the sender: `#device: van-7` (its token is of one vehicle) and
`#entry: {"speed_unit": "mps"}` (the attributes of its register entry).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.protocols import Outcome, Payload, Reply, Spoken
from tracker.web.ingest.addresses import Target
from tracker.web.ingest.http import Ingest

FIXTURES = Path(__file__).parents[2] / "fixtures"


class _Node:
    def __init__(self) -> None:
        self.statistics: dict[str, Any] = {}
        self.settings = Settings(webhooks=str(FIXTURES / "webhooks.toml"))


INGEST = Ingest(_Node())  # type: ignore[arg-type]


def parse(text: bytes) -> tuple[dict[str, Any], Payload]:
    """The ASGI scope of it, as far as it matters here, and the payload."""
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    method, target, *_ = first.split(" ")
    said = dict(line.split(": ", 1) for line in lines)
    headers = {name.lower().encode(): value.encode() for name, value in said.items() if name[0] != "#"}
    if b"multipart" in headers.get(b"content-type", b""):
        body = body.replace(b"\n", b"\r\n")
    path, _, query = target.partition("?")
    scope = {"path": path, "query_string": query.encode(), "method": method}
    entry = json.loads(said.get("#entry", "{}"))
    return scope, Payload(
        body.removesuffix(b"\n"), query, headers, path.rstrip("/"), method, "", said.get("#device", ""), lambda _: entry
    )


def read_request(protocol: Spoken, text: bytes, now: int) -> dict[str, Any]:
    """What it reads as, and what its client hears when all of it that can be stored is."""
    scope, payload = parse(text)
    target = INGEST.at(scope)
    assert isinstance(target, Target), "this is no address of ours"
    one = next(one for one in target.here.spoken if one.name == protocol.name)
    assert scope["method"] in one.methods and one.read
    try:
        reading = one.read(payload._replace(rest=target.rest), now)
    except TrackerError as fault:
        status, headers, body = target.here.problem(fault)
        return {"status": status, "type": headers["content-type"], "body": body.decode()}
    reply = (
        reading.reply
        if isinstance(reading.reply, Reply)
        else reading.reply and reading.reply(Outcome(len(reading.pings), 0, reading.rejected, reading.errors))
    )
    told = {name: value for name in ("items", "rejected", "discarded", "ignored") if (value := getattr(reading, name))}
    told |= {"repairs": reading.repairs} if reading.repairs else {}
    told |= {"errors": reading.errors} if reading.errors else {}
    told |= {"pings": msgspec.to_builtins(reading.pings)}
    if reply:
        told["reply"] = {"status": reply.status, "type": reply.type, "body": reply.body.decode(), **reply.headers}
    return told
