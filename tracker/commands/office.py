"""Office: a command that changes what is in a folder goes through its server; where none runs, through the same server
in this process. So there is one way in, and each change is checked and kept alike."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click

from tracker.access.console import NAME as CONSOLE
from tracker.access.console import Console, read_console
from tracker.config import Settings
from tracker.errors import StoreLocked, TrackerError
from tracker.replay.connection import TIMEOUT_S as ELSEWHERE_S
from tracker.replay.connection import Connection

TIMEOUT_S = 30
WAIT_S = 2  #: for work to come further: the server answers sooner when it has
STARTING_S, AGAIN_S = 10.0, 0.2  #: how long a server that has the folder may take until it answers; asked so often


class Answer(NamedTuple):
    status: int
    raw: bytes

    @property
    def body(self) -> Any:
        return _document(self.raw)


class Office:
    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's document. Raises Refused with what the server says."""
        return _document(self.fetch(method, path, body))

    def fetch(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer as it came. Raises Refused with what the server says."""
        answer = self.send(method, path, None if body is None else json.dumps(body).encode())
        if answer.status >= 400:
            raise Refused(answer.body if isinstance(answer.body, dict) else {}, answer.status)
        return answer.raw

    def pages(self, path: str, name: str) -> Iterator[Any]:
        """Every item of a list."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.ask("GET", f"{path}?cursor={cursor}" if cursor else path)
            yield from page[name]
            cursor = page["next"]

    def watch(self, path: str, work: Any, label: str) -> Any:
        """The document of work that takes long, once it is over; how far it is goes to standard error."""
        with click.progressbar(length=100, label=label, file=sys.stderr) as bar:
            told = 0
            while work["state"] in ("waiting", "working"):
                work = self.ask("GET", f"{path}?wait_s={WAIT_S}")
                done = int(100 * work["progress"])
                bar.update(done - told)
                told = done
        return work

    def send(self, method: str, path: str, body: bytes | None) -> Answer:
        raise NotImplementedError


class Server(NamedTuple):
    """Another one than that of a folder."""

    url: str
    token: str | None
    ca: str | None


class Refused(TrackerError):
    def __init__(self, problem: dict[str, Any], status: int) -> None:
        Exception.__init__(self, problem.get("detail", ""))
        self.code = str(problem.get("code", "http_error"))
        self.detail = str(problem.get("detail") or f"the server answered {status}")
        self.errors = problem.get("errors", [])


@contextlib.contextmanager
def told_by(options: Mapping[str, str]) -> Iterator[None]:
    """What a server says of a field is said of the option that told it: the command was used wrongly."""
    try:
        yield
    except Refused as fault:
        if not any(one.get("field") in options for one in fault.errors):
            raise
        said = fault.detail
        for field, option in options.items():
            said = said.replace(f"`{field}`", option)
            said = said.replace(field, option) if "_" in field else said  # no word of prose
        raise click.UsageError(said) from None


@contextlib.contextmanager
def office(settings: Settings | Server, new: bool = False, patience_s: float = TIMEOUT_S) -> Iterator[Office]:
    """Of this folder, whether its server runs or not; or of a server somewhere, as whoever its token is of.

    `new`: there may be no folder yet. `patience_s`: so long an answer may take. Raises TrackerError where there has to
    be a folder, StoreLocked when its server runs and cannot be asked, Failed when one elsewhere does not answer.
    """
    if isinstance(settings, Server):
        patience_s = max(patience_s, ELSEWHERE_S)
        connection = Connection(*settings, told=lambda text: click.echo(text, err=True), timeout_s=patience_s)
        with contextlib.closing(connection):
            yield _Elsewhere(connection)
        return
    if (beside := _beside(settings, patience_s)) is not None:
        yield beside
        return
    if not new and not settings.has_data:
        raise TrackerError("no_data", f"there is no folder {settings.folder}; name another with --data")
    logging.basicConfig(level=logging.ERROR, format="tracker: %(message)s")  # what the server's log would hear
    with asyncio.Runner() as runner:
        until = time.monotonic() + STARTING_S
        while True:
            try:
                ours: _Within | _Beside | None = _Within(runner, settings)
            except StoreLocked:
                ours = _beside(settings, patience_s)  # it was only starting, perhaps
            if ours is not None:
                break
            if time.monotonic() > until:
                raise StoreLocked(
                    f"a server uses {settings.place} and cannot be asked from here: run this as the user it runs as, "
                    "or again in a while where it is still starting"
                )
            time.sleep(AGAIN_S)
        try:
            yield ours
        finally:
            if isinstance(ours, _Within):
                ours.close()


def _beside(settings: Settings, patience_s: float) -> _Beside | None:
    console = read_console(settings.folder)
    if console is None or not _Beside(console).is_there():
        return None
    return _Beside(console, patience_s)


class _Beside(Office):
    """The server that runs, asked over the loopback."""

    def __init__(self, console: Console, patience_s: float = TIMEOUT_S) -> None:
        self._console = console
        self._patience_s = patience_s

    def is_there(self) -> bool:
        """The one of this folder: another, on the port of one that was killed, does not know its secret."""
        try:
            answer = self.send("GET", "/api/v1/session", None)
        except TrackerError:
            return False
        return answer.status == 200 and isinstance(answer.body, dict) and answer.body.get("name") == CONSOLE

    def send(self, method: str, path: str, body: bytes | None) -> Answer:
        """Raises TrackerError when no answer comes."""
        where = self._console
        if where.tls:
            context = ssl.create_default_context()  # the secret is what we know each other by
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                where.host, where.port, timeout=self._patience_s, context=context
            )
        else:
            connection = http.client.HTTPConnection(where.host, where.port, timeout=self._patience_s)
        try:
            headers = {"authorization": f"Bearer {where.secret}", "content-type": "application/json"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as fault:
            raise TrackerError(
                "no_answer", f"the server of this folder ended, or does not answer ({fault}): its log says why"
            ) from None
        finally:
            connection.close()


class _Elsewhere(Office):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, method: str, path: str, body: bytes | None) -> Answer:
        """Raises Failed when nobody answers."""
        response = self._connection.request(method, path, body)
        return Answer(response.status, response.content)


class _Within(Office):
    """No server runs: one without a port does what is asked, and ends."""

    def __init__(self, runner: asyncio.Runner, settings: Settings) -> None:
        from tracker.web.app import create_app

        self._runner = runner
        self._app = create_app(settings)
        self._node = self._app.extensions["node"]
        self._secret = self._node.doorman.open_console()
        runner.run(self._node.start())

    def send(self, method: str, path: str, body: bytes | None) -> Answer:
        return self._runner.run(self._send(method, path, body))

    async def _send(self, method: str, path: str, body: bytes | None) -> Answer:
        headers = {"authorization": f"Bearer {self._secret}", "content-type": "application/json"}
        client: Any = self._app.test_client()
        answer = await client.open(path, method=method, headers=headers, data=body or b"")
        return Answer(answer.status_code, await answer.get_data(as_text=False))

    def close(self) -> None:
        self._runner.run(self._node.stop())


def _document(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
