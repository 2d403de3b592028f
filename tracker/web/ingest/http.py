"""Positions come in wherever a protocol is spoken, before Quart's router, which costs more than everything here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tracker.access.credentials import IN_PATH
from tracker.access.doorman import OPEN
from tracker.access.grants import SEND
from tracker.access.guard import SAFE, STORE
from tracker.config import SettingsError
from tracker.errors import BadRequest, Invalid, Stopping, TrackerError, Unsupported
from tracker.node import Node
from tracker.pipeline.batch import Answer
from tracker.protocols import Decoder, Outcome, Payload, Reading, Reply, Spoken, spoken
from tracker.turns.buffer import Share
from tracker.web.ingest import hints
from tracker.web.ingest.bodies import Body, Gone, refuse, too_large
from tracker.web.ingest.hearing import Hearing
from tracker.web.ingest.inflate import Inflater, inflater
from tracker.web.ingest.others import Tellers
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import JSON, Answered, Receive, Scope, Send, encode, plain_problem, problem, send_answer

READERS = 2  #: large bodies read at once, each in a thread: more would only take the GIL from each other
LIGHT_BYTES, LIGHT_ITEMS = 256 * 1024, 1000  #: what is read on the loop itself

HERE = "/ingest/"  #: below it every protocol: /ingest/NAME, /ingest/NAME/TOKEN and what a client puts behind that

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

    def __init__(self, headers: Mapping[bytes, bytes], body: Body, hearing: Hearing) -> None:
        self.hearing = hearing
        self.sender: Sender | None = None  # once it is known who asks
        self.headers = headers
        self.body = body
        self.read = Reading()
        self.counts = Counts()

    def told(self) -> dict[str, Any]:
        self.counts.rejected, self.counts.errors = self.read.rejected, self.read.errors
        self.counts.ignored, self.counts.discarded = self.read.ignored, self.read.discarded
        told: dict[str, Any] = msgspec.to_builtins(self.counts)
        if self.read.rejected > len(self.read.errors):
            told["more"] = self.read.rejected - len(self.read.errors)
        return told

    def end(self) -> None:
        if self.sender is not None and self.sender.token is not None:
            counts = self.counts
            became = {"accepted": counts.accepted, "held": counts.held, "duplicates": counts.duplicates}
            self.hearing.tell_outcome(self.sender.token, self.read, became, self.sender.wrong)

    def answer(self) -> Answered:
        """200 all fine, 207 some refused, 422 all refused."""
        read = self.read
        if read.reply is not None:
            counts = self.counts
            outcome = Outcome(counts.accepted, counts.duplicates, read.rejected, read.errors)
            return replied(read.reply if isinstance(read.reply, Reply) else read.reply(outcome))
        if not read.rejected:
            self.counts.ignored, self.counts.discarded = read.ignored, read.discarded
            return 200, _HEADERS, encode(self.counts)
        if read.rejected < read.items:
            return 207, _HEADERS, encode(self.told())
        return problem(
            Invalid("all_rejected", "none of the positions could be taken; `errors` says why"), **self.told()
        )


def replied(reply: Reply) -> Answered:
    return reply.status, {"content-type": reply.type, "cache-control": "no-store", **reply.headers}, reply.body


class Statistics(NamedTuple):
    repaired: int  # times of fixes


class Address:
    """One path, and what is spoken there."""

    def __init__(self) -> None:
        self.spoken: list[Spoken] = []
        self.methods: dict[str, None] = {}  # in order
        self.choose = lru_cache(maxsize=64)(self._choose)  # senders say the same again and again

    def add_protocol(self, one: Spoken) -> None:
        self.spoken.append(one)
        self.methods |= dict.fromkeys(one.methods)

    def claims(self, method: str, query: str) -> bool:
        """Is a request ours, or of whoever else has this address?"""
        return all(one.claims is None or one.claims(method, query) for one in self.spoken)

    def problem(self, fault: TrackerError, **more: Any) -> Answered:
        """An error, in the words of the client family."""
        answer = problem(fault, **more)
        if (said := self.spoken[0].refusal) is None:
            return answer
        status, headers, _ = answer
        told, words, body = replied(said(status, fault.detail))
        return told, headers | words, body

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


class Target(NamedTuple):
    """Where a request goes."""

    here: Address
    name: str  # of the protocol, for whoever has to be let in
    token: str = ""  # in the path
    rest: str = ""  # of the path, without slashes around it


class Ingest:
    """The raw ASGI answer at every address of a protocol."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._tellers = Tellers(node)
        self._readers = asyncio.Semaphore(READERS)
        self._addresses: defaultdict[str, Address] = defaultdict(Address)
        self._names: defaultdict[str, Address] = defaultdict(Address)
        self._repaired = 0
        node.statistics["ingest"] = lambda: Statistics(self._repaired)
        for one in map(self._prepared, spoken()):
            self._names[one.name].add_protocol(one)
            for path in one.addresses:
                self._addresses[path].add_protocol(one)
        for name in self._names:  # below its name there may be others too, told apart by their types
            self._names[name] = self._addresses.get(f"{HERE}{name}/", self._names[name])
        below = [path for path in self._addresses if path.endswith("/") and path != "/"]
        self._below = {path.partition("{token}/")[0]: path for path in sorted(below, key=len)}
        self._starts = (HERE, *self._below)

    def _prepared(self, one: Spoken) -> Spoken:
        """With what its file says. Raises SettingsError."""
        if one.prepare is None or not (name := getattr(self._node.settings, one.file)):
            return one
        try:
            return one._replace(read=one.prepare(Path(name).expanduser().read_text("utf-8")))
        except (OSError, UnicodeDecodeError, TrackerError) as fault:
            raise SettingsError(f"`{one.file}` is {name}: {fault}") from None

    def at(self, scope: Scope) -> Target | None:
        """None: the address is somebody else's."""
        path: str = scope["path"] or "/"  # a target may be `?id=…` alone
        if here := self._addresses.get(path) or self._addresses.get(path.rstrip("/")):
            query = scope["query_string"].decode("latin-1")
            return Target(here, here.spoken[0].name) if here.claims(scope["method"], query) else None
        if not path.startswith(self._starts):
            return None
        if path.startswith(HERE):
            name, _, rest = path.removeprefix(HERE).partition("/")
            token, _, rest = rest.partition("/")
            if name in self._names:
                return Target(self._names[name], name, token, rest.strip("/"))
            Hearing(self._node, scope, name[:40] if token else "").missed(token or name, "unknown_protocol")
            return None
        start = next(start for start in reversed(self._below) if path.startswith(start))
        here, rest, token = self._addresses[self._below[start]], path.removeprefix(start), ""
        if self._below[start] != start:
            token, _, rest = rest.partition("/")
        return Target(here, here.spoken[0].name, token, rest.strip("/"))

    async def __call__(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        settings, method, here = self._node.settings, scope["method"], target.here
        hearing = Hearing(self._node, scope, target.name)
        request = Request(dict(scope["headers"]), Body(receive, settings.body_timeout_s), hearing)
        if method not in here.methods:
            if method != "OPTIONS":
                hearing.missed(target.token, "method_not_allowed")
            await refuse(send, request.body, here.refusal(method))
            return
        try:
            path = scope["path"] or "/"
            path = HERE + target.name if path in OPEN else path  # the page at `/` is anybody's
            asked = scope | {"path": path, IN_PATH: target.token}
            grant = self._node.access.check(STORE if method in SAFE else "POST", asked)
            sender = request.sender = Sender(self._node, grant, str((scope.get("client") or ("",))[0]))
            if self._node.settings.behind_proxy and scope.get("scheme") == "http":
                sender.failed(hints.PLAIN, hints.USE_TLS)
            grant.check(SEND)
            one = here.choose(method, request.headers.get(b"content-type", b""))
            inflate = inflater(request.headers.get(b"content-encoding", b""))
            if one.decoder:
                await self._take_stream(one.decoder(settings.max_line), sender, request, inflate)
            elif one.read:
                await self._take_document(one, target, scope, sender, request, inflate)
        except Gone:
            return
        except TrackerError as fault:
            if request.sender is not None:
                request.sender.failed(fault.code, fault.detail)
                request.end()
            so_far = {"taken": request.read.items} | request.told() if request.read.items else {}
            await refuse(send, request.body, here.problem(fault, **so_far))
        else:
            request.end()
            await send_answer(send, request.answer())

    async def _take_document(
        self, one: Spoken, target: Target, scope: Scope, sender: Sender, request: Request, inflate: Inflater
    ) -> None:
        settings, advice = self._node.settings, one.advice
        length = int(request.headers.get(b"content-length", b"0"))  # a number: the HTTP parser saw to that
        if length > settings.max_body:
            raise too_large(settings.max_body, advice)
        with Share(self._node.bodies) as share:
            document = await request.body.whole(inflate, settings.max_body, settings.max_inflated, share, advice)
            query = scope["query_string"].decode("latin-1")
            device, others = sender.device, self._tellers.teller(sender.token)
            path = scope["path"].rstrip("/")
            said = (bytes(document), query, request.headers, path, scope["method"], target.rest)
            payload = Payload(*said, device, sender.options, others)
            del said
            del document
            reading = await self._read(one, payload, sender)
            del payload
        sender.admit(reading)
        if reading.reply is not None and not reading.pings and not one.gateway and (why := refusal(reading)):
            raise why
        request.counts.add_answer(await sender.submit(reading.pings))
        request.read = reading
        request.hearing.took(reading.pings)
        self._repaired += sum(reading.repairs.values())

    async def _read(self, one: Spoken, payload: Payload, sender: Sender) -> Reading:
        """Raises BadRequest. What is another protocol's is told so."""
        now, read = self._node.clock(), one.read
        assert read
        try:
            if is_light(payload.body):
                reading = read(payload, now)
            else:
                async with self._readers:
                    reading = await asyncio.to_thread(read, payload, now)
        except BadRequest as fault:
            if other := hints.other_protocol(one, payload, None, now):
                sender.wrong_address = other
                fault.detail += f"; {other}"
            raise
        sender.wrong_address = hints.other_protocol(one, payload, reading, now)
        return reading

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
        request.hearing.took(reading.pings)


def refusal(reading: Reading) -> Invalid | None:
    """Of a sender that is not to send, or not so called: somebody has to look at it, and its queue waits for that."""
    for error in reading.errors:
        if error["field"] == "vehicle":
            return Invalid(error["code"], error["message"])
    return None


def is_light(document: bytes | bytearray) -> bool:
    """Is this read before anybody notices? Not so when each of its items is wrong and has to be told."""
    return len(document) < LIGHT_BYTES and document.count(b"{") + document.count(b"[") <= LIGHT_ITEMS
