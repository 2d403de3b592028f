"""The page in the reader's language from its first byte: which language is wanted, and the sentences of `index.html`.

A language is a catalogue in `static/js/words`, called by its tag. The page itself is written in English; what it says
carries the key of its sentence, as `data-say` (a text) or `data-say-label` (a name).
"""

from __future__ import annotations

import html
import json
import re

ENGLISH = "en"
CATALOGUE = re.compile(r"js/words/([a-z]{2,3})\.js")

_TEXT = re.compile(r'(?<=data-say=")(?P<key>[\w.]+)("[^>]*>)(?P<said>[^<]*)')
_LABEL = re.compile(r'(?<=aria-label=")(?P<said>[^"]*)("[^>]* data-say-label="(?P<key>[\w.]+)")')


def wanted(accepted: str, known: list[str]) -> str:
    """The known language that an `Accept-Language` header likes best; English where it likes none."""
    liked: list[tuple[float, str]] = []
    for part in accepted.lower().split(","):
        tag, _, quality = part.partition(";")
        q = re.fullmatch(r"\s*q=(\d(?:\.\d{0,3})?)\s*", quality)
        weight = float(q[1]) if q else 1.0
        if (language := tag.strip().partition("-")[0]) in known and weight:
            liked.append((-weight, language))
    return min(liked, key=lambda one: one[0], default=(0.0, ENGLISH))[1]


def translated(page: str, language: str, catalogue: str) -> str:
    """`page` with the sentences that `catalogue`, the source of a module, has for its keys."""

    def sentence(place: re.Match[str]) -> str:
        found = re.search(rf'^\s*"?{re.escape(place["key"])}"?:\s*("(?:[^"\\]|\\.)*")', catalogue, re.MULTILINE)
        return html.escape(json.loads(found[1])) if found else place["said"]

    page = page.replace('<html lang="en"', f'<html lang="{language}"', 1)
    page = _TEXT.sub(lambda place: place["key"] + place[2] + sentence(place), page)
    return _LABEL.sub(lambda place: sentence(place) + place[2], page)
