"""Wires: an accepted WebSocket that is nothing but a protocol of asyncio and its transport.

No task, no queue and no stream is kept for it: with ten thousand viewers these were two thirds of what each took.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from tracker.web.server import frames
from tracker.web.server.frames import Broken, Frame, Reader, close_frame, frame_header, pong_frame

CLOSE_S = 2.0  #: how long a peer has to answer our close
GRACE_S = 1.0  #: how long it has to end after that
GOING_AWAY = 1012, "the server is going away"
PING = b"\x89\x00"
#: where messages are pipelined these are not counted, as back-pressure bounds them: bytes that a message, or an honest
#: sender's piece of one, has at least
UNCOUNTED = {frames.TEXT: 16, frames.BINARY: 16, frames.PIECE: 1024}


class Listener(Protocol):
    """Whoever hears what a peer says. Neither raises."""

    def hear_message(self, message: str | bytes) -> None: ...

    def hear_end(self) -> None:
        """Once: the connection is over, or about to be."""
        ...


class Nobody:
    """Hears nothing."""

    def hear_message(self, message: str | bytes) -> None:
        pass

    def hear_end(self) -> None:
        pass


NOBODY = Nobody()


class Wire(asyncio.Protocol):
    """A `Transport` (sockets.py) whose peer is heard frame by frame."""

    __slots__ = (
        "_deaf", "_ended", "_frames", "_listener", "_loop", "_most_frames", "_paused", "_pipelined", "_reader",
        "_second", "_tcp", "_write", "heard", "open",
    )  # fmt: skip

    def __init__(
        self,
        tcp: asyncio.Transport,
        max_message: int,
        max_frames_per_s: int,
        ended: Callable[[asyncio.Transport], None],
        *,
        pipelined: bool = False,
    ) -> None:
        """`ended` is told when the connection is."""
        self._tcp = tcp
        self._write: Callable[[bytes], object] = tcp.write
        self._reader = Reader(max_message)
        self._most_frames, self._pipelined = max_frames_per_s, pipelined
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._listener: Listener = NOBODY
        self._second, self._frames = 0.0, 0
        self._deaf = False  # whatever comes is not even parsed
        self._paused = False
        self.open = True  # may anything be sent?
        self.heard = self._loop.time()

    def begin(self, answer: bytes, listen: Callable[[Wire], Listener]) -> None:
        """Let the peer in. What whoever listens says at once goes with the answer: another write would cost a tenth of
        it all."""
        said = [answer]
        self._write = said.append
        try:
            self._listener = listen(self)
        finally:
            self._write = self._tcp.write
            self._write(b"".join(said))

    # ------------------------------------------------------------------------------------------------ what is said

    @property
    def pending(self) -> int:
        return self._tcp.get_write_buffer_size()

    def send(self, payload: bytes, text: bool = True) -> None:
        if self.open:
            self._write(frame_header(len(payload), text) + payload)

    def ping(self) -> None:
        if self.open:
            self._write(PING)

    def close(self, code: int, reason: str = "") -> None:
        """Send our close without waiting, and end the connection even if the peer does not."""
        if not self.open:
            return
        self.open = False
        self._write(close_frame(code, reason))
        self._loop.call_later(CLOSE_S + GRACE_S, self._tcp.abort)
        self._loop.call_soon(self._let_go)
        self.resume()  # to hear its answer

    def end(self) -> None:
        self.close(*GOING_AWAY)

    def abort(self) -> None:
        self._tcp.abort()

    # ------------------------------------------------------------------------------------------------ what is heard

    def pause(self) -> None:
        """Hear no more messages: they wait, at last in the peer (TCP)."""
        self._paused = True
        self._tcp.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._tcp.resume_reading()
            self._loop.call_soon(self._read_on)

    def data_received(self, data: bytes) -> None:
        self.heard = self._loop.time()
        if not self._deaf:
            self._reader.feed(data)
            self._read_on()

    def _read_on(self) -> None:
        try:
            while not (self._deaf or self._paused) and (frame := self._reader.next_frame()) is not None:
                self._take(frame)
        except Broken as fault:
            if fault.code == 1009:
                self._refuse(fault.code, fault.reason)
            else:
                self._end(fault.code, fault.reason)

    def _take(self, frame: Frame) -> None:
        if self._is_flooded(frame):
            self._refuse(1008, "too many frames")
        elif frame.kind == frames.CLOSE:
            self._end(frame.code, str(frame.data))
        elif not self.open:
            pass  # our close is on its way: read on for the answer, keep nothing
        elif frame.kind == frames.PING:
            self._write(pong_frame(bytes(frame.data)))  # type: ignore[arg-type]
        elif frame.kind in (frames.TEXT, frames.BINARY):
            self._listener.hear_message(frame.data)

    def _is_flooded(self, frame: Frame) -> bool:
        """A frame costs us more than it costs the peer."""
        if self._pipelined and frame.size >= UNCOUNTED.get(frame.kind, sys.maxsize):
            return False
        if self.heard - self._second >= 1.0:
            self._second, self._frames = self.heard, 0
        self._frames += 1
        return self._frames > self._most_frames

    def _refuse(self, code: int, reason: str) -> None:
        """Hear no more of it, and say why."""
        self._deaf = True
        self.close(code, reason)

    def _end(self, code: int, reason: str) -> None:
        """Answer the peer's close, or say what it did; then there is nothing left to be said."""
        self._deaf = True
        if self.open:
            self.open = False
            self._write(close_frame(code, reason))
        self._loop.call_later(CLOSE_S, self._tcp.abort)  # a peer that does not read would keep it
        self._tcp.close()

    def connection_lost(self, _fault: Exception | None) -> None:
        self.open, self._deaf = False, True
        self._ended(self._tcp)
        self._let_go()

    def _let_go(self) -> None:
        listener, self._listener = self._listener, NOBODY
        listener.hear_end()
