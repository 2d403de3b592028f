"""Repeated: a sender that says the same head again and again is asked once who it is; of each request only the body is
new. Half of what a position in a POST cost was to find that out anew.

What it may do can change between two requests, so until something of that does (`Node.regrants`); a token that ends by
itself is looked at each time. Whatever is out of the ordinary is left, untouched, to the way all requests take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tracker.node import Node
from tracker.pipeline.entries.batch import Answer
from tracker.pipeline.pipeline import CHUNK
from tracker.protocols import Payload, Reading, Spoken
from tracker.web.ingest.bodies import is_light
from tracker.web.ingest.request import Request
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import Answered

Tell = Callable[[Answered], None]


class Repeated:
    """One request at a time: the next is taken when `tell` has heard what became of the last."""

    def __init__(
        self,
        node: Node,
        one: Spoken,
        request: Request,
        sender: Sender,
        payload_of: Callable[[bytes], Payload],
        end_stored: Callable[[Request], Answered],
        end_failed: Callable[[Request, Exception], Answered],
    ) -> None:
        assert one.read
        self._node, self._one, self._read = node, one, one.read
        self._request, self._sender, self._payload_of = request, sender, payload_of
        self._end_stored, self._end_failed = end_stored, end_failed
        self._regrants = node.regrants
        self._reading = Reading()
        self._tell: Tell = _nobody

    @property
    def is_over(self) -> bool:
        """Who may do what has changed: the next request is asked again who it is of."""
        return self._regrants != self._node.regrants

    def take(self, body: bytes, tell: Tell) -> bool:
        """`tell` hears the answer, once what the body brought is durable. False: nothing was done, nor will be."""
        node, sender, request, settings = self._node, self._sender, self._request, self._node.settings
        if len(body) > settings.max_body or len(body) > settings.max_inflated or node.bodies.held or not is_light(body):
            return False
        try:
            reading = self._read(self._payload_of(body), node.clock())
            pings = reading.pings
            if not 0 < len(pings) == reading.items <= CHUNK or not sender.begin_again(pings):
                return False
        except Exception:
            return False  # and the way all take says why
        self._reading, self._tell = reading, tell
        request.begin_again()
        request.capture.take_body(body)
        positions = request.capture.take_reading(reading, self._one.gateway)
        try:
            sender.check_pace()
            sender.admit(reading)
            sender.keep_pace(positions)
            (done,) = node.pipeline.offer(pings)
        except Exception as fault:
            tell(self._end_failed(request, fault))
        else:
            done.add_done_callback(self._stored)
        return True

    def _stored(self, done: asyncio.Future[Answer]) -> None:
        request, tell = self._request, self._tell
        try:
            request.take_answer(self._node, self._one, self._reading, done.result())
            answer = self._end_stored(request)
        except Exception as fault:
            answer = self._end_failed(request, fault)
        tell(answer)


def _nobody(_answer: Answered) -> None:
    """Hears the answer to no request."""
