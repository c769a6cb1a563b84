"""What a refusal tells first, how much of it, and what is told without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reprise.dataset import Category
from reprise.validation.config import ExpectationsConfig
from reprise.validation.validate import validate

if TYPE_CHECKING:
    from validation.conftest import Draft

Refusal = Callable[..., str]


def test_what_comes_first_may_be_why_the_rest_fails(draft: Draft, refusal: Refusal) -> None:
    """Without the images of one source val is empty: the source comes before val."""
    lost = {"source": "scans", "item": "image", "action": "dropped", "rule": "image_missing"}
    draft.rejected = [{**lost, "name": f"{n}.png", "detail": ""} for n in range(9)]
    for place in (8, 9, 10):
        draft.image(place, split="train")
    message = refusal(draft)
    assert message.startswith("The dataset fails 2 of ")
    assert message.index("scans: 9 images dropped, 0 kept") < message.index("val: 0 images")


def test_classes_that_are_nearly_one_are_noted(
    draft: Draft, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = draft.write(tmp_path / "dataset")
    validate(dataset, ExpectationsConfig(), tmp_path / "out")
    assert capsys.readouterr().out == ""
    draft.categories[1] = Category(2, "Red ")
    names = [{"id": entry.category_id, "name": entry.name} for entry in draft.categories]
    (dataset / "categories.json").write_text(json.dumps(names))
    validate(dataset, ExpectationsConfig(), tmp_path / "out")
    assert "differ only in capitals or spaces: 'red' and 'Red '." in capsys.readouterr().out


def test_only_the_first_five_are_named(draft: Draft, refusal: Refusal) -> None:
    for row in draft.annotations:
        row["x"] = -1.0
        row["w"] = 10.0 * row["category_id"]
        row["area"] = 10.0
    message = refusal(draft)
    assert message.startswith("The dataset fails 1 of ")
    assert message.count("passes the edge") == 5
    assert "and 23 more" in message
