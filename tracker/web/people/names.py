"""What users, groups and tokens share: names, and a version that guards changes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from quart import Response, request

from tracker.errors import Invalid
from tracker.node import Node
from tracker.web.api import parameters as api


def name_of(given: Any) -> str:
    if not isinstance(given, dict):
        raise Invalid("not_an_object", "send one JSON object")
    name = given.get("name")
    if not isinstance(name, str):
        raise Invalid.of_field("name", "`name` is a text", "missing")
    return unicodedata.normalize("NFC", name)


def by_name(kind: str, all_of: dict[str, Any], shown: Any) -> Response:
    api.only("limit", "cursor")
    after, limit = api.place(lambda place: isinstance(place, str)), api.limit()
    names = sorted(name for name in all_of if after is None or name > after)
    told = [shown(all_of[name]) for name in names[:limit]]
    return api.answer({kind: told, "next": api.cursor(names[limit - 1]) if len(names) > limit else None})


def versioned(node: Node, kind: str, key: str, document: dict[str, Any]) -> dict[str, Any]:
    return document | {"version": node.directory.versions.get((kind, key), 0)}


def answered(node: Node, kind: str, key: str, document: dict[str, Any], status: int = 200, **headers: str) -> Response:
    document = versioned(node, kind, key, document)
    return api.answer(document, status, etag=f'"{document["version"]}"', **headers)


def guard(node: Node, kind: str, key: str, shown: Callable[[], dict[str, Any]]) -> Callable[[], None]:
    """What raises Conflict, now and when it is asked again in its turn, where If-Match names another version than there
    is. `shown`: the document as it is by then."""
    given = request.headers.get("if-match")

    def check() -> None:
        if given is not None:
            version = node.directory.versions.get((kind, key), 0)
            api.check_version(given, f"{kind} {key!r}", version, lambda: versioned(node, kind, key, shown()))

    check()
    return check
