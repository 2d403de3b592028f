"""Routes of the live channel: the socket, and the streams and polls beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from quart import Quart

from tracker.node import Node
from tracker.web.live import stream
from tracker.web.live.channel import PATH, Live
from tracker.web.live.stream import OPENING as OPENING
from tracker.web.server import sockets


def install(app: Quart, node: Node) -> None:
    """Put the live channel into an app whose node is started before."""
    live = Live(node)
    app.extensions["live"] = live
    node.statistics["live"] = live.statistics
    sockets.install(app, {PATH: sockets.Route(live.serve_socket)}, partial(node.access.check, "CONNECT"))
    sockets.on_drain(app, live.drain)
    app.register_blueprint(stream.blueprint(live))

    @app.while_serving
    async def living() -> AsyncGenerator[None]:
        await live.start()
        try:
            yield
        finally:
            await live.stop()
