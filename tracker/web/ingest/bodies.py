"""Request bodies of any size and shape in bounded memory: read with back-pressure, cut into lines, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from tracker.errors import BadRequest, TooLarge
from tracker.turns.buffer import Share
from tracker.web.ingest.inflate import Inflater
from tracker.web.server.answers import Answered, Message, Receive, Send, send_answer

MAX_LINES = 1000  #: of NDJSON applied together
SMALL = 2**20  #: bytes of a body that is copied rather than kept where it was received
MAX_RATIO = 200  #: what inflates to more than this many times its size, and is large, is a bomb
DRAIN_LIMIT = 256 * 2**20  #: bytes of a refused body that are read and dropped, so that its sender gets to read why
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

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Asking for the next piece is what lets the client send on: back-pressure by itself."""
        while not self.complete:
            try:
                async with asyncio.timeout(self._timeout_s):
                    message = await self._receive()
            except TimeoutError:
                raise BadRequest("body_timeout", f"no byte of the body came for {self._timeout_s:g} s") from None
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
                share.take(len(piece))
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


def too_large(most: int, advice: str) -> TooLarge:
    return TooLarge("body_too_large", f"this body may have {most} bytes{advice and '; ' + advice}")


class Lines:
    """Cuts a stream of bytes into runs of whole lines."""

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._rest = b""
        self._skipping = False  # within a line that is too long

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Runs of at most MAX_LINES whole lines; None stands for one line that is too long."""
        if self._skipping:
            _, newline, piece = piece.partition(b"\n")
            if not newline:
                return
            self._skipping = False
        data = self._rest + piece
        cut = data.rfind(b"\n") + 1
        self._rest = data[cut:]
        if cut:
            yield from self._runs(data[:cut])
        if len(self._rest) > self._max_line:
            self._rest = b""
            self._skipping = True
            yield None

    def finish(self) -> Iterator[bytes | None]:
        """The last line, when nothing ended it."""
        rest, self._rest = self._rest, b""
        if rest:
            yield rest

    def _runs(self, data: bytes) -> Iterator[bytes | None]:
        if len(data) <= self._max_line and data.count(b"\n") <= MAX_LINES:
            yield data
            return
        run: list[bytes] = []
        for line in data.split(b"\n"):
            if len(line) > self._max_line:
                yield b"\n".join(run)
                yield None
                run = []
                continue
            run.append(line)
            if len(run) == MAX_LINES:
                yield b"\n".join(run)
                run = []
        if run:
            yield b"\n".join(run)
