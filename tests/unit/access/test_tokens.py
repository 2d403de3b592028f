from __future__ import annotations

from tracker.access.tokens import Token, Tokens, hash_of, new_id, new_secret


def token(secret: str, **more: object) -> Token:
    return Token("t1", "device", hash_of(secret), **more)  # type: ignore[arg-type]


def test_a_token_is_found_by_its_secret_alone() -> None:
    tokens, secret = Tokens(), new_secret()
    tokens.put_token(token(secret))
    assert tokens.find_token(secret, 0) == tokens.by_id["t1"]
    for wrong in ("", secret[:-1], hash_of(secret), "t1", "\ud800"):
        assert tokens.find_token(wrong, 0) is None
    assert secret not in repr(tokens.by_id), "what is kept opens nothing"


def test_a_secret_can_be_found_where_it_does_not_belong_and_no_two_are_alike() -> None:
    assert new_secret().startswith("trk_")
    assert len({new_secret() for _ in range(100)} | {new_id() for _ in range(100)}) == 200


def test_a_token_that_was_replaced_is_good_until_its_end() -> None:
    tokens, secret = Tokens(), new_secret()
    tokens.put_token(token(secret, ends_at=1000))
    assert tokens.find_token(secret, 999) is not None
    assert tokens.find_token(secret, 1000) is None


def test_a_token_that_is_gone_or_changed_opens_nothing_with_its_old_secret() -> None:
    tokens, old, new = Tokens(), new_secret(), new_secret()
    for secret in (old, new):
        tokens.put_token(token(secret))
        assert tokens.find_token(secret, 0) is not None
    assert tokens.find_token(old, 0) is None
    assert tokens.remove_token("t1") is not None
    assert tokens.find_token(new, 0) is None
    assert tokens.remove_token("t1") is None


def test_what_was_last_seen_and_last_wrong_is_remembered() -> None:
    tokens = Tokens()
    tokens.used("t1", 5, "10.0.0.1")
    tokens.failed("t1", 6, "not_your_vehicle", "make another")
    use = tokens.uses["t1"]
    told = (use.used_at, use.address, use.error, use.error_at, use.message)
    assert told == (5, "10.0.0.1", "not_your_vehicle", 6, "make another")
    tokens.recovered("t1", "no_fix")
    assert use.error == "not_your_vehicle"
    tokens.recovered("t1", "not_your_vehicle")
    assert (use.error, use.message, use.used_at) == ("", "", 5)


def test_a_token_sends_for_its_vehicles_its_patterns_and_its_groups_only() -> None:
    one = token("x", vehicles=("van 7", "truck-*", "bus-?"), groups=("north",))
    for name, group in (("van 7", None), ("truck-12", None), ("bus-1", "south"), ("car", "north")):
        assert one.may_send(name, group)
    for name, group in (("van 70", None), ("a truck-1", None), ("bus-12", None), ("car", "south"), ("car", None)):
        assert not one.may_send(name, group)
    assert token("x", vehicles=("*",)).may_send("anything", None)
    assert not token("x").may_send("anything", None)


def test_a_pattern_is_no_regular_expression_and_knows_capitals() -> None:
    assert not token("x", vehicles=("v.n",)).may_send("van", None)
    assert not token("x", vehicles=("Van*",)).may_send("van", None)
