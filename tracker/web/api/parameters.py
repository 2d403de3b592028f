"""What the resources of the API share: parameters, cursors, JSON bodies and answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from quart import Response, request

from tracker.access.credentials import IN_ADDRESS
from tracker.access.grants import WATCH, Access, Grant
from tracker.errors import BadRequest, Conflict, Invalid, NotFound, NotSignedIn, Unsupported
from tracker.model.ping import Unfit, vehicle_id
from tracker.model.records import Actor
from tracker.node import Node
from tracker.protocols.native import read_document
from tracker.protocols.pieces import check_weight
from tracker.times import BadTime, parse_parameter, parse_time
from tracker.web.ingest.bodies import Patience, too_large
from tracker.web.ingest.inflate import Plain
from tracker.web.server.answers import JSON, Answered, address_of, encode

ANYBODY = "anybody"  #: who it is on a server on which nobody signs in
LIMIT, MOST = 100, 1000  #: things on a page by default and at most
MOST_ROWS = 10_000  #: the same for events and tracks
BIG = 32 * 1024  #: bytes of JSON that are decoded off the loop
MAX_ATTRIBUTES = 16_384  #: bytes of the attributes of a vehicle or region
DEEPEST = 64  #: levels of a document: what walks through it, here and in clients, may call itself once a level


def grant(verb: str | None = WATCH) -> Grant:
    """Of whoever sent this request, who must be allowed so much at least. Raises NotAllowed."""
    found: Grant = request.scope["tracker.grant"]  # type: ignore[typeddict-item]
    if verb is not None:
        found.check(verb)
    return found


def set_grant(grant: Grant) -> None:
    """It is another by now."""
    request.scope["tracker.grant"] = grant  # type: ignore[typeddict-unknown-key]


Lasts = Callable[[], None]


def lasts(access: Access, seen_as: Callable[[], object] = lambda: None) -> Lasts:
    """What each piece of an answer that takes long asks before it is sent. Raises NotSignedIn, which breaks the answer
    off, where what may be seen is another by now. `seen_as`: what else decides that, the group of a vehicle say."""
    began, as_what = grant(None), seen_as()

    def ask() -> None:
        now = access.again(began)
        if (now is not began and now.key() != began.key()) or (seen_as() != as_what and not now.everything):
            raise NotSignedIn("not_signed_in", "what you may see has changed: ask again")

    return ask


def address() -> str:
    """Of whoever sent this request, as far as the proxies on the way are trusted."""
    return address_of(request.scope)  # type: ignore[arg-type]


def actor(node: Node, grant: Grant) -> Actor:
    """Whoever sent this request, as what they change is kept; asked once more as it is done, since a body may take
    long to come, and much may wait before it."""

    def ask() -> None:
        if not node.access.again(grant).keeps(grant):
            raise NotFound("may_not", "what you may do was changed meanwhile: look, and try again")

    return Actor(grant.who or ANYBODY, address(), ask)


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        encode(value), status, {"content-type": JSON} | {name.replace("_", "-"): text for name, text in headers.items()}
    )


def respond(answer: Answered) -> Response:
    """As Quart tells it, what is answered without it as well."""
    status, headers, body = answer
    return Response(body, status, headers)


def tagged(body: bytes, kind: str, made_of: bytes | None = None, **headers: str) -> Response:
    """Or 304 to who has just that. `made_of`: of a file that is another each time it is made."""
    etag = f'"{hashlib.blake2b(body if made_of is None else made_of, digest_size=9).hexdigest()}"'
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(b"", 304, {"etag": etag})
    more = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(body, 200, {"etag": etag, "content-type": kind} | more)


def listing(name: str, texts: list[bytes], **more: Any) -> Response:
    """A list of things that are JSON already."""
    body = b'{"%b":[%b],%b' % (name.encode(), b",".join(texts), encode(more)[1:])
    return Response(body, 200, {"content-type": JSON})


async def json_body(most: int) -> Any:
    """The request's JSON document; NaN and Infinity pass, so that whoever reads it can say which field has them."""
    check_json()
    body = await raw_body(most)
    document = await decode(body)
    if _HALF.search(body) and not _is_utf8(document):  # can be neither kept nor told, not even as what is wrong
        raise BadRequest(
            "not_text", "a text has half of a surrogate pair in it, which is no character: send whole ones"
        )
    return document


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  #: as JSON can escape it


def _is_utf8(document: Any) -> bool:
    try:
        msgspec.json.encode(document)
    except UnicodeEncodeError:
        return False
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        pass  # somebody else's to say
    return True


async def optional_body(most: int) -> Any:
    """The same where a request without a body says all there is to say: None."""
    try:
        return await json_body(most)
    except BadRequest as fault:
        if fault.code != "empty":
            raise
        return None


def check_json(say: str = "application/json") -> None:
    kind = content_type()
    if kind not in ("", "application/json", "text/json", "application/geo+json") and not kind.endswith("+json"):
        raise Unsupported("unsupported_type", f"cannot read {kind[:60]!r}; send it with Content-Type: {say}")


def content_type() -> str:
    return (request.headers.get("content-type") or "").partition(";")[0].strip().lower()


async def raw_body(most: int, encoded: bool = False) -> bytes | bytearray:
    """The request's body of at most so many bytes, `encoded` as it may be. Raises BadRequest, TooLarge, Overloaded."""
    if not encoded and request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unsupported("unsupported_encoding", "send this body without a Content-Encoding")
    patience: Patience | None = request.scope.get("tracker.patience")  # type: ignore[assignment]
    if (request.content_length or 0) > most:
        raise too_large(most, "")
    body: bytes | bytearray = (
        b"" if patience is None else await patience.body.whole(Plain(), most, most, patience.share)
    )
    if not body[:BIG].strip() and len(body) < BIG:
        raise BadRequest("empty", "the body is empty; send a JSON document")
    return body


