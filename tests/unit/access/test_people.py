from __future__ import annotations

from typing import Any

import pytest

from tracker.access.people import VERBS, Group, User, may, read_group, read_user
from tracker.errors import Invalid

NORTH = Group("north", ("depots",), ("watch", "acknowledge", "edit_regions"))
GROUPS = {"north": NORTH}


def user(role: Any, *groups: str, **more: Any) -> User:
    return User("ana", role, groups, **more)


def test_a_user_is_read_with_what_is_not_said_as_it_was() -> None:
    made = read_user({"name": "ana", "role": "dispatcher", "groups": ["north"]}, "ana", None, GROUPS, 7)
    assert made == User("ana", "dispatcher", ("north",), created_at=7)
    changed = read_user({"role": "viewer"}, "ana", made, GROUPS, 9)
    assert changed == User("ana", "viewer", ("north",), created_at=7)
    assert read_user({"groups": None}, "ana", made, GROUPS, 9).groups == ()
    assert made.as_json() == {
        "name": "ana", "role": "dispatcher", "groups": ["north"], "disabled": False, "has_password": False,
    }  # fmt: skip


def test_no_hash_is_told() -> None:
    assert "scrypt" not in str(user("viewer", password="scrypt$…").as_json())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "role"),
        ({"role": "king"}, "role"),
        ({"role": ["viewer"]}, "role"),
        ({"role": "viewer", "groups": ["south"]}, "groups"),
        ({"role": "viewer", "groups": "north"}, "groups"),
        ({"role": "viewer", "groups": [1]}, "groups"),
        ({"role": "viewer", "disabled": 1}, "disabled"),
        ({"role": "viewer", "name": "ben"}, "name"),
        ({"role": "viewer", "admin": True}, "admin"),
    ],
)
def test_a_wrong_field_of_a_user_is_named(given: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_user(given, "ana", None, GROUPS, 0)
    assert refused.value.errors[0]["field"] == field


@pytest.mark.parametrize(
    "name",
    ["", " ana", "ana ", "a/b", "a\nb", "x" * 101, ".", "..", "a\x1bb", "a\x9bb", "a\u200bb", "a\u202eb", "A\u030a"],
)
def test_a_name_that_no_address_can_hold_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        read_user({"role": "viewer"}, name, None, GROUPS, 0)
    with pytest.raises(Invalid):
        read_group({}, name, None)


@pytest.mark.parametrize("name", ["ada\u3164", "a\u034fda", "ada\u2800", "ada\ufe0f"], ids=ascii)
def test_a_letter_that_leaves_no_ink_is_in_no_name(name: str) -> None:
    with pytest.raises(Invalid):
        read_user({"role": "viewer"}, name, None, GROUPS, 0)


@pytest.mark.parametrize("name", ["console", "Anybody", "token:1f0a", "TOKEN:"])
def test_nobody_is_called_what_the_record_calls_somebody_else(name: str) -> None:
    with pytest.raises(Invalid):
        read_user({"role": "viewer"}, name, None, GROUPS, 0)
    read_user({"role": "viewer"}, f"{name[:3]} of the house", None, GROUPS, 0)


@pytest.mark.parametrize("given", [None, [], "x", 1])
def test_only_an_object_is_a_user_or_a_group(given: Any) -> None:
    with pytest.raises(Invalid):
        read_user(given, "ana", None, GROUPS, 0)
    with pytest.raises(Invalid):
        read_group(given, "north", None)


def test_a_group_is_read_and_told_as_it_was_given() -> None:
    given = {"name": "north", "regions": ["depots"], "vehicles": "all", "may": ["watch", "acknowledge"]}
    made = read_group(given, "north", None)
    assert made.as_json() == given
    assert read_group({"regions": "all"}, "north", made).as_json() == given | {"regions": "all"}
    assert read_group({"regions": None, "may": None}, "north", made) == Group("north", (), ())
    assert read_group({}, "empty", None) == Group("empty", (), ("watch",))


@pytest.mark.parametrize(
    "given",
    [
        {"regions": "some"},
        {"regions": [1]},
        {"vehicles": "vans"},
        {"vehicles": [""]},
        {"coarse_m": 9},
        {"coarse_m": 50_001},
        {"coarse_m": "1000"},
        {"coarse_m": True},
        {"may": ["fly"]},
        {"may": "watch"},
    ],
)
def test_a_wrong_field_of_a_group_is_named(given: Any) -> None:
    with pytest.raises(Invalid) as refused:
        read_group(given, "north", None)
    assert [fault["field"] for fault in refused.value.errors] == list(given)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid, match="and 2 more"):
        read_group({"name": "south", "regions": 1, "may": 1}, "north", None)


def test_a_user_may_what_the_groups_allow_but_no_more_than_the_role() -> None:
    assert may(user("administrator"), {}) == frozenset(VERBS)
    assert may(user("dispatcher", "north"), GROUPS) == {"watch", "acknowledge", "edit_regions"}
    assert may(user("viewer", "north"), GROUPS) == {"watch"}
    assert may(user("dispatcher"), GROUPS) == frozenset()
    assert may(user("dispatcher", "gone"), GROUPS) == frozenset()


def test_a_disabled_administrator_administers_nothing() -> None:
    assert user("administrator").administers
    assert not user("administrator", disabled=True).administers
