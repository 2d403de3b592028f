"""People and groups: who there is, and what a group sees and may do. No one is signed in here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from tracker.errors import Invalid

Role = Literal["administrator", "dispatcher", "viewer", "driver"]

#: everything a grant can allow
WATCH, ACKNOWLEDGE, EDIT_REGIONS, EDIT_VEHICLES, ADMINISTER = VERBS = (
    "watch", "acknowledge", "edit_regions", "edit_vehicles", "administer",
)  # fmt: skip

#: the most that somebody of this role may do, whatever the groups allow
CEILING: dict[str, frozenset[str]] = {
    "administrator": frozenset(VERBS),
    "dispatcher": frozenset({WATCH, ACKNOWLEDGE, EDIT_REGIONS, EDIT_VEHICLES}),
    "viewer": frozenset({WATCH}),
    "driver": frozenset({WATCH}),
}

ALL = "all"
MAX_NAME = 100
MOST_IN_A_LIST = 1000
#: what the record calls those who are no user
_TAKEN = re.compile(r"console|anybody|token:.*", re.IGNORECASE)


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whoever is in it sees these regions, and the vehicles that are in them."""

    name: str
    regions: tuple[str, ...] | None = ()  # groups of regions; None: everything there is
    may: tuple[str, ...] = (WATCH,)

    def as_json(self) -> dict[str, Any]:
        regions = ALL if self.regions is None else list(self.regions)
        return {"name": self.name, "regions": regions, "vehicles": ALL, "may": list(self.may)}


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    role: Role
    groups: tuple[str, ...] = ()
    password: str | None = None  # as passwords.py keeps it
    disabled: bool = False
    created_at: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "role": self.role,
            "groups": list(self.groups),
            "disabled": self.disabled,
            "has_password": self.password is not None,
        }

    @property
    def administers(self) -> bool:
        return self.role == "administrator" and not self.disabled


def read_user(given: Any, name: str, known: User | None, groups: Iterable[str], now: int) -> User:
    """A user as a client sends it, on top of who is known under this name. A password is looked at elsewhere.

    Raises Invalid with every fault.
    """
    fields = _fields(given, ("name", "role", "groups", "disabled", "password"))
    faults = _name_faults(name)
    if fields.get("name", name) != name:
        faults.append(_fault("name", f"this address is that of {name!r}: a name does not change"))
    role = fields.get("role", known.role if known else None)
    if not isinstance(role, str) or role not in CEILING:
        faults.append(_fault("role", f"`role` is one of {', '.join(CEILING)}"))
    asked = fields.get("groups", list(known.groups) if known else [])
    asked = [] if asked is None else asked
    if not _is_names(asked):
        faults.append(_fault("groups", "`groups` is a list of names of groups"))
    elif unknown := sorted(set(asked) - set(groups)):
        faults.append(_fault("groups", f"there is no group {unknown[0]!r}: add it first"))
    disabled = fields.get("disabled", known.disabled if known else False)
    if not isinstance(disabled, bool):
        faults.append(_fault("disabled", "`disabled` is true or false"))
    _raise(faults, "invalid_user")
    return User(
        name,
        role,
        tuple(dict.fromkeys(asked)),
        known.password if known else None,
        disabled,
        known.created_at if known else now,
    )


def read_group(given: Any, name: str, known: Group | None) -> Group:
    """A group as a client sends it, on top of the one that is known. Raises Invalid with every fault."""
    fields = _fields(given, ("name", "regions", "vehicles", "may"))
    faults = _name_faults(name)
    if fields.get("name", name) != name:
        faults.append(_fault("name", f"this address is that of {name!r}: a name does not change"))
    regions = fields.get("regions", known.as_json()["regions"] if known else [])
    if regions not in (ALL, None) and not _is_names(regions):
        faults.append(_fault("regions", '`regions` is a list of groups of regions, or "all"'))
    if fields.get("vehicles", ALL) != ALL:
        faults.append(
            _fault("vehicles", '`vehicles` is "all": those in the regions; single groups cannot be chosen yet')
        )
    may = fields.get("may", list(known.may) if known else [WATCH])
    may = [] if may is None else may
    if not isinstance(may, list) or not all(isinstance(verb, str) and verb in VERBS for verb in may):
        faults.append(_fault("may", f"`may` is a list of {', '.join(VERBS)}"))
    _raise(faults, "invalid_group")
    sees = None if regions == ALL else tuple(dict.fromkeys(regions or ()))
    return Group(name, sees, tuple(verb for verb in VERBS if verb in may))


def may(user: User, groups: Mapping[str, Group]) -> frozenset[str]:
    """What this user may do at all: what the groups allow, but no more than the role does."""
    if user.role == "administrator":
        return CEILING[user.role]
    allowed = {verb for name in user.groups if name in groups for verb in groups[name].may}
    return CEILING[user.role] & allowed


def _fields(given: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise Invalid("not_an_object", "send one JSON object")
    odd = sorted(given.keys() - set(known))
    _raise([_fault(name, f"`{name}` is no field here; there are {', '.join(known)}") for name in odd], "unknown_field")
    return given


def _name_faults(name: str) -> list[dict[str, Any]]:
    """Two names that look the same would be two people for one reader."""
    if _TAKEN.fullmatch(name):
        return [_fault("name", f"{name!r} is what the record calls somebody else; take another name")]
    plain = name.isprintable() and name == name.strip() and unicodedata.is_normalized("NFC", name)
    if plain and 0 < len(name) <= MAX_NAME and "/" not in name and name not in (".", ".."):
        return []
    return [_fault("name", f"a name has 1 to {MAX_NAME} visible characters, no / and no spaces around it")]


def _is_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_IN_A_LIST
        and all(isinstance(one, str) and 0 < len(one) <= 200 for one in value)
    )


def _fault(field: str, message: str) -> dict[str, Any]:
    return {"field": field, "code": "invalid", "message": message}


def _raise(faults: list[dict[str, Any]], code: str) -> None:
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Invalid(code, faults[0]["message"] + more, faults)
