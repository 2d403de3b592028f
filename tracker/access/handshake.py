"""Handshake: what it means when a server, or whatever stands before it, does not let a client in."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable

import msgspec

PASSING = frozenset({408, 425, 429})  #: of the answers below 500 those that another try may change


class Refused(Exception):
    """Nothing changes by coming back: a close code from 4500 on, or the HTTP status that answered the handshake."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Unreachable(ConnectionError):
    """Nobody was reached under this address, and why."""


class Trouble(Exception):
    """This connection came to nothing; another may do. `after_s`: when the server said to try it."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class _Problem(msgspec.Struct):
    code: str
    detail: str


def rejection(url: str, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Exception:
    """What an HTTP answer to the handshake means: Trouble or Refused."""
    told = {name.lower(): value.decode("latin-1") for name, value in headers}
    ours = _read(body)
    if status in PASSING or status >= 500:
        after = told.get(b"retry-after", "")
        said = ours.detail if ours else "it, or a proxy before it, cannot take us now"
        return Trouble(f"{url} answered {status}: {said}", float(after) if after.isdecimal() else None)
    if status == 426:
        return Refused(
            status,
            "a proxy on the way does not pass WebSockets on: have it forward Upgrade and Connection (docs/live.md), or "
            "use /api/v1/stream or /api/v1/changes",
        )
    if 300 <= status < 400:
        return Refused(status, f"{url} has moved to {told.get(b'location', 'another address')}; use that address")
    if ours is not None:
        return Refused(status, f"the server said {ours.code}: {ours.detail}")
    reasons = {
        401: "somebody on the way wants to know who we are: pass `headers={'Authorization': …}`",
        403: "a proxy or another server forbids this, not the tracker itself: ask whoever runs it",
        404: "there is no tracker at this address; a proxy or another server answered. Is the path right?",
        407: "a proxy on the way wants a password",
    }
    return Refused(status, reasons.get(status, "what answers at this address is no tracker; is it the right one?"))


def _read(body: bytes) -> _Problem | None:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeError):
        return None


_ADVICE = {
    9: "it is not valid yet, or a clock is wrong",
    10: "it has ended; renew it",
    62: "use a name it is for, or give the server one for this name",
    64: "it is for names; use one of them instead of the address",
}


def distrust(where: str, fault: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate, and what to do."""
    advice = _ADVICE.get(
        fault.verify_code,
        "give the server one that is, with its chain, or name its authority (--ca FILE; in Python `tls=` a context "
        "that trusts it)",
    )
    return f"the certificate of {where} is not trusted ({fault.verify_message.rstrip('.')}): {advice}"


def trusting(ca: str | None) -> ssl.SSLContext:
    """Whom this system trusts, and the authority in that file. Raises OSError."""
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(ca)
    return context


def failure(host: str, port: int, fault: BaseException) -> Exception:
    """What a failed connection means: Trouble, or Unreachable where no other try can help."""
    where = f"{host}:{port}"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return Unreachable(distrust(where, fault))
    if isinstance(fault, ssl.SSLError):
        return Trouble(f"{where} does not speak TLS as it should ({fault.reason or fault}); is it http:// there?")
    if isinstance(fault, socket.gaierror):
        return Trouble(f"there is no machine called {host} ({fault.strerror})")
    if isinstance(fault, TimeoutError):
        return Trouble(f"{where} did not answer in time")
    if isinstance(fault, ConnectionRefusedError):
        return Trouble(f"nobody listens at {where}: does the server run there?")
    return Trouble(f"the connection to {where} broke ({str(fault) or type(fault).__name__})")
