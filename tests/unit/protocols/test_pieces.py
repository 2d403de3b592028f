"""A document cut into pieces says what it said whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadRequest, TooLarge
from tracker.protocols import pieces
from tracker.protocols.pieces import PIECE, batches, check_weight, cut, weigh

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text('ab"\\[]{},: é\n', max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def told(body: bytes, name: str = "items", most: int = 10_000) -> Any:
    """The document put together again from its pieces."""
    frame, spans = cut(body, name, 1000, most)
    document = json.loads(frame)
    if spans is None:
        return document
    items = [json.loads(body[start:end]) for start, end in spans]
    return items if isinstance(document, list) else document | {name: items}


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_an_array_is_cut_at_its_items(items: list[Any], indent: int | None, plain: bool) -> None:
    assert told(json.dumps(items, indent=indent, ensure_ascii=plain).encode()) == items


@given(st.dictionaries(st.sampled_from(["items", "type", 'a"b', "item"]), VALUES), st.sampled_from([None, 1]))
def test_an_object_is_cut_at_the_items_of_one_array(document: dict[str, Any], indent: int | None) -> None:
    assert told(json.dumps(document, indent=indent).encode()) == document


@given(st.text('[]{},:"\\1a ', max_size=30))
def test_what_is_no_json_ends_and_is_no_json_in_pieces_either(text: str) -> None:
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    try:
        cut_up = told(text.encode())
    except (BadRequest, ValueError):
        cut_up = None
    assert cut_up == whole or (whole is not None and len(text) != len(text.strip()))


def test_batches_are_pieces_or_one_item() -> None:
    body = json.dumps(["x" * 100_000] * 10).encode()
    found = list(batches(cut(body, "", 100, PIECE).spans or []))
    assert [len(batch) for batch in found] == [2] * 5
    assert all(batch[-1][1] - batch[0][0] <= PIECE for batch in found)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" + b"{}," * 2000 + b"{}]", "too_many_items"),
        (b'{"items":[' + b"1," * 2000 + b"1]}", "too_many_items"),
        (b'["' + b"x" * 20_000 + b'"]', "body_too_large"),
        (b'["' + b'\\"' * 10_000 + b'"]', "body_too_large"),
        (b"[" + b" " * 600_000 + b"]", "body_too_large"),
        (b"[[" + b"[]," * 200_000 + b"[]]]", "body_too_large"),
        (b"[" * 600_000, "body_too_large"),
        (b'{"other":[' + b"1," * 20_000 + b"1]}", "body_too_large"),
        (b"{}" + b",{}" * 20_000, "body_too_large"),
        (b'{"items":[1,2', "not_json"),
        (b'{"items":[1,2}', "not_json"),
    ],
)
def test_what_is_too_much_is_refused_before_it_is_decoded(body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        cut(body, "items", 1000, 10_000)
    assert caught.value.code == code


def test_a_body_of_brackets_weighs_more_than_it_may() -> None:
    with pytest.raises(TooLarge) as caught:
        check_weight(b"[" + b"{}," * 700_000 + b"{}]")
    assert caught.value.code == "too_many_items"
    check_weight(json.dumps([[24.938_412 + n / 1e6, 60.169_912] for n in range(10_000)]).encode())
    check_weight(b"[" + b"[1,2]," * 10_000 + b"[1,2]]")


def test_the_weight_is_no_less_than_what_a_document_takes() -> None:
    import tracemalloc

    for item in (b"{}", b"[]", b"[1.5,2.5]", b'{"a":1.5}', b'"abcdef"', b"1.25"):
        body = b"[" + b",".join([item] * 20_000) + b"]"
        tracemalloc.start()
        document = json.loads(body)
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert document
        assert weigh(body) >= 0.7 * taken, item


def test_a_document_is_cut_alike_however_short_the_runs_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 64)
    rings = [[[n, n + 1] for n in range(200)], "x" * 500, " " * 500, {"a": [1] * 300}]
    assert told(json.dumps(rings, indent=2).encode()) == rings
