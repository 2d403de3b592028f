"""Counts: what became of the items of one request, and how that is answered."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.errors import Invalid
from tracker.pipeline.entries.batch import Answer
from tracker.protocols import Outcome, Reading, Reply
from tracker.web.ingest.addresses import replied
from tracker.web.server.answers import JSON, Answered, encode, problem

_HEADERS = {"content-type": JSON, "cache-control": "no-store"}


class Counts(msgspec.Struct):
    """What became of one request's items: accepted + duplicates + discarded + rejected = items."""

    accepted: int = 0
    late: int = 0
    held: int = 0
    duplicates: int = 0
    conflicts: int = 0
    discarded: int = 0  # understood, and nothing to keep
    ignored: int = 0  # values, not items
    rejected: int = 0
    errors: list[dict[str, Any]] = []
    quarantined: int | msgspec.UnsetType = msgspec.UNSET  # told where there are any

    def add_answer(self, answer: Answer) -> None:
        self.accepted += answer.accepted
        self.late += answer.late
        self.held += answer.held
        self.duplicates += answer.duplicates
        self.conflicts += answer.conflicts
        if answer.quarantined:
            self.quarantined = answer.quarantined + (self.quarantined or 0)

    def told(self, read: Reading) -> dict[str, Any]:
        self.rejected, self.errors = read.rejected, read.errors
        self.ignored, self.discarded = read.ignored, read.discarded
        told: dict[str, Any] = msgspec.to_builtins(self)
        if read.rejected > len(read.errors):
            told["more"] = read.rejected - len(read.errors)
        return told

    def answer(self, read: Reading) -> Answered:
        """In the words of a protocol; in ours 200 all fine, 207 some refused, 422 all refused."""
        if read.reply is not None:
            outcome = Outcome(self.accepted, self.duplicates, read.rejected, read.errors)
            return replied(read.reply if isinstance(read.reply, Reply) else read.reply(outcome))
        if not read.rejected:
            self.ignored, self.discarded = read.ignored, read.discarded
            return 200, _HEADERS, encode(self)
        if read.rejected < read.items:
            return 207, _HEADERS, encode(self.told(read))
        return problem(
            Invalid("all_rejected", "none of the positions could be taken; `errors` says why"), **self.told(read)
        )


def refusal(reading: Reading) -> Invalid | None:
    """Of a sender that is not to send, or not so called: somebody has to look at it, and its queue waits for that."""
    for error in reading.errors:
        if error["field"] == "vehicle":
            return Invalid(error["code"], error["message"])
    return None
