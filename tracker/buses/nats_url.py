"""Where NATS is, and how to get in: tls://user:password@a:4222,b:4222/NAME?ca=FILE."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from tracker.config import SettingsError, without_token

PORT = 4222
FILES = ("ca", "cert", "key", "creds")
FORM = "nats://host:4222, or tls://user:password@one:4222,other:4222/NAME?ca=FILE"


class Place(NamedTuple):
    servers: list[str]  # scheme://host:port
    tls: bool
    name: str  # of what we say there: two installations may share a server
    user: str | None = None
    password: str | None = None
    token: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    creds: str | None = None

    def way_in(self) -> dict[str, Any]:
        """What the client is told. Reads the files anew. Raises OSError, ValueError."""
        told: dict[str, Any] = {"user": self.user, "password": self.password, "token": self.token}
        if self.tls:
            for file in filter(None, (self.ca, self.cert, self.key)):
                Path(file).read_bytes()  # ssl does not say which it could not read
            told["tls"] = ssl.create_default_context(cafile=self.ca)
            if self.cert:
                told["tls"].load_cert_chain(self.cert, self.key)
        if self.creds:
            jwt, told["signature_cb"] = read_credentials(Path(self.creds).read_text())
            told["user_jwt_cb"] = lambda: bytearray(jwt.encode())
        return {name: value for name, value in told.items() if value is not None}


def place_of(url: str) -> Place:
    """Raises SettingsError."""
    shown = without_token(url)
    parts = urlsplit(url)
    way, _, hosts = parts.netloc.rpartition("@")
    found = [re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(?::(\d{1,5}))?", host) for host in hosts.split(",")]
    if "@" in parts.path or not all(found) or any(int(one[2] or PORT) > 65535 for one in found if one):
        raise SettingsError(f"bus = {shown!r} names no hosts; it looks like {FORM}, and in a password / is %2F, @ %40")
    name = parts.path.strip("/") or "tracker"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise SettingsError(f"bus = {shown!r}: the name {name!r} has other characters than letters, digits, - and _")
    given = dict(parse_qsl(parts.query))
    if unknown := sorted(given.keys() - set(FILES)):
        raise SettingsError(f"bus = {shown!r} has {unknown[0]!r}; what it may have is {', '.join(FILES)}")
    tls = parts.scheme == "tls"
    if not tls and (useless := sorted(given.keys() & {"ca", "cert", "key"})):
        raise SettingsError(f"bus = {shown!r}: {useless[0]!r} is of no use without TLS; say tls://")
    if "key" in given and "cert" not in given:
        raise SettingsError(f"bus = {shown!r}: 'key' is of no use without 'cert'")
    user, colon, password = way.partition(":")
    servers = [f"{parts.scheme}://{one[1]}:{one[2] or PORT}" for one in found if one]
    place = Place(servers, tls, name, **given)
    if colon:
        place = place._replace(user=unquote(user), password=unquote(password))
    elif user:
        place = place._replace(token=unquote(user))
    try:
        place.way_in()
    except (OSError, ValueError) as fault:
        raise SettingsError(f"bus = {shown!r}: {_said(fault)}") from None
    return place


def read_credentials(text: str) -> tuple[str, Callable[[str], bytes]]:
    """The JWT of a .creds file, and what signs with its seed. Raises ValueError."""
    parts = re.findall(r"-+BEGIN ([A-Z ]+)-+\s+(\S+)\s+-+END", text)
    found = dict(parts)
    jwt, seed = found.get("NATS USER JWT"), found.get("USER NKEY SEED", "")
    try:
        secret = base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]  # before it what it is, after it a checksum
    except ValueError:
        secret = b""
    if not jwt or len(secret) < 32:
        raise ValueError("the file of 'creds' has no JWT and seed of a user")
    return jwt, lambda nonce: base64.b64encode(_sign(secret, nonce.encode()))


def _sign(secret: bytes, message: bytes) -> bytes:
    from nacl.signing import SigningKey

    return bytes(SigningKey(secret).sign(message).signature)


def _said(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return f"a file of its certificates cannot be used ({fault.reason or fault})"
    if isinstance(fault, OSError) and fault.filename:
        return f"cannot read {fault.filename}: {fault.strerror}"
    return str(fault)
