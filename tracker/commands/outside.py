"""Outside: what keeps people and devices from a server, seen from where they are.

It asks as a browser and a device would, changes nothing, sends no secret, and goes on after a fault as far as it can,
so that all of them are told at once.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request, TextMessage

from tracker import __version__
from tracker.access.handshake import distrust, failure, rejection
from tracker.commands.site import ANSWER_S, Answer, Site

HELD_S = 5.0  #: what a stream says at once and comes later is held back
CLOCKS_S = 5.0  #: clocks that differ by more are told
SOON_S = 14 * 86_400.0  #: a certificate that ends within this is told of
LARGE = 8 * 2**20  #: bytes of a body the server takes by itself (`max_body`)
PIECE = 2**16  #: of them sent at once

Finding = tuple[str, bool, str]  #: what, whether it is a fault, detail


def examine(url: str, ca: str | None = None) -> Iterator[Finding]:
    """One finding after the other; what cannot be looked at behind a fault is left out."""
    site = Site(url, ca)
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
    for name, look in (
        ("host", _told_host),
        ("page", _page),
        ("websocket", _websocket),
        ("stream", _stream),
        ("body", _body),
    ):
        try:
            yield name, *look(site)
        except (OSError, http.client.HTTPException) as fault:
            yield name, True, f"no answer ({str(fault) or type(fault).__name__}); the proxy's log may say why"


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
        site.context.check_hostname, site.context.verify_mode = False, ssl.CERT_NONE
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


def _told_host(site: Site) -> tuple[bool, str]:
    answer = site.get("/api/v1/page")
    host = answer.json().get("host")
    if answer.status != 200 or not isinstance(host, str):
        return _refused(answer, "what the tracker is told of the address cannot be seen")
    told = host.lower().removesuffix(":443" if site.secure else ":80")
    if told != site.netloc.lower():
        return True, (
            f"the tracker is told it was asked as {host} instead of {site.netloc}, and refuses its own page: have the "
            "proxy pass Host on (nginx: proxy_set_header Host $http_host)"
        )
    return False, f"the tracker knows that it was asked as {host}"


def _page(site: Site) -> tuple[bool, str]:
    answer = site.get("/")
    if answer.status != 200 or not answer.headers.get("content-type", "").startswith("text/html"):
        return _refused(answer, f"{site.path}/ is not the page")
    found = re.search(r'src="((?!https?:)[^"]+\.js)"', answer.body.decode("utf-8", "replace"))
    if found is None:
        return True, f"{site.path}/ is another page; is the path right?"
    script = site.get("/" + found[1].removeprefix("./"))
    if script.status != 200:
        return _refused(script, f"the page loads, but {found[1]} does not")
    return False, "the page and its scripts load"


def _refused(answer: Answer, what: str) -> tuple[bool, str]:
    if answer.status == 401 and answer.code:
        return False, "only for who signs in"
    said = f"{answer.code}: {answer.json().get('detail')}" if answer.code else "a proxy or another server"
    return True, f"{what} ({answer.status}, {said})"


def _websocket(site: Site) -> tuple[bool, str]:
    protocol = WSConnection(ConnectionType.CLIENT)
    target = f"{site.path}/api/v1/live"
    opening = Request(host=site.netloc, target=target, extra_headers=[(b"Origin", site.origin.encode())])
    refused: RejectConnection | None = None
    accepted, reason = False, b""
    with site.connect(HELD_S) as line:
        line.sendall(protocol.send(opening))
        for event in _events(line, protocol):
            if isinstance(event, AcceptConnection):
                accepted = True
            elif isinstance(event, TextMessage):
                return False, "WebSockets pass"
            elif isinstance(event, RejectConnection):
                refused = event
                if not event.has_body:
                    break
            elif isinstance(event, RejectData):
                reason += event.data
                if event.body_finished:
                    break
    if accepted:
        return True, "a WebSocket is opened, and nothing comes through it; does the proxy know WebSockets?"
    if refused is None:
        return True, "the handshake of a WebSocket gets no answer; have the proxy pass on Upgrade and Connection"
    answer = Answer(refused.status_code, {}, reason)
    if answer.code == "origin_not_allowed":
        return True, (
            f"the tracker takes its own page ({site.origin}) for one of another site: have the proxy pass on Host and, "
            "with behind_proxy, X-Forwarded-Proto as they were"
        )
    if answer.status == 401 and answer.code:
        return False, "WebSockets pass, for who signs in"
    return True, str(rejection(f"{site.origin}{target}", refused.status_code, refused.headers, reason))


def _events(line: socket.socket, protocol: WSConnection) -> Iterator[Event]:
    """Until nothing comes any more."""
    try:
        while data := line.recv(65536):
            protocol.receive_data(data)
            yield from protocol.events()
    except TimeoutError:
        return


def _stream(site: Site) -> tuple[bool, str]:
    """Follow a vehicle that nobody has: what comes at once is short enough for any buffer to hold it back."""
    held = (
        f"what a stream says does not come within {HELD_S:.0f} s: a proxy holds it back (nginx: proxy_http_version 1.1 "
        "and proxy_buffering off; others: flush at once)"
    )
    with site.connect(HELD_S) as line:
        target = f"{site.path}/api/v1/stream?vehicles=doctor-nobody&events=false"
        head = f"GET {target} HTTP/1.1", f"Host: {site.netloc}", f"Origin: {site.origin}", "Connection: close"
        line.sendall("\r\n".join([*head, "", ""]).encode())
        said, ends = b"", time.monotonic() + HELD_S
        try:
            while b"data:" not in said:
                line.settimeout(max(ends - time.monotonic(), 0.01))
                if not (data := line.recv(65536)):
                    break
                said += data
        except TimeoutError:
            return True, held
    told, _, body = said.partition(b"\r\n\r\n")
    status = int(told[9:12]) if told[9:12].isdigit() else 0
    if status == 200 and b"data:" in body:
        return False, "streams come through at once"
    if status == 200:
        return True, held
    return _refused(Answer(status, {}, body[body.find(b"{") : body.rfind(b"}") + 1]), "streams do not come through")


def _body(site: Site) -> tuple[bool, str]:
    """Send a large one that says nothing, and see who minds: a proxy may at once, or only when it has read too much."""
    with site.connect(HELD_S) as line:
        head = f"POST {site.path}/api/v1/positions HTTP/1.1", f"Host: {site.netloc}", "Content-Type: application/json"
        more = f"Content-Length: {LARGE}", "Expect: 100-continue", "Connection: close", "", ""
        line.sendall("\r\n".join([*head, *more]).encode())
        said = _head(line)
        if said[9:12] in (b"", b"100"):
            line.settimeout(ANSWER_S)
            with contextlib.suppress(OSError):  # who has had enough may hang up, and has said why before
                for _ in range(0, LARGE, PIECE):
                    line.sendall(b" " * PIECE)
            said = _head(line)
    if said[9:12] == b"413" and b"problem+json" not in said.lower():
        return True, (
            f"a proxy takes no body of {LARGE // 2**20} MB (413): raise its limit, the tracker has its own "
            "(nginx: client_max_body_size 0)"
        )
    if b"problem+json" not in said.lower():
        how = f"answered {said[9:12].decode('latin-1')}" if said else "gets no answer"
        return True, f"a body of {LARGE // 2**20} MB {how}; does a proxy limit bodies, or the time they may take?"
    return False, f"bodies of {LARGE // 2**20} MB come through"


def _head(line: socket.socket) -> bytes:
    """The next answer's head; empty when none comes in time."""
    said = b""
    with contextlib.suppress(OSError):
        while b"\r\n\r\n" not in said and (data := line.recv(65536)):
            said += data
    if said[9:12] == b"100" and (rest := said.partition(b"\r\n\r\n")[2]):
        return rest
    return said
