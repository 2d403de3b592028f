"""Whether the tile server answers, and if not, why: a page without network must not ask in vain."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from tracker import __version__
from tracker.config.tiles import first, origins

PROBE_S = 2.0  #: how long the tile server may take to answer
EVERY_S = 300.0  #: between questions while it answers
AGAIN_S = 15.0  #: and while it does not

log = logging.getLogger(__name__)


class Probe:
    """Asked at most every EVERY_S, however many pages open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._why: str | None = None
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()
        self._tasks: set[asyncio.Task[str | None]] = set()

    async def soon(self, within_s: float) -> str | None:
        """The same, or what was so last when the answer takes longer: the fleet does not wait for its tiles."""
        task = asyncio.ensure_future(self.why_not())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=within_s)
        return task.result() if done else self._why

    async def why_not(self) -> str | None:
        """Why tiles cannot be had, in words; None when they can. Those of our own address are not asked for."""
        if not origins(self._url):
            return None if self._url else "no tiles are set"
        async with self._asking:
            pause = EVERY_S if self._why is None else AGAIN_S
            if self._asked_at is None or time.monotonic() - self._asked_at > pause:
                why = await asyncio.to_thread(ask, self._url)
                if why != self._why:
                    log.warning("map tiles: %s", why or "they come again")
                self._why, self._asked_at = why, time.monotonic()
        return self._why


class Elsewhere(Exception):
    """It sends to another host, which whoever runs this server did not name: nobody is asked there."""


class _Near(urllib.request.HTTPRedirectHandler):
    def __init__(self, url: str) -> None:
        self._url = url

    def redirect_request(self, asked: Any, answer: Any, code: int, words: str, headers: Any, there: str) -> Any:
        if not _allowed(there, self._url):
            raise Elsewhere("://".join(urlsplit(there)[:2]))
        return super().redirect_request(asked, answer, code, words, headers, there)


def ask(url: str) -> str | None:
    """Why the first tile does not come; None when it does, or when this server merely lacks that one."""
    host = urlsplit(first(url)).hostname
    asked = urllib.request.Request(first(url), headers={"user-agent": f"live-map-tracker/{__version__}"})
    try:
        with urllib.request.build_opener(_Near(url)).open(asked, timeout=PROBE_S) as answer:
            if answer.status == 200 and answer.headers.get_content_maintype() != "image":
                kind = answer.headers.get_content_type()
                return f"{host} answers {kind} instead of an image: a sign-in page, or not the address of tiles"
            return None
    except Elsewhere as there:
        return f"{host} sends to {there}, where the page may not follow: name that address in `tiles`"
    except urllib.error.HTTPError as fault:
        if fault.code in (404, 410):
            return None  # a map of one country has no tile of the world
        hint = {
            401: ": it wants a key",
            403: ": a key or the right to use it is missing",
            429: ": it is asked too often",
        }
        return f"{host} answers {fault.code}{hint.get(fault.code, '')}"
    except (OSError, ValueError) as fault:
        return f"{host} {_plain(getattr(fault, 'reason', fault))}"


def _allowed(there: str, url: str) -> bool:
    """The policy lets the page follow: the same hosts, http may become https."""
    found = "".join(origins(there))
    return found in origins(url) or found.replace("https:", "http:") in origins(url)


def _plain(fault: object) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {fault.verify_message}"
    if isinstance(fault, TimeoutError):
        return f"did not answer within {PROBE_S:g} s"
    if isinstance(fault, socket.gaierror):
        return "cannot be found: no network, or a name that is wrong"
    if isinstance(fault, ConnectionRefusedError):
        return "refuses connections"
    return f"cannot be reached: {fault}"
