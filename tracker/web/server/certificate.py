"""Certificate: the server's own, read again when its files change, without dropping a connection.

Whoever comes in is given the newest pair that fits; connections that are open keep theirs. A pair that cannot be used,
such as one half renewed, changes nothing, is told in the log and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tracker.config import SettingsError

log = logging.getLogger(__name__)

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"  #: of TLS 1.2; those of 1.3 are all as good
LOOK_S = 2.0  #: how often the files are looked at
SOON_S = 14 * 86_400.0  #: a certificate that ends within this is told of
TOLD_S = 86_400.0  #: once a day

_REASONS = {
    "KEY_VALUES_MISMATCH": "the key belongs to another certificate",
    "NO_START_LINE": "this is no PEM; -----BEGIN CERTIFICATE----- is how one begins",
    "BAD_DECRYPT": "the key is encrypted: give it without a password",
    "BAD_PASSWORD_READ": "the key is encrypted: give it without a password",
    "EE_KEY_TOO_SMALL": "the key is too short for today",
    "CA_MD_TOO_WEAK": "it is signed in a way nobody trusts any more",
}


class Statistics(NamedTuple):
    left_s: float
    broken: bool


class Certificate:
    def __init__(self, cert: str, key: str = "") -> None:
        """Raises SettingsError: a server that cannot speak TLS does not start."""
        self._files = (cert, key or cert)
        self._stamp = self._look_at_files()
        self._fault = ""
        self._told_at = float("-inf")
        try:
            self._newest, self._ends = self._read()
            self.context, _ = self._read()  # whoever comes in is handed on to the newest
        except (OSError, ValueError) as fault:
            raise SettingsError(f"cannot speak TLS with {self._named()}: {_said(fault)}") from None
        self.context.sni_callback = self._hand_on

    def statistics(self) -> Statistics:
        return Statistics(self._ends - time.time(), bool(self._fault))

    def look(self) -> None:
        """Read the files again if they changed, or could not be used before."""
        stamp = self._look_at_files()
        if stamp == self._stamp and not self._fault:
            return
        try:
            self._newest, self._ends = self._read()
        except (OSError, ValueError) as fault:
            if (said := _said(fault)) != self._fault:
                log.warning("%s cannot be used, the certificate before goes on: %s", self._named(), said)
            self._fault, self._stamp = said, stamp
            return
        self._fault, self._stamp, self._told_at = "", stamp, float("-inf")
        log.info("a new certificate is in use, until %s", _day(self._ends))

    def warn(self, now: float) -> None:
        """Say that the end is near, once a day."""
        left_s = self._ends - now
        if left_s > SOON_S or now - self._told_at < TOLD_S:
            return
        self._told_at = now
        when = f"ends on {_day(self._ends)}" if left_s > 0 else f"has ended on {_day(self._ends)}: nobody trusts it"
        log.warning("the certificate %s %s; renew it, the new files are read by themselves", self._files[0], when)

    async def keep_fresh(self, now: int) -> None:
        """A job of the server: `now` is UTC ms."""
        self.look()
        self.warn(now / 1000)

    @contextlib.contextmanager
    def asked_by_signal(self) -> Generator[None]:
        """Look at the files at SIGHUP, too."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not on Windows, not outside the main thread
            loop.add_signal_handler(signal.SIGHUP, self.look)
        try:
            yield
        finally:
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(signal.SIGHUP)

    def _read(self) -> tuple[ssl.SSLContext, float]:
        context = _context()
        try:
            context.load_cert_chain(self._files[0], self._files[1], _no_password)
        except ssl.SSLError as fault:
            key = Path(self._files[1]).read_text("latin-1")
            if fault.reason is None and "BEGIN CERTIFICATE" in key and "PRIVATE KEY-----" not in key:
                raise ValueError(f"no private key is in {self._files[1]}: name its file with --key") from None
            raise
        return context, valid_until(ssl.PEM_cert_to_DER_cert(_first(Path(self._files[0]).read_text("latin-1"))))

    def _hand_on(self, connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest

    def _look_at_files(self) -> list[tuple[int, ...]]:
        stamps: list[tuple[int, ...]] = []
        for file in self._files:
            try:
                found = os.stat(file)
                stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
            except OSError:
                stamps.append(())
        return stamps

    def _named(self) -> str:
        return " and ".join(dict.fromkeys(self._files))


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    raise ValueError(_REASONS["BAD_DECRYPT"])  # nobody is there to type one


def _said(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return _REASONS.get(fault.reason or "", fault.reason or "it cannot be read")
    if isinstance(fault, OSError):
        return fault.strerror or str(fault)
    return str(fault)


def _first(text: str) -> str:
    """The server's own certificate comes first, its chain behind it; a key may stand anywhere."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return begin + text.partition(begin)[2].partition(end)[0] + end + "\n"


def valid_until(der: bytes) -> float:
    """`notAfter` of an X.509 certificate (RFC 5280), seconds since 1970."""
    certificate = _parts(der)[0][1]
    fields = _parts(_parts(certificate)[0][1])  # version?, serial, algorithm, issuer, validity, …
    validity = _parts(fields[4 if fields[0][0] == 0xA0 else 3][1])
    tag, text = validity[1][0], validity[1][1].decode("ascii")
    if tag == 0x17:  # UTCTime
        text = ("20" if text < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of each element, one behind the other."""
    found, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            more = size & 0x7F
            size, at = int.from_bytes(der[at : at + more]), at + more
        found.append((tag, der[at : at + size]))
        at += size
    return found


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
