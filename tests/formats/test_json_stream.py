"""A JSON object read list by list says what json.loads says of the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.formats.json_stream import JsonLists

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    content=st.dictionaries(st.text(), VALUES, max_size=5),
    indent=st.sampled_from([None, 1]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_its_lists_are_those_of_the_object(
    content: dict[str, Any], indent: int | None, encoding: str
) -> None:
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = json.dumps(content, indent=indent).encode(encoding)
    lists = JsonLists(data)
    assert lists.keys == list(content)
    for key, value in content.items():
        assert lists.is_list(key) == isinstance(value, list)
        if isinstance(value, list):
            assert list(lists.entries(key)) == value
            assert list(lists.entries(key)) == value


@given(VALUES)
def test_what_is_no_object_has_no_lists(value: Any) -> None:
    if not isinstance(value, dict):
        assert JsonLists(json.dumps(value).encode()).keys == []


@given(content=st.dictionaries(st.text(), VALUES, min_size=1, max_size=3), data=st.data())
def test_it_accepts_what_json_accepts_and_nothing_else(
    content: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(content)
    place = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text('{}[]:,"0 ax', max_size=2))
    changed = (text[:place] + put + text[place + cut :]).encode()
    try:
        expected = json.loads(changed)
    except ValueError:
        with pytest.raises(ValueError, match=r"line|Expecting|Invalid|Extra|Unterminated"):
            JsonLists(changed)
        return
    lists = JsonLists(changed)
    assert lists.keys == (list(expected) if isinstance(expected, dict) else [])


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    lists = JsonLists(b'{"a": [1], "a": [2, 3]}')
    assert list(lists.entries("a")) == [2, 3]
    assert not JsonLists(b'{"a": [1], "a": 5}').is_list("a")


def test_nesting_ten_thousand_deep_is_refused() -> None:
    with pytest.raises(RecursionError):
        JsonLists(b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
