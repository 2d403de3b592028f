"""Dry: `tracker replay --store` without a server: the events a stretch of what is stored gives, and their hash."""

from __future__ import annotations

import sys
from typing import TextIO

import msgspec

from tracker.formats import Unreadable
from tracker.model.commit import StoredPing
from tracker.model.events import Event
from tracker.regions.importing import read_all
from tracker.regions.region import Region
from tracker.replay.canonical import Digest
from tracker.replay.offline import explain, load_regions, shown
from tracker.replay.past.differences import Differences
from tracker.replay.past.report import FORMATS
from tracker.replay.past.stored import Source
from tracker.replay.past.window import Choice, Rules, Window, missing, play, stored_events
from tracker.replay.progress import Progress
from tracker.replay.tally import Tally

DONE, FAILED = 0, 1
DIFFERENT = 1  #: with --diff, as diff(1) has it


def dry_run(
    source: Source,
    window: Window,
    choice: Choice,
    rules: Rules,
    events: TextIO | None,
    summary: TextIO,
    diff: str | None,
) -> int:
    """`events`: where they go; `diff`: the format in which they are compared with those there were."""
    progress = Progress(sys.stderr, None)
    if gone := missing(source, window.begins, window.ends):
        progress.say(f"partial: {gone}; events that they decided are not told again, and the hash is another")
    digest, told = Digest(), list[Event]()
    vehicles, heard = set[str](), 0

    def tell(event: Event) -> None:
        digest.add_event(event)
        if events is not None:
            events.write(msgspec.json.encode(shown(event)).decode() + "\n")
        if diff is not None:
            told.append(event)

    def hear(one: StoredPing) -> None:
        nonlocal heard
        heard += 1
        vehicles.add(one.ping.vehicle)
        if heard % 5_000 == 0:
            progress.update(heard, one.ping.time)

    past = play(source, window, choice, rules, tell, hear)
    progress.update(heard, None, last=True)
    if events is not None:
        events.flush()
    _sum_up(summary, past.tally(), heard, len(vehicles), len(digest))
    code = DONE if heard or len(digest) else FAILED
    if code == FAILED:
        progress.say("nothing to play: there is no message of these vehicles in this window")
    if diff is not None:
        before = list(stored_events(source, window, choice))
        differences = Differences(before, told)
        FORMATS[diff](differences, sys.stdout)
        sys.stdout.flush()
        then = Digest()
        for event in before:
            then.add_event(event)
        print(f"stored: {len(then)} events, hash {then.hexdigest()}", file=summary)
        code = DIFFERENT if differences.found else DONE
    print(f"hash: {digest.hexdigest()}", file=sys.stderr, flush=True)
    return code


def _sum_up(stream: TextIO, tally: Tally, heard: int, vehicles: int, events: int) -> None:
    print(f"vehicles: {vehicles}", f"messages: {heard}", sep="\n", file=stream)
    if tally.sent > heard:
        print(f"played around them, without a word: {tally.sent - heard}", file=stream)
    for name in ("accepted", "late", "held", "duplicates"):
        print(f"{name}: {getattr(tally, name)}", file=stream)
    print(f"events: {events}", file=stream, flush=True)


def read_regions_file(path: str, source: Source) -> list[Region]:
    """One without an id that is called like one of the store's is that one."""
    features = load_regions(path)
    known: dict[str, set[str]] = {}
    ids: set[str] = set()
    for saved in source.region_log():
        ids.add(saved.id)
        if saved.feature is not None:
            known.setdefault(saved.feature["properties"].get("name") or saved.id, set()).add(saved.id)
    taken = {one.feature["id"] for one in features if isinstance(one.feature, dict) and "id" in one.feature}
    for at, one in enumerate(features):
        if not isinstance(one.feature, dict) or "id" in one.feature:
            continue
        called = known.get(str((one.feature.get("properties") or {}).get("name")), set())
        if len(called) == 1 and not called & taken:
            taken |= called
            features[at] = one._replace(feature=one.feature | {"id": min(called)})
    found = read_all(features, 0, lambda index: f"region-{index + 1}")
    if (refusal := found.refusal()) is not None:
        raise Unreadable(explain(refusal, path), usage=True)
    return [msgspec.structs.replace(region, version=1) for region in found.regions]
