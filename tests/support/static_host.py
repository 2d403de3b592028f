"""A static host: nginx with the lines of docs/fleetday.md, files, and nothing behind it."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Mapping
from typing import Any

from tests.support.proxies import Proxy
from tests.support.servers import ROOT
from tests.support.waiting import deadline

_LOG = """
log_format ranges '$body_bytes_sent $uri';
include /etc/nginx/mime.types;
"""


class Host(Proxy):
    def __init__(self, files: Mapping[str, bytes], page: bool = False) -> None:
        """`page`: with the page beside them, as docs/fleetday.md tells to copy it."""
        lines = re.search(
            r"^```\n(location .*?)^```", (ROOT / "docs" / "fleetday.md").read_text(), re.MULTILINE | re.DOTALL
        )
        assert lines is not None
        here = lines[1].replace("/srv/days", "days")
        super().__init__("nginx", 0, f"{_LOG} server {{ listen 443; access_log access ranges; root days; {here} }}")
        days = self.folder / "days"
        days.mkdir()
        for name, content in files.items():
            (days / name).write_bytes(content)
        if page:
            shutil.copy(ROOT / "static" / "index.html", days)
            shutil.copytree(ROOT / "static", days / "static")
        if os.getuid() == 0:
            for path in (days, *days.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def read(self, name: str) -> int:
        """How many bytes of a file were sent."""
        told = [line.split(maxsplit=1) for line in (self.folder / "access").read_text().splitlines()]
        return sum(int(sent) for sent, uri in told if uri == f"/{name}")

    def _connect(self, source: str = "127.0.0.1") -> Any:
        return socket.create_connection(("127.0.0.1", self.port), deadline(20), source_address=(source, 0))
