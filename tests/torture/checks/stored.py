"""What was acknowledged is stored once, and nothing is stored that was not sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

Fix = tuple[int, float, float]  #: time in ms, degrees


def check_stored(
    sent: Mapping[str, Sequence[Fix]], acknowledged: Mapping[str, int], stored: Mapping[str, Sequence[Fix]]
) -> Iterator[str]:
    """By vehicle: all that was ever sent, in order; how many of these were acknowledged; what a node says it has."""
    for vehicle, fixes in sent.items():
        found = stored.get(vehicle, [])
        count = acknowledged.get(vehicle, 0)
        missing = [fix for fix in fixes[:count] if fix not in set(found)]
        if missing:
            yield f"{vehicle}: {len(missing)} of {count} acknowledged pings are lost, the first of {missing[0][0]}"
        doubled = [fix for fix, times in Counter(found).items() if times > 1]
        if doubled:
            yield f"{vehicle}: {len(doubled)} pings are stored twice, the first of {doubled[0][0]}"
        strange = set(found) - set(fixes)
        if strange:
            yield f"{vehicle}: {len(strange)} pings were never sent, one of {min(strange)[0]}"
        if list(found) != sorted(found):
            yield f"{vehicle}: its track is in another order"
    for vehicle in stored.keys() - sent.keys():
        yield f"{vehicle}: nobody sent anything of it"
