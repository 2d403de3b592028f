"""What users and groups share: they go by name."""

from __future__ import annotations

import unicodedata
from typing import Any

from quart import Response

from tracker.errors import Invalid
from tracker.web.api import parameters as api


def name_of(given: Any) -> str:
    if not isinstance(given, dict):
        raise Invalid("not_an_object", "send one JSON object")
    name = given.get("name")
    if not isinstance(name, str):
        message = "`name` is a text"
        raise Invalid("missing", message, [{"field": "name", "code": "missing", "message": message}])
    return unicodedata.normalize("NFC", name)


def by_name(kind: str, all_of: dict[str, Any], shown: Any) -> Response:
    api.only("limit", "cursor")
    after, limit = api.place(lambda place: isinstance(place, str)), api.limit()
    names = sorted(name for name in all_of if after is None or name > after)
    told = [shown(all_of[name]) for name in names[:limit]]
    return api.answer({kind: told, "next": api.cursor(names[limit - 1]) if len(names) > limit else None})
