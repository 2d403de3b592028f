"""Request bodies of any size and shape in bounded memory: read with back-pressure, cut into lines, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tracker.errors import BadRequest, TooLarge, TrackerError
from tracker.turns.buffer import Share
from tracker.web.ingest.inflate import Inflater
from tracker.web.server.answers import Answered, Message, Receive, Send, send_answer

SMALL = 2**20  #: bytes of a body that is copied rather than kept where it was received
MAX_RATIO = 200  #: what inflates to more than this many times its size, and is large, is a bomb
DRAIN_LIMIT = 256 * 2**20  #: bytes of a refused body that are read and dropped, so that its sender gets to read why
LIGHT_BYTES, LIGHT_ITEMS = 256 * 1024, 1000  #: what is read on the loop itself
DRAIN_PAUSE_S = 2.0  #: and how long we wait for the next of them


class Gone(Exception):
    """The client went away; nobody is left to answer."""


class Body:
    """One request's body on a raw ASGI channel."""

    def __init__(self, receive: Receive, timeout_s: float) -> None:
        self._receive = receive
        self._timeout_s = timeout_s
        self.received = 0  # bytes, as sent
        self.complete = False
        self.ended = asyncio.Event()  # all of it came, or its sender went
        self._waiting: asyncio.Timeout | None = None  # for the next piece
        self._fault: TrackerError | None = None

    def interrupt(self, fault: TrackerError) -> None:
        """Whoever reads it has this raised, now or with the next piece."""
        self._fault = fault
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Asking for the next piece is what lets the client send on: back-pressure by itself."""
        while not self.complete:
            try:
                async with asyncio.timeout(self._timeout_s) as self._waiting:
                    message = await self._receive()
            except TimeoutError:
                self._raise_fault()
                raise BadRequest("body_timeout", f"no byte of the body came for {self._timeout_s:g} s") from None
            finally:
                self._waiting = None
            self._raise_fault()
            if message["type"] != "http.request":
                self.ended.set()
                raise Gone
            self.complete = not message.get("more_body", False)
            if self.complete:
                self.ended.set()
            body: bytes = message.get("body", b"")
            if body:
                self.received += len(body)
                yield body
                if not self.complete:
                    await asyncio.sleep(0)  # what has arrived already is received without waiting: let others live

    def _raise_fault(self) -> None:
        fault, self._fault = self._fault, None  # what is left may be drained
        if fault is not None:
            raise fault

    async def whole(
        self, inflate: Inflater, max_body: int, max_inflated: int, share: Share, advice: str = ""
    ) -> bytes | bytearray:
        """A body that is held as a whole. Raises BadRequest, TooLarge, Overloaded, Gone."""
        whole = bytearray()  # grows in place: joined pieces would be held twice, on a heap that keeps the holes
        async for chunk in self.chunks():
            if self.received > max_body:
                raise too_large(max_body, advice)
            for piece in inflate.feed(chunk):
                if len(whole) + len(piece) > max_inflated:
                    raise TooLarge("body_too_large", f"the body inflates to more than {max_inflated} bytes")
                share.take_bytes(len(piece))
                whole += piece
        inflate.finish()
        return bytes(whole) if len(whole) < SMALL else whole

    async def pieces(self, inflate: Inflater, free: int) -> AsyncIterator[bytes]:
        """A body of any length, inflated. `free` bytes may come out whatever went in. Raises like `whole`."""
        size = 0
        async for chunk in self.chunks():
            for piece in inflate.feed(chunk):
                size += len(piece)
                if size > free and size > self.received * MAX_RATIO:
                    raise TooLarge("body_too_large", f"the body inflates to more than {MAX_RATIO} times its size")
                yield piece
        inflate.finish()

    async def drain(self) -> None:
        """Read and drop what is left of a body that is refused: closing the socket now would eat the answer."""
        limit = self.received + DRAIN_LIMIT
        self._timeout_s = min(self._timeout_s, DRAIN_PAUSE_S)
        try:
            async for _ in self.chunks():
                if self.received > limit:
                    return
        except (BadRequest, Gone):
            return


class Whole(Body):
    """One that has come already."""

    def __init__(self, data: bytes) -> None:
        super().__init__(_nothing, 0.0)
        self._data = data

    async def chunks(self) -> AsyncIterator[bytes]:
        if not self.complete:
            self.complete, self.received = True, len(self._data)
            if self._data:
                yield self._data


async def _nothing() -> Message:
    raise Gone


async def refuse(send: Send, body: Body, answer: Answered) -> None:
    """Answer at once, then let the client finish sending: one that writes all before it reads would see a reset."""
    if body.complete:
        await send_answer(send, answer)
        return
    await send_answer(send, answer, more=True)
    await body.drain()
    await send({"type": "http.response.body", "body": b""})


class Patience:
    """Both ends of a request that Quart answers. The route reads the body itself, if it wants it, within its own limit;
    the last word waits until the client has said everything."""

    def __init__(self, receive: Receive, send: Send, timeout_s: float, share: Share) -> None:
        self._receive, self._send = receive, send
        self.body = Body(receive, timeout_s)
        self.share = share
        self._begun = False

    async def receive(self) -> Message:
        """To Quart the body is empty, and what follows it is that the client goes."""
        if not self._begun:
            self._begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.body.ended.wait()
        return await self._receive() if self.body.complete else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.body.ended.is_set() and not self.body.complete:
            return  # its sender went: nobody listens
        if message["type"] == "http.response.body" and not message.get("more_body") and not self.body.complete:
            await self._send(message | {"more_body": True})
            await self.body.drain()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)


def is_light(document: bytes | bytearray) -> bool:
    """Is this read before anybody notices? Not so when each of its items is wrong and has to be told."""
    return len(document) < LIGHT_BYTES and document.count(b"{") + document.count(b"[") <= LIGHT_ITEMS


def too_large(most: int, advice: str) -> TooLarge:
    return TooLarge("body_too_large", f"this body may have {most} bytes{advice and '; ' + advice}")
