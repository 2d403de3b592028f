"""Batch: the messages of one request, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tracker.fleet.fleet import Fleet, Known, Outcome, Step
from tracker.model.ping import Ping
from tracker.pipeline.entries.inbox import Entry
from tracker.pipeline.entries.journal import Messages, decide


class Answer(msgspec.Struct):
    """What became of a request's pings. `late`, `held` and `quarantined` are among the accepted, `conflicts` among the
    duplicates."""

    accepted: int = 0
    late: int = 0
    held: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0  # of vehicles nobody knows: kept apart


class Batch(Entry[Answer]):
    """It shares its transaction with others."""

    def __init__(self, now: int, pings: list[Ping]) -> None:
        super().__init__(now)
        self.pings: list[Ping] = pings
        self.known: Known = {}  # of their fixes, those only the store remembers

    def decide(self, fleet: Fleet) -> Step:
        return decide(fleet, Messages(self.now, self.pings), self.known)

    def answer(self) -> Answer:
        assert self.step is not None  # else it was refused
        count = self.step.outcomes.count
        late, held, conflicts = count(Outcome.LATE), count(Outcome.HELD), count(Outcome.CONFLICT)
        duplicates = count(Outcome.DUPLICATE) + conflicts
        return Answer(count(Outcome.ACCEPTED) + late + held, late, held, duplicates, conflicts)


def total(answers: Iterable[Answer]) -> Answer:
    fields = Answer.__struct_fields__
    return Answer(*map(sum, zip(*([getattr(answer, field) for field in fields] for answer in answers), strict=True)))
