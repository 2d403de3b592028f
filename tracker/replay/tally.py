"""Tally: what became of every point, counted once."""

from __future__ import annotations

from collections import Counter

import msgspec

EXAMPLES = 3  #: refused points shown of each reason
COUNTS = (
    "sent", "accepted", "late", "held", "quarantined", "duplicates", "conflicts", "discarded", "ignored", "rejected",
)  # fmt: skip


class Tally(msgspec.Struct):
    """accepted + duplicates + discarded + rejected = sent. Accepted are `late`, `held` and `quarantined` too,
    duplicates `conflicts`."""

    sent: int = 0
    accepted: int = 0
    late: int = 0
    held: int = 0
    quarantined: int = 0  # of vehicles the server does not know: somebody has to let them in
    duplicates: int = 0
    conflicts: int = 0
    discarded: int = 0  # understood, with nothing to keep
    ignored: int = 0  # values that cannot be right, left out of what was accepted
    rejected: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    examples: dict[str, list[str]] = {}  # reason → where, and what the server said

    def refuse(self, reason: str, example: str) -> None:
        self.reasons[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(example)

    @property
    def answered(self) -> int:
        return self.accepted + self.duplicates + self.discarded + self.rejected

    def add_tally(self, other: Tally) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.reasons.items():
            self.reasons[reason] += count
            known = self.examples.setdefault(reason, [])
            known += other.examples.get(reason, [])[: EXAMPLES - len(known)]

    def lines(self, items: int, skipped: Counter[str]) -> list[str]:
        """The summary, one count a line, `name: number`, reasons in brackets. What stands in it adds up to `items`."""
        lines = [f"items: {items}"]
        told = [name for name in COUNTS if name != "rejected" and (name != "quarantined" or self.quarantined)]
        lines += [f"{name}: {getattr(self, name)}" for name in told]
        lines.append(f"rejected: {self.rejected}" + _reasons(self.reasons))
        lines.append(f"skipped: {skipped.total()}" + _reasons(skipped))
        if (left := items - skipped.total() - self.answered) > 0:
            lines.append(f"not played: {left}")
        return lines


def _reasons(counts: Counter[str]) -> str:
    told = ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))
    return f" ({told})" if told else ""