async def decode(body: bytes | bytearray) -> Any:
    """`read` off the loop when it is large."""
    return read(body) if len(body) < BIG else await asyncio.to_thread(read, body)


def read(body: bytes | bytearray) -> Any:
    """A JSON document. Raises BadRequest, and TooLarge when so much would come of it that it cannot be meant."""
    check_weight(body)
    document = read_document(bytes(body))
    if body.count(b"[") + body.count(b"{") > DEEPEST and is_deep(document):  # few brackets nest not deep
        raise BadRequest("too_deep", f"the JSON is nested over {DEEPEST} levels deep; nothing here needs so many")
    return document


def only(*known: str) -> None:
    """Refuse parameters nobody knows: a misspelt filter must not answer everything."""
    for name in request.args:
        if name not in known and name not in IN_ADDRESS:
            raise Invalid(
                "unknown_parameter",
                f"there is no parameter {name[:40]!r} here; there are {', '.join(known) or 'none'}",
                [{"field": name, "code": "unknown_parameter", "message": "unknown"}],
            )


def limit(default: int = LIMIT, most: int = MOST) -> int:
    return whole("limit", 1, most) or default


def whole(name: str, low: int = 0, high: int = 2**63 - 1) -> int | None:
    """A whole-number parameter."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.removeprefix("-").isdecimal() and len(text) < 20 and low <= int(text) <= high):
        raise bad(name, f"a whole number from {low} to {high}" if high < 2**63 - 1 else f"a whole number from {low} up")
    return int(text)


def instant(name: str) -> int | None:
    """A time parameter as UTC milliseconds."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return parse_parameter(text)
    except BadTime as fault:
        raise Invalid.of_field(name, f"`{name}`: {fault}") from None


def words(name: str) -> frozenset[str] | None:
    """A parameter that may come several times, or once with commas."""
    given = request.args.getlist(name)
    if not given:
        return None
    return frozenset(word for text in given for word in text.split(",") if word)


def bbox(name: str = "bbox") -> tuple[float, float, float, float] | None:
    """west, south, east, north in degrees; west > east crosses the antimeridian."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise bad(name, "west,south,east,north in degrees") from None
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise bad(name, "west,south,east,north within ±180 and ±90 degrees, south not above north")
    return west, south, east, north


def flag(name: str) -> bool:
    return request.args.get(name, "").lower() in ("1", "true", "yes")


def bad(name: str, expected: str) -> Invalid:
    text = request.args.get(name, "")
    return Invalid.of_field(name, f"`{name}` is {text[:60]!r}; expected {expected}")


def cursor(place: Any) -> str:
    """Where the next page begins, as a word nobody should read."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place(kind: Callable[[Any], bool]) -> Any:
    """What `cursor` was made of, or None on the first page."""
    text = request.args.get("cursor")
    if text is None:
        return None
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        found = None
    if not kind(found):
        raise bad("cursor", "the `next` of an earlier page")
    return found


def vehicle(text: str) -> str:
    """A vehicle id from the path."""
    try:
        return vehicle_id(text)
    except Unfit as fault:
        raise Invalid.of_field("vehicle", fault.message, fault.code) from None


def check_version(given: str, what: str, version: int, current: Callable[[], dict[str, Any]]) -> None:
    """Raises Conflict where an If-Match names another version than there is."""
    if {tag.strip() for tag in given.split(",")}.isdisjoint({"*", f'"{version}"'}):
        raise Conflict("version_conflict", f"{what} is at version {version} now, not {given[:40]}", current())


def check_fields(document: Any, fields: Sequence[str], say: str) -> dict[str, Any]:
    """The document, when it is an object of known fields. `say`: what to send instead. Raises Invalid."""
    if not isinstance(document, dict):
        raise Invalid("not_an_object", say)
    for name in document:
        if name not in fields:
            message = f"there is no field {name[:64]!r}; there are {', '.join(fields)}"
            raise Invalid.of_field(name[:64], message, "unknown_field")
    return document


def read_time(
    document: dict[str, Any],
    name: str,
    parse: Callable[[str | int | float], int] = parse_time,
    code: str = "bad_parameter",
) -> int | None:
    """An instant, ms; None where none is said. `parse` may raise BadTime, and `code` tells of that. Raises Invalid."""
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid.of_field(name, f"`{name}` is an RFC 3339 text or a number", "wrong_type")
    try:
        return parse(value)
    except (BadTime, ValueError, OverflowError) as fault:
        raise Invalid.of_field(name, f"`{name}`: {fault}", code) from None


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def is_deep(value: Any) -> bool:
    """Whether arrays and objects nest over DEEPEST levels; looked at level by level, so any depth can be."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [part for one in level for part in (one.values() if isinstance(one, dict) else one)]
    return True


def is_text(value: str) -> bool:
    """Neither control characters nor what UTF-8 cannot carry."""
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in value)


def bad_attributes(value: Any) -> str | None:
    """What is wrong with attributes people write: any JSON, but finite, not deep and not large."""
    if not isinstance(value, dict):
        return "`attributes` is an object"
    try:
        if len(msgspec.json.encode(value)) > MAX_ATTRIBUTES:
            return f"`attributes` takes at most {MAX_ATTRIBUTES} bytes of JSON"
    except (ValueError, UnicodeEncodeError, RecursionError, msgspec.MsgspecError):
        return "`attributes` holds something JSON cannot carry"
    return "`attributes` holds a number that is not finite" if _has_infinite(value) else None


def _has_infinite(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_infinite(part) for part in value.values())
    if isinstance(value, list):
        return any(_has_infinite(part) for part in value)
    return isinstance(value, float) and not math.isfinite(value)
