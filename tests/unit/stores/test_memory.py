"""What a thread freed is the system's again."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tracker.stores import memory

CHUNK, CHUNKS = 32 << 10, 2048


class Libc:
    """One without `malloc_trim`."""


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another allocator")
def test_what_a_thread_freed_under_something_that_stays_goes_back() -> None:
    with ThreadPoolExecutor(1) as thread:

        def work() -> bytes:
            held = [b"x" * CHUNK for _ in range(CHUNKS)]
            stays = b"y" * CHUNK
            del held
            return stays

        stays = thread.submit(work).result()
        before = resident_bytes()
        memory.give_back()
        assert before - resident_bytes() > CHUNK * CHUNKS // 2
        assert len(stays) == CHUNK


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Libc())
    memory.give_back()
