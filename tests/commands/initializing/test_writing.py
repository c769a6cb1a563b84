"""Choices are written into the file as a person keeps it: comments and all else stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reprise.commands.initializing.choice import Choice
from reprise.commands.initializing.writing import with_choices

FILE = """\
# The file.
model:
  weights:            # by family
    yolo:
      url: a.safetensors   # made here
      sha256: 00
  type: yolo          # the family

data:
  sources:            # your data
    old:
      url: old.zip    # where it is
      format: coco    # how it is labelled
  classes: all        # or a list
  split:
    train: 0.8        # my own share
    group_by:         # what keeps together
      - look

validation:
  metrics:            # logged
    - mAP
    - f1

# What the network sees.
augmentation:
  flip: 0.5           # left and right
"""


def _written(key: str, value: Any, text: str = FILE) -> str:
    return with_choices(text, [Choice(key, value, "")])


def _lines_changed(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    return [x for x in old if x not in new], [x for x in new if x not in old]


def test_the_published_file_comes_back_byte_for_byte(repository: Path) -> None:
    text = (repository / "params.yaml").read_text()
    assert with_choices(text, []) == text


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("model.type", "sam", "  type: yolo          # the family",
         "  type: sam           # the family"),
        ("data.split.group_by", [], "    group_by:         # what keeps together",
         "    group_by: []      # what keeps together"),
        ("data.classes", ["a", "b"], "  classes: all        # or a list",
         "  classes: [a, b]     # or a list"),
    ],
)  # fmt: skip
def test_a_value_changes_and_its_comment_stays(key: str, value: Any, old: str, new: str) -> None:
    gone, come = _lines_changed(FILE, _written(key, value))
    assert gone[0] == old and come == [new]


def test_what_a_person_set_in_a_section_stays() -> None:
    after = _written("data.split", {"train": 0.8, "group_by": ["look"], "seed": 0})
    assert _lines_changed(FILE, after) == ([], ["    seed: 0"])


def test_sources_and_weights_are_replaced_whole() -> None:
    content = YAML(typ="safe").load(_written("data.sources", {"new": {"url": "../my cells"}}))
    assert content["data"]["sources"] == {"new": {"url": "../my cells"}}
    content = YAML(typ="safe").load(_written("model.weights", {"yolo": "coco"}))
    assert content["model"]["weights"] == {"yolo": "coco"}


def test_the_entry_of_a_source_that_stays_keeps_its_comments() -> None:
    after = _written("data.sources", {"old": {"url": "old.zip", "format": "voc"}})
    assert "      format: voc     # how it is labelled" in after
    assert "url: old.zip    # where it is" in after


def test_an_entry_of_the_same_name_for_other_data_keeps_nothing() -> None:
    after = _written("data.sources", {"old": {"url": "elsewhere"}})
    assert YAML(typ="safe").load(after)["data"]["sources"] == {"old": {"url": "elsewhere"}}


def test_the_blank_line_and_comment_before_a_section_survive_a_list() -> None:
    after = _written("validation.metrics", ["mAP", "f1", "accuracy"])
    assert "    - f1\n    - accuracy\n\n# What the network sees.\naugmentation:" in after
    shorter = _written("validation.metrics", ["mAP"])
    assert "    - mAP\n\n# What the network sees.\naugmentation:" in shorter


def test_a_section_that_the_file_leaves_out_is_made() -> None:
    assert YAML(typ="safe").load(_written("training.epochs", 3))["training"] == {"epochs": 3}
    word = _written("data.split", "source")
    assert YAML(typ="safe").load(word)["data"]["split"] == "source"
    back = _written("data.split", {"train": 0.7, "group_by": []}, word)
    assert YAML(typ="safe").load(back)["data"]["split"] == {"train": 0.7, "group_by": []}


def test_the_same_choices_again_change_nothing() -> None:
    choices = [
        Choice("data.classes", ["yes", "no", "1", "a: b", " c"], ""),
        Choice("data.sources", {"new": {"url": "../my cells"}}, ""),
        Choice("data.split", "source", ""),
        Choice("validation.metrics", ["mAP"], ""),
        Choice("augmentation.flip", 0.0, ""),
    ]
    once = with_choices(FILE, choices)
    assert with_choices(once, choices) == once
    loaded = YAML(typ="safe", pure=True).load(once)
    assert loaded["data"]["classes"] == ["yes", "no", "1", "a: b", " c"]
