"""The run section: text of people, which goes to pages, terminals and other programs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reprise.runs.config import RunConfig


def test_all_of_it_may_be_left_empty() -> None:
    assert RunConfig() == RunConfig(name="", description="", tags=[])


def test_text_of_any_language() -> None:
    named = RunConfig(name="Läufer №3", description="why:\nto see", tags=["größer", "v1.2/a b"])
    assert named.description == "why:\nto see"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "two\nlines", "one line"),
        ("name", "\x1b[31mred", "one line"),
        ("name", "x" * 81, "at most 80"),
        ("description", "\x07", "printable"),
        ("tags", ["a,b"], "a tag of 1 to 64"),
        ("tags", [""], "a tag of 1 to 64"),
        ("tags", ["x" * 65], "a tag of 1 to 64"),
    ],
)
def test_what_would_break_another_program_is_refused(field: str, value: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        RunConfig(**{field: value})
