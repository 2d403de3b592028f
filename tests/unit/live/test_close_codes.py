from __future__ import annotations

from pathlib import Path

from tracker.live.close_codes import CLOSE_CODES, may_return


def test_close_codes_say_by_their_number_whether_to_come_back() -> None:
    for code in CLOSE_CODES:
        if code >= 4000:
            assert may_return(code) == (code < 4500)
    assert may_return(1006)
    assert not may_return(1009)


def test_every_close_code_is_documented() -> None:
    live = (Path(__file__).parents[3] / "docs" / "live.md").read_text(encoding="utf-8")
    for code in CLOSE_CODES:
        assert str(code) in live
