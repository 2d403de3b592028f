"""Positions come in wherever a protocol is spoken, before Quart's router, which costs more than everything here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tracker.access.grants import SEND
from tracker.access.guard import SAFE, STORE
from tracker.errors import BadRequest, Invalid, Stopping, TrackerError, Unsupported
from tracker.node import Node
from tracker.pipeline.batch import Answer
from tracker.protocols import Decoder, Payload, Reader, Reading, Spoken, spoken
from tracker.turns.buffer import Share
from tracker.web.ingest.bodies import Body, Gone, refuse, too_large
from tracker.web.ingest.inflate import Inflater, inflater
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import JSON, Answered, Receive, Scope, Send, encode, plain_problem, problem, send_answer

READERS = 2  #: large bodies read at once, each in a thread: more would only take the GIL from each other
LIGHT_BYTES, LIGHT_ITEMS = 256 * 1024, 1000  #: what is read on the loop itself

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
    quarantined: int | msgspec.UnsetType = msgspec.UNSET  # told where there are any

    def add_answer(self, answer: Answer) -> None:
        self.accepted += answer.accepted
        self.late += answer.late
        self.held += answer.held
        self.duplicates += answer.duplicates
        self.conflicts += answer.conflicts
        if answer.quarantined:
            self.quarantined = answer.quarantined + (self.quarantined or 0)


class Request:
    """One POST under way: `read` is what its items were, `counts` what became of them."""

    def __init__(self, headers: Mapping[bytes, bytes], body: Body) -> None:
        self.sender: Sender | None = None  # once it is known who asks
        self.headers = headers
        self.body = body
        self.read = Reading()
        self.counts = Counts()

    def told(self) -> dict[str, Any]:
        self.counts.rejected, self.counts.errors = self.read.rejected, self.read.errors
        self.counts.ignored = self.read.ignored
        told: dict[str, Any] = msgspec.to_builtins(self.counts)
        if self.read.rejected > len(self.read.errors):
            told["more"] = self.read.rejected - len(self.read.errors)
        return told

    def answer(self) -> Answered:
        """200 all fine, 207 some refused, 422 all refused."""
        read = self.read
        if read.reply is not None:
            return read.reply.status, {"content-type": read.reply.type, "cache-control": "no-store"}, read.reply.body
        if not read.rejected:
            self.counts.ignored = read.ignored
            return 200, _HEADERS, encode(self.counts)
        if read.rejected < read.items:
            return 207, _HEADERS, encode(self.told())
        return problem(
            Invalid("all_rejected", "none of the positions could be taken; `errors` says why"), **self.told()
        )


class Address:
    """One path, and what is spoken there."""

    def __init__(self) -> None:
        self.spoken: list[Spoken] = []
        self.methods: dict[str, None] = {}  # in order
        self.choose = lru_cache(maxsize=64)(self._choose)  # senders say the same again and again

    def add_protocol(self, one: Spoken) -> None:
        self.spoken.append(one)
        self.methods |= dict.fromkeys(one.methods)

    def _choose(self, method: str, content_type: bytes) -> Spoken:
        """The first that takes this type. Raises Unsupported."""
        kind, *parameters = content_type.decode("latin-1").lower().split(";")
        kind = kind.strip()
        one = next((one for one in self.spoken if method in one.methods and one.takes(kind)), None)
        if one is None:
            known = " or ".join(one.types[0] for one in self.spoken if one.types)
            raise Unsupported("unsupported_type", f"cannot read {kind[:60]!r}; send it with Content-Type: {known}")
        for parameter in parameters if one.types else ():
            name, _, charset = parameter.partition("=")
            if name.strip() == "charset" and charset.strip(" \"'") not in ("utf-8", "utf8", "us-ascii"):
                raise Unsupported("unsupported_charset", "JSON is UTF-8 here; leave the charset away")
        return one

    def refusal(self, method: str) -> Answered:
        """What the other methods are answered here."""
        allow = {"allow": ", ".join([*self.methods, "OPTIONS"])}
        if method == "OPTIONS":
            return 204, allow, b""
        socket = ", or open a WebSocket" if any(one.socket for one in self.spoken) else ""
        status, headers, body = plain_problem(405, f"{' or '.join(self.methods)} positions here{socket}")
        return status, headers | allow, body


class Ingest:
    """The raw ASGI answer at every address of a protocol."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._readers = asyncio.Semaphore(READERS)
        self._addresses: defaultdict[str, Address] = defaultdict(Address)
        for one in spoken():
            for path in one.addresses:
                self._addresses[path].add_protocol(one)
        self._below = {path[:-1]: here for path, here in self._addresses.items() if path.endswith("/") and path != "/"}

    def at(self, path: str) -> Address | None:
        """None: the address is somebody else's."""
        return self._addresses.get(path) or self._below.get(path.rpartition("/")[0])

    async def __call__(self, here: Address, scope: Scope, receive: Receive, send: Send) -> None:
        settings, method = self._node.settings, scope["method"]
        request = Request(dict(scope["headers"]), Body(receive, settings.body_timeout_s))
        if method not in here.methods:
            await refuse(send, request.body, here.refusal(method))
            return
        try:
            grant = self._node.access.check(STORE if method in SAFE else "POST", scope)
            sender = request.sender = Sender(self._node, grant, str((scope.get("client") or ("",))[0]))
            grant.check(SEND)
            one = here.choose(method, request.headers.get(b"content-type", b""))
            inflate = inflater(request.headers.get(b"content-encoding", b""))
            if one.decoder:
                await self._take_stream(one.decoder(settings.max_line), sender, request, inflate)
            elif one.read:
                await self._take_document(one.read, scope, sender, request, inflate, one.advice)
        except Gone:
            return
        except TrackerError as fault:
            if request.sender is not None:
                request.sender.failed(fault.code)
            so_far = {"taken": request.read.items} | request.told() if request.read.items else {}
            await refuse(send, request.body, problem(fault, **so_far))
        else:
            await send_answer(send, request.answer())

    async def _take_document(
        self, read: Reader, scope: Scope, sender: Sender, request: Request, inflate: Inflater, advice: str
    ) -> None:
        settings = self._node.settings
        length = int(request.headers.get(b"content-length", b"0"))  # a number: the HTTP parser saw to that
        if length > settings.max_body:
            raise too_large(settings.max_body, advice)
        with Share(self._node.bodies) as share:
            document = await request.body.whole(inflate, settings.max_body, settings.max_inflated, share, advice)
            query = scope["query_string"].decode("latin-1")
            payload = Payload(bytes(document), query, request.headers, scope["path"])
            del document
            if is_light(payload.body):
                reading = read(payload, self._node.clock())
            else:
                async with self._readers:
                    reading = await asyncio.to_thread(read, payload, self._node.clock())
            del payload
        sender.admit(reading)
        request.counts.add_answer(await sender.submit(reading.pings))
        request.read = reading

    async def _take_stream(self, decoder: Decoder, sender: Sender, request: Request, inflate: Inflater) -> None:
        """As it comes, at flat memory: the next bytes are asked for only after these are committed."""
        with self._node.guests.stay(sender.ask_again, request.body.interrupt):
            async for piece in request.body.pieces(inflate, self._node.settings.max_inflated):
                for reading in decoder.feed(piece, self._node.clock()):
                    await self._take_reading(reading, sender, request)
        for reading in decoder.finish(self._node.clock()):
            await self._take_reading(reading, sender, request)
        if not request.body.received:
            raise BadRequest("empty", "the body is empty; send one position a line")

    async def _take_reading(self, reading: Reading, sender: Sender, request: Request) -> None:
        if not self._node.ready:  # a stream can be endless: end it while its sender can still be told how far it came
            raise Stopping("the server is stopping; send the rest again in a moment")
        sender.admit(reading, request.read.items)
        request.counts.add_answer(await sender.submit(reading.pings))
        request.read.add_part(reading)


def is_light(document: bytes | bytearray) -> bool:
    """Is this read before anybody notices? Not so when each of its items is wrong and has to be told."""
    return len(document) < LIGHT_BYTES and document.count(b"{") + document.count(b"[") <= LIGHT_ITEMS
