"""Drawing: in which group somebody who sees some regions only may draw one, and which they may change."""

from __future__ import annotations

from typing import Any

from tracker.access.grants import EDIT_REGIONS, Grant
from tracker.errors import Invalid


def check_edit(grant: Grant, region: dict[str, Any]) -> None:
    """May this region, which is seen, be changed? Raises NotFound."""
    grant.check_region(region["properties"]["group"])


def group_drawn(grant: Grant, properties: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Give what is drawn its group where it names none: the one it had, or the only one there may be.

    Raises Invalid for one that may not be given.
    """
    grant.check(EDIT_REGIONS)
    groups = grant.draws()
    if groups is None:
        return
    group = properties.get("group")
    if group is None and before is not None and "group" not in properties:
        group = before["properties"]["group"]
    if group is None and before is None and len(groups) == 1:
        [group] = groups
    if not isinstance(group, str) or group not in groups:
        which = ", ".join(sorted(groups)) or "none"
        message = f"`group` decides who sees a region; you may draw in: {which}"
        raise Invalid.of_field("group", message, "not_your_group")
    properties["group"] = group
