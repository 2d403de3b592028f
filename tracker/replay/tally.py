"""Tally: what became of every point, counted once."""

from __future__ import annotations

from collections import Counter

import msgspec

EXAMPLES = 3  #: refused points shown of each reason


class Tally(msgspec.Struct):
    """accepted + duplicates + rejected = sent. `late` and `held` are accepted too, `conflicts` duplicates."""

    sent: int = 0
    accepted: int = 0
    late: int = 0
    held: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    examples: dict[str, list[str]] = {}  # reason → where, and what the server said

    def refuse(self, reason: str, example: str) -> None:
        self.reasons[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(example)

    def add(self, other: Tally) -> None:
        for name in ("sent", "accepted", "late", "held", "duplicates", "conflicts", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.reasons.items():
            self.reasons[reason] += count
            known = self.examples.setdefault(reason, [])
            known += other.examples.get(reason, [])[: EXAMPLES - len(known)]

    def lines(self, skipped: Counter[str]) -> list[str]:
        """The summary, one count a line, `name: number`, reasons in brackets."""
        lines = [f"{name}: {getattr(self, name)}" for name in ("sent", "accepted", "late", "held")]
        lines += [f"{name}: {getattr(self, name)}" for name in ("duplicates", "conflicts")]
        lines.append(f"rejected: {self.rejected}" + _reasons(self.reasons))
        if skipped:
            lines.append(f"skipped: {skipped.total()}" + _reasons(skipped))
        return lines


def _reasons(counts: Counter[str]) -> str:
    told = ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))
    return f" ({told})" if told else ""
