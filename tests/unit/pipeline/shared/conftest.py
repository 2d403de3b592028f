"""Two nodes that share a fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.company import Company, Node


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    monkeypatch.setattr("tracker.pipeline.intake.PAUSE_S", 0.01)
    monkeypatch.setattr("tracker.pipeline.shared.ownership.AGAIN_S", 0.01)
    company = Company()
    yield company
    await company.end()


@pytest.fixture
async def a(company: Company) -> Node:
    return await company.join("a")


@pytest.fixture
async def b(company: Company, a: Node) -> Node:  # noqa: ARG001
    return await company.join("b")
