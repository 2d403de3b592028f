"""Routes: the addresses of a resource. What answers is a function of the node, the grant of whoever asks, and what the
address names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from quart import Blueprint, Response

from tracker.node import Node
from tracker.web.api import parameters as api

Answers = Callable[..., Awaitable[Response]]


class Routes:
    def __init__(self, name: str, node: Node) -> None:
        self.blueprint = Blueprint(name, __name__)
        self._node = node

    def add(self, address: str, **methods: Answers) -> None:
        for method, answers in methods.items():
            self.blueprint.add_url_rule(address, f"{method} {address}", self._bound(answers), methods=[method])

    def _bound(self, answers: Answers) -> Answers:
        async def view(**named: Any) -> Response:
            return await answers(self._node, api.grant(), **named)

        return view
