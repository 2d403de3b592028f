"""The first acknowledgement of an event stands: all who were answered heard of the same one, and it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def check_acked(answered: Sequence[tuple[str, str]], kept: Mapping[str, str | None]) -> Iterator[str]:
    """(event, whose acknowledgement stands) by the answers; whose is kept, by event."""
    for event, by in answered:
        if kept.get(event) != by:
            yield f"event {event}: the acknowledgement of {by} was answered, and that of {kept.get(event)} is kept"
