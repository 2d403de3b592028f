"""Connection: one kept-alive HTTP connection to a tracker, patient with a server that restarts."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tracker.access.handshake import Unreachable, failure, trusting
from tracker.errors import TrackerError
from tracker.formats import Unreadable

TIMEOUT_S = 60.0
FIRST_PATIENCE_S = 10.0  # for a server that never answered: perhaps the address is wrong
PATIENCE_S = 120.0  # for one that did: it restarts
QUICKEST_S, SLOWEST_S = 0.15, 2.0  # between tries
ASK_AGAIN = frozenset({429, 503, 507})  # nothing was stored
UNSURE = frozenset({500, 502, 504})  # perhaps something was


class Failed(TrackerError):
    """The server cannot be reached, or does not want what we send."""

    def __init__(self, detail: str) -> None:
        super().__init__("replay_failed", detail)


class Lost(Exception):
    """No answer came. `unsure`: perhaps the request was carried out."""

    def __init__(self, why: str, unsure: bool) -> None:
        super().__init__(why)
        self.unsure = unsure


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes
    unsure: bool = False  # an earlier try may have been carried out

    def json(self) -> dict[str, Any]:
        """The object it holds; empty when it holds none."""
        try:
            document: Any = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return document if isinstance(document, dict) else {}


class Connection:
    def __init__(
        self,
        url: str,
        token: str | None = None,
        ca: str | None = None,
        *,
        told: Callable[[str], None] = lambda _text: None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        authorization: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`ca`: file of an authority to trust beside those of the system. `told` hears of trouble.

        Raises Unreadable for an address that is none, and for such a file.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise Unreadable(f"{url!r} is no address; it looks like http://127.0.0.1:8000", usage=True)
        self.url = url.rstrip("/")
        self.told = told
        self._path = parts.path.rstrip("/")
        self._host, self._port = parts.hostname, port
        self._tls = _trusting(ca) if parts.scheme == "https" else None
        self._headers = {"user-agent": "live-map-tracker", "accept": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        elif authorization:
            self._headers["authorization"] = authorization
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._answered = False  # by the server, at all
        self._open: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, body: bytes | None = None) -> Response:
        """Try until there is an answer. Raises Failed when patience ends."""
        unsure, pause = False, 0.0
        began = self._monotonic()
        while True:
            try:
                response = self._try(method, path, body)
                self._answered = True
                if response.status not in ASK_AGAIN and response.status not in UNSURE:
                    if pause:
                        self.told("the server answers again")
                    return response._replace(unsure=unsure)
                unsure |= response.status in UNSURE
                why, wait = f"it answered {response.status}", _seconds(response.headers.get("retry-after"))
            except Lost as lost:
                unsure |= lost.unsure
                why, wait = str(lost), None
            if self._monotonic() - began > (PATIENCE_S if self._answered else FIRST_PATIENCE_S):
                raise Failed(f"{self.url} cannot be reached: {why}")
            if not pause:
                self.told(f"{self.url}: {why}; trying again")
            pause = min(max(QUICKEST_S, pause * 1.6), SLOWEST_S)
            self._sleep(pause if wait is None else min(wait, 10.0))

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _try(self, method: str, path: str, body: bytes | None) -> Response:
        """Raises Lost."""
        sent = False
        try:
            if self._open is None:
                self._open = self._connect()
                self._open.connect()
            sent = True  # from here on nobody knows how much of it arrived
            headers = self._headers | ({"content-type": "application/json"} if body is not None else {})
            self._open.request(method, self._path + path, body, headers)
            answer = self._open.getresponse()
            content = answer.read()
            if answer.will_close:
                self.close()
            return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)
        except ssl.SSLError as fault:
            self.close()
            why = failure(self._host, self._port or 443, fault)
            if isinstance(why, Unreachable):
                raise Failed(str(why)) from None
            raise Lost(str(why), sent) from None
        except http.client.BadStatusLine as fault:  # or none at all
            self.close()
            hint = "" if self._tls or self._answered else "; does it speak TLS (https://)?"
            raise Lost(f"it hung up or does not speak HTTP ({fault}){hint}", sent) from None
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise Lost(getattr(fault, "strerror", None) or str(fault) or type(fault).__name__, sent) from None
        except BaseException:
            self.close()  # half an answer may still be on its way
            raise

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def _trusting(ca: str | None) -> ssl.SSLContext:
    try:
        return trusting(ca)
    except OSError as fault:  # ssl.SSLError too
        raise Unreadable(f"--ca {ca}: no authority in there ({fault.strerror or fault})", usage=True) from None


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.1, float(text))
    except ValueError:
        return None
