"""What the page reads without a server is what is written today: fixtures/recorded, which tests/js reads."""

from __future__ import annotations

import json

import pytest

from tests.support.recorded import FOLDER, written
from tracker.bundles.archive import unpack


@pytest.fixture(scope="module")
def today() -> dict[str, bytes]:
    return written()


def test_the_bundle_of_the_fixtures_is_the_one_that_is_made_today(today: dict[str, bytes]) -> None:
    """But for how a zlib packs it."""
    kept = unpack((FOLDER / "evidence.zip").read_bytes())
    made = unpack(today["evidence.zip"])
    assert kept == made


def test_what_the_fixtures_expect_of_a_page_is_what_the_rules_tell_today(today: dict[str, bytes]) -> None:
    assert json.loads((FOLDER / "expected.json").read_text()) == json.loads(today["expected.json"])
