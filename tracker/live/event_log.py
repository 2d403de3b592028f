"""Event log: the newest events of the log, shared by all viewers. What is older is read from the store."""

from __future__ import annotations

from collections.abc import Callable

from tracker.access.grants import WHOLE, Showing
from tracker.live import messages
from tracker.live.cursor import NO_MARK, mark_of
from tracker.model.events import ERASED, Event, erased

MOST = 5_000  #: events kept, 7 MB; a viewer that has not been told of the oldest is continued from the store
SPARE = MOST // 10  #: of them go at once: so this is rare


class Told:
    """One event, encoded once for all who are shown as much of it, with the regions its vehicle was in then."""

    __slots__ = ("_texts", "event", "regions")

    def __init__(self, event: Event, regions: frozenset[str]) -> None:
        self.event = event
        self.regions = regions
        self._texts: dict[Showing, bytes] = {}

    def text(self, showing: Showing = WHOLE) -> bytes:
        if (text := self._texts.get(showing)) is None:
            text = self._texts[showing] = messages.encode(messages.event(showing.of(self.event)))
        return text

    def change(self, event: Event) -> None:
        """The same event with another acknowledgement, or erased."""
        self.event, self._texts = event, {}


class Recent:
    """Events `first` to `last` by seq, without a gap; `first` > `last` when there are none."""

    def __init__(self) -> None:
        self.first = 1
        self.last = 0
        self._mark = NO_MARK  # of the event `last` …
        self._unmarked = ""  # … or its id, as long as nobody asked: few ask
        self._before = NO_MARK  # of the one before `first`
        self._told: list[Told] = []
        self._by_id: dict[str, Told] = {}
        self._expected: dict[str, frozenset[str]] = {}  # durable events without a number → where their vehicles were

    @property
    def mark(self) -> bytes:
        """Of the event `last`."""
        if self._unmarked:
            self._mark, self._unmarked = mark_of(self._unmarked), ""
        return self._mark

    def restore(self, events: list[Event], last: int, inside: dict[str, frozenset[str]]) -> None:
        """Begin with the newest events of the store (ascending, ending at `last`) and where vehicles are now.

        Going back from now, an `enter` says the vehicle was not inside before it, an `exit` that it was.
        """
        self.first, self.last = last + 1, last
        self._told, self._by_id = [], {}
        if not events or events[-1].seq != last:
            return
        self._told = with_regions(events, inside)
        self._by_id = {one.event.id: one for one in self._told}
        self.first = events[0].seq
        self._unmarked = events[-1].id
        if self.first > 1:
            self._trim(1)

    def expect(self, id: str, regions: frozenset[str]) -> None:
        """An event will come that happened while its vehicle was in these regions: by then it may be elsewhere."""
        self._expected[id] = regions
        if len(self._expected) > MOST:
            del self._expected[next(iter(self._expected))]

    def add_event(self, told: Told) -> None:
        """The next event. One that was heard before is dropped; after a gap the older ones are left to the store."""
        regions = self._expected.pop(told.event.id, None)
        if regions is not None and told.event.kind != ERASED:
            told.regions = regions
        seq = told.event.seq
        assert seq > 0, "an event in the log has its number"
        if seq <= self.last:
            return
        if seq != self.last + 1:
            self._told, self._by_id, self.first = [], {}, seq
            self._before = bytes(5)
        self.last = seq
        self._unmarked = told.event.id
        self._told.append(told)
        self._by_id[told.event.id] = told
        if len(self._told) >= MOST + SPARE:
            self._trim(SPARE)

    def _trim(self, count: int) -> None:
        for old in self._told[:count]:
            self._by_id.pop(old.event.id, None)
        self._before = mark_of(self._told[count - 1].event.id)
        del self._told[:count]
        self.first += count

    def mark_of(self, seq: int) -> bytes | None:
        """The mark of an event; None for those only the store knows."""
        if seq == self.first - 1:
            return self._before if seq else NO_MARK
        if not self.first <= seq <= self.last:
            return None
        return mark_of(self._told[seq - self.first].event.id)

    def since(self, seq: int) -> list[Told]:
        """Those after this seq; ask only when `seq + 1 >= first`."""
        return self._told[seq + 1 - self.first :]

    def newest(self, sees: Callable[[Told], bool]) -> Told | None:
        """The newest that somebody may see."""
        return next(filter(sees, reversed(self._told)), None)

    def erase(self, vehicles: frozenset[str]) -> None:
        """Nothing more is told of these vehicles' events than that there were some."""
        for told in self._told:
            if told.event.vehicle in vehicles:
                told.change(erased(told.event))
                told.regions = frozenset()

    def find(self, id: str) -> Told | None:
        return self._by_id.get(id)


def with_regions(events: list[Event], inside: dict[str, frozenset[str]]) -> list[Told]:
    """Ascending events with the regions their vehicles were in, from where they were after the last one."""
    regions = {vehicle: set(names) for vehicle, names in inside.items()}
    told: list[Told] = []
    for event in reversed(events):
        now = regions.setdefault(event.vehicle, set())
        told.append(Told(event, frozenset(now)))
        if event.region is not None and event.kind == "enter":
            now.discard(event.region)
        elif event.region is not None and event.kind == "exit":
            now.add(event.region)
    told.reverse()
    return told
