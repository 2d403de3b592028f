"""Desk: reports that were asked for, each somebody's. One is drawn at a time, and waits to be fetched."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tracker.access.grants import Grant
from tracker.errors import InTheWay, NotFound, Overloaded, TrackerError
from tracker.node import Node
from tracker.reports.asked import Asked
from tracker.reports.press import Press
from tracker.times import rfc3339
from tracker.turns.jobs import Job
from tracker.web.reports.gathering import Choice, Gathering

FOLDER = "reports.tmp"  #: of the data folder
TIDY_S = 600.0
MOST_WAITING = 16
MOST_KEPT = 32  #: drawn; of more, the oldest goes
KEPT_MS = 3_600_000  #: until then it has to be fetched
GATHERED = 0.9  #: of the work, when all is told and the rest is drawing

log = logging.getLogger(__name__)


Whose = tuple[str, str]  #: who may have a report, and what that one saw


def whose(grant: Grant) -> Whose:
    return grant.who, grant.key()


class Report:
    def __init__(self, id: str, asked: Asked, choice: Choice, grant: Grant, gathering: Gathering, folder: Path) -> None:
        self.id = id
        self.asked, self.choice, self.gathering = asked, choice, gathering
        self.whose = whose(grant)
        self.file = folder / f"{id}.html"
        self.state = "waiting"
        self.progress = 0.0
        self.fault: TrackerError | None = None
        self.bytes: int | None = None
        self.task: asyncio.Task[None] | None = None
        self.moved = asyncio.Event()

    def advance(self, progress: float, state: str = "working") -> None:
        self.progress, self.state = progress, state
        self.moved.set()

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")

    def document(self) -> dict[str, Any]:
        said = {
            "id": self.id,
            "state": self.state,
            "progress": round(self.progress, 3),
            "from": rfc3339(self.asked.since),
            "until": rfc3339(self.asked.until),
            "vehicles": list(self.choice.vehicles),
            "groups": list(self.choice.groups),
            "zone": self.asked.zone,
            "bytes": self.bytes,
        }
        return said | {"error": None if self.fault is None else {"code": self.fault.code, "detail": self.fault.detail}}


class Statistics(NamedTuple):
    drawn: int
    failed: int
    waiting: int


class Desk:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._reports: dict[str, Report] = {}
        self._alone = asyncio.Lock()
        self._folder = node.settings.folder / FOLDER
        self._is_mine = False  # else what is in it is of a server that was killed
        self._drawn = self._failed = 0

    def statistics(self) -> Statistics:
        return Statistics(self._drawn, self._failed, sum(not report.is_over for report in self._reports.values()))

    def begin(self, asked: Asked, choice: Choice, grant: Grant, lasts: Callable[[], None]) -> Report:
        """Raises Overloaded."""
        self._clear()
        if sum(not report.is_over for report in self._reports.values()) >= MOST_WAITING:
            raise Overloaded("too many reports are being made; try again in a minute", 30)
        self._own()
        gathering = Gathering(self._node, grant, choice, lasts)
        me, secret = self._node.calling.me, secrets.token_urlsafe(9)
        report = Report(f"{me}.{secret}" if me else secret, asked, choice, grant, gathering, self._folder)
        self._reports[report.id] = report
        report.task = asyncio.create_task(self._make(report), name=f"report {report.id}")
        return report

    def find(self, id: str, whose: Whose) -> Report:
        """One's own, as long as one may see what it tells of. Raises NotFound."""
        report = self._reports.get(id)
        if report is None or report.whose != whose or report.gathering.is_over:
            raise NotFound("unknown_report", f"there is no report {id[:64]!r}; it is kept for an hour")
        return report

    def read(self, report: Report, since: int = 0, most: int | None = None) -> bytes:
        """So many bytes from there on. Raises InTheWay."""
        if report.state != "done":
            raise InTheWay("report_not_ready", f"the report is {report.state}; ask how far it is, and come again")
        with report.file.open("rb") as file:
            file.seek(since)
            return file.read(most)

    async def give_up(self, report: Report) -> None:
        """It is drawn no further, and its file goes."""
        self._reports.pop(report.id, None)
        if report.task is not None:
            report.task.cancel()
            await asyncio.wait({report.task})
        with suppress(OSError):
            report.file.unlink(missing_ok=True)

    async def close(self) -> None:
        for report in list(self._reports.values()):
            await self.give_up(report)
        if self._is_mine:
            shutil.rmtree(self._folder, ignore_errors=True)

    def job(self) -> Job:
        return Job("put reports away", TIDY_S, self.tidy, at_once=True)

    async def tidy(self, _now: int) -> None:
        """What nobody fetched, and what a server that was killed left behind."""
        self._own()
        self._clear()

    def _own(self) -> None:
        if not self._is_mine:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._is_mine = True

    def _clear(self) -> None:
        oldest = self._node.clock() - KEPT_MS
        over = [report for report in self._reports.values() if report.is_over]
        for report in over[: max(0, len(over) - MOST_KEPT + 1)] + [one for one in over if one.asked.made_at < oldest]:
            self._reports.pop(report.id, None)
            report.file.unlink(missing_ok=True)

    async def _make(self, report: Report) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            await self.draw(report.asked, report.gathering, report.file, report.advance)
            report.bytes = report.file.stat().st_size
            report.advance(1.0, "done")
        except Exception as fault:
            if not isinstance(fault, TrackerError):
                log.error("a report could not be made", exc_info=fault)
                fault = TrackerError("report_failed", "the report could not be made; the server's log says why")
            report.fault = fault
            report.advance(report.progress, "failed")

    async def draw(
        self, asked: Asked, gathering: Gathering, file: Path, progress: Callable[[float], None] = lambda _: None
    ) -> None:
        """Into a file, which is there once it is whole; one after the other. Raises TrackerError."""
        async with self._alone:
            try:
                progress(0.0)
                async with Press(msgspec.structs.replace(asked, **gathering.given()), file) as press:
                    await gathering.tell(asked, press.tell, lambda done: progress(done * GATHERED))
            except Exception:
                self._failed += 1
                raise
            self._drawn += 1
