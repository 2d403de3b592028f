"""A hub that knows nothing yet."""

from __future__ import annotations

import pytest

from tracker.live.hub import Hub
from tracker.model.picture import Picture


@pytest.fixture
def hub() -> Hub:
    hub = Hub(Picture())
    hub.begin(epoch=b"abcd", t0=0)
    return hub
