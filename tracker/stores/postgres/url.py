"""`postgresql://user:password@host:port/database?schema=tracker`: one schema of a database holds one tracker."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tracker.config import SettingsError, without_password

SCHEMA = "tracker"  #: where nothing else is said


class Place(NamedTuple):
    dsn: str  # what the driver takes
    schema: str

    @property
    def quoted(self) -> str:
        return quoted(self.schema)

    def __str__(self) -> str:
        """Without the password: for logs and errors."""
        parts = urlsplit(self.dsn)
        where = parts.netloc.rpartition("@")[2]
        return f"schema {self.schema} of postgresql://{where}{parts.path}"


def quoted(name: str) -> str:
    """As SQL says a name."""
    return '"' + name.replace('"', '""') + '"'


def place_of(url: str) -> Place:
    """Raises SettingsError."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if "@" in parts.path or not all(re.fullmatch(r"(\[[^\[\]]+\]|[^\[\]:]*)(:\d{1,5})?", host) for host in hosts):
        raise SettingsError(
            f"store = {without_password(url)!r} names no host and port; in a password / is written %2F, @ %40, ? %3F"
        )
    asked = parse_qsl(parts.query, keep_blank_values=True)
    schema = dict(asked).get("schema", SCHEMA)
    if not re.fullmatch(r"[^\x00-\x1f]{1,60}", schema) or schema.startswith("pg_"):
        raise SettingsError(f"store: {schema!r} is no name of a schema (1 to 60 characters, not beginning with pg_)")
    query = urlencode([one for one in asked if one[0] != "schema"])
    return Place(urlunsplit(parts._replace(query=query)), schema)
