"""Shortcut: a plain POST that came whole is answered without Hypercorn and h11, which cost more than all we do with it.

It is no second parser: it recognises what can be read in one way only. Everything else, and whatever is slow to come,
is left to them from its first byte on. So what is refused, and how, stays in one place.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Any, NamedTuple, Protocol

from tracker.web.server.answers import Answered, Scope
from tracker.web.server.hardening import completed

MOST_HEAD = 4096  #: bytes of a head that is looked at
MOST_BODY = 128 * 1024  #: bytes of a body that is waited for; longer ones are read with back-pressure
PATIENCE_S = 1.0  #: for the rest of a request
RECEIVED = 65_536  #: bytes taken at a time
OK = 200

#: answers what came whole; None, and nothing done: it is not for the shortcut
Pairs = tuple[tuple[bytes, bytes], ...]
Answering = Callable[[Scope, bytes], Awaitable[Answered | None]]

#: no `%` nor `#` in the target, one space each, no fold, no control character, no space before a colon, no bare LF
HEADERS = rb"(?:[\w!#$&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+"
_HEAD = re.compile(rb"POST (/[!$&-~]*) HTTP/1\.1\r\n(" + HEADERS + rb")\r\n")
_LENGTH = re.compile(rb"[0-9]{1,7}")
_BEGINS = b"POST /"
#: what changes how a request is read, or how its connection goes on
_NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"proxy-connection"})


class Head(NamedTuple):
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]  # lower-case names, each once
    length: int


def recognised(head: bytes) -> Head | None:
    """A whole head, with the empty line. None: not plain."""
    if (found := _HEAD.fullmatch(head)) is None:
        return None
    target, block = found.groups()
    headers = headers_of(block)
    if headers is None or not _NOT_PLAIN.isdisjoint(headers):
        return None
    if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    length = headers.get(b"content-length", b"")
    if _LENGTH.fullmatch(length) is None or int(length) > MOST_BODY:
        return None
    path, _, query = target.partition(b"?")
    return Head(path, query, list(headers.items()), int(length))


class Repeated(Protocol):
    """Takes requests that differ in their bodies only, one at a time."""

    @property
    def is_over(self) -> bool: ...

    def take(self, body: bytes, tell: Callable[[Answered], None]) -> bool:
        """`tell` hears the answer, now or later. False: nothing was done."""
        ...


#: what takes the requests after one with this scope; None: nothing does
Repeating = Callable[[Scope], Repeated | None]


def headers_of(block: bytes) -> dict[bytes, bytes] | None:
    """By lower-case names. None: one is said twice, or nobody says who is asked."""
    lines = block.split(b"\r\n")[:-1]
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip(b" \t")
    return headers if len(headers) == len(lines) and b"host" in headers else None


class Connection(Protocol):
    """Whose requests they are."""

    def begun(self) -> None: ...

    def answered(self) -> None: ...

    @property
    def ends(self) -> bool:
        """Is what is answered now the last?"""
        ...


class Shortcut:
    """The plain requests of one connection."""

    def __init__(
        self,
        connection: Connection,
        answering: Answering,
        hardening: Pairs,
        common: Scope,
        repeating: Repeating = lambda _scope: None,
    ) -> None:
        """`common`: what is the same in the scope of each request."""
        self._connection = connection
        self._repeating = repeating
        self._repeated: Repeated | None = None
        self._looked = False  # whether those after it are taken so
        self._around = b"", b""  # the length in the last head that was answered
        self._listens = False  # nothing came that is not answered
        self._owes = False  # an answer to what `take` took
        self._told: asyncio.Future[None] | None = None  # done once it is given, where somebody waits for that
        self._answering = answering
        self._hardening = hardening
        self._common = common
        self._said = b""  # the last head; most say the same again
        self._head: Head | None = None
        self._scope: Scope = {}

    async def answer_plain(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """Answer them. What came and is left to others, b"" at its end; None: the connection is to be closed."""
        data = await self._next(reader)
        while True:
            while end := self._end(data):
                begin = end - self._length()
                if (answer := await self._answer(data[begin:end])) is None:
                    return data
                data, last = data[end:], self._connection.ends
                writer.write(written(answer, self._hardening, last))
                if last:
                    return None
                if answer[0] == OK:
                    self._look_again()
                if writer.transport.get_write_buffer_size():
                    await writer.drain()
            if not data:
                data = more = await self._next(reader)
            elif self._may_be_plain(data):
                if b"\r\n\r\n" in data:
                    self._connection.begun()  # or it could be taken for one that idles
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        data += (more := await reader.read(RECEIVED))
                except TimeoutError:
                    return data
            else:
                return data
            if not more:
                return data

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        """What comes and is not taken, after the answer that is owed."""
        self._listens = True
        try:
            data = await reader.read(RECEIVED)
        finally:
            self._listens = False
        if self._owes:
            self._told = asyncio.get_running_loop().create_future()
            await self._told
        return data

    def take(self, data: bytes, writer: asyncio.StreamWriter, end: Callable[[], None]) -> bool:
        """One whole request like the last but for its body, before the reader has it: no task, no stream takes part.
        `end`: nothing follows its answer. False: nothing was done."""
        if not self._listens:
            return False
        if (body := self._body_of(data)) is not None and not writer.transport.get_write_buffer_size():
            self._owes = True
            self._connection.begun()
            if self._repeated and self._repeated.take(body, lambda answer: self._tell(answer, writer, end)):
                return True
            self._owes = False
        self._listens = False
        return False

    def _body_of(self, data: bytes) -> bytes | None:
        if self._owes or self._repeated is None or self._repeated.is_over:
            return None
        before, after = self._around
        length = data[len(before) : (at := data.find(b"\r", len(before)))]
        begin = at + len(after)
        if not (data.startswith(before) and data.startswith(after, at) and _LENGTH.fullmatch(length)):
            return None
        return data[begin:] if len(data) - begin == int(length) <= MOST_BODY else None

    def _tell(self, answer: Answered, writer: asyncio.StreamWriter, end: Callable[[], None]) -> None:
        self._owes = False
        self._connection.answered()
        last = self._connection.ends
        if not writer.transport.is_closing():
            writer.write(written(answer, self._hardening, last))
        if last:
            end()
        if self._told is not None and not self._told.done():
            self._told.set_result(None)

    def _look_again(self) -> None:
        """At whether what is said again and again is taken by itself from now on."""
        around = _around_length(self._said)
        if around != self._around:  # said once: is it said again?
            self._around, self._repeated, self._looked = around, None, False
        elif not self._looked or (self._repeated and self._repeated.is_over):
            self._looked, self._repeated = True, self._repeating(self._scope)

    async def _answer(self, body: bytes) -> Answered | None:
        self._connection.begun()
        try:
            return await self._answering(self._scope, body)
        finally:
            self._connection.answered()

    def _length(self) -> int:
        return self._head.length if self._head else 0

    def _end(self, data: bytes) -> int:
        """Where the first request ends; 0: it is not plain, or not whole."""
        begin = data.find(b"\r\n\r\n", 0, MOST_HEAD) + 4
        if begin < 4 or not self._knows(data[:begin]):
            return 0
        end = begin + self._length()
        return end if len(data) >= end else 0

    def _may_be_plain(self, data: bytes) -> bool:
        """It is not whole."""
        begin = data.find(b"\r\n\r\n", 0, MOST_HEAD) + 4
        if begin < 4:
            return len(data) < MOST_HEAD and data.startswith(_BEGINS[: len(data)])
        return self._knows(data[:begin])

    def _knows(self, said: bytes) -> bool:
        if said != self._said:
            self._said, self._head = said, recognised(said)
            if head := self._head:
                self._scope = self._common | {
                    "path": head.path.decode(), "raw_path": head.path, "query_string": head.query,
                    "headers": head.headers,
                }  # fmt: skip
        return self._head is not None


def _around_length(head: bytes) -> tuple[bytes, bytes]:
    """Of one that was recognised, so one line of it begins so: what stands before and after the number."""
    begin = head.lower().find(b"\r\ncontent-length:") + 17
    while head[begin] in b"\t ":
        begin += 1
    end = begin
    while head[end] in b"0123456789":
        end += 1
    return head[:begin], head[end:]


def written(answer: Answered, hardening: Pairs, last: bool) -> bytes:
    """An answer as it goes over the wire."""
    status, headers, body = answer
    close = b"connection: close\r\n" if last else b""
    begin, date = _begun(status, tuple(headers.items()), hardening), date_line()
    return b"%bcontent-length: %d\r\n%b%b\r\n%b" % (begin, len(body), date, close, body)


@lru_cache(maxsize=64)
def _begun(status: int, headers: tuple[tuple[str, str], ...], hardening: Pairs) -> bytes:
    told = completed([(name.lower().encode(), value.encode()) for name, value in headers], hardening)
    return b"".join([b"HTTP/1.1 %d \r\n" % status, *(b"%b: %b\r\n" % pair for pair in told)])


def date_line() -> bytes:
    return _date(int(time()))


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return f"date: {formatdate(second, usegmt=True)}\r\n".encode()


def common_scope(client: Any, server: Any, tls: bool, extensions: dict[str, Any]) -> Scope:
    """What Hypercorn says of each request of a connection."""
    return {
        "type": "http", "http_version": "1.1", "asgi": {"spec_version": "2.1", "version": "3.0"}, "method": "POST",
        "scheme": "https" if tls else "http", "root_path": "", "client": client, "server": server, "state": {},
        "extensions": extensions,
    }  # fmt: skip
