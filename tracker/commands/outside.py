"""Outside: what keeps people and devices from a server, seen from where they are.

It asks as a browser and a device would, changes nothing, and goes on after a fault as far as it can, so that all of
them are told at once. It sends no secret but the token it was given, and that to nobody it does not trust.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tracker import __version__
from tracker.access.handshake import distrust, failure
from tracker.commands import through
from tracker.commands.site import ANSWER_S, Answer, Site

CLOCKS_S = 5.0  #: clocks that differ by more are told
SOON_S = 14 * 86_400.0  #: a certificate that ends within this is told of

Finding = tuple[str, bool, str]  #: what, whether it is a fault, detail


def examine(url: str, ca: str | None = None, token: str | None = None) -> Iterator[Finding]:
    """One finding after the other; what cannot be looked at behind a fault is left out."""
    site = Site(url, ca, token)
    if (reached := _reach(site))[0]:
        yield "reach", *reached
        return
    yield "reach", *reached
    if site.secure:
        said = _certificate(site)
        yield "tls", *said
        if said[0] and site.context.check_hostname:
            return  # no TLS at all
    asked_at = time.time()
    try:
        health = site.get("/healthz")
    except (OSError, http.client.HTTPException) as fault:
        yield "server", True, _mute(site, fault)
        return
    answered_at = time.time()
    if wrong := _no_tracker(site, health):
        yield "server", True, wrong
        return
    yield "server", False, f"a tracker answers at {site.origin}{site.path}/"
    yield "version", *_version(str(health.json()["version"]))
    yield "clock", *_clock(float(health.json()["now"]) / 1000, asked_at, answered_at)
    looks = through.LOOKS if site.headers else {name: look for name, look in through.LOOKS.items() if name != "token"}
    with ThreadPoolExecutor(len(looks)) as at_once:  # most of it is waiting
        for name, look in [(name, at_once.submit(look, site)) for name, look in looks.items()]:
            yield _finding(name, look.result)
    yield _finding("body", partial(through.body, site))  # by itself: on a slow line it would hold up the others


def _finding(name: str, look: Callable[[], tuple[bool, str]]) -> Finding:
    try:
        return name, *look()
    except (OSError, http.client.HTTPException) as fault:
        return name, True, f"no answer ({str(fault) or type(fault).__name__}); the proxy's log may say why"


def _reach(site: Site) -> tuple[bool, str]:
    try:
        with socket.create_connection((site.host, site.port), ANSWER_S) as found:
            return False, f"something listens at {site.where} ({found.getpeername()[0]})"
    except TimeoutError:
        return True, f"{site.where} did not answer within {ANSWER_S:.0f} s; does a firewall drop what comes?"
    except OSError as fault:
        return True, str(failure(site.host, site.port, fault))


def _certificate(site: Site) -> tuple[bool, str]:
    """When it is not trusted we go on without: we send no secret, and there may be more to tell."""
    try:
        with site.connect() as secure:
            assert isinstance(secure, ssl.SSLSocket)
            ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
            spoken = secure.version()
    except ssl.SSLCertVerificationError as fault:
        site.trust_nobody()
        return True, distrust(site.where, fault)
    except (OSError, ValueError) as fault:
        if _speaks_plainly(site):
            return True, f"{site.where} speaks no TLS: use http://, or give it a certificate (docs/proxies.md)"
        return True, str(failure(site.host, site.port, fault))
    day = time.strftime("%Y-%m-%d", time.gmtime(ends))
    if ends - time.time() < SOON_S:
        return True, f"the certificate ends on {day}; renew it, a tracker reads the new files by itself"
    return False, f"{spoken}, a trusted certificate until {day}"


def _speaks_plainly(site: Site) -> bool:
    try:
        with socket.create_connection((site.host, site.port), ANSWER_S) as plain:
            plain.sendall(f"GET / HTTP/1.1\r\nHost: {site.netloc}\r\nConnection: close\r\n\r\n".encode())
            return plain.recv(5) == b"HTTP/"
    except OSError:
        return False


def _speaks_tls(site: Site) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((site.host, site.port), ANSWER_S) as plain:
            context.wrap_socket(plain, server_hostname=site.host).close()
            return True
    except OSError:
        return False


def _mute(site: Site, fault: Exception) -> str:
    """Why what listens there gave no answer."""
    if not site.secure and _speaks_tls(site):
        return f"{site.where} speaks TLS: use https://"
    if isinstance(fault, TimeoutError):
        return f"{site.where} takes connections and answers nothing within {ANSWER_S:.0f} s; is it another service?"
    said = str(fault) or type(fault).__name__
    return f"what listens at {site.where} speaks no HTTP, or hangs up ({said}); is the port right?"


def _is_tracker(answer: Answer) -> bool:
    told = answer.json()
    return answer.status == 200 and "version" in told and isinstance(told.get("now"), int | float)


def _no_tracker(site: Site, answer: Answer) -> str:
    """What is wrong with an answer to /healthz; empty when it is a tracker's."""
    if _is_tracker(answer):
        return ""
    status = answer.status
    if status == 400 and not answer.code and not site.secure and _speaks_tls(site):
        return f"{site.where} speaks TLS: use https://"
    if 300 <= status < 400:
        there = answer.headers.get("location", "another address").removesuffix("/healthz")
        if site.secure and there.startswith("http://"):
            return f"it sends everybody from https to {there}, where all can be read on the way; correct that redirect"
        return f"it sends everybody on to {there}; use that address, devices do not follow"
    if answer.code == "host_not_allowed":
        return f"{answer.json().get('detail')}; or have the proxy pass on the Host it was asked for"
    if answer.code == "not_found" and site.path:
        return (
            f"the tracker is asked for {site.path}/healthz: have the proxy take {site.path} off "
            "(nginx: proxy_pass with a slash at its end; Caddy: handle_path)"
        )
    if answer.code:
        return f"the tracker says {answer.code}: {answer.json().get('detail')}"
    if status in (401, 407):
        return "whoever stands before the tracker wants a password first; devices and this command have none for it"
    if status == 403:
        return "whoever stands before the tracker forbids it (403); ask whoever runs that proxy or firewall"
    if status in (502, 503, 504):
        return (
            f"a proxy answers {status}: it does not reach the tracker behind it. Does that run, and does the proxy "
            "have its address and port?"
        )
    if elsewhere := _found_elsewhere(site):
        return f"no tracker is below {site.path}/, but one is at {elsewhere}: use that, or correct the proxy's path"
    named = answer.headers.get("server") or answer.headers.get("content-type") or "nothing known"
    return f"what answers there ({status}, {named}) is no tracker; is the address right, with its port and its path?"


