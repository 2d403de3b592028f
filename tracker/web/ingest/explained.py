"""Explained: how a request would be read, and what its client would hear, with nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tracker.errors import TrackerError, Unsupported
from tracker.protocols import Payload, Reading, Spoken
from tracker.protocols.explain import Explanation, advised, explain
from tracker.web.ingest.addresses import HERE, Addresses, Target
from tracker.web.ingest.counts import Counts, refusal
from tracker.web.ingest.inflate import inflater
from tracker.web.server.answers import Answered


def found(addresses: Addresses, name: str, method: str, path: str, query: str) -> Target | None:
    """Where such a request would go: `path` is all of its address, or what follows the protocol and the token."""
    if path.startswith("/"):
        target = addresses.target_at(
            {"path": path, "query_string": query.encode("latin-1", "replace"), "method": method}
        )
        if target is not None and any(one.name == name for one in target.here.spoken):
            return target
        path = path[1:]
    here = addresses.named(name)
    return Target(here, name, rest=path) if here else None


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


def explained(target: Target, name: str, payload: Payload, now: int) -> dict[str, Any]:
    """The whole answer, where nobody is asked who may send."""
    try:
        one, payload = chosen(target, name, payload)
    except TrackerError as fault:
        return refused(target, name, fault)
    return concluded(target, one, explain(one, payload, now))


def chosen(target: Target, name: str, payload: Payload) -> tuple[Spoken, Payload]:
    """Who reads it, by its content type where it has one; and the payload as that is given it. Raises Unsupported."""
    here, said = target.here, payload.headers.get(b"content-type", b"")
    one = next(one for one in here.spoken if one.name == name)
    if payload.method not in here.methods:
        how = " or ".join(here.methods)
        raise TrackerError("method_not_allowed", f"{name} is spoken by {how}, not by {payload.method}")
    if said and one.types:
        one = here.choose(payload.method, said)
    return one, payload._replace(rest=target.rest, path=payload.path.rstrip("/") or HERE + name)


def refused(target: Target, name: str, fault: TrackerError) -> dict[str, Any]:
    told = {"protocol": name, "pings": [], "warnings": [], "error": advised(fault.code, fault.detail)}
    return told | {"reply": _reply(target.here.problem(fault))}


def concluded(
    target: Target, one: Spoken, explanation: Explanation, admit: Callable[[Reading], None] = lambda _: None
) -> dict[str, Any]:
    """With what its client would hear. `admit` takes out what its sender may not send."""
    reading, more = explanation
    told: dict[str, Any] = {"protocol": one.name} | more
    if isinstance(reading, TrackerError):
        return told | {"reply": _reply(target.here.problem(reading))}
    admit(reading)
    told["rejected"] = reading.rejected
    told["errors"] = [error | advised(error["code"], error["message"]) for error in reading.errors]
    if reading.reply is not None and not reading.pings and not one.gateway and (why := refusal(reading)):
        return told | {"reply": _reply(target.here.problem(why))}
    different = len({(ping.vehicle, ping.time) for ping in reading.pings})
    counts = Counts(accepted=different, duplicates=len(reading.pings) - different)
    return told | {"reply": _reply(counts.answer(reading))}


def _reply(answer: Answered) -> dict[str, Any]:
    status, headers, body = answer
    return {"status": status, "headers": headers, "body": body.decode("utf-8", "replace")}
