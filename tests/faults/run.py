"""Planted faults: a promise is tested when breaking it fails a test. `make faults` runs this.

Each fault in `*.toml` beside this file is one text of tracker/ or static/js and what stands there instead. A fault is
*killed* when a test it names fails by assertion with it; all named tests must pass without any. A fault whose text is
not found exactly once no longer applies; one with which the program does not even run proves nothing. All three fail.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
LEAST = 60  #: faults; fewer are no net
SMOKE = "tests/faults/smoke.py"
TIMEOUT_S = 240
HEALTHY_S = 3600  # all that kill a fault, one after the other, beside whatever else the machine does
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "__pycache__", ".*_cache", ".hypothesis", "img", "dist", "build"
)
LINKED = (".venv", "node_modules")
#: A process that has imported what does not change, of which each run is a fork. No plugin of pytest, which rewrites them:
WARM = multiprocessing.get_context("forkserver")
IMPORTED = ["pytest", "numpy", "shapely", "quart", "hypercorn.asyncio", "msgspec", "sortedcontainers"]

KILLED, SURVIVED, GONE, BROKEN = "killed", "SURVIVED", "NO LONGER APPLIES", "DOES NOT RUN"


class Fault(NamedTuple):
    name: str
    old: str
    new: str
    killed_by: list[str]
    file: str = ""  # its area


class Result(NamedTuple):
    word: str
    why: str = ""


def planted() -> list[Fault]:
    """Every fault of every file, in order."""
    faults: list[Fault] = []
    for file in sorted(HERE.glob("*.toml")):
        faults += [Fault(**entry, file=file.stem) for entry in tomllib.loads(file.read_text())["fault"]]
    doubles = [name for name, times in Counter(fault.name for fault in faults).items() if times > 1]
    if doubles:
        sys.exit(f"two faults of one name: {', '.join(doubles)}")
    return faults


def sources(root: Path) -> Iterator[Path]:
    yield from sorted((root / "tracker").rglob("*.py"))
    yield from sorted((root / "static" / "js").rglob("*.js"))


def place_of(fault: Fault, root: Path) -> Path | None:
    """The one file the fault's text stands in, once; None when there is no such file."""
    found = [(file, file.read_text().count(fault.old)) for file in sources(root)]
    places = [(file, times) for file, times in found if times]
    return places[0][0] if len(places) == 1 and places[0][1] == 1 else None