def _found_elsewhere(site: Site) -> str:
    parts = site.path.split("/")
    for base in ("/".join(parts[:size]) for size in range(len(parts) - 1, 0, -1)):
        try:
            if _is_tracker(site.get("/healthz", base)):
                return f"{site.origin}{base}/"
        except (OSError, http.client.HTTPException):
            continue
    return ""


def _version(theirs: str) -> tuple[bool, str]:
    if theirs == __version__:
        return False, f"{theirs}, as this command"
    older = _numbers(theirs) < _numbers(__version__)
    told = f"the server is {theirs}, {'older' if older else 'newer'} than this command ({__version__})"
    return True, f"{told}; upgrade {'the server' if older else 'this one'} (docs/upgrading.md)"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def _clock(theirs_s: float, asked_at: float, answered_at: float) -> tuple[bool, str]:
    """Their answer was made somewhere between: only what is outside of that is sure."""
    off_s = theirs_s - answered_at if theirs_s > answered_at else min(theirs_s - asked_at, 0.0)
    if abs(off_s) <= CLOCKS_S:
        return False, "the clocks agree"
    off = f"{abs(off_s):.0f} s" if abs(off_s) < 600 else f"{abs(off_s) / 60:.0f} min"
    way = "ahead of" if off_s > 0 else "behind"
    return True, f"the server's clock is {off} {way} this one; have both set theirs from the network (NTP)"
