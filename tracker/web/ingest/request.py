"""Request: one under way, and what is kept and told of it once it is answered."""

from __future__ import annotations

from collections.abc import Mapping

from tracker.node import Node
from tracker.pipeline.entries.batch import Answer
from tracker.protocols import Reading, Spoken
from tracker.web.ingest.bodies import Body
from tracker.web.ingest.capture import Capture, tally
from tracker.web.ingest.counts import Counts
from tracker.web.ingest.hearing import Hearing
from tracker.web.ingest.senders import Sender


class Request:
    """`read` is what its items were, `counts` what became of them."""

    def __init__(self, headers: Mapping[bytes, bytes], body: Body, hearing: Hearing, capture: Capture) -> None:
        self.hearing = hearing
        self.capture = capture
        self.sender: Sender | None = None  # once it is known who asks
        self.headers = headers
        self.body = body
        self.read = Reading()
        self.counts = Counts()

    def begin_again(self) -> None:
        """The next from the same sender."""
        self.read, self.counts = Reading(), Counts()
        self.hearing.forget()
        self.capture.is_kept = False

    def take_answer(self, node: Node, one: Spoken, reading: Reading, answer: Answer) -> None:
        """What a document brought is stored."""
        self.counts.add_answer(answer)
        self.read = reading
        if self.sender and self.sender.token is not None:
            self.hearing.took(reading.pings)
        tally(node, one.name, reading, self.counts)

    def end(self, status: int) -> None:
        """It is answered."""
        if (sender := self.sender) is None:
            return
        counts = self.counts
        became = {"accepted": counts.accepted, "held": counts.held, "duplicates": counts.duplicates}
        if sender.token is not None:
            self.hearing.tell_outcome(sender.token, self.read, became, sender.wrong)
        if not self.capture.is_kept:
            became |= {"rejected": self.read.rejected, "discarded": self.read.discarded}
            self.capture.keep(sender, status, sender.wrong, became)
