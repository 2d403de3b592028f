"""Pages: which of the one-byte code pages a table was saved in, which nothing in it says: that in which its titles
are words we know."""

from __future__ import annotations

import re

from tracker.formats.names import NAMES, plain, speed_unit

WESTERN = "cp1252"  #: what spreadsheets write when nobody asks them
_PAGES = (
    WESTERN,
    "cp1250",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp1253",
    "cp1254",
    "cp850",
    "cp437",
    "mac-roman",
    "mac-cyrillic",
)
_KNOWN = frozenset(title for titles in NAMES.values() for title in titles)
#: four letters of the upper half in a row: no western word has them
_CYRILLIC = re.compile(rb"[\xc0-\xff]{4}")


def find_page(line: bytes) -> str:
    """The page of a line of titles, "" when none of its titles is known in any."""
    best, page = 0, ""
    for candidate in _PAGES:
        cells = re.split(r"[,;\t|]", line.decode(candidate, "replace"))
        known = sum(not cell.isascii() and _is_known(plain(cell)) for cell in cells)
        if known > best:
            best, page = known, candidate
    return page


def guess_page(line: bytes) -> str:
    """The page of a line of anything else."""
    return "cp1251" if _CYRILLIC.search(line) else WESTERN


def _is_known(title: str) -> bool:
    return title in _KNOWN or speed_unit(title) is not None
