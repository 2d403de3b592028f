"""Memory: what was freed goes back to the system.

The allocator of a usual Linux (glibc) keeps it, for each thread apart: as much as that thread ever had at once, since
it gives nothing back under what is still in use. Four threads that pack in turn are four times the most of one.
"""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """All threads' free pages; others may go on meanwhile. 15 ms after a fleet was packed, where there is anything to
    do. Elsewhere than on glibc nothing is done."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
