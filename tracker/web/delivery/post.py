"""Post: one request to a target, within a time; nothing of its answer counts but the status and how long to wait."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple, Protocol

import h11

from tracker import __version__
from tracker.web.delivery.addresses import Place, Refused, place_of, resolved

TIMEOUT_S = 10.0
PIECE = 65_536

Networks = Sequence[IPv4Network | IPv6Network]
Message = tuple[Mapping[str, str], bytes]  #: headers and body
Makes = Callable[[], Message | None]


class Undelivered(Exception):
    """What went wrong, in words."""


class Answer(NamedTuple):
    status: int
    pause_s: float | None = None  # how long it asks to wait


class Post(Protocol):
    async def __call__(self, url: str, make: Makes, /) -> Answer | None:
        """Say what `make` answers once the connection stands, for what may be told may have changed by then; None:
        there was nothing to say. Raises Undelivered."""
        ...


class Poster:
    def __init__(self, allowed: Networks, timeout_s: float = TIMEOUT_S, tls: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._tls = tls

    async def __call__(self, url: str, make: Makes) -> Answer | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                place = place_of(url)
                reader, writer = await self._connect(place)
                try:
                    return await _asked(place, reader, writer, make)
                finally:
                    writer.transport.abort()
        except Refused as fault:
            raise Undelivered(str(fault)) from None
        except TimeoutError:
            raise Undelivered(f"no answer within {self._timeout_s:g} s") from None
        except ssl.SSLCertVerificationError as fault:
            raise Undelivered(f"its certificate is not trusted: {fault.verify_message}") from None
        except (OSError, h11.RemoteProtocolError) as fault:
            raise Undelivered(_words(fault)) from None

    async def _connect(self, place: Place) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To one of the addresses that were looked at, never to the name again. Raises Refused, OSError."""
        context = (self._tls or _trusting()) if place.is_tls else None
        addresses = await resolved(place, self._allowed)
        for last, address in zip([*[False] * (len(addresses) - 1), True], addresses, strict=True):
            try:
                name = place.host if context else None
                return await asyncio.open_connection(address, place.port, ssl=context, server_hostname=name)
            except ssl.SSLCertVerificationError:
                raise
            except OSError:
                if last:
                    raise
        raise OSError("its name has no address")


async def _asked(
    place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, make: Makes
) -> Answer | None:
    message = make()
    if message is None:
        return None
    told, body = message
    connection = h11.Connection(h11.CLIENT)
    headers = {
        "host": place.netloc,
        "user-agent": f"live-map-tracker/{__version__}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        **told,
    }
    request = h11.Request(method="POST", target=place.target, headers=list(headers.items()))
    for part in (request, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(part) or b"")
    await writer.drain()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            return Answer(event.status_code, _pause_s(dict(event.headers)))
        if event is h11.NEED_DATA:
            if not (data := await reader.read(PIECE)):
                raise OSError("it closed the connection without an answer")
            connection.receive_data(data)


def _pause_s(headers: Mapping[bytes, bytes]) -> float | None:
    """Retry-After in seconds; a date there is left alone."""
    text = headers.get(b"retry-after", b"").strip()
    return float(text) if text.isdigit() and len(text) < 9 else None


@cache
def _trusting() -> ssl.SSLContext:
    """Whom this system trusts; read once, at the first delivery."""
    return ssl.create_default_context()


def _words(fault: Exception) -> str:
    if isinstance(fault, h11.RemoteProtocolError):
        return "its answer is no HTTP"
    if isinstance(fault, ConnectionRefusedError):
        return "it refuses connections"
    return getattr(fault, "strerror", None) or str(fault) or "the connection broke"
