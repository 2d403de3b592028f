"""Positions come in wherever a protocol is spoken, before Quart's router, which costs more than everything here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

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
from tracker.web.ingest.addresses import HERE, Address, Addresses, Target
from tracker.web.ingest.bodies import Body, Gone, Whole, is_light, refuse, too_large
from tracker.web.ingest.capture import Capture, tally
from tracker.web.ingest.counts import Counts, refusal
from tracker.web.ingest.hearing import Hearing
from tracker.web.ingest.inflate import Inflater, inflater
from tracker.web.ingest.others import Tellers
from tracker.web.ingest.repeated import Repeated
from tracker.web.ingest.request import Request
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import Answered, Receive, Scope, Send, address_of, plain_problem

log = logging.getLogger("tracker.web")

#: with what a sender may show who it is, beside its address
SHOWN = (b"authorization", b"cookie", b"x-api-key")
READERS = 2  #: large bodies read at once, each in a thread: more would only take the GIL from each other


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
        method, here = scope["method"], target.here
        request = self._request(target, scope, body)
        if method not in here.methods:
            if method != "OPTIONS":
                request.hearing.missed(target.token, "method_not_allowed")
            return here.refusal(method)
        try:
            one, sender = self._let_in(target, scope, request)
            inflate = inflater(request.headers.get(b"content-encoding", b""))
            if one.decoder:
                await self._take_stream(one.decoder(self._node.settings.max_line), sender, request, inflate)
            elif one.read:
                await self._take_document(one, target, scope, sender, request, inflate)
        except Gone:
            return None
        except Exception as fault:
            return self.end_failed(here, request, fault)
        return self.end_stored(request)

    def _request(self, target: Target, scope: Scope, body: Body) -> Request:
        headers = dict(scope["headers"])
        capture = Capture(self._node, scope, target, headers)
        return Request(headers, body, Hearing(self._node, scope, target.name), capture)

    def _let_in(self, target: Target, scope: Scope, request: Request) -> tuple[Spoken, Sender]:
        """Who asks, in which protocol: what is known of a request before its body. Raises TrackerError."""
        method, here, path = scope["method"], target.here, scope["path"] or "/"
        path = HERE + target.name if path in OPEN else path  # the page at `/` is anybody's
        asked = scope | {"path": path, IN_PATH: target.token}
        grant = self._node.access.check(STORE if method in SAFE else "POST", asked)
        sender = request.sender = Sender(self._node, grant, address_of(scope))
        if self._node.settings.behind_proxy and scope.get("scheme") == "http":
            sender.failed(hints.PLAIN, hints.USE_TLS)
        if here.spoken[0].social:
            sender.listen()
        else:
            grant.check(SEND)
        one = here.choose(method, request.headers.get(b"content-type", b""))
        request.capture.protocol = one.name
        sender.check_pace()
        return one, sender

    def end_stored(self, request: Request) -> Answered:
        return self._end(request, request.counts.answer(request.read))

    def end_failed(self, here: Address, request: Request, fault: Exception) -> Answered:
        if not isinstance(fault, TrackerError):
            log.error("a request failed", exc_info=fault)
            return self._end(request, plain_problem(500, "the server made a mistake; its log says more"))
        so_far = {"taken": request.read.items} | request.counts.told(request.read) if request.read.items else {}
        answer = here.problem(fault, **so_far)
        if request.sender is not None:
            request.sender.failed(fault.code, fault.detail)
        self._node.tallies.add("ingest_refused", request.capture.protocol, fault.code)
        return self._end(request, answer)

    def _end(self, request: Request, answer: Answered) -> Answered:
        self._node.tallies.add("ingest_requests", request.capture.protocol, str(answer[0]))
        request.end(answer[0])
        return answer

    def repeated(self, target: Target, scope: Scope) -> Repeated | None:
        """Whoever asks so, if their next requests with this head need no more than a look at the body."""
        node, request = self._node, self._request(target, scope, Whole(b""))
        if node.access is not node.doorman or node.settings.behind_proxy or target.here.spoken[0].social:
            return None
        try:
            one, sender = self._let_in(target, scope, request)
        except TrackerError:
            return None
        shows = any(name in request.headers for name in SHOWN) or scope["query_string"] or target.token
        if one.read is None or (sender.token is None and (shows or node.directory.has_administrator)):
            return None
        if b"content-encoding" in request.headers:
            return None
        payload_of = self._payload_of(one, target, scope, request, sender)
        return Repeated(node, one, request, sender, payload_of, self.end_stored, partial(self.end_failed, target.here))

    def _payload_of(
        self, one: Spoken, target: Target, scope: Scope, request: Request, sender: Sender
    ) -> Callable[[bytes], Payload]:
        others = self._tellers.teller(sender.token, sender.person if one.social else None)
        query, path = scope["query_string"].decode("latin-1"), scope["path"].rstrip("/")
        said = (query, request.headers, path, scope["method"], target.rest, sender.device, sender.options, others)
        return lambda document: Payload(document, *said)

    async def _take_document(
        self, one: Spoken, target: Target, scope: Scope, sender: Sender, request: Request, inflate: Inflater
    ) -> None:
        settings, advice = self._node.settings, one.advice
        length = int(request.headers.get(b"content-length", b"0"))  # a number: the HTTP parser saw to that
        if length > settings.max_body:
            raise too_large(settings.max_body, advice)
        with Share(self._node.bodies) as share:
            document = await request.body.whole(inflate, settings.max_body, settings.max_inflated, share, advice)
            request.capture.take_body(document)
            payload = self._payload_of(one, target, scope, request, sender)(bytes(document))
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
        request.take_answer(self._node, one, reading, await sender.submit(reading.pings))
        if one.social and callable(reading.reply):  # what came is stored: only the reply waits
            await self._tellers.hear_of(sender.token, sender.person)

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
