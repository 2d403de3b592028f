"""What is on a disk when a process is killed or the power fails, for each moment of a run that strace followed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

CALLS = "trace=pwrite64,fsync,fdatasync,ftruncate,write"
SECTOR = 512  #: what a disk writes whole

_CALL = re.compile(r"^\d+ +(\w+)\(\d+<([^>]*)>(?:, (.*))?\) += (-?\d+)")


@dataclass
class File:
    """`synced` is there whatever happens, `written` was written since: (where it begins, bytes), or a length."""

    synced: bytearray
    written: list[tuple[int, bytes] | int] = field(default_factory=list)

    def sync(self) -> None:
        self.synced = self.after(self.written)
        self.written = []

    def after(self, some: list[tuple[int, bytes] | int]) -> bytearray:
        data = bytearray(self.synced)
        for one in some:
            if isinstance(one, int):
                del data[one:]
                data.extend(bytes(max(0, one - len(data))))
                continue
            begin, text = one
            data.extend(bytes(max(0, begin + len(text) - len(data))))
            data[begin : begin + len(text)] = text
        return data

    def torn(self, chance: Random) -> bytearray:
        """Of what was not synced some sectors reached the disk, in whatever order."""
        some: list[tuple[int, bytes] | int] = []
        for one in self.written:
            if isinstance(one, int):
                some += [one] if chance.random() < 0.5 else []
                continue
            begin, text = one
            some += [
                (begin + at, text[at : at + SECTOR]) for at in range(0, len(text), SECTOR) if chance.random() < 0.5
            ]
        return self.after(some)


@dataclass
class Moment:
    """Just before a call that writes or syncs a file."""

    call: str
    name: str  # of the file
    said: list[str]  # what the process had told by then
    files: dict[str, File]

    def killed(self) -> dict[str, bytes]:
        return {name: bytes(file.after(file.written)) for name, file in self.files.items()}

    def cut_off(self) -> dict[str, bytes]:
        return {name: bytes(file.synced) for name, file in self.files.items()}

    def torn(self, seed: int) -> dict[str, bytes]:
        chance = Random(seed)
        return {name: bytes(file.torn(chance)) for name, file in self.files.items()}


def followed(strace: str, program: list[str], folder: Path, trace: Path, begun: Path) -> Iterator[Moment]:
    """Run a program that writes to `folder`, and that leaves a copy of it in `begun` and says "begin" when it is ready.
    One moment is told at a time: it is what it is until the next."""
    subprocess.run(
        [strace, "-f", "-y", "-xx", "-s", "1000000", "-e", CALLS, "-o", str(trace), *program],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    files: dict[str, File] = {}
    said: list[str] = []
    ready = False
    with trace.open() as lines:
        for line in _whole(lines):
            if (found := _CALL.match(line)) is None:
                continue
            call, path, rest = found[1], _text(found[2]).decode(), found[3] or ""
            if call == "write":
                told = _text(rest.split('"')[1]).decode(errors="replace").strip()
                said += [told] if ready else []
                if told == "begin":
                    ready = True
                    files = {one.name: File(bytearray(one.read_bytes())) for one in begun.iterdir()}
                continue
            if not ready or Path(path).parent != folder:
                continue
            name = Path(path).name
            file = files.setdefault(name, File(bytearray()))
            yield Moment(call, name, said, files)
            if call == "pwrite64":
                _, text, tail = rest.split('"')
                data = _text(text)
                assert int(found[4]) == len(data), "strace cut it"
                file.written.append((int(tail.split(",")[2]), data))
            elif call == "ftruncate":
                file.written.append(int(rest, 0))
            else:
                file.sync()


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """A call during which another thread made one is told in two lines: it counts when it ends."""
    begun: dict[str, str] = {}
    for line in lines:
        thread = line.split(" ", 1)[0]
        if " <unfinished ...>" in line:
            begun[thread] = line.split(" <unfinished ...>")[0]
        elif " resumed>" in line:
            yield begun.pop(thread) + line.split(" resumed>")[1]
        else:
            yield line


def _text(told: str) -> bytes:
    return bytes.fromhex(told.replace("\\x", "")) if told.startswith("\\x") else told.encode()
