"""Addresses: what is spoken where, and by whom a request there is to be read."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tracker.config import Settings, SettingsError
from tracker.errors import TrackerError, Unsupported
from tracker.protocols import Reply, Spoken, spoken
from tracker.web.server.answers import Answered, Scope, plain_problem, problem

HERE = "/ingest/"  #: below it every protocol: /ingest/NAME, /ingest/NAME/TOKEN and what a client puts behind that


def replied(reply: Reply) -> Answered:
    return reply.status, {"content-type": reply.type, "cache-control": "no-store", **reply.headers}, reply.body


class Address:
    """One path, and what is spoken there."""

    def __init__(self) -> None:
        self.spoken: list[Spoken] = []
        self.methods: dict[str, None] = {}  # in order
        self.choose = lru_cache(maxsize=64)(self._choose)  # senders say the same again and again

    def add_protocol(self, one: Spoken) -> None:
        self.spoken.append(one)
        self.methods |= dict.fromkeys(one.methods)

    def claims(self, method: str, query: str) -> bool:
        """Is a request ours, or of whoever else has this address?"""
        return all(one.claims is None or one.claims(method, query) for one in self.spoken)

    def problem(self, fault: TrackerError, **more: Any) -> Answered:
        """An error, in the words of the client family."""
        answer = problem(fault, **more)
        if (said := self.spoken[0].refusal) is None:
            return answer
        status, headers, _ = answer
        told, words, body = replied(said(status, fault.detail))
        return told, headers | words, body

    def _choose(self, method: str, content_type: bytes) -> Spoken:
        """The first that takes this type. Raises Unsupported."""
        kind, *parameters = content_type.decode("latin-1").lower().split(";")
        kind = kind.strip()
        one = next((one for one in self.spoken if method in one.methods and one.takes(kind)), None)
        if one is None:
            known = " or ".join(one.types[0] for one in self.spoken if one.types)
            raise Unsupported("unsupported_type", f"cannot read {kind[:60]!r}; send it with Content-Type: {known}")
        for parameter in parameters if one.types else ():
            name, _, charset = parameter.partition("=")
            if name.strip() == "charset" and charset.strip(" \"'") not in ("utf-8", "utf8", "us-ascii"):
                raise Unsupported("unsupported_charset", "JSON is UTF-8 here; leave the charset away")
        return one

    def refusal(self, method: str) -> Answered:
        """What the other methods are answered here."""
        allow = {"allow": ", ".join([*self.methods, "OPTIONS"])}
        if method == "OPTIONS":
            return 204, allow, b""
        socket = ", or open a WebSocket" if any(one.socket for one in self.spoken) else ""
        status, headers, body = plain_problem(405, f"{' or '.join(self.methods)} positions here{socket}")
        return status, headers | allow, body


class Target(NamedTuple):
    """Where a request goes."""

    here: Address
    name: str  # of the protocol, for whoever has to be let in
    token: str = ""  # in the path
    rest: str = ""  # of the path, without slashes around it


class Addresses:
    """Every path of every protocol."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._addresses: defaultdict[str, Address] = defaultdict(Address)
        self._names: defaultdict[str, Address] = defaultdict(Address)
        for one in map(self._prepared, spoken()):
            self._names[one.name].add_protocol(one)
            for path in one.addresses:
                self._addresses[path].add_protocol(one)
        for name in self._names:  # below its name there may be others too, told apart by their types
            self._names[name] = self._addresses.get(f"{HERE}{name}/", self._names[name])
        below = [path for path in self._addresses if path.endswith("/") and path != "/"]
        self._below = {path.partition("{token}/")[0]: path for path in sorted(below, key=len)}
        self._starts = (HERE, *self._below)

    def _prepared(self, one: Spoken) -> Spoken:
        """With what its file says. Raises SettingsError."""
        if one.prepare is None or not (name := getattr(self._settings, one.file)):
            return one
        try:
            return one._replace(read=one.prepare(Path(name).expanduser().read_text("utf-8")))
        except (OSError, UnicodeDecodeError, TrackerError) as fault:
            raise SettingsError(f"`{one.file}` is {name}: {fault}") from None

    def named(self, name: str) -> Address | None:
        return self._names.get(name)

    def has_socket(self, path: str) -> bool:
        here = self._addresses.get(path)
        return here is not None and any(one.socket for one in here.spoken)

    def target_at(self, scope: Scope) -> Target | None:
        """None: the address is somebody else's."""
        path: str = scope["path"]
        if here := self._addresses.get(path) or self._addresses.get(path.rstrip("/") or "/"):  # or `?id=…` alone
            query = scope["query_string"].decode("latin-1")
            return Target(here, here.spoken[0].name) if here.claims(scope["method"], query) else None
        if not path.startswith(self._starts):
            return None
        if path.startswith(HERE):
            name, _, rest = path.removeprefix(HERE).partition("/")
            token, _, rest = rest.partition("/")
            return Target(self._names[name], name, token, rest.strip("/")) if name in self._names else None
        start = next(start for start in reversed(self._below) if path.startswith(start))
        here, rest, token = self._addresses[self._below[start]], path.removeprefix(start), ""
        if self._below[start] != start:
            token, _, rest = rest.partition("/")
        return Target(here, here.spoken[0].name, token, rest.strip("/"))
