"""Doctor: what would keep a server from running well here."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import socket
import sqlite3
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.config import Settings, SettingsError, is_folder
from tracker.errors import StoreError

if TYPE_CHECKING:
    from tracker.stores import StoredDay

ENOUGH_DISK = 200 * 2**20  #: bytes free that a small fleet fills in a few weeks
LATELY_DAYS = 7  #: whose growth is taken for that of the days to come
SOON_DAYS, FAR_DAYS = 14.0, 3650.0  #: until the disk is full: a fault, and not worth a word
CLOCKS_S = 120.0  #: clocks that differ by more are told
LATE_S = 300.0  #: what is later than this is `delayed` and raises nothing
PLACED = "('enter', 'exit', 'cross', 'alarm', 'overspeed_start')"  #: whose time is that of a fix
FEW_VEHICLES = 3  #: one vehicle that is late says nothing about our clock
BUILT_AT = 1_793_000_000  #: seconds: a clock before this is not set (2026-10-26)


def examine(settings: Settings) -> Iterator[tuple[str, bool, str]]:
    """(what, whether it is a fault, detail) one after the other."""
    taken, told = _port(settings.host, settings.port, "--port")
    healthz = _healthz(settings)
    if taken and healthz:
        taken, told = False, f"a server of ours has {settings.host}:{settings.port}, version {healthz['version']}"
    yield "port", taken, told
    if settings.ingest_port:
        yield "ingest_port", *_port(settings.host, settings.ingest_port, "`ingest_port`")
    yield "disk", *_disk(settings.folder)
    from tracker.stores import examine_store

    found = examine_store(settings.store_url)
    yield from found
    yield from _bus(settings, any(one.name == "nodes" for one in found))
    if not any(one.name == "store" and one.fault for one in found):
        yield "kept", *_kept(settings)
    yield "clock", *_clock(settings, healthz)
    yield "assets", *_assets()
    if settings.cert:
        yield "tls", *_certificate(settings)


def _port(host: str, port: int, named: str) -> tuple[bool, str]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as fault:
            return True, f"{host}:{port} cannot be had: {fault.strerror}; choose another with {named}"
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


def _bus(settings: Settings, shared: bool) -> list[tuple[str, bool, str]]:
    """`shared`: nodes write the store."""
    from tracker.buses import examine_bus

    alone = settings.bus.startswith("memory:")
    if alone and shared:
        return [("bus", True, "nodes share the store, and who has not their bus is none: set TRACKER_BUS, or `bus`")]
    try:
        found = examine_bus(settings.bus)
    except SettingsError as fault:
        return [("bus", True, fault.detail)]
    if not alone and is_folder(settings.store_url):
        found.append(("bus", True, "nodes share a store in PostgreSQL, and this is a folder: name it with --store"))
    return found


def _kept(settings: Settings) -> tuple[bool, str]:
    """How much of the past there is, how fast it grows, and what is to go."""
    from tracker.config.retention import DAY_MS, read_rules
    from tracker.history.retention import HOUR_MS, plan

    if not settings.has_data:
        return False, "nothing yet"
    try:
        days, known, since, groups = asyncio.run(_past(settings.store_url))
    except StoreError as fault:
        return fault.code not in ("no_data", "store_older"), "nothing yet" if fault.code == "no_data" else fault.detail
    now = int(time.time() * 1000)
    lately = sum(day.bytes for day in days if 0 < now - day.day <= (LATELY_DAYS + 1) * DAY_MS) / LATELY_DAYS
    packed, of_days = sum(day.pings for day in days), len({day.day for day in days})
    told = f"{packed:,} positions of {of_days:,} days are packed (the newest are not yet)"
    here = is_folder(settings.store_url)
    left_days = shutil.disk_usage(settings.folder).free / lately if here and lately > 1 else FAR_DAYS
    told += f", {lately / 2**20:.1f} MB more a day" if lately > 2**17 else ""
    told += f": the disk is full in {left_days:.0f} days" if left_days < FAR_DAYS else ""
    if not settings.retention:
        return left_days < SOON_DAYS, f"{told}; none of it ever goes (setting `retention`)"
    due = plan(read_rules(settings.retention), days, groups.get, now)
    starts = (since if known == sorted(settings.retention) else now) + int(settings.retention_notice_h * HOUR_MS)
    told += f"; by {', '.join(settings.retention)} {due}"
    if due and starts > now:
        told += f", from {time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime(starts / 1000))} on"
    return left_days < SOON_DAYS, told


async def _past(url: str) -> tuple[list[StoredDay], list[str], int, dict[str, str | None]]:
    from tracker.stores import read_store

    store = read_store(url)
    loaded = await store.open()
    try:
        return await store.days(), *await store.rules_known(), {one.vehicle: one.group for one in loaded.registered}
    finally:
        await store.close()


def _clock(settings: Settings, healthz: dict[str, Any]) -> tuple[bool, str]:
    now = time.time()
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    if now < BUILT_AT:
        return True, f"it is {shown} here, which cannot be; set the clock: times of pings are compared with it"
    for doubt in (_running(settings.port, healthz), _heard(settings.folder / "tracker.db", now)):
        if doubt:
            return True, f"it is {shown} here, and {doubt}; have the system set its clock from the network (NTP)"
    return False, f"it is {shown}"


def _healthz(settings: Settings) -> dict[str, Any]:
    """What a server that runs there says, with how far its clock is `ahead` (s); empty: nobody is there."""
    host, port = settings.host, settings.port
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    netloc = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    url = f"http{'s' * bool(settings.cert)}://{netloc}/healthz"
    anybody = ssl._create_unverified_context() if settings.cert else None  # only its clock is asked for
    try:
        with urllib.request.urlopen(url, timeout=2, context=anybody) as answer:
            told = json.load(answer)
            return {"version": str(told["version"]), "ahead": float(told["now"]) / 1000 - time.time()}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return {}  # or not one of ours


def _running(port: int, healthz: dict[str, Any]) -> str | None:
    """Whether it has another time."""
    ahead_s = healthz.get("ahead", 0.0)
    return f"the server on port {port} is {_apart(ahead_s)} it" if abs(ahead_s) > CLOCKS_S else None


def _heard(file: Path, now: float) -> str | None:
    """What the newest events say: devices have their time from satellites."""
    if not file.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=2)) as store:
            rows = store.execute(
                "SELECT body ->> 'time', body ->> 'received_at', vehicle FROM events"
                f" WHERE kind IN {PLACED} ORDER BY seq DESC LIMIT 200"
            ).fetchall()
            with contextlib.suppress(sqlite3.Error):  # an older file has no such table
                rows += store.execute(
                    f"""SELECT value ->> 'time', value ->> 'received_at', value ->> 'vehicle'
                        FROM happened, json_each(CAST(body AS TEXT)) WHERE value ->> 'kind' IN {PLACED}"""
                ).fetchall()
    except sqlite3.Error:
        return None  # what is wrong with the file is told elsewhere
    rows = [row for row in rows if isinstance(row[0], int) and isinstance(row[1], int)]
    if rows and max(row[1] for row in rows) / 1000 - now > CLOCKS_S:
        return f"the newest events were received {_apart(max(row[1] for row in rows) / 1000 - now)} it"
    late_s = sorted((received - fix) / 1000 for fix, received, _ in rows)
    if len({vehicle for *_, vehicle in rows}) < FEW_VEHICLES:
        return None
    least, most = late_s[len(late_s) // 10], late_s[len(late_s) * 9 // 10]
    if least > LATE_S and most - least < LATE_S:  # a recording that was played in spreads over hours
        return f"what vehicles report came {least / 60:.0f} min after its own time, as if this clock were ahead"
    return None


def _apart(ahead_s: float) -> str:
    return f"{abs(ahead_s) / 60:.0f} min {'ahead of' if ahead_s > 0 else 'behind'}"


def _certificate(settings: Settings) -> tuple[bool, str]:
    from tracker.web.server.certificate import SOON_S, Certificate

    try:
        left_s = Certificate(settings.cert, settings.key).statistics().left_s
    except SettingsError as fault:
        return True, fault.detail
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + left_s))
    if left_s < SOON_S:
        return True, f"{settings.cert} {'ends' if left_s > 0 else 'has ended'} on {day}; renew it"
    return False, f"{settings.cert} is good until {day}"


def _assets() -> tuple[bool, str]:
    from tracker.config import folder
    from tracker.web.assets import missing_assets

    if missing := missing_assets():
        return True, missing
    return False, f"the page is complete in {folder('static')}"
