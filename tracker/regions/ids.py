"""Ids: those of another program's file as regions may have them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any

from tracker.regions.region import ID, region_id

UNADDRESSABLE = (".", "..", "preview")  #: told rather than made into another


class Ids:
    """Ids of one file as a region may have them; the same file gives the same ones."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}  # id → what it was made of

    def read_id(self, given: Any) -> str | None:
        """Raises Invalid for what is no id."""
        if given is None:
            return None
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        if isinstance(given, int | float) and not isinstance(given, bool):
            given = str(given)
        if not isinstance(given, str) or not given.strip() or ID.fullmatch(given) or given in UNADDRESSABLE:
            return region_id(given)
        made = addressable(given)
        if self._made.setdefault(made, given) != given:
            made = f"{made[:55]}-{_digest(given)}"
        return made


def addressable(id: str) -> str:
    """Another program's id (`way/1234`) as one that an address can hold; the same one always gives the same."""
    letters = unicodedata.normalize("NFKD", id).encode("ascii", "ignore").decode()
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-.")
    if id.isascii() and ID.fullmatch(made):
        return made
    return f"{made[:55]}-{_digest(id)}".strip("-")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
