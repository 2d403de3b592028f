"""A line to a NATS server: one connection of the client, until it breaks. Only this file knows its insides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tracker.buses.nats_url import Place
from tracker.config import SettingsError

try:
    from nats.aio.client import Client
    from nats.aio.subscription import Subscription
    from nats.errors import Error as NatsError
    from nats.errors import NoRespondersError as NoRespondersError
except ImportError:
    raise SettingsError("a bus nats:// needs the extra `nats`: pip install 'live-map-tracker[nats]'") from None

CONNECT_S = 4  #: for a connection, with who we are
CUT_S = 1.0  #: for its end


class Away(Exception):
    """The line is of no use any more; says why."""


#: what a line breaks by, or does not come about (the last: a file of its certificates)
FAULTS = (Away, NatsError, OSError, TimeoutError, ValueError)


class Line(Client):
    """The client, but that it is never connected anew by itself: it gives up for good after some errors."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.faults: list[Exception] = []

    def _connect_command(self) -> bytes:
        """Secrets do not go out in the clear where TLS was asked for: the client takes the server's word for that."""
        server = self._current_server
        transport: Any = self._transport
        if server and server.uri.scheme == "tls" and not transport._io_writer.get_extra_info("ssl_object"):
            raise Away("the server does not speak TLS")
        return super()._connect_command()

    async def confirm(self) -> None:
        """The server has all that was published. Its `flush` overtakes what waits to be written, so once more."""
        await self.flush()
        await self.flush()

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Nothing more comes of it, and what came was handed over. Its `drain` overtakes itself in the same way."""
        await self._send_unsubscribe(subscription._id)
        await self.confirm()
        await subscription._pending_queue.join()

    async def cut(self) -> None:
        """At once: what is not written by now is lost."""
        writer = getattr(self._transport, "_io_writer", None)
        with suppress(Exception):
            for one in list(self._subs.values()):
                one._stop_processing()
            if writer:
                writer.transport.abort()
            async with asyncio.timeout(CUT_S):
                await self.close()

    async def note_closed(self) -> None:
        if not self.broken.done():
            fault = self.faults[-1] if self.faults else Away("the server closed the connection")
            self.broken.set_exception(fault)
            self.broken.exception()  # somebody may look at it, or nobody

    async def note_fault(self, fault: Exception) -> None:
        self.faults.append(fault)
        del self.faults[:-1]


@asynccontextmanager
async def connect(place: Place, server: str, *, echo: bool = False) -> AsyncIterator[Line]:
    """A line, as long as it is good. Raises FAULTS."""
    line = Line()
    try:
        async with asyncio.timeout(CONNECT_S):
            try:
                await line.connect(
                    [server],
                    name="tracker",
                    no_echo=not echo,
                    inbox_prefix=f"{place.name}.inbox",  # a user needs rights to one name alone
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # it tries twice
                    reconnect_time_wait=0,
                    connect_timeout=CONNECT_S,
                    closed_cb=line.note_closed,
                    error_cb=line.note_fault,
                    **place.way_in(),
                )
            except NatsError:  # "no servers": why, it told by the way
                raise (line.faults[-1] if line.faults else NatsError("nats: not connected")) from None
        yield line
    except RuntimeError as fault:
        if "closed" not in str(fault):
            raise
        raise Away("the connection broke") from None  # as uvloop says it to who writes
    finally:
        await line.cut()


async def end_tasks(tasks: list[asyncio.Task[None]]) -> None:
    """The client may swallow that a task is to end: so it is told again."""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.1)
    await asyncio.gather(*tasks, return_exceptions=True)


def said(fault: BaseException) -> str:
    """A fault in the words of people who set it up."""
    if isinstance(fault, TimeoutError):
        return "the server does not answer"
    return str(fault).removeprefix("nats: ").strip("' ") or type(fault).__name__
