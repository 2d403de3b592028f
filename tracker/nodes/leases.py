"""Leases: which partitions one node owns, and what it asks of the database about them, round after round.

The database has a row for each partition (owner, epoch) and one for each node (until when it counts as living, by the
database's own clock). A round is one transaction there: the node says that it lives, gives up what it has to, takes
what is free, and is answered how everything is. To take is to add one to the epoch, by which each commit is checked;
that is what keeps two nodes from one vehicle. All that is done here beyond it is to be fair, quick and quiet.

Times are ms of a clock that nobody sets, of this node alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Terms(NamedTuple):
    lease_ms: int = 700  #: for so long the database counts a node as living after a round of it
    drift: float = 0.01  #: what the clocks of node and database may differ by in rate
    pause_ms: int = 100  #: that may pass between `epoch_of` and what is then done

    @property
    def safe_ms(self) -> float:
        """For so long after it asked a node goes by what it was answered. The lease began later than that."""
        return self.lease_ms * (1 - self.drift) - self.pause_ms

    @property
    def round_ms(self) -> float:
        """Between two rounds: three may be lost."""
        return self.lease_ms / 5


class Row(NamedTuple):
    owner: str | None
    epoch: int


class Round(NamedTuple):
    """What a node asks. Said twice, or late, it does no harm: it gives up and takes nothing of another epoch."""

    node: str  # of one run: after a restart it is another
    sent: float
    gives: Sequence[tuple[int, int]] = ()  # (partition, its epoch)
    takes: Sequence[tuple[int, int]] = ()  # (partition, the epoch it was free in)
    leaves: bool = False  # it lives no more, and nothing is its own


class View(NamedTuple):
    """How everything is after that."""

    living: frozenset[str]  # nodes whose lease has not ended
    rows: Sequence[Row]  # by partition

    def owner(self, partition: int) -> str | None:
        """None: nobody who lives."""
        owner = self.rows[partition].owner
        return owner if owner in self.living else None


class Turn(NamedTuple):
    """What a node has to do now."""

    lost: list[int]  # forget its vehicles
    gained: list[tuple[int, int]]  # (partition, epoch): load its vehicles, then say `ready`
    stops: list[int]  # let the commits under way end, then say `drained`


class Held:
    """A partition whose row says that it is ours."""

    __slots__ = ("drained", "epoch", "ready", "stops")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.ready = False  # its vehicles are in memory
        self.stops = False  # it is to be given up
        self.drained = False  # … and nothing of it is under way

    @property
    def is_loaded(self) -> bool:
        return self.ready and not self.drained


class Leases:
    """Of one node."""

    def __init__(self, node: str, terms: Terms | None = None) -> None:
        self.node = node
        self._terms = terms or Terms()
        assert self._terms.safe_ms > 2 * self._terms.round_ms, "one lost round must not stop a node"
        self._held: dict[int, Held] = {}
        self._view = View(frozenset(), ())
        self._owned_as_of: View | None = None
        self._owned_by: dict[str, frozenset[int]] = {}
        self._takes: list[tuple[int, int]] = []
        self._asked = self._heard = float("-inf")  # the newest round, the newest that was answered
        self._leaves = False

    # -- rounds -------------------------------------------------------------------------------------------------------

    @property
    def due(self) -> float:
        """When to ask next: at once if something changes by it."""
        if self._heard == self._asked and (self._takes or any(self._gives()) or self._may_leave()):
            return self._asked
        return self._asked + self._terms.round_ms

    def ask(self, now: float) -> Round:
        self._asked = now
        takes = [] if self._leaves else self._takes
        return Round(self.node, now, list(self._gives()), takes, self._may_leave())

    def take_view(self, asked: Round, view: View) -> Turn:
        """The answer to a round. It may come late: one after a newer one is not listened to."""
        if asked.sent <= self._heard:
            return Turn([], [], [])
        self._heard, self._view = asked.sent, view
        own = {place: row.epoch for place, row in enumerate(view.rows) if view.owner(place) == self.node}
        lost = [place for place, held in self._held.items() if own.get(place) != held.epoch]
        for place in lost:
            del self._held[place]
        gained = [(place, epoch) for place, epoch in own.items() if place not in self._held]
        self._held |= {place: Held(epoch) for place, epoch in gained}
        counts = counted(view)
        share = shares(counts, len(view.rows))
        self._takes = [(place, view.rows[place].epoch) for place in free_for(self.node, view, counts, share)]
        too_many = len(own) if self._leaves else len(own) - share.get(self.node, 0)
        return Turn(lost, gained, self._stop(too_many))

    def _stop(self, too_many: int) -> list[int]:
        """Choose what is given up, beside what is already: first what is not served yet."""
        more = too_many - sum(held.stops for held in self._held.values())
        kept = [place for place, held in sorted(self._held.items()) if not held.stops]
        stops = sorted(kept, key=lambda place: (self._held[place].ready, -place))[: max(more, 0)]
        for place in stops:
            self._held[place].stops = True
        return stops

    def _gives(self) -> Iterator[tuple[int, int]]:
        return ((place, held.epoch) for place, held in self._held.items() if held.drained)

    def _may_leave(self) -> bool:
        return self._leaves and not self.has_left and all(held.drained for held in self._held.values())

    # -- what the node says of itself ---------------------------------------------------------------------------------

    def ready(self, partition: int, epoch: int) -> None:
        """Its vehicles are loaded, as they were once this epoch had begun."""
        if (held := self._held.get(partition)) is not None and held.epoch == epoch:
            held.ready = True

    def drained(self, partition: int) -> bool:
        """Nothing of what was to be stopped is under way any more. Answers whether it is given up next."""
        held = self._held.get(partition)
        if held is None or not held.stops:
            return False
        held.drained = True
        return True

    def give_up(self) -> Turn:
        """Give up everything, and go when all of it is drained."""
        self._leaves = True
        return Turn([], [], self._stop(len(self._held)))

    @property
    def has_left(self) -> bool:
        return self._leaves and self.node not in self._view.living

    # -- what is asked of it for each ping ----------------------------------------------------------------------------

    def epoch_of(self, partition: int, now: float) -> int | None:
        """By which epoch to commit something of this partition that comes now. None: it is not ours to take."""
        held = self._held.get(partition)
        if held is None or held.stops or not held.ready or now >= self._heard + self._terms.safe_ms:
            return None
        return held.epoch

    def may_commit(self, partition: int, now: float) -> int | None:
        """By which epoch to commit what was taken before: also of what is about to be given up, or was just loaded."""
        held = self._held.get(partition)
        return None if held is None or now >= self._heard + self._terms.safe_ms else held.epoch

    def owned(self, *, ready: bool = False) -> dict[int, int]:
        """Partitions whose rows say that they are ours, and their epochs; or only those whose vehicles are in
        memory."""
        held = self._held.items()
        return {place: one.epoch for place, one in held if not ready or one.is_loaded}

    def is_loaded(self, partition: int) -> bool:
        """Its row says that it is ours, and its vehicles are in memory."""
        held = self._held.get(partition)
        return held is not None and held.is_loaded

    def is_known(self, partition: int) -> bool:
        """Its row says that it is ours, and nobody knows better how its vehicles are: also when it is about to be given
        up."""
        held = self._held.get(partition)
        return held is not None and held.ready

    @property
    def living(self) -> frozenset[str]:
        return self._view.living

    def owned_by(self) -> dict[str, frozenset[int]]:
        """Each node that lives, and its partitions."""
        if self._owned_as_of is not self._view:
            view = self._owned_as_of = self._view
            found: dict[str, set[int]] = {node: set() for node in view.living}
            for place in range(len(view.rows)):
                if (owner := view.owner(place)) is not None:
                    found[owner].add(place)
            self._owned_by = {node: frozenset(places) for node, places in found.items()}
        return self._owned_by

    def owner_of(self, partition: int, now: float) -> str | None:
        """Whom to ask, as far as is known. None: nobody, just now."""
        if partition >= len(self._view.rows):  # nothing was heard yet
            return None
        owner = self._view.owner(partition)
        return owner if owner != self.node or self.epoch_of(partition, now) is not None else None


# -- fair shares: every node finds the same from the same view ---------------------------------------------------------


def counted(view: View) -> dict[str, int]:
    """How many each living node owns."""
    owners = Counter(row.owner for row in view.rows)
    return {node: owners[node] for node in sorted(view.living)}


def shares(counts: Mapping[str, int], partitions: int) -> dict[str, int]:
    """How many each shall own, within one of each other. One that has more than the least keeps it, so that nothing
    moves where all is fair, and whoever is on the way to its share stays so."""
    if not counts:
        return {}
    least, more = divmod(partitions, len(counts))
    ranked = sorted(counts, key=lambda node: (counts[node] <= least, node))
    return {node: least + (rank < more) for rank, node in enumerate(ranked)}


def free_for(node: str, view: View, counts: Mapping[str, int], share: Mapping[str, int]) -> list[int]:
    """The partitions of nobody that are this node's to take: no two take the same."""
    free = [place for place in range(len(view.rows)) if view.owner(place) is None]
    for one, has in counts.items():
        take = max(share[one] - has, 0)
        if one == node:
            return free[:take]
        free = free[take:]
    return []
