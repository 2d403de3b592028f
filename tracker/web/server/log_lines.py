"""Log lines: one entry is one line, whatever a client put into it; of a fault the lines below are set in."""

from __future__ import annotations

import logging
import re

from tracker.times import rfc3339

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"

#: what ends a line, moves a cursor or colours a terminal; and what turns letters around
_ACTS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Lines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(FORMAT)

    def formatTime(self, record: logging.LogRecord, _datefmt: str | None = None) -> str:
        return rfc3339(int(record.created * 1000))

    def formatMessage(self, record: logging.LogRecord) -> str:
        return _ACTS.sub(_named, super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        told = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join("    " + _ACTS.sub(_named, line) for line in told.split("\n"))


def _named(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def write_log(level: str) -> None:
    """To stderr, from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)  # that a database is away we say ourselves, in a line
