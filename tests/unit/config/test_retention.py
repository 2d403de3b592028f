"""What the setting `retention` says."""

from __future__ import annotations

import pytest

from tracker.config.retention import DAY_MS, Keep, Rule, read_rules, rule_of

DAY = 20_000 * DAY_MS


@pytest.mark.parametrize(
    "text, group, rule",
    [
        ("*:30/365", "*", Rule(30, 365)),
        ("trucks:90/always", "trucks", Rule(90, None)),
        (" night shift : 7 / 14 ", "night shift", Rule(7, 14)),
        ("a:b:14", "a:b", Rule(14, 14)),
    ],
)
def test_a_rule_names_a_group_and_its_days(text: str, group: str, rule: Rule) -> None:
    assert read_rules([text]) == {group: rule}


@pytest.mark.parametrize(
    "text", ["", "30", "*", ":30", "*:", "*:x", "*:30/", "*:-1", "*:1.5", "*:0", "*:0/always", "*:30/29"]
)
def test_what_is_no_rule_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no rule|at least one day"):
        read_rules([text])


def test_a_group_has_one_rule() -> None:
    with pytest.raises(ValueError, match="two rules for 'vans'"):
        read_rules(["vans:3", "vans : 4"])


def test_a_group_without_a_rule_has_that_of_all_others() -> None:
    rules = read_rules(["vans:3", "*:9"])
    assert rule_of(rules, "vans") == Rule(3, 3)
    assert rule_of(rules, "trucks") == rule_of(rules, None) == Rule(9, 9)
    assert rule_of(read_rules(["vans:3"]), "trucks") is None
    assert rule_of({}, None) is None


@pytest.mark.parametrize(
    "rule, age, keep",
    [
        (Rule(30, 365), 0, Keep.WHOLE),
        (Rule(30, 365), 30, Keep.WHOLE),
        (Rule(30, 365), 31, Keep.THINNED),
        (Rule(30, 365), 365, Keep.THINNED),
        (Rule(30, 365), 366, Keep.GONE),
        (Rule(30, None), 40_000, Keep.THINNED),
        (Rule(14, 14), 15, Keep.GONE),
        (Rule(14, 14), -3, Keep.WHOLE),
    ],
)
def test_a_day_is_whole_then_thinned_then_gone(rule: Rule, age: int, keep: Keep) -> None:
    assert rule.keeps(DAY, DAY + age * DAY_MS) is keep
    assert rule.keeps(DAY, DAY + (age + 1) * DAY_MS - 1) is keep
