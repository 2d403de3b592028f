"""Routes: the addresses of a resource. What answers is a function of the node, the grant of whoever asks, and what the
address names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from quart import Blueprint, Response

from tracker.access.grants import WATCH
from tracker.node import Node
from tracker.web.api import parameters as api

Answers = Callable[..., Awaitable[Response]]


class Routes:
    def __init__(self, name: str, node: Node) -> None:
        self.blueprint = Blueprint(name, __name__)
        self._node = node

    def add(self, address: str, verb: str | None = WATCH, /, **methods: Answers) -> None:
        """`verb`: what whoever asks must be allowed at least; None: nothing."""
        for method, answers in methods.items():
            bound = self._read if method == "GET" else self._bound
            self._rule(address, method, bound(answers, verb))

    def add_open(self, address: str, answers: Answers) -> None:
        """What tells nothing of the fleet, and is a function of the node alone."""
        self._rule(address, "GET", partial(answers, self._node))

    def _rule(self, address: str, method: str, view: Answers) -> None:
        self.blueprint.add_url_rule(address, f"{method} {address}".replace(".", " "), view, methods=[method])

    def _bound(self, answers: Answers, verb: str | None) -> Answers:
        async def view(**named: Any) -> Response:
            return await answers(self._node, api.grant(verb), **named)

        return view

    def _read(self, answers: Answers, verb: str | None) -> Answers:
        """What was read for a grant that is another by the time it is told is read once more."""
        access, bound = self._node.access, self._bound(answers, verb)

        async def view(**named: Any) -> Response:
            while True:
                grant = api.grant(None)
                response = await bound(**named)
                now = access.again(grant)
                if now is grant or now.key() == grant.key():
                    return response
                api.set_grant(now)

        return view
