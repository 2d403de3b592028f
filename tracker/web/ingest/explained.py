"""Explained: how a request would be read, and what its client would hear, with nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tracker.errors import TrackerError, Unsupported
from tracker.protocols import Payload, Reading, Spoken
from tracker.protocols.explain import advised, explain
from tracker.web.ingest.addresses import HERE, Address, Addresses, Target
from tracker.web.ingest.counts import Counts, refusal
from tracker.web.ingest.inflate import inflater
from tracker.web.server.answers import Answered


def found(addresses: Addresses, name: str, method: str, path: str, query: str) -> Target | None:
    """Where such a request would go: `path` is all of its address, or what follows the protocol and the token."""
    if path.startswith("/"):
        target = addresses.at({"path": path, "query_string": query.encode("latin-1", "replace"), "method": method})
        if target is not None and any(one.name == name for one in target.here.spoken):
            return target
        path = path[1:]
    here = addresses.named(name)
    return here and Target(here, name, rest=path)


def inflated(body: bytes, headers: Mapping[bytes, bytes], most: int) -> bytes:
    """Raises BadRequest."""
    inflate = inflater(headers.get(b"content-encoding", b""))
    whole = bytearray()
    for piece in inflate.feed(body):
        whole += piece
        if len(whole) > most:
            raise Unsupported("unsupported_encoding", f"it inflates to more than {most} bytes: send it as it is")
    inflate.finish()
    return bytes(whole)


def explained(
    target: Target, name: str, payload: Payload, now: int, admit: Callable[[Reading], None] = lambda _: None
) -> dict[str, Any]:
    """`admit` takes out what its sender may not send."""
    here = target.here
    told: dict[str, Any] = {"protocol": name}
    try:
        one = _chosen(here, name, payload)
    except TrackerError as fault:
        told |= {"pings": [], "warnings": [], "error": advised(fault.code, fault.detail)}
        return told | {"reply": _reply(here.problem(fault))}
    told["protocol"] = one.name
    payload = payload._replace(rest=target.rest, path=payload.path or HERE + name)
    reading, more = explain(one, payload, now)
    told |= more
    if isinstance(reading, TrackerError):
        return told | {"reply": _reply(here.problem(reading))}
    admit(reading)
    told |= {"rejected": reading.rejected}
    told["errors"] = [error | advised(error["code"], error["message"]) for error in reading.errors]
    if reading.reply is not None and not reading.pings and not one.gateway and (why := refusal(reading)):
        return told | {"reply": _reply(here.problem(why))}
    different = len({(ping.vehicle, ping.time) for ping in reading.pings})
    counts = Counts(accepted=different, duplicates=len(reading.pings) - different)
    return told | {"reply": _reply(counts.answer(reading))}


def _chosen(here: Address, name: str, payload: Payload) -> Spoken:
    """By its content type where it has one. Raises Unsupported."""
    named = next(one for one in here.spoken if one.name == name)
    if payload.method not in here.methods:
        raise Unsupported("method_not_allowed", f"{name} is spoken by {' or '.join(here.methods)}, not by {payload.method}")
    said = payload.headers.get(b"content-type", b"")
    return here.choose(payload.method, said) if said or not named.types else named


def _reply(answer: Answered) -> dict[str, Any]:
    status, headers, body = answer
    return {"status": status, "headers": headers, "body": body.decode("utf-8", "replace")}
