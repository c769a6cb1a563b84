"""What one choice of ``reprise init`` is, and what the person may settle before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reprise.preprocessing.config import SplitConfig
from reprise.scoring.tasks import Task

# What each task finds, in words.
NOUNS: dict[Task, str] = {
    "detect": "boxes",
    "segment": "masks",
    "classify": "labels of whole images",
}


@dataclass(frozen=True)
class Choice:
    """A parameter, its value and why.

    Attributes:
        key: Dotted, as in params.yaml.
        value: What is written.
        reason: A sentence without a full stop.
    """

    key: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Wishes:
    """What the person asked for, and what params.yaml says.

    Attributes:
        family: ``model.type``; empty leaves it to the data.
        weights: The name of published weights, or ``none``; empty leaves it to the family.
        keep: Dotted names of parameters and sections to leave as they are.
        present: The content of params.yaml.
        split: The section of ``data.split``, whose shares stay; None where it is a word.
    """

    family: str = ""
    weights: str = ""
    keep: Sequence[str] = ()
    present: Mapping[str, Any] = field(default_factory=dict)
    split: SplitConfig | None = None

    def keeps(self, key: str) -> bool:
        """Whether a parameter is to stay as it is."""
        return any(key == one or key.startswith(f"{one}.") for one in self.keep)

    def settled(self, choice: Choice) -> Choice:
        """A choice, or in its place the value that stays."""
        if not self.keeps(choice.key):
            return choice
        return replace(choice, value=value_of(self.present, choice.key), reason="you keep it")


def value_of(content: Any, key: str) -> Any:
    """A parameter by its dotted name; None where it is left out."""
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content
