"""Answers: JSON and problem+json, the same from Quart's routes and from the raw ones before them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec

from tracker.errors import Conflict, TrackerError
from tracker.turns.slices import in_slices

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answered = tuple[int, dict[str, str], bytes]  #: status, headers, body

JSON = "application/json"
PROBLEM = "application/problem+json"
encode = msgspec.json.Encoder(enc_hook=str).encode

MAX_ERRORS = 100
T = TypeVar("T")

#: what a bare HTTP status stands for
_CODES = {
    400: "bad_request",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_timeout",
    413: "body_too_large",
    415: "unsupported_type",
    431: "headers_too_large",
    500: "internal",
    501: "not_implemented",
    505: "http_version",
}


def address_of(scope: Scope) -> str:
    """Of whoever asks; "" where that is not known."""
    return str((scope.get("client") or ("",))[0])


def problem(fault: TrackerError, **more: Any) -> Answered:
    """(status, headers, body) of an error. Holds what the error says and nothing of where it came from."""
    body: dict[str, Any] = {
        "type": f"urn:tracker:problem:{fault.code}",
        "title": fault.title,
        "status": fault.status,
        "code": fault.code,
        "detail": fault.detail,
    } | more
    if fault.errors:
        body["errors"] = fault.errors[:MAX_ERRORS]
        if len(fault.errors) > MAX_ERRORS:
            body["more"] = len(fault.errors) - MAX_ERRORS
    if isinstance(fault, Conflict) and fault.current is not None:
        body["current"] = fault.current
    headers = {"content-type": PROBLEM, "cache-control": "no-store"}
    retry_after = getattr(fault, "retry_after", None)
    if retry_after:
        headers["retry-after"] = str(retry_after)
    if fault.status == 415:
        headers["accept-encoding"] = "gzip, identity"
    return fault.status, headers, encode(body)


def plain_problem(status: int, detail: str) -> Answered:
    """The problem a bare HTTP status stands for."""
    fault = TrackerError(_CODES.get(status, "http_error"), detail)
    fault.status = status
    return problem(fault)


async def send_answer(send: Send, answer: Answered, more: bool = False) -> None:
    """An answer on a raw ASGI channel; `more`: its end is told later."""
    status, headers, body = answer
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def encoded(things: Iterable[T], show: Callable[[T], Any]) -> list[bytes]:
    """Each thing as JSON, others having their turn after every few."""
    return [encode(show(thing)) async for thing in in_slices(things)]
