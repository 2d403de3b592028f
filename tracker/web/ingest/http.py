"""Positions come in: POST /api/v1/positions, answered before Quart's router, which costs more than everything here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.errors import BadRequest, Invalid, Stopping, TrackerError, Unsupported
from tracker.model.ping import Unfit
from tracker.node import Node
from tracker.pipeline.batch import Answer
from tracker.protocols import Reading
from tracker.protocols.native import read_json, read_lines
from tracker.turns.buffer import Share
from tracker.web.ingest.bodies import Body, Gone, Lines, refuse, too_large
from tracker.web.ingest.inflate import Inflater, inflater
from tracker.web.server.answers import JSON, Answered, Receive, Scope, Send, encode, plain_problem, problem, send_answer

PATH = "/api/v1/positions"
ADVICE = "send more as NDJSON"
READERS = 2  #: large bodies read at once, each in a thread: more would only take the GIL from each other
LIGHT_BYTES, LIGHT_ITEMS = 256 * 1024, 1000  #: what is read on the loop itself

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
DOCUMENT = frozenset({"", "application/json", "text/json"})
_HEADERS = {"content-type": JSON, "cache-control": "no-store"}


class Counts(msgspec.Struct):
    """What became of one request's items: accepted + duplicates + discarded + rejected = items."""

    accepted: int = 0
    late: int = 0
    held: int = 0
    duplicates: int = 0
    conflicts: int = 0
    discarded: int = 0  # understood, and nothing to keep
    ignored: int = 0  # values, not items
    rejected: int = 0
    errors: list[dict[str, Any]] = []

    def add(self, answer: Answer) -> None:
        self.accepted += answer.accepted
        self.late += answer.late
        self.held += answer.held
        self.duplicates += answer.duplicates
        self.conflicts += answer.conflicts


class Request:
    """One POST under way: `read` is what its items were, `counts` what became of them."""

    def __init__(self, headers: Mapping[bytes, bytes], body: Body) -> None:
        self.headers = headers
        self.body = body
        self.read = Reading()
        self.counts = Counts()

    def told(self) -> dict[str, Any]:
        self.counts.rejected, self.counts.errors = self.read.rejected, self.read.errors
        self.counts.ignored = self.read.ignored
        told: dict[str, Any] = msgspec.structs.asdict(self.counts)
        if self.read.rejected > len(self.read.errors):
            told["more"] = self.read.rejected - len(self.read.errors)
        return told

    def answer(self) -> Answered:
        """200 all fine, 207 some refused, 422 all refused."""
        read = self.read
        if not read.rejected:
            self.counts.ignored = read.ignored
            return 200, _HEADERS, encode(self.counts)
        if read.rejected < read.items:
            return 207, _HEADERS, encode(self.told())
        return problem(
            Invalid("all_rejected", "none of the positions could be taken; `errors` says why"), **self.told()
        )


class Ingest:
    """The raw ASGI answer to a POST of positions."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._readers = asyncio.Semaphore(READERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings = self._node.settings
        request = Request(dict(scope["headers"]), Body(receive, settings.body_timeout_s))
        try:
            self._node.access.check("POST", request.headers)
            lines = _is_lines(request.headers.get(b"content-type", b""))
            inflate = inflater(request.headers.get(b"content-encoding", b"").decode("latin-1"))
            if lines:
                await self._take_lines(request, inflate)
            else:
                await self._take_document(request, inflate)
        except Gone:
            return
        except TrackerError as fault:
            so_far = {"taken": request.read.items} | request.told() if request.read.items else {}
            await refuse(send, request.body, problem(fault, **so_far))
        else:
            await send_answer(send, request.answer())

    async def _take_document(self, request: Request, inflate: Inflater) -> None:
        settings = self._node.settings
        length = int(request.headers.get(b"content-length", b"0"))  # a number: the HTTP parser saw to that
        if length > settings.max_body:
            raise too_large(settings.max_body, ADVICE)
        with Share(self._node.bodies) as share:
            document = await request.body.whole(inflate, settings.max_body, settings.max_inflated, share, ADVICE)
            if is_light(document):
                read = read_json(bytes(document), self._node.clock())
            else:
                async with self._readers:
                    read = await asyncio.to_thread(read_json, bytes(document), self._node.clock())
            del document
        request.counts.add(await self._node.pipeline.submit(read.pings))
        request.read = read

    async def _take_lines(self, request: Request, inflate: Inflater) -> None:
        """Line by line at flat memory: the next bytes are asked for only after these are committed."""
        settings = self._node.settings
        lines = Lines(settings.max_line)
        async for piece in request.body.pieces(inflate, settings.max_inflated):
            for run in lines.feed(piece):
                await self._take_run(run, request)
        for run in lines.finish():
            await self._take_run(run, request)
        if not request.body.received:
            raise BadRequest("empty", "the body is empty; send one position a line")

    async def _take_run(self, run: bytes | None, request: Request) -> None:
        if run is None:
            limit = self._node.settings.max_line
            request.read.reject(request.read.items, Unfit("line_too_long", None, f"a line has at most {limit} bytes"))
            request.read.items += 1
            return
        if not self._node.ready:  # a stream can be endless: end it while its sender can still be told how far it came
            raise Stopping("the server is stopping; send the rest again in a moment")
        read = read_lines(run, self._node.clock(), request.read.items)
        request.counts.add(await self._node.pipeline.submit(read.pings))
        request.read.add(read)


def is_light(document: bytes | bytearray) -> bool:
    """Is this read before anybody notices? Not so when each of its items is wrong and has to be told."""
    return len(document) < LIGHT_BYTES and document.count(b"{") + document.count(b"[") <= LIGHT_ITEMS


def only_post(method: str) -> Answered:
    """What the other methods are answered here."""
    allow = {"allow": "POST, OPTIONS"}
    if method == "OPTIONS":
        return 204, allow, b""
    status, headers, body = plain_problem(405, "POST positions here, or open a WebSocket")
    return status, headers | allow, body


def _is_lines(content_type: bytes) -> bool:
    """Whether the body is NDJSON (else it is one JSON document). Raises Unsupported."""
    kind, *parameters = content_type.decode("latin-1").lower().split(";")
    kind = kind.strip()
    for parameter in parameters:
        name, _, charset = parameter.partition("=")
        if name.strip() == "charset" and charset.strip(" \"'") not in ("utf-8", "utf8", "us-ascii"):
            raise Unsupported("unsupported_charset", "JSON is UTF-8 here; leave the charset away")
    if kind in LINES:
        return True
    if kind in DOCUMENT or kind.endswith("+json"):
        return False
    raise Unsupported(
        "unsupported_type",
        f"cannot read {kind[:60]!r}; send it with Content-Type: application/json (one a line: application/x-ndjson)",
    )
