"""People and groups: who there is, and what a group sees and may do. No one is signed in here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from tracker.errors import Invalid
from tracker.model.coarse import COARSEST_M, FINEST_M

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
#: letters of Cyrillic and Greek that look like these
_ALIKE = str.maketrans("асеорхуіјѕһԁӏκοαινρτ", "aceopxyijshdlkoaivpt")
#: what leaves no ink, though it is a letter or a mark: fillers, joiners, selectors
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
#: what the record calls those who are no user
_TAKEN = re.compile(r"console|anybody|token:.*", re.IGNORECASE)


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whoever is in it sees these regions, and of these vehicles those that are in them."""

    name: str
    regions: tuple[str, ...] | None = ()  # groups of regions; None: all there are, and what is in none
    may: tuple[str, ...] = (WATCH,)
    vehicles: tuple[str, ...] | None = None  # groups of vehicles; None: all there are, and those in none
    coarse_m: float | None = None  # places are shown as cells of about so many metres

    def as_json(self) -> dict[str, Any]:
        coarse = {} if self.coarse_m is None else {"coarse_m": self.coarse_m}
        return {
            "name": self.name,
            "regions": _told(self.regions),
            "vehicles": _told(self.vehicles),
            "may": list(self.may),
            **coarse,
        }

    def allows(self, role: Role) -> frozenset[str]:
        """What it lets somebody of this role do. Whoever draws regions can find a place out: not where it is coarse."""
        return CEILING[role] & frozenset(self.may) - ({EDIT_REGIONS} if self.coarse_m else set())


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
    fields = _fields(given, ("name", "role", "groups", "disabled", "password", "has_password", "version"))
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
    fields = _fields(given, ("name", "regions", "vehicles", "may", "coarse_m", "version"))
    faults = _name_faults(name)
    if fields.get("name", name) != name:
        faults.append(_fault("name", f"this address is that of {name!r}: a name does not change"))
    regions = _seen(fields, "regions", known.regions if known else (), faults)
    vehicles = _seen(fields, "vehicles", known.vehicles if known else None, faults)
    coarse_m = fields.get("coarse_m", known.coarse_m if known else None)
    if coarse_m is not None and not _is_length(coarse_m):
        faults.append(
            _fault("coarse_m", f"`coarse_m` is a number of metres, {FINEST_M:.0f} to {COARSEST_M:.0f}, or null")
        )
    may = fields.get("may", list(known.may) if known else [WATCH])
    may = [] if may is None else may
    if not isinstance(may, list) or not all(isinstance(verb, str) and verb in VERBS for verb in may):
        faults.append(_fault("may", f"`may` is a list of {', '.join(VERBS)}"))
    _raise(faults, "invalid_group")
    return Group(name, regions, tuple(verb for verb in VERBS if verb in may), vehicles, coarse_m)


def _seen(
    fields: Mapping[str, Any], name: str, known: tuple[str, ...] | None, faults: list[dict[str, Any]]
) -> tuple[str, ...] | None:
    """Groups of regions or of vehicles, those too that nothing is in yet; None: all."""
    if name not in fields:
        return known
    given = fields[name]
    if given == ALL:
        return None
    if given is not None and not _is_names(given):
        faults.append(_fault(name, f'`{name}` is a list of groups of {name}, or "all"'))
        return ()
    return tuple(dict.fromkeys(given or ()))


def _told(names: tuple[str, ...] | None) -> str | list[str]:
    return ALL if names is None else list(names)


def _is_length(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and FINEST_M <= value <= COARSEST_M


def may(user: User, groups: Mapping[str, Group]) -> frozenset[str]:
    """What this user may do at all: what the groups allow, but no more than the role does."""
    if user.role == "administrator":
        return CEILING[user.role]
    return frozenset().union(*(groups[name].allows(user.role) for name in user.groups if name in groups))


def _fields(given: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise Invalid("not_an_object", "send one JSON object")
    odd = sorted(given.keys() - set(known))
    _raise([_fault(name, f"`{name}` is no field here; there are {', '.join(known)}") for name in odd], "unknown_field")
    return given


def looks(name: str) -> str:
    """What a reader sees of a name: two that look the same would be two people for one of them."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().translate(_ALIKE).split())


def _name_faults(name: str) -> list[dict[str, Any]]:
    if _TAKEN.fullmatch(name):
        return [_fault("name", f"{name!r} is what the record calls somebody else; take another name")]
    plain = name.isprintable() and name == name.strip() and unicodedata.is_normalized("NFC", name)
    plain = plain and not _BLANK.search(name)
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
