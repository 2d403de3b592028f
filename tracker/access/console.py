"""Console: how commands on a data folder find the server that uses it. Who may read the folder may run the server, so a
secret in it that only its owner can read lets commands in."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

NAME = "console"  #: who asks: no person is called so
FILE = "console.json"


class Console(msgspec.Struct, frozen=True):
    host: str
    port: int
    tls: bool
    secret: str


def write_console(folder: Path, console: Console) -> None:
    """Readable by the owner alone from its first moment on. Raises OSError, and leaves nothing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the store may be elsewhere
    path = folder / FILE
    draft = folder / f".{FILE}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(console))
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def read_console(folder: Path) -> Console | None:
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Console)
    except (OSError, msgspec.MsgspecError):
        return None


def remove_console(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)
