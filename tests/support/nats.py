"""A NATS server of its own for a test: on a free port, as an ordinary user's process, with nothing on the disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.waiting import free_port, until_sync

MISSING = "no nats-server: sudo apt-get install nats-server"


#: the lines of a server that speaks nothing else; its files are server.pem and server.key
TLS = 'tls { cert_file: "server.pem", key_file: "server.key" }'


class Server:
    """nats-server of Debian; `lines` go into its configuration, and the files are beside it."""

    def __init__(self, lines: str = "", *files: Path) -> None:
        program = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin")
        self.program = program or pytest.skip(MISSING)
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="tracker-nats-"))
        self.file = self.folder / "nats.conf"
        self.file.write_text(f'host: "127.0.0.1"\nport: {self.port}\n{lines}\n')
        copies = [shutil.copy(file, self.folder) for file in files]
        if not os.geteuid():
            for one in (self.folder, self.file, *copies):
                shutil.chown(one, "nobody", "nogroup")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        as_somebody = [] if os.geteuid() else ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [*as_somebody, self.program, "-c", str(self.file)],
            cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        until_sync(self._greets, "NATS greets", 20)

    def _greets(self) -> bool:
        assert self.process and self.process.poll() is None, (self.folder / "log").read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as line:
            return line.recv(4) == b"INFO"
        return False

    def send_signal(self, which: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(which)
        if which == signal.SIGSTOP:
            until_sync(self._is_stopped, "each of its threads has stopped")

    def _is_stopped(self) -> bool:
        assert self.process
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        return all(one.read_text().rpartition(")")[2].split()[0] == "T" for one in threads)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def server(lines: str = "", *files: Path) -> Iterator[Server]:
    made = Server(lines, *files)
    try:
        made.start()
        yield made
    finally:
        made.close()
