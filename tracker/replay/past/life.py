"""Past: a recorded stretch of time, lived through by the fleet once more: messages and deeds in the order they came,
each at its time by the clock there was."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator

from tracker.fleet.fleet import Fleet, FleetSettings, Known, Outcome, Step
from tracker.model.commit import APART, StoredPing
from tracker.model.events import Event
from tracker.model.ping import Ping, has_place
from tracker.pipeline.clocks import SET_MS
from tracker.pipeline.entries.journal import (
    ClockSet,
    Entry,
    Messages,
    RegionsDeleted,
    RegionsSaved,
    VehicleRemoved,
    decide,
)
from tracker.replay.tally import Tally

AT_ONCE = 1_000  #: vehicles a timer or a region takes in one step
REMEMBERED = 100_000  #: fixes of a vehicle: no store is asked here whether an older one was there

Quiet = Callable[[Container[str]], Iterable[list[StoredPing]]]  # who was heard → the last messages of the others


class Past:
    """What is told of it goes to `tell`: events of [since, until), each once."""

    def __init__(
        self,
        settings: FleetSettings,
        tell: Callable[[Event], None],
        since: int,
        until: int,
    ) -> None:
        self._fleet = Fleet(settings, kept=False, remembers=REMEMBERED)
        self._tell = tell
        self._since, self._until = since, until
        self._now = 0
        self._quiet: Quiet | None = None
        self._gone: dict[str, array[int]] = {}  # vehicle → its fixes before it was removed
        self._removed: dict[str, int] = {}  # vehicle → when last
        self._made: set[str] = set()
        self.outcomes: Counter[str] = Counter()

    def play(
        self,
        deeds: Iterator[Entry],
        arrivals: Iterable[StoredPing],
        end: Callable[[], int],
        quiet: Quiet = lambda _heard: (),
    ) -> None:
        """`deeds` by their times, one goes before the messages of its instant; the clock runs on until `end`,
        asked last. `quiet`: when the window begins, the last messages of those who were not heard until then.
        """
        self._quiet = quiet
        deed = next(deeds, None)
        batch: list[Ping] = []
        for one in arrivals:
            at, ping = one.received_at, one.ping
            if batch and (at != self._now or ping.time < batch[-1].time):
                self._hear(batch)
                batch = []
            if at != self._now:
                while deed is not None and deed.now <= at:
                    self._do(deed)
                    deed = next(deeds, None)
                self._go_to(at)
            if one.taken == APART and has_place(ping):  # there was this fix already: kept for its alarm alone
                if batch:
                    self._hear(batch)
                    batch = []
                n = self._fleet.number(ping.vehicle)
                self._hear([ping], {} if n is None else {(n, ping.time): (ping.lat, ping.lon)})
                continue
            batch.append(ping)
        if batch:
            self._hear(batch)
        upto = max(end(), self._now)
        while deed is not None and deed.now <= upto:
            self._do(deed)
            deed = next(deeds, None)
        self._go_to(upto)

    def _wake(self, now: int) -> None:
        """Once the window begins, who was quiet until then is where it was, as if it had been heard when it was."""
        if now < self._since or self._quiet is None:
            return
        quiet, self._quiet = self._quiet, None
        for messages in quiet(self._fleet.vehicles):
            for one in messages:
                if one.received_at > self._removed.get(one.ping.vehicle, -1):
                    self._take(decide(self._fleet, Messages(one.received_at, [one.ping])))

    def _hear(self, pings: list[Ping], known: Known | None = None) -> None:
        for ping in pings if self._gone else ():
            self._recall(ping)
        step = decide(self._fleet, Messages(self._now, pings), known)
        self.outcomes.update(step.outcomes)
        self._take(step)

    def _recall(self, ping: Ping) -> None:
        """Whether an alarm goes on is told by the fixes beside it; a server asks its store for older ones."""
        vehicle = self._fleet.vehicles.get(ping.vehicle)
        if ping.alarm is not None and vehicle is not None and ping.vehicle in self._gone:
            vehicle.fixes = array("Q", sorted({*vehicle.fixes, *self._gone.pop(ping.vehicle)}))

    def _go_to(self, now: int) -> None:
        self._wake(now)
        if now < self._now - SET_MS:  # somebody set the clock back
            decide(self._fleet, ClockSet(self._now, now - self._now))
        self._now = now
        fleet = self._fleet
        while (due := fleet.due_at()) is not None and due <= now:
            if step := fleet.fire(now, AT_ONCE):
                self._take(step)

    def _do(self, deed: Entry) -> None:
        self._wake(deed.now)
        fleet, live = self._fleet, self._fleet.regions.regions
        if type(deed) is RegionsSaved:
            news = [one for one in deed.regions if one.id not in live or one.version > live[one.id].version]
            if not news:
                return
            deed = RegionsSaved(deed.now, news)
        elif type(deed) is RegionsDeleted:
            deed = RegionsDeleted(deed.now, [id for id in deed.ids if id in live])
        elif type(deed) is VehicleRemoved:
            self._removed[deed.vehicle] = deed.now
            if (vehicle := fleet.vehicles.get(deed.vehicle)) is not None:
                self._gone[deed.vehicle] = self._gone.get(deed.vehicle, array("Q")) + vehicle.fixes
        self._take(decide(fleet, deed))
        while step := fleet.evaluate(AT_ONCE):
            self._take(step)

    def _take(self, step: Step) -> None:
        for event in step.change.events:
            if event.id not in self._made:  # as a store keeps it: the first of one id
                self._made.add(event.id)
                if self._since <= event.time < self._until:
                    self._tell(event)

    def tally(self) -> Tally:
        count = self.outcomes
        late, held, conflicts = count[Outcome.LATE], count[Outcome.HELD], count[Outcome.CONFLICT]
        duplicates = count[Outcome.DUPLICATE] + conflicts
        accepted = count[Outcome.ACCEPTED] + late + held
        return Tally(count.total(), accepted, late, held, duplicates=duplicates, conflicts=conflicts)
