"""Machines on one network, each with processes, addresses and files of its own: namespaces, for which one has to be root.

What a machine writes below /etc, /opt and /var is seen by it alone. `systemctl` there starts what units say (units.py).
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.servers import ROOT
from tests.support.waiting import deadline
from tracker import __version__

MISSING = "network namespaces need root"
OURS = "10.0.0.254"  #: the address of the tests on that network
_NETWORK = 0x40000000  #: CLONE_NEWNET

#: it ends with whoever began it, however that ends
_APART = [
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-euc",
]
_SWITCH = f"""
ip link add switch type bridge
ip address add {OURS}/24 dev switch
ip link set switch up; ip link set lo up
echo up; exec sleep infinity
"""
_MACHINE = """
mount -t tmpfs machine {folder}
for name in etc opt var; do
    mkdir {folder}/$name {folder}/$name.work
    mount -t overlay -o lowerdir=/$name,upperdir={folder}/$name,workdir={folder}/$name.work overlay /$name
done
mount -t tmpfs run /run
mkdir -p /run/lock /opt/tracker/bin
ip link set lo up
echo up; exec sleep infinity
"""


class Space:
    """Namespaces that last as long as their first process."""

    def __init__(self, script: str) -> None:
        self.holder = subprocess.Popen([*_APART, script], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout
        assert self.holder.stdout.readline() == "up\n", "namespaces cannot be had"
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children")
        self.pid = int(children.read_text())

    def run(self, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        words = ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid", "sh", "-euc"]
        return subprocess.run(
            [*words, f"cd {ROOT}\n{command}"],
            env=os.environ | environ, capture_output=True, text=True, timeout=deadline(60),
        )  # fmt: skip

    def close(self) -> None:
        self.holder.kill()
        self.holder.wait(deadline(10))
        if self.holder.stdout:
            self.holder.stdout.close()


class Machine(Space):
    def __init__(self, network: Space, address: str, folder: Path) -> None:
        folder.mkdir()
        super().__init__(_MACHINE.format(folder=folder))
        self.address = address
        name = f"port{address.rpartition('.')[2]}"
        wire = f"ip link add {name} master switch up type veth peer name eth0 netns {self.pid}"
        done = subprocess.run(["nsenter", "--target", str(network.pid), "--net", *wire.split()], capture_output=True)
        assert done.returncode == 0, done.stderr
        self.do(f"ip address add {address}/24 dev eth0; ip link set eth0 up")
        self.install()
        stand_in = f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/support/units.py "$@"\n'
        self.do(f"mkdir /opt/bin; printf %s {shlex.quote(stand_in)} > /opt/bin/systemctl; chmod +x /opt/bin/systemctl")

    def install(self, version: str = __version__) -> None:
        """This program, as `pip install` would; or as if it were another version."""
        code = f"import tracker, runpy; tracker.__version__ = '{version}'; runpy.run_module('tracker', alter_sys=True)"
        program = f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -P -c "{code}" "$@"\n'
        path = "/opt/tracker/bin/tracker"
        self.do(f"printf %s {shlex.quote(program)} > {path}; chmod +x {path}")

    def do(self, command: str, **environ: str) -> str:
        """As root, in the checkout. What it prints; it has to go well."""
        done = self.run(command, PATH=f"/opt/bin:{os.environ['PATH']}:/usr/sbin", **environ)
        assert done.returncode == 0, f"{self.address}: {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout


@contextmanager
def machines(folder: Path, *addresses: str) -> Iterator[list[Machine]]:
    """Of these addresses; whoever asks for them is on their network, and on no other, until it is over."""
    if os.geteuid() or sys.platform != "linux":
        pytest.skip(MISSING)
    spaces: list[Space] = []
    try:
        network = Space(_SWITCH)
        spaces.append(network)
        made = []
        for address in addresses:
            made.append(Machine(network, address, folder / address))
            spaces.append(made[-1])
        with _on(network):
            yield made
    finally:
        for space in reversed(spaces):
            space.close()


@contextmanager
def _on(network: Space) -> Iterator[None]:
    """Sockets this thread makes, and threads and processes it starts, are there."""
    with Path("/proc/thread-self/ns/net").open() as home, Path(f"/proc/{network.pid}/ns/net").open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _NETWORK):
        raise OSError(ctypes.get_errno(), "setns")
