"""`systemctl` of a machine without systemd: starts and stops what units say, as whom and with which settings they say.

Of a unit it reads [Service]: ExecStart, User, WorkingDirectory, StateDirectory, EnvironmentFile. What is written goes to
/var/log/UNIT.log.
"""

from __future__ import annotations

import configparser
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = [Path("/etc/systemd/system"), Path("/lib/systemd/system")]


def service(name: str) -> dict[str, str]:
    for folder in UNITS:
        file = folder / f"{name}.service"
        if file.is_file():
            unit = configparser.RawConfigParser(strict=False)
            unit.optionxform = str  # type: ignore[assignment,method-assign]
            unit.read(file)
            return dict(unit["Service"])
    sys.exit(f"Unit {name}.service could not be found.")


def start(name: str) -> None:
    told = service(name)
    environ = {"PATH": os.environ["PATH"], "HOME": "/root"}
    file = Path(told.get("EnvironmentFile", "").removeprefix("-"))
    if file.is_file():
        lines = (line.partition("=") for line in file.read_text().splitlines() if line[:1].isalpha())
        environ |= {key: value.strip('"') for key, _, value in lines}
    if "StateDirectory" in told:
        Path("/var/lib", told["StateDirectory"]).mkdir(exist_ok=True)
    user = told.get("User")
    words = shlex.split(told["ExecStart"])
    if user:
        # what a unit may have by AmbientCapabilities: here to listen at 443
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
        environ["HOME"] = f"/var/lib/{user}"
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    with Path(f"/var/log/{name}.log").open("ab") as log:
        began = subprocess.Popen(
            words, cwd=told.get("WorkingDirectory", "/"), env=environ,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    Path(f"/run/{name}.pid").write_text(str(began.pid))


def stop(name: str) -> None:
    file = Path(f"/run/{name}.pid")
    if file.is_file():
        process = Path("/proc", file.read_text())
        end = time.monotonic() + float(service(name).get("TimeoutStopSec", "15").removesuffix("s"))
        number: int = signal.SIGTERM
        while _runs(process):
            os.kill(int(process.name), number)
            number = 0 if time.monotonic() < end else signal.SIGKILL
            time.sleep(0.02)
        file.unlink()


def _runs(process: Path) -> bool:
    try:
        return "\nState:\tZ" not in (process / "status").read_text()  # nobody asks what became of it
    except OSError:
        return False


def main(verb: str, *names: str) -> None:
    for name in names:
        if name == "postgresql":  # its unit asks Debian's own program, which asks for this one
            if verb == "restart":
                subprocess.run(["pg_ctlcluster", "--skip-systemctl-redirect", "15", "main", verb], check=True)
        elif name != "--now":
            if verb in ("stop", "restart"):
                stop(name)
            if verb in ("enable", "start", "restart"):
                start(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
