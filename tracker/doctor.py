"""Doctor: what would keep a server from running well here."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from tracker.config import Settings

ENOUGH_DISK = 200 * 2**20  #: bytes free that a small fleet fills in a few weeks
BUILT_AT = 1_793_000_000  #: seconds: a clock before this is not set (2026-10-26)


def examine(settings: Settings) -> Iterator[tuple[str, bool, str]]:
    """(what, whether it is a fault, detail) one after the other."""
    yield "port", *_port(settings.host, settings.port)
    yield "disk", *_disk(settings.folder)
    yield "clock", *_clock()
    yield "assets", *_assets()


def _port(host: str, port: int) -> tuple[bool, str]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as fault:
            return True, f"{host}:{port} cannot be had: {fault.strerror}; choose another with --port"
    return False, f"{host}:{port} is free"


def _disk(folder: Path) -> tuple[bool, str]:
    there = folder
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        return True, f"{there} cannot be written; choose another folder with --data"
    free = shutil.disk_usage(there).free
    if free < ENOUGH_DISK:
        return True, f"{folder}: only {free / 2**20:.0f} MB are free"
    return False, f"{folder}: {free / 2**30:.1f} GB are free"


def _clock() -> tuple[bool, str]:
    now = time.time()
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    if now < BUILT_AT:
        return True, f"it is {shown} here, which cannot be; set the clock: times of pings are compared with it"
    return False, f"it is {shown}"


def _assets() -> tuple[bool, str]:
    from tracker.web.page import folder, missing_assets

    if missing := missing_assets():
        return True, missing
    return False, f"the page is complete in {folder('static')}"
