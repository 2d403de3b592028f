"""The lease rows of a database, in memory: what its SQL function has to do, said once more in Python."""

from __future__ import annotations

from tracker.nodes.leases import Round, Row, View


class Database:
    """`now` is its clock, in ms; each call is one transaction."""

    def __init__(self, partitions: int, lease_ms: int) -> None:
        self.lease_ms = lease_ms
        self.rows = [Row(None, 0) for _ in range(partitions)]
        self.until: dict[str, float] = {}  # by node

    def living(self, now: float) -> frozenset[str]:
        return frozenset(node for node, until in self.until.items() if until > now)

    def take_round(self, asked: Round, now: float) -> View:
        rows, node, living = self.rows, asked.node, self.living(now)
        for place, epoch in asked.gives:
            if rows[place] == (node, epoch):
                rows[place] = Row(None, epoch)
        if asked.leaves:
            self.until.pop(node, None)
            self.rows = [Row(None, row.epoch) if row.owner == node else row for row in rows]
            return View(self.living(now), list(self.rows))
        self.until[node] = now + self.lease_ms
        for place, epoch in asked.takes:
            if rows[place].epoch == epoch and rows[place].owner not in living:
                rows[place] = Row(node, epoch + 1)
        return View(self.living(now), list(rows))

    def commits(self, node: str, partition: int, epoch: int) -> bool:
        """Would it store what this node commits?"""
        return self.rows[partition] == (node, epoch)
