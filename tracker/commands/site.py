"""Site: one address on the web, and how to speak to it; with a token, where one was named and nobody else hears it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tracker.access.handshake import trusting
from tracker.config import SettingsError

ANSWER_S = 10.0  #: for any answer
OURS = "urn:tracker:problem:"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object it holds; empty when it holds none."""
        try:
            document: Any = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def code(self) -> str:
        """Of a problem that the tracker itself told; empty for anybody else's answer."""
        kind = str(self.json().get("type", ""))
        return kind.removeprefix(OURS) if kind.startswith(OURS) else ""


class Site:
    """One address, and how to speak to it."""

    def __init__(self, url: str, ca: str | None = None, token: str | None = None) -> None:
        """Raises SettingsError for what is no address, and for a file that holds no authority."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise SettingsError(f"{url!r} is no address; it looks like https://map.example.com/fleet/")
        self.secure = parts.scheme == "https"
        self.host, self.port = parts.hostname, port or (443 if self.secure else 80)
        self.path = parts.path.rstrip("/")
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.netloc = shown if self.port == (443 if self.secure else 80) else f"{shown}:{self.port}"
        self.origin = f"{parts.scheme}://{self.netloc}"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self.context = trusting(ca)
        except OSError as fault:  # ssl.SSLError too
            raise SettingsError(f"--ca {ca}: no authority in there ({fault.strerror or fault})") from None

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    def connect(self, timeout_s: float = ANSWER_S) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout_s)
        try:
            return self.context.wrap_socket(plain, server_hostname=self.host) if self.secure else plain
        except BaseException:
            plain.close()
            raise

    def trust_nobody(self) -> None:
        """From now on whoever is there is spoken to, and told no secret."""
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.headers = {}

    def get(self, path: str, base: str | None = None) -> Answer:
        """Raises OSError, HTTPException."""
        connection = http.client.HTTPConnection(self.netloc)
        connection.sock = self.connect()
        try:
            connection.request("GET", (self.path if base is None else base) + path, headers=self.headers)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read(2**20))
        finally:
            connection.close()
