"""Rules: what a region watches beside going in and out, as people write it."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from tracker.errors import Invalid
from tracker.regions.schedule import Schedule, read_schedule

MAX_DWELL_S = 30 * 86_400
MAX_MIN_S = 3600
MAX_LIMIT_MPS = 200.0


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a region watches beside going in and out. All optional."""

    dwell_s: float | None = None
    speed_limit_mps: float | None = None
    min_s: float = 0.0  # faster than the limit for at least this long
    schedule: Schedule | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.dwell_s is not None:
            found["dwell_s"] = self.dwell_s
        if self.speed_limit_mps is not None:
            found["speed_limit_mps"] = self.speed_limit_mps
        if self.min_s:
            found["min_s"] = self.min_s
        if self.schedule is not None:
            found["schedule"] = self.schedule.as_json()
        return found


#: each number of the rules: lowest and highest value allowed, and what it is
LIMITS: dict[str, tuple[float, float, str]] = {
    "dwell_s": (1, MAX_DWELL_S, "seconds in the region until `dwell`"),
    "speed_limit_mps": (0.1, MAX_LIMIT_MPS, "metres per second"),
    "min_s": (0, MAX_MIN_S, "seconds over the limit until `overspeed_start`"),
}


def read_rules(value: Any, field: str = "rules") -> Rules:
    """Read the JSON of a region's rules. Raises Invalid, one error per fault, each with its field."""
    if not isinstance(value, dict):
        raise Invalid("invalid_rules", "`rules` is an object", [_fault(field, "`rules` is an object")])
    errors: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    for name, one in value.items():
        if name in LIMITS:
            low, high, meaning = LIMITS[name]
            number = isinstance(one, int | float) and not isinstance(one, bool)
            if one is None:
                continue
            if not number or not isfinite(one) or not low <= one <= high:
                errors.append(
                    _fault(f"{field}.{name}", f"`{name}` is a number from {low:g} to {high:,.10g}: {meaning}")
                )
            found[name] = one
        elif name == "schedule":
            try:
                found[name] = None if one is None else read_schedule(one, f"{field}.schedule")
            except Invalid as error:
                errors += error.errors
        else:
            errors.append(_fault(f"{field}.{name}", f"no such rule; there are {', '.join(LIMITS)} and schedule"))
    if found.get("min_s") and "speed_limit_mps" not in found:
        errors.append(_fault(f"{field}.min_s", "`min_s` needs a `speed_limit_mps`"))
    if errors:
        raise Invalid("invalid_rules", errors[0]["message"], errors)
    return Rules(**found)


def _fault(field: str, message: str) -> dict[str, Any]:
    return {"field": field, "code": "invalid_rules", "message": message}