class Workplace:
    """A copy of the checkout, to spoil and mend."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.cpu_s = 0.0  # of processes that are not our children
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.environ, capture_output=True, text=True, timeout=TIMEOUT_S
        )

    def python_tests(self, ids: list[str], *options: str, timeout_s: float = TIMEOUT_S) -> dict[str, str]:
        """Test name → how it ended: passed, assertion, or another word for what went wrong."""
        report, said = self.root / "report.xml", self.root / "said"
        report.unlink(missing_ok=True)
        words = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}", *options, *ids]
        hears, tells = WARM.Pipe(duplex=False)
        testing = WARM.Process(target=_pytest, args=(self.root, self.environ, said, words, tells))
        testing.start()
        testing.join(timeout_s)
        if testing.exitcode is None and testing.pid:
            os.killpg(testing.pid, signal.SIGKILL)  # with the servers it started
            raise subprocess.TimeoutExpired("pytest", timeout_s)
        self.cpu_s += hears.recv() if hears.poll() else 0
        if not report.exists():
            return {"pytest": f"no report: {said.read_text().strip()[-400:]}"}
        ends: dict[str, str] = {}
        for case in ET.parse(report).iter("testcase"):  # twice for one whose teardown fails as well
            name = f"{case.get('classname')}::{case.get('name')}"
            if ends.get(name, "passed") == "passed":
                ends[name] = _end(case)
        return ends or {"pytest": f"no test was run: {said.read_text().strip()[-400:]}"}

    def script_tests(self, files: list[str]) -> dict[str, str]:
        done = self.run("node", "--test", "--test-reporter=tap", *files)
        word = (
            "passed" if done.returncode == 0 else "assertion" if "ERR_ASSERTION" in done.stdout else done.stdout[-400:]
        )
        return {" ".join(files): word}

    def tests(self, ids: list[str], *options: str, timeout_s: float = TIMEOUT_S) -> dict[str, str]:
        scripts = sorted({id.split("#")[0] for id in ids if ".js" in id})
        cases = [id for id in ids if ".js" not in id]
        ends = self.python_tests(cases, *options, timeout_s=timeout_s) if cases else {}
        return ends | (self.script_tests(scripts) if scripts else {})

    def judge(self, fault: Fault) -> Result:
        file = place_of(fault, self.root)
        if file is None:
            return Result(GONE, "its text is not found exactly once in tracker/ and static/js")
        whole = file.read_text()
        file.write_text(whole.replace(fault.old, fault.new))
        try:
            return self._judge_spoilt(fault, file)
        except subprocess.TimeoutExpired:
            return Result(BROKEN, f"nothing came within {TIMEOUT_S} s: an assertion should have")
        finally:
            file.write_text(whole)

    def _judge_spoilt(self, fault: Fault, file: Path) -> Result:
        if file.suffix == ".js":
            checked = self.run("node", "--check", str(file))
            smoke = "" if checked.returncode == 0 else checked.stderr
        else:
            smoke = _syntax(file) or _first_other(self.python_tests([SMOKE]), "passed")
        if smoke:
            return Result(BROKEN, smoke)
        ends = self.tests(fault.killed_by, "-x")
        if "assertion" in ends.values():
            return Result(KILLED)
        return Result(SURVIVED, _first_other(ends, "passed") or f"{len(ends)} tests passed with it")


def _pytest(root: Path, environ: dict[str, str], said: Path, words: list[str], tells: Connection) -> None:
    """In a process of its own, which has imported nothing of the tracker yet."""
    os.setsid()
    os.chdir(root)
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:] = [str(root), *(place for place in sys.path if place != str(HERE))]
    sys.dont_write_bytecode = True
    with said.open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    import pytest

    code = pytest.main(words)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    tells.send(sum(one.ru_utime + one.ru_stime for one in used))
    os._exit(int(code))


def _end(case: ET.Element) -> str:
    for child in case:
        said = f"{child.get('message') or ''} {(child.text or '')[-3000:]}"
        if child.tag == "failure":
            by_assertion = said.startswith(("AssertionError", "assert ", "Failed:")) or "\nE       assert" in said
            return "assertion" if by_assertion else f"failed otherwise: {said[:300]}"
        if child.tag in ("error", "skipped"):
            return f"{child.tag}: {said[:300]}"
    return "passed"


def _syntax(file: Path) -> str:
    try:
        ast.parse(file.read_text())
    except SyntaxError as fault:
        return str(fault)
    return ""


def _first_other(ends: dict[str, str], word: str) -> str:
    return next((f"{name}: {end}" for name, end in ends.items() if end != word), "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=2, help="faults tried at once")
    parser.add_argument("-k", default="", help="only faults whose name or file contains this")
    options = parser.parse_args()
    faults = [fault for fault in planted() if options.k in f"{fault.file} {fault.name}"]
    if not options.k and len(faults) < LEAST:
        print(f"only {len(faults)} faults: a net has at least {LEAST}")
        return 1
    WARM.set_forkserver_preload(IMPORTED)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        workplaces = [Workplace(Path(folder) / str(one)) for one in range(options.n)]
        results = _judge_all(faults, workplaces)
        return _report(faults, results, sum(one.cpu_s for one in workplaces))


def _judge_all(faults: list[Fault], workplaces: list[Workplace]) -> dict[str, Result]:
    results: dict[str, Result] = {}
    killers = sorted({id for fault in faults for id in fault.killed_by})
    healthy = workplaces[0].tests(killers, timeout_s=HEALTHY_S)
    for name, end in healthy.items():
        if end != "passed":
            results[f"(no fault) {name}"] = Result(BROKEN, f"must pass without a fault: {end}")
    waiting: queue.SimpleQueue[Fault] = queue.SimpleQueue()
    for fault in faults:
        waiting.put(fault)

    def work(workplace: Workplace) -> None:
        while True:
            try:
                fault = waiting.get_nowait()
            except queue.Empty:
                return
            result = results[fault.name] = workplace.judge(fault)
            print(f"{result.word:18} {fault.name}", flush=True)

    threads = [threading.Thread(target=work, args=(workplace,)) for workplace in workplaces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _report(faults: list[Fault], results: dict[str, Result], cpu_s: float) -> int:
    words = Counter(result.word for result in results.values())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    for name, result in results.items():
        if result.word != KILLED:
            print(f"\n{result.word}: {name}\n    {result.why}")
    print(f"\n{len(faults)} faults: {words[KILLED]} killed, {words[SURVIVED]} survived", end="")
    print(f", {words[GONE]} no longer apply, {words[BROKEN]} prove nothing", end="")
    print(f"; {(used.ru_utime + used.ru_stime + cpu_s) / 60:.1f} min of CPU")
    return 0 if words[KILLED] == len(faults) == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
