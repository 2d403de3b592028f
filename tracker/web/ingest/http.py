"""Positions come in wherever a protocol is spoken, before Quart's router, which costs more than everything here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from tracker.access.credentials import IN_PATH
from tracker.access.doorman import OPEN
from tracker.access.grants import SEND
from tracker.access.guard import SAFE, STORE
from tracker.errors import BadRequest, Stopping, TrackerError
from tracker.node import Node
from tracker.protocols import Decoder, Payload, Reading, Spoken
from tracker.turns.buffer import Share
from tracker.turns.pace import A_POSITION
from tracker.web.ingest import hints
from tracker.web.ingest.addresses import HERE, Addresses, Target
from tracker.web.ingest.bodies import Body, Gone, refuse, too_large
from tracker.web.ingest.capture import Capture, tally
from tracker.web.ingest.counts import Counts, refusal
from tracker.web.ingest.hearing import Hearing
from tracker.web.ingest.inflate import Inflater, inflater
from tracker.web.ingest.others import Tellers
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import Answered, Receive, Scope, Send, plain_problem

log = logging.getLogger("tracker.web")

READERS = 2  #: large bodies read at once, each in a thread: more would only take the GIL from each other
LIGHT_BYTES, LIGHT_ITEMS = 256 * 1024, 1000  #: what is read on the loop itself


class Request:
    """One POST under way: `read` is what its items were, `counts` what became of them."""

    def __init__(self, headers: Mapping[bytes, bytes], body: Body, hearing: Hearing, capture: Capture) -> None:
        self.hearing = hearing
        self.capture = capture
        self.sender: Sender | None = None  # once it is known who asks
        self.headers = headers
        self.body = body
        self.read = Reading()
        self.counts = Counts()

    def end(self, status: int) -> None:
        """It is answered."""
        if (sender := self.sender) is None:
            return
        counts = self.counts
        became = {"accepted": counts.accepted, "held": counts.held, "duplicates": counts.duplicates}
        if sender.token is not None:
            self.hearing.tell_outcome(sender.token, self.read, became, sender.wrong)
        if not self.capture.is_kept:
            became |= {"rejected": self.read.rejected, "discarded": self.read.discarded}
            self.capture.keep(sender, status, sender.wrong, became)


class Ingest:
    """The raw ASGI answer at every address of a protocol."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._tellers = Tellers(node)
        self._readers = asyncio.Semaphore(READERS)
        self._addresses = Addresses(node.settings)

    def at(self, scope: Scope) -> Target | None:
        """None: the address is somebody else's."""
        target = self._addresses.target_at(scope)
        if target is None and scope["path"].startswith(HERE):
            name, _, rest = scope["path"].removeprefix(HERE).partition("/")
            token = rest.partition("/")[0]
            Hearing(self._node, scope, name[:40] if token else "").missed(token or name, "unknown_protocol")
        return target

    def has_address(self, scope: Scope) -> bool:
        """Is it an address of positions? A WebSocket is opened where a protocol has one."""
        if scope["type"] == "websocket":
            return self._addresses.has_socket(scope["path"])
        return scope["path"].startswith(HERE) or self._addresses.target_at(scope) is not None

    async def __call__(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, self._node.settings.body_timeout_s)
        if answer := await self.answer(target, scope, body):
            await refuse(send, body, answer)

    async def answer(self, target: Target, scope: Scope, body: Body) -> Answered | None:
        """What a request at `target` is answered, once what it brought is durable. None: its sender went away."""
        settings, method, here = self._node.settings, scope["method"], target.here
        hearing = Hearing(self._node, scope, target.name)
        headers = dict(scope["headers"])
        capture = Capture(self._node, scope, target, headers)
        request = Request(headers, body, hearing, capture)
        if method not in here.methods:
            if method != "OPTIONS":
                hearing.missed(target.token, "method_not_allowed")
            return here.refusal(method)
        try:
            path = scope["path"] or "/"
            path = HERE + target.name if path in OPEN else path  # the page at `/` is anybody's
            asked = scope | {"path": path, IN_PATH: target.token}
            grant = self._node.access.check(STORE if method in SAFE else "POST", asked)
            sender = request.sender = Sender(self._node, grant, str((scope.get("client") or ("",))[0]))
            if self._node.settings.behind_proxy and scope.get("scheme") == "http":
                sender.failed(hints.PLAIN, hints.USE_TLS)
            if here.spoken[0].social:
                sender.listen()
            else:
                grant.check(SEND)
            one = here.choose(method, request.headers.get(b"content-type", b""))
            capture.protocol = one.name
            sender.check_pace()
            inflate = inflater(request.headers.get(b"content-encoding", b""))
            if one.decoder:
                await self._take_stream(one.decoder(settings.max_line), sender, request, inflate)
            elif one.read:
                await self._take_document(one, target, scope, sender, request, inflate)
        except Gone:
            return None
        except TrackerError as fault:
            so_far = {"taken": request.read.items} | request.counts.told(request.read) if request.read.items else {}
            answer = here.problem(fault, **so_far)
            if request.sender is not None:
                request.sender.failed(fault.code, fault.detail)
            self._node.tallies.add("ingest_refused", capture.protocol, fault.code)
        except Exception as fault:
            log.error("a request failed", exc_info=fault)
            answer = plain_problem(500, "the server made a mistake; its log says more")
        else:
            answer = request.counts.answer(request.read)
        self._end(request, answer)
        return answer

    def _end(self, request: Request, answer: Answered) -> None:
        self._node.tallies.add("ingest_requests", request.capture.protocol, str(answer[0]))
        request.end(answer[0])

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
            device, others = sender.device, self._tellers.teller(sender.token, sender.person if one.social else None)
            path = scope["path"].rstrip("/")
            request.capture.take_body(document)
            said = (bytes(document), query, request.headers, path, scope["method"], target.rest)
            payload = Payload(*said, device, sender.options, others)
            del said
            del document
            reading = await self._read(one, payload, sender)
            del payload
        if sender.only_listens:
            reading.discard_pings()
        positions = request.capture.take_reading(reading, one.gateway)
        sender.admit(reading)
        sender.keep_pace(positions)
        if reading.reply is not None and not reading.pings and not one.gateway and (why := refusal(reading)):
            tally(self._node, one.name, reading, request.counts)
            raise why
        request.counts.add_answer(await sender.submit(reading.pings))
        request.read = reading
        request.hearing.took(reading.pings)
        tally(self._node, one.name, reading, request.counts)

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
                    request.capture.take_body(piece)
                    await self._take_reading(reading, sender, request)
        for reading in decoder.finish(self._node.clock()):
            await self._take_reading(reading, sender, request)
        if not request.body.received:
            raise BadRequest("empty", "the body is empty; send one position a line")

    async def _take_reading(self, reading: Reading, sender: Sender, request: Request) -> None:
        if not self._node.ready:  # a stream can be endless: end it while its sender can still be told how far it came
            raise Stopping("the server is stopping; send the rest again in a moment")
        positions = request.capture.take_reading(reading)
        sender.admit(reading, request.read.items)
        while wait_s := sender.spend(positions, A_POSITION):
            await asyncio.sleep(min(wait_s, 1.0))  # whoever streams too fast is read no further
            sender.ask_again()
        counts, answer = Counts(), await sender.submit(reading.pings)
        counts.add_answer(answer)
        request.counts.add_answer(answer)
        request.read.add_part(reading)
        request.hearing.took(reading.pings)
        tally(self._node, request.capture.protocol, reading, counts)
        became = {"accepted": counts.accepted, "duplicates": counts.duplicates, "rejected": reading.rejected}
        request.capture.keep(sender, 0, sender.wrong, became)


def is_light(document: bytes | bytearray) -> bool:
    """Is this read before anybody notices? Not so when each of its items is wrong and has to be told."""
    return len(document) < LIGHT_BYTES and document.count(b"{") + document.count(b"[") <= LIGHT_ITEMS
