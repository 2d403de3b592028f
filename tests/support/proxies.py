"""Real proxies before a server, configured by the lines of docs/proxies.md, each an ordinary user's process."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.servers import ROOT, Answer
from tests.support.waiting import deadline, free_port, until_sync

NAME = "map.example.com"
PAGE = (ROOT / "docs" / "proxies.md").read_text()

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {site}
}}
"""
_CADDY = """
{{
    admin off
    auto_https disable_redirects
    storage file_system {folder}/storage
    servers {{
        protocols h1 h2
    }}
}}
{site}
"""


def lines_for(program: str) -> str:
    """What docs/proxies.md has for it, as an operator would copy it."""
    found = re.search(rf"^```{program}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/proxies.md has no lines for {program}"
    return found[1]


def program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    package = {"nginx": "nginx-light"}.get(name, name)
    return path or pytest.skip(f"no {name}: sudo apt-get install {package}")


class Proxy:
    """nginx or Caddy on a free port, with TLS for its name, before a server on `upstream`."""

    def __init__(self, kind: str, upstream: int, site: str | None = None, name: str = NAME) -> None:
        self.name = name
        self.port = free_port()
        self.kind = kind
        self.folder = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
        authority = Authority(self.folder)
        cert, key = authority.issue(name)
        self.tls = authority.trusting()
        self.authority = authority.file
        site = lines_for({"nginx": "nginx", "caddy": "caddyfile"}[kind]) if site is None else site
        for ours, here in (
            ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
            ("listen 443", f"listen 127.0.0.1:{self.port}"),
            (f"{name} {{", f"{name}:{self.port} {{"),
            (f"/etc/ssl/{name}.pem", str(cert)),
            (f"/etc/ssl/{name}.key", str(key)),
        ):
            site = site.replace(ours, here)
        config = self.folder / "config"
        config.write_text({"nginx": _NGINX, "caddy": _CADDY}[kind].format(folder=self.folder, site=site))
        command = {
            "nginx": [program("nginx"), "-e", f"{self.folder}/log", "-p", str(self.folder), "-c", str(config)],
            "caddy": [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)],
        }[kind]
        self.process = self._start(command)
        until_sync(self._is_up, f"{kind} listens", 20)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        as_nobody: dict[str, Any] = {}
        if os.getuid() == 0:
            as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")
        with (self.folder / "output").open("wb") as output:
            return subprocess.Popen(command, cwd=self.folder, env=environ, stdout=output, stderr=output, **as_nobody)

    def _is_up(self) -> bool:
        said = (self.folder / "output").read_text()
        assert self.process.poll() is None, f"{self.kind} ended with {self.process.returncode}: {said}"
        with suppress(OSError):
            self._connect().close()
            return True
        return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(deadline(5))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def origin(self) -> str:
        return f"https://{self.name}:{self.port}"

    @property
    def ws(self) -> str:
        return f"wss://{self.name}:{self.port}/fleet/api/v1/live"

    def _connect(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), deadline(20), source_address=(source, 0))
        try:
            return self.tls.wrap_socket(plain, server_hostname=self.name)
        except OSError:
            plain.close()
            raise

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, server_hostname=self.name)

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, source: str = "127.0.0.1"
    ) -> Answer:
        """One request on a connection of its own; `source`: the client's address."""
        connection = http.client.HTTPSConnection(self.name, self.port)
        connection.sock = self._connect(source)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
