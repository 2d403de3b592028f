"""Through: what a proxy lets through to a tracker that answers; each tells whether that is a fault, and the detail."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request, TextMessage

from tracker.access.handshake import rejection
from tracker.commands.site import ANSWER_S, Answer, Site

HELD_S = 5.0  #: what a stream says at once and comes later is held back
LARGE = 8 * 2**20  #: bytes of a body the server takes by itself (`max_body`)
PIECE = 2**16  #: of them sent at once
WATCHERS_ONLY = ("not_signed_in", "may_not")  #: what the tracker itself answers to who may not look


def told_host(site: Site) -> tuple[bool, str]:
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
    scheme = answer.json().get("scheme", "")
    if site.secure and scheme == "http":
        return True, (
            "the tracker takes what came by https for http, and everybody for the proxy: have that set "
            "X-Forwarded-Proto and X-Forwarded-For, and name it in behind_proxy"
        )
    return False, f"the tracker knows that it was asked as {host}"


def token(site: Site) -> tuple[bool, str]:
    """Whose the one is that was given; what it does not open is no fault of a proxy."""
    answer = site.get("/api/v1/session")
    told = answer.json()
    if answer.code == "not_signed_in":
        return True, "the token opens nothing: it was revoked, has ended, or was not copied whole"
    if answer.status != 200:
        return _refused(answer, "whose the token is cannot be seen")
    if told.get("open"):
        return False, "nobody signs in there yet: no token is asked for"
    if told.get("role"):
        return False, f"it is of {told.get('name')}, {told['role']}"
    does = "it reads /metrics" if told.get("may") == ["scrape"] else "it is a device's, which sends positions"
    person = "`tracker token create --user NAME` makes one of a person, which looks further"
    return False, f"{does} and may look at nothing else; {person}"


def page(site: Site) -> tuple[bool, str]:
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
    if answer.code in WATCHERS_ONLY:
        return False, f"only for who may watch; --token T of a person looks further ({answer.code})"
    return True, f"{what} ({answer.status}, {_said(answer)})"


def _said(answer: Answer) -> str:
    return f"{answer.code}: {answer.json().get('detail')}" if answer.code else "a proxy or another server"


def websocket(site: Site) -> tuple[bool, str]:
    protocol = WSConnection(ConnectionType.CLIENT)
    target = f"{site.path}/api/v1/live"
    headers = {name.encode(): value.encode() for name, value in {"Origin": site.origin, **site.headers}.items()}
    opening = Request(host=site.netloc, target=target, extra_headers=list(headers.items()))
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
    if answer.code in WATCHERS_ONLY:
        return False, f"WebSockets pass, for who may watch ({answer.code})"
    return True, str(rejection(f"{site.origin}{target}", refused.status_code, refused.headers, reason))


def _events(line: socket.socket, protocol: WSConnection) -> Iterator[Event]:
    """Until nothing comes any more."""
    try:
        while data := line.recv(65536):
            protocol.receive_data(data)
            yield from protocol.events()
    except TimeoutError:
        return


def stream(site: Site) -> tuple[bool, str]:
    """Follow a vehicle that nobody has: what comes at once is short enough for any buffer to hold it back."""
    held = (
        f"what a stream says does not come within {HELD_S:.0f} s: a proxy holds it back (nginx: proxy_http_version 1.1 "
        "and proxy_buffering off; others: flush at once)"
    )
    with site.connect(HELD_S) as line:
        target = f"{site.path}/api/v1/stream?vehicles=doctor-nobody&events=false"
        head = f"GET {target} HTTP/1.1", f"Host: {site.netloc}", f"Origin: {site.origin}", "Connection: close"
        secret = (f"{name}: {value}" for name, value in site.headers.items())
        line.sendall("\r\n".join([*head, *secret, "", ""]).encode())
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


def body(site: Site) -> tuple[bool, str]:
    """Send a large one that says nothing, and see who minds: a proxy may at once, or only when it has read too much."""
    with site.connect(HELD_S) as line:
        head = f"POST {site.path}/api/v1/positions HTTP/1.1", f"Host: {site.netloc}", "Content-Type: application/json"
        more = f"Content-Length: {LARGE}", "Expect: 100-continue", "Connection: close", "", ""
        line.sendall("\r\n".join([*head, *more]).encode())
        heads = _heads(line)
        said = next(heads, b"")
        if said[9:12] in (b"", b"100"):
            line.settimeout(ANSWER_S)
            with contextlib.suppress(OSError):  # who has had enough may hang up, and has said why before
                for _ in range(0, LARGE, PIECE):
                    line.sendall(b" " * PIECE)
            said = next((head for head in heads if head[9:12] != b"100"), b"")  # Caddy says it, and passes ours on
    if said[9:12] == b"413" and b"problem+json" not in said.lower():
        return True, (
            f"a proxy takes no body of {LARGE // 2**20} MB (413): raise its limit, the tracker has its own "
            "(nginx: client_max_body_size 0)"
        )
    if b"problem+json" not in said.lower():
        how = f"answered {said[9:12].decode('latin-1')}" if said else "gets no answer"
        return True, f"a body of {LARGE // 2**20} MB {how}; does a proxy limit bodies, or the time they may take?"
    return False, f"bodies of {LARGE // 2**20} MB come through"


def _heads(line: socket.socket) -> Iterator[bytes]:
    """Of each answer that comes; an empty one when none comes in time."""
    said = b""
    while True:
        head, ended, rest = said.partition(b"\r\n\r\n")
        if ended:
            said = rest
            yield head
            continue
        try:
            data = line.recv(65536)
        except TimeoutError:
            yield b""
            continue
        except OSError:
            return
        if not data:
            return
        said += data


#: that may be done at once, in the order in which they are told; `body` is not one of them
LOOKS = {"token": token, "host": told_host, "page": page, "websocket": websocket, "stream": stream}
