"""States: what a vehicle can be doing, as numbers inside and as words outside."""

from __future__ import annotations

UNKNOWN, MOVING, IDLE, PARKED, OFFLINE = range(5)
STATES = ("unknown", "moving", "idle", "parked", "offline")
