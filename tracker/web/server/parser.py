"""Parser: h11, refusing what another parser on the way (a proxy) could read as other requests than we do.

h11 itself refuses two lengths, lengths and chunk sizes that are no plain numbers, a coding other than chunked, spaces
before a colon. It takes what it should not: a length beside a coding, folded header lines, control characters behind a
chunk's size, and bytes behind the last request of a connection, for which it would fail the answer under way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import h11
import h11._readers

#: states of ours after which nothing is answered any more
NO_MORE = frozenset({h11.MUST_CLOSE, h11.CLOSED, h11.ERROR})
#: states of theirs in which the request has come whole
WHOLE = frozenset({h11.DONE, h11.MUST_CLOSE, h11.CLOSED})


class Parser(h11.Connection):
    is_over = False  #: the connection is gone: nothing waits for its turn
    fault = ""  #: what was wrong, once something was

    def next_event(self) -> Any:
        if self.their_state is h11.MUST_CLOSE and self.trailing_data[0]:
            return h11.NEED_DATA  # whatever follows the last request is nobody's
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                _check(event)
        except h11.RemoteProtocolError as error:
            self.fault = str(error)[:200]
            raise
        if event is h11.PAUSED and (self.is_over or self.our_state in NO_MORE):
            return h11.NEED_DATA
        return event


def _check(request: h11.Request) -> None:
    if not request.http_version.startswith(b"1."):
        raise h11.RemoteProtocolError("this server speaks HTTP/1.1", 505)
    headers = dict(request.headers)
    coded, sized = b"transfer-encoding" in headers, b"content-length" in headers
    if coded and sized:
        raise h11.RemoteProtocolError("Content-Length beside Transfer-Encoding")
    if coded and request.http_version < b"1.1":
        raise h11.RemoteProtocolError("Transfer-Encoding in HTTP/1.0")
    if headers.get(b"upgrade", b"").lower() == b"websocket" and (coded or headers.get(b"content-length", b"0") != b"0"):
        raise h11.RemoteProtocolError("an upgrade to WebSocket with a body")


def _no_folds(lines: Iterable[bytes]) -> Iterable[bytes]:
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            raise h11.LocalProtocolError("a folded header line")
        yield line


_CHUNK = re.compile(rb"(?P<chunk_size>[0-9A-Fa-f]{1,16})(?P<chunk_ext>;[\t\x20-\x7e\x80-\xff]*)?[ \t]*\r\n")


def teach_h11() -> None:
    for name, ours in (("_obsolete_line_fold", _no_folds), ("chunk_header_re", _CHUNK)):
        if not hasattr(h11._readers, name):
            raise RuntimeError(f"this is not the h11 we know: {name}")
        setattr(h11._readers, name, ours)
