from __future__ import annotations

from typing import Any

import pytest

from tracker.access.directory import Directory
from tracker.access.people import Group, User
from tracker.access.sessions import IDLE_MS, Session
from tracker.access.tokens import Token
from tracker.errors import InTheWay, NotFound

ADA = User("ada", "administrator")
BEN = User("ben", "dispatcher", ("north",))


@pytest.fixture
def directory() -> Directory:
    directory = Directory()
    directory.take([directory.record("group", "north", Group("north", ("depots",)))])
    for user in (ADA, BEN):
        directory.take(directory.user_saved(user))
    for id, name in (("s1", "ada"), ("s2", "ben"), ("s3", "ben")):
        directory.take([directory.record("session", id, Session(id, f"#{id}", name, 0, 0))])
    for id, kind, owner in (("t1", "device", None), ("t2", "person", "ben")):
        token = Token(id, kind, f"#{id}", user=owner)  # type: ignore[arg-type]
        directory.take([directory.record("token", id, token)])
    return directory


def keys(records: list[Any]) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.key, one.body is None) for one in records]


def test_what_is_taken_in_is_there_and_counts_its_versions(directory: Directory) -> None:
    assert directory.users == {"ada": ADA, "ben": BEN}
    assert directory.has_administrator
    assert directory.may(BEN) == {"watch"}
    assert directory.sessions.find_session("#s2", 0) == Session("s2", "#s2", "ben", 0, 0)
    again = directory.user_saved(BEN)
    assert again[0].version == 2


def test_a_planned_change_is_not_in_force_before_it_is_kept(directory: Directory) -> None:
    records = directory.user_removed("ben")
    assert "ben" in directory.users
    assert directory.sessions.find_session("#s2", 0) is not None
    directory.take(records)
    assert "ben" not in directory.users
    assert directory.sessions.find_session("#s2", 0) is None
    assert "t2" not in directory.tokens.by_id
    assert "t1" in directory.tokens.by_id


def test_who_is_removed_loses_sessions_and_tokens(directory: Directory) -> None:
    assert keys(directory.user_removed("ben")) == [
        ("user", "ben", True), ("session", "s2", True), ("session", "s3", True), ("token", "t2", True),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        directory.user_removed("nobody")


@pytest.mark.parametrize("changed", [{"disabled": True}, {"password": "scrypt$…"}])
def test_who_is_disabled_or_has_another_password_is_signed_out(directory: Directory, changed: dict[str, Any]) -> None:
    user = User("ben", "dispatcher", ("north",), **changed)
    assert keys(directory.user_saved(user))[1:] == [("session", "s2", True), ("session", "s3", True)]
    assert keys(directory.user_saved(User("ben", "viewer"))) == [("user", "ben", False)]


@pytest.mark.parametrize("less", [User("ada", "viewer"), User("ada", "administrator", disabled=True)])
def test_the_last_administrator_stays(directory: Directory, less: User) -> None:
    with pytest.raises(InTheWay):
        directory.user_saved(less)
    with pytest.raises(InTheWay):
        directory.user_removed("ada")
    directory.take(directory.user_saved(User("eve", "administrator")))
    directory.take(directory.user_saved(less))
    with pytest.raises(InTheWay):
        directory.user_removed("eve")


def test_a_disabled_administrator_does_not_count(directory: Directory) -> None:
    directory.take(directory.user_saved(User("eve", "administrator", disabled=True)))
    with pytest.raises(InTheWay):
        directory.user_removed("ada")


def test_a_group_goes_when_nobody_is_in_it(directory: Directory) -> None:
    with pytest.raises(InTheWay, match="ben"):
        directory.group_removed("north")
    with pytest.raises(NotFound):
        directory.group_removed("south")
    directory.take(directory.user_saved(User("ben", "dispatcher")))
    directory.take(directory.group_removed("north"))
    assert directory.groups == {}


def test_when_tokens_and_cookies_were_shown_is_kept_and_sessions_that_ended_go(directory: Directory) -> None:
    assert not directory.has_uses(0)
    directory.tokens.used("t1", 5, "10.0.0.1")
    directory.tokens.used("gone", 5, "10.0.0.1")
    directory.sessions.touch(directory.sessions.by_id["s2"], 2 * IDLE_MS, "10.0.0.2")
    assert directory.has_uses(0)
    records = directory.uses(IDLE_MS)
    assert keys(records) == [
        ("use", "t1", False), ("session", "s2", False), ("session", "s1", True), ("session", "s3", True),
    ]  # fmt: skip
    again = Directory()
    again.take(records)
    assert again.tokens.uses["t1"].address == "10.0.0.1"
    directory.take(records)
    assert list(directory.sessions.by_id) == ["s2"]
    assert keys(directory.token_revoked("t1")) == [("token", "t1", True), ("use", "t1", True)]
    assert keys(directory.token_revoked("t2")) == [("token", "t2", True)]


@pytest.mark.parametrize("name", ["Ada", "\uff21da", "\u0430d\u0430", "\uff41\uff44\uff41"], ids=ascii)
def test_nobody_is_called_so_that_a_reader_takes_them_for_another(directory: Directory, name: str) -> None:
    with pytest.raises(InTheWay, match="looks the same"):
        directory.user_saved(User(name, "viewer"))
    directory.user_saved(User("adam", "viewer"))
    directory.user_saved(User("\u0430\u043d\u043d\u0430", "viewer"))  # Anna


def test_who_is_put_into_a_group_that_went_meanwhile_is_in_none(directory: Directory) -> None:
    """Or they would be in the next one of that name."""
    with pytest.raises(NotFound, match="south"):
        directory.user_saved(User("cleo", "viewer", ("south",)))
