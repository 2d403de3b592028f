from __future__ import annotations

import json
from pathlib import Path

import pytest

from tracker.errors import BadRequest
from tracker.live.requests import Follow, read_request

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire"


def test_every_golden_client_message_can_be_read() -> None:
    for message in json.loads((GOLDEN / "client.json").read_text(encoding="utf-8")):
        assert read_request(json.dumps(message)) is not None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "empty"),
        (b"", "empty"),
        ("rubbish", "not_json"),
        (b"\xff\xfe", "not_json"),
        ("[" * 60_000, "not_an_object"),
        ("[]", "not_an_object"),
        ("{}", "unknown_op"),
        ('{"op":"fly"}', "unknown_op"),
        ('{"op":"follow","all":1}', "bad_parameter"),
        ('{"op":"follow","regions":"depot"}', "bad_parameter"),
        ('{"op":"follow","hz":0}', "bad_parameter"),
        ('{"op":"follow","hz":1e400}', "bad_parameter"),
        ('{"op":"follow","window":0}', "bad_parameter"),
        ('{"op":"follow","events":["enter","flying"]}', "bad_parameter"),
        ('{"op":"follow","max_vehicles":-1}', "bad_parameter"),
        ('{"op":"follow","view":{"bbox":[1,9,2,3],"zoom":5}}', "bad_parameter"),
        ('{"op":"view","bbox":[1,2,3],"zoom":5}', "bad_parameter"),
        (json.dumps({"op": "follow", "regions": ["r"] * 1001}), "bad_parameter"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_own_code(data: str | bytes, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_request(data)
    assert refused.value.code == code
    assert refused.value.detail


def test_a_kind_nobody_knows_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match="low_battery"):
        read_request('{"op":"follow","events":["landed"]}')
    kinds = ["enter", "erased"]
    assert read_request(json.dumps({"op": "follow", "events": kinds})) == Follow(events=kinds)


def test_members_nobody_knows_are_left_alone() -> None:
    assert read_request('{"op":"follow","all":true,"later":1}') == Follow(all=True)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ('{"op":"follow","hz":"often"}', "hz"),
        ('{"op":"follow","hz":0}', "hz"),
        ('{"op":"view","bbox":[1,9,2,3],"zoom":5}', "bbox"),
        ('{"op":"view","zoom":5}', "bbox"),
        (json.dumps({"op": "follow", "vehicles": ["v"] * 1001}), "vehicles"),
    ],
)
def test_an_option_that_cannot_be_so_is_told_by_its_name(data: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_request(data)
    assert [(one["field"], one["code"]) for one in refused.value.errors] == [(field, "bad_parameter")]
