"""The leak hunt in real pages: short here, long as a part of `make leaks`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.leaks.page import hunt
from tests.leaks.walk import Leak

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS = int(os.environ.get("PAGE_STEPS", "20"))


async def test_no_page_keeps_or_is_told_what_its_reader_may_not_have(tmp_path: Path, browser: Browser) -> None:
    try:
        seen = await hunt(tmp_path, browser, "1", STEPS)
    except Leak as leak:
        pytest.fail(str(leak))
    assert seen > 100, "they are told what they may have"
