"""Why the server ends a connection, and whether its client should come back. docs/live.md tells strangers."""

from __future__ import annotations

from typing import NamedTuple


class Close(NamedTuple):
    code: int
    name: str
    meaning: str


RESTART, SLOW, SILENT, IDLE, REVOKED, FAULT = 4001, 4002, 4003, 4004, 4005, 4006
BAD_MESSAGES, FLOOD, SIGNED_OUT = 4500, 4501, 4502

#: why the server ends a connection: below 4500 come back (after a while), from 4500 on do not
CLOSE_CODES = {
    code: Close(code, name, meaning)
    for code, name, meaning in (
        (1008, "flood", "more frames a second than any client needs; come back slower"),
        (1009, "too_big", "a message larger than `limits.message_bytes`"),
        (1012, "restart", "the server stops; come back after the `after_ms` of its `bye`"),
        (RESTART, "restart", "the server stops; come back after the `after_ms` of its `bye`"),
        (SLOW, "slow", "nothing was read for 5 s while data was waiting"),
        (SILENT, "silent", "no frame of any kind for 45 s, not even the answer to a ping"),
        (IDLE, "idle", "nothing was followed within 10 s"),
        (REVOKED, "revoked", "what you may see has changed"),
        (FAULT, "fault", "the server made a mistake; come back after the `after_ms` of its `bye`"),
        (BAD_MESSAGES, "bad_messages", "too many messages that could not be read"),
        (FLOOD, "flood", "more messages a second than `limits.messages_per_s`"),
        (SIGNED_OUT, "signed_out", "the session, token or link that opened it has ended"),
    )
}


def may_return(code: int) -> bool:
    """Whether a client should reconnect after this close code."""
    return not 4500 <= code <= 4999 and code not in (1008, 1009)
