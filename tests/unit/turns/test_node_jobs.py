"""A node runs the jobs of its parts, counts them, and ends them before the store is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.waiting import until
from tracker.config import Settings
from tracker.node import Node
from tracker.turns.jobs import Job


async def test_what_its_parts_want_done_is_done_while_a_node_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(Settings(data=str(tmp_path / "data")))
    looked: list[int] = []

    async def look(now: int) -> None:
        looked.append(now)

    monkeypatch.setattr(node.store, "jobs", lambda: [Job("look", 0.001, look)])
    await node.start()
    await until(lambda: len(looked) > 2, "it is looked again and again")
    assert node.statistics["jobs"]().rounds >= 2
    await node.stop()
    before = len(looked)
    node.jobs.begin_due()
    await node.jobs.finish_begun()
    assert len(looked) == before


async def test_the_files_of_its_store_are_looked_at(tmp_path: Path) -> None:
    node = Node(Settings(data=str(tmp_path / "data")))
    assert [job.name for job in node.store.jobs()] == ["look for the store's files", "compact"]
