"""A PostgreSQL of its own for a run of tests: a fresh cluster in a temporary folder, on a free port, as no superuser of
the machine."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import free_port

MISSING = "no PostgreSQL: sudo apt-get install postgresql"


def binaries() -> Path | None:
    """Debian keeps the server's programs in no PATH."""
    found = shutil.which("initdb") or max(glob.glob("/usr/lib/postgresql/*/bin/initdb"), default=None)
    return Path(found).resolve().parent if found else None


class Cluster:
    """One server of PostgreSQL, on loopback; whoever connects is let in, but for those below."""

    def __init__(self, folder: Path, programs: Path, port: int) -> None:
        self.folder, self.programs, self.port = folder, programs, port
        self.data = folder / "data"

    def url(self, schema: str) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/postgres?schema={schema}"

    def run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*_as_somebody(), str(self.programs / program), *words],
            cwd=self.folder, capture_output=True, text=True, timeout=60, start_new_session=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout[-800:]} {done.stderr[-800:]}"

    def run_as_us(self, program: str, *words: str) -> None:
        done = subprocess.run([str(self.programs / program), *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{program}: {done.stderr[-800:]}"

    def make(self, settings: Sequence[str]) -> None:
        self.run("initdb", "--auth=trust", "--username=owner", "--encoding=UTF8", "--no-locale", "-D", str(self.data))
        lines = [f"port = {self.port}", "listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{self.folder}'"]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join([*lines, *settings]) + "\n")
        rules = self.data / "pg_hba.conf"
        rules.write_text("\n".join([*RULES, rules.read_text()]))

    def start(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-t", "50", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-t", "50", "-m", mode, "stop")

    @contextmanager
    def speaking_tls(self, cert: Path, key: Path) -> Iterator[None]:
        for file, name in ((cert, "server.crt"), (key, "server.key")):
            made = self.data / name
            made.write_bytes(file.read_bytes())
            made.chmod(0o600)
            if not os.geteuid():
                shutil.chown(made, "nobody", "nogroup")
        try:
            self._set("ssl = on")
            yield
        finally:
            self._set("ssl = off")

    def _set(self, line: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"{line}\n")
        self.run("pg_ctl", "-D", str(self.data), "reload")


def _as_somebody() -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid():
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


#: who has to say a password, and who has to speak TLS
RULES = ("host all tracker,guarded 127.0.0.1/32 scram-sha-256", "hostnossl all secured 127.0.0.1/32 reject")

#: what a test does not need: it is no test of PostgreSQL's own durability; and what comes by itself has transactions,
#: which for a moment hold back what has an order
HASTY = (
    "autovacuum = off",
    "fsync = off",
    "full_page_writes = off",
    "synchronous_commit = off",
    "shared_buffers = 32MB",
    "max_connections = 200",
)


@contextmanager
def cluster(settings: Sequence[str] = HASTY, where: Path | None = None) -> Iterator[Cluster]:
    """`where`: the folder for its folder."""
    programs = binaries()
    if programs is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="tracker-pg-", dir=where, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if not os.geteuid():
            shutil.chown(folder, "nobody", "nogroup")
        made = Cluster(folder, programs, free_port())
        made.make(settings)
        made.start()
        try:
            yield made
        finally:
            made.stop()
