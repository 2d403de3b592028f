"""Ping: one normalised position report, and the gate that nonsense does not pass."""

from __future__ import annotations

import msgspec

Scalar = str | int | float | bool | None


class Ping(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where one vehicle was. `time` is the fix time, UTC milliseconds.

    Values are rounded once, on the way in (lat/lon 1e-7°, speed 1 mm/s, the rest 0.01), to what the
    store keeps: so a ping read back decides exactly what it decided when it came.
    """

    vehicle: str
    time: int
    lat: float
    lon: float
    speed_mps: float | None = None
    heading: float | None = None  # degrees clockwise from north, 0 <= heading < 360
    altitude_m: float | None = None
    accuracy_m: float | None = None
    ignition: bool | None = None
    battery_pct: float | None = None
    odometer_m: float | None = None
    driver: str | None = None
    alarm: str | None = None
    attributes: dict[str, Scalar] | None = None
