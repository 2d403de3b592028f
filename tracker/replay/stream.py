"""Stream: batches of points as messages of one WebSocket, sent again on a new one until each is answered.

A server says there what is on disk, what it refuses, and how many were late, held or duplicates. Of a batch that was
sent again nobody knows whether a duplicate is one of the first try: it counts as accepted.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from tracker.access.handshake import rejection, trusting
from tracker.formats import Point, Unreadable, item
from tracker.replay.connection import FIRST_PATIENCE_S, PATIENCE_S, QUICKEST_S, SLOWEST_S, TIMEOUT_S, Failed
from tracker.replay.tally import Tally

PATH = "/api/v1/positions"
MOST_BYTES = 512 * 2**10  #: of a message; a server takes 1 MiB unless it is told otherwise
SIGNED_OUT = 4502
COUNTED = ("more", "late", "held", "quarantined", "duplicates", "conflicts", "discarded", "ignored")


class Broken(Exception):
    """The connection is over; another may do better."""


class Answer(NamedTuple):
    """To one message: in one, or in parts."""

    errors: list[dict[str, Any]]
    counts: Counter[str]

    def tally(self, sent: int) -> Tally:
        counts: dict[str, Any] = dict(self.counts)
        rejected = len(self.errors) + counts.pop("more", 0)
        accepted = sent - rejected - counts.get("duplicates", 0) - counts.get("discarded", 0)
        return Tally(sent, accepted, rejected=rejected, **counts)


class Stream:
    def __init__(
        self,
        url: str,
        token: str | None = None,
        ca: str | None = None,
        *,
        where: Callable[[Point], str] = lambda point: f"line {point.line}",
        item: Callable[[Point, int], Any] = lambda point, shift: item(point, shift, number=True),
        told: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Raises Unreadable for an address that is none."""
        parts = urlsplit(url)
        try:
            self._port = parts.port or (443 if parts.scheme == "wss" else 80)
        except ValueError:
            self._port = 0
        if not parts.hostname or not self._port:
            raise Unreadable(f"{url!r} is no address; it looks like ws://127.0.0.1:8000", usage=True)
        self.url, self.told = url.rstrip("/"), told
        self._host, self._target = parts.hostname, parts.path.rstrip("/").removesuffix(PATH) + PATH
        try:
            self._tls = trusting(ca) if parts.scheme == "wss" else None
        except OSError as fault:
            raise Unreadable(f"--ca {ca}: no authority in there ({fault.strerror or fault})", usage=True) from None
        self._headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self._where, self._item = where, item
        self._line: socket.socket | None = None
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._said: Iterator[Event] = iter(())
        self._number = 0  # of the last message sent on this connection
        self._answered = False  # by the server, at all

    def send(self, points: list[Point], shift: int = 0) -> Tally:
        """Raises Failed."""
        items = [self._item(point, shift) for point in points]
        body = msgspec.json.encode(items)
        if len(body) > MOST_BYTES and len(points) > 1:
            half = len(points) // 2
            tally = self.send(points[:half], shift)
            tally.add_tally(self.send(points[half:], shift))
            return tally
        answer = self._until_answered(body.decode())
        tally, errors = answer.tally(len(points)), answer.errors
        rejected = tally.rejected
        for error in errors:
            at = error.get("index")
            place = self._where(points[at]) if isinstance(at, int) and 0 <= at < len(points) else "an item"
            tally.refuse(str(error.get("code")), f"{place}: {error.get('message')}")
        if rejected > len(errors):
            tally.reasons["other"] += rejected - len(errors)
        return tally

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _until_answered(self, body: str) -> Answer:
        pause, began = 0.0, time.monotonic()
        while True:
            try:
                return self._exchange(body, is_first=not pause)
            except (Broken, OSError, ProtocolError) as fault:
                self.close()
                if time.monotonic() - began > (PATIENCE_S if self._answered else FIRST_PATIENCE_S):
                    raise Failed(f"{self.url} cannot be reached: {fault}") from None
                if not pause:
                    self.told(f"{self.url}: {fault}; trying again")
                pause = min(max(QUICKEST_S, pause * 1.6), SLOWEST_S)
                time.sleep(pause)
            except BaseException:
                self.close()  # half a message may be on its way
                raise

    def _exchange(self, body: str, is_first: bool) -> Answer:
        if self._line is None:
            self._connect()
        assert self._line is not None
        self._line.sendall(self._protocol.send(TextMessage(body)))
        self._number += 1
        whole = Answer([], Counter())
        while True:
            answer = self._answer()
            whole.errors.extend(error for error in answer["errors"] if isinstance(error, dict))
            whole.counts.update({name: int(answer.get(name, 0)) for name in COUNTED})
            if answer["upto"] >= self._number:
                self._answered = True
                if not is_first:
                    whole.counts["duplicates"] = whole.counts["conflicts"] = 0
                return whole

    def _answer(self) -> dict[str, Any]:
        text = ""
        for event in self._said:
            if isinstance(event, Ping):
                assert self._line is not None
                self._line.sendall(self._protocol.send(event.response()))
            elif isinstance(event, CloseConnection):
                if event.code == SIGNED_OUT:
                    raise Failed(f"{self.url}: what this token opens is over ({event.reason})")
                raise Broken(f"it closed the connection ({event.code} {event.reason or ''})".replace(" )", ")"))
            elif isinstance(event, Message):
                text += event.data if isinstance(event.data, str) else event.data.decode()
                if event.message_finished:
                    document = msgspec.json.decode(text)
                    if not isinstance(document, dict) or "upto" not in document:
                        raise Failed(f"{self.url} answered something that is not ours; is the tracker there?")
                    return document
        raise Broken("it hung up")

    def _connect(self) -> None:
        line = socket.create_connection((self._host, self._port), TIMEOUT_S)
        self._line = self._tls.wrap_socket(line, server_hostname=self._host) if self._tls else line
        self._protocol, self._number = WSConnection(ConnectionType.CLIENT), 0
        host = f"[{self._host}]" if ":" in self._host else self._host
        request = Request(host=f"{host}:{self._port}", target=self._target, extra_headers=self._headers)
        self._line.sendall(self._protocol.send(request))
        self._said = self._events(self._line)
        refused: RejectConnection | None = None
        reason = b""
        for event in self._said:
            if isinstance(event, AcceptConnection):
                return
            if isinstance(event, RejectConnection):
                refused = event
                if not event.has_body:
                    break
            elif isinstance(event, RejectData):
                reason += event.data
                if event.body_finished:
                    break
        if refused is None:
            raise Broken("it hung up")
        if refused.status_code in (429, 503):
            raise Broken(f"it answered {refused.status_code}")
        raise Failed(str(rejection(self.url, refused.status_code, refused.headers, reason)))

    def _events(self, line: socket.socket) -> Iterator[Event]:
        while data := line.recv(65_536):
            self._protocol.receive_data(data)
            yield from self._protocol.events()
