"""What a server made of a journal is made of its store again: the same events, and one hash of them."""

from __future__ import annotations

import asyncio
import random
import tempfile
from typing import Any

from hypothesis import given, settings

from tests.property.test_fleet import REGIONS, SEEDS, Entry, full_journal
from tests.property.test_journals import Clock
from tests.support.scenario import feature
from tracker.buses import open_bus
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.records import Actor
from tracker.pipeline.pipeline import Pipeline
from tracker.replay.canonical import Digest
from tracker.replay.past import stored
from tracker.replay.past.differences import Differences
from tracker.replay.past.stored import Stored
from tracker.replay.past.window import Choice, Rules, Window, play, stored_events
from tracker.stores import open_store

ANN = Actor("Ann", "")
AT_THEIR_MOMENT = Rules(None, None, None)


async def lived(folder: str, journal: list[Entry], rng: random.Random, fleet_settings: FleetSettings) -> None:
    """Through the real pipeline into a real store; held now and then, so that many entries wait behind each other."""
    clock, store, fleet = Clock(), open_store(folder), Fleet(fleet_settings)
    pipeline = Pipeline(fleet, store, open_bus("memory:"), Picture(), clock=clock)
    await pipeline.start()
    waiting: list[asyncio.Task[Any]] = []
    versions: dict[str, int] = {}
    for now, what, subject in journal:
        clock.now = max(clock.now, now)
        if what == "pings":
            waiting.append(asyncio.ensure_future(pipeline.submit(subject)))
        elif what == "save":
            drawn = []
            for id in subject:
                versions[id] = versions.get(id, 0) + 1
                geometry, properties = REGIONS[id][versions[id] % len(REGIONS[id])]
                drawn.append(feature(geometry, **properties) | {"id": id})
            await pipeline.save_regions(drawn, by=ANN)
        elif what == "delete" and subject in fleet.regions.regions:
            await pipeline.delete_region(subject, by=ANN)
        elif what == "remove" and subject in fleet.vehicles:
            await pipeline.remove_vehicle(subject, by=ANN)
        await asyncio.sleep(0)
        if rng.random() < 0.4:
            await asyncio.gather(*waiting)
    await asyncio.gather(*waiting)
    while (due := fleet.due_at()) is not None and due <= clock.now:
        await pipeline.submit([])
    await pipeline.stop()


def replayed(source: Stored, window: Window, patterns: list[str], rules: Rules) -> tuple[list[Event], str]:
    digest, told = Digest(), list[Event]()
    choice = Choice(source.known, patterns, [])

    def tell(event: Event) -> None:
        digest.add_event(event)
        told.append(event)

    play(source, window, choice, rules, tell, lambda _one: None)
    return told, digest.hexdigest()


def hash_of(events: list[Event]) -> str:
    digest = Digest()
    for event in events:
        digest.add_event(event)
    return digest.hexdigest()


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_what_is_stored_gives_the_events_there_were(seed: int, other: int) -> None:
    """Late, held, doubled and placeless messages, edits and removals in between; whatever a page holds."""
    rng = random.Random(other)
    journal = full_journal(seed)
    page = stored.PAGE
    stored.PAGE = rng.choice([1, 7, page])
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(lived(folder, journal, rng, FleetSettings(silence_s=60)))
            source = Stored(folder, journal[-1][0] + 1000)
            try:
                every = Window.around(None, None, None)
                before = list(stored_events(source, every, Choice(source.known, [], [])))
                told, hashed = replayed(source, every, [], AT_THEIR_MOMENT)
                assert Differences(before, told).found == []
                assert hashed == hash_of(before)
                at = rng.choice(journal)[0]
                part = Window.around(at, at + 120_000, None)
                wanted = [one for one in before if at <= one.time < at + 120_000]
                assert replayed(source, part, [], AT_THEIR_MOMENT)[1] == hash_of(wanted)
                vehicle = rng.choice(sorted(source.known.numbers))
                wanted = [one for one in before if one.vehicle == vehicle]
                assert replayed(source, every, [vehicle], AT_THEIR_MOMENT)[1] == hash_of(wanted)
            finally:
                source.close()
    finally:
        stored.PAGE = page
