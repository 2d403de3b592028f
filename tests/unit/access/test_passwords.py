from __future__ import annotations

import pytest

from tracker.access import passwords
from tracker.access.passwords import LONGEST, SHORTEST, common, fault_of, hash_password, matches, nobodys


def test_a_password_matches_what_is_kept_of_it_and_no_other_does() -> None:
    kept = hash_password("four vans at the depot")
    assert "depot" not in kept
    assert matches("four vans at the depot", kept)
    assert not matches("four vans at the Depot", kept)
    assert hash_password("four vans at the depot") != kept, "each has a salt of its own"


def test_it_is_kept_at_two_to_the_fifteenth_with_its_parameters_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hash_password("x").startswith("scrypt$15$8$1$")
    monkeypatch.setattr(passwords, "LOG_N", 14)
    weaker = hash_password("vans")
    monkeypatch.undo()
    assert matches("vans", weaker), "what was kept with other parameters still opens"


def test_a_long_password_is_taken_whole() -> None:
    long = " ".join(["forty winks on the night shift", "and eleven gulls above the quay"] * 4)
    assert 64 < len(long) <= LONGEST
    assert fault_of(long, "ana") is None
    kept = hash_password(long)
    assert matches(long, kept)
    assert not matches(long[:-1], kept)
    assert not matches(long[:72], kept), "not its beginning alone, as some do"


def test_nobody_has_nobodys_password() -> None:
    assert not matches("", nobodys())


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 257,
        "password",
        "Password123!",
        "P@ssw0rd2024",
        "qwertzuiop",
        "poiuztrewq",
        "12345678",
        "abcdefghij",
        "aaaaaaaaaaaa",
        "abababababab",
        "letmein1",
        "willkommen",
        "fleetmanager1",
        "12341234",
        "asdfasdf",
        "1qaz2wsx",
        "zaq12wsx",
        "1q2w3e4r5t",
        "a1b2c3d4",
        "qweasdzxc",
        "147258369",
        "1122334455",
        "Tinkerbell!",
        "sunshinesummer1",
        "maverick",
        "q1w2e3r4t5",
        "11223344",
        "Midnight7",
        "live-map-2026",
        "TheFleetTracker!",
        "Tr4ck3rTr4ck3r",
        "fuhrpark-karte-1",
    ],
)
def test_what_is_tried_first_is_refused_and_says_why(password: str) -> None:
    weak = fault_of(password, "ana")
    assert weak and weak.code.startswith("password_")
    assert "password" in weak.detail and ("take" in weak.detail or "add" in weak.detail or "at least" in weak.detail)


def test_the_name_of_the_server_is_no_password() -> None:
    assert fault_of("Acme-Map-2026", "ana") is None
    weak = fault_of("Acme-Map-2026", "ana", ["map.acme.example"])
    assert weak and weak.code == "password_here"
    assert fault_of("Acme-Map-harbour", "ana", ["map.acme.example"]) is None
    assert fault_of("livemap" * 36 + "x", "ana") is None, "however often words fit, it is looked through once"


def test_a_password_that_holds_the_name_is_refused() -> None:
    for password in ("anastasia77", "anastasi"):
        weak = fault_of(password, "anastasia")
        assert weak and weak.code == "password_name"
    assert fault_of("some lorries in june", "Jo") is None, "so short a name is in many words"
    assert fault_of("two blue vans in may", "ana") is None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "quaywesterly",
        "maybe abc later",
        "zr7-quiet-harbour",
        "Überholspur am Dienstag",
        "🚚🚐🚛🚜🏍🛵🚲🛴",
    ],
)
def test_a_password_of_ones_own_is_taken(password: str) -> None:
    assert fault_of(password, "ben") is None


def test_the_list_of_common_ones_has_each_once_and_in_small_letters() -> None:
    assert len([word for word in common() if len(word) >= SHORTEST]) > 3000
    assert all(word == word.casefold() for word in common())
