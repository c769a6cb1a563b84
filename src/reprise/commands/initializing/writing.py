"""Choices into params.yaml: comments stay, and so does every parameter that is not chosen."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from reprise.commands.initializing.choice import Choice

FLOW_WIDTH = 60  # characters of a list that stays on its line
# Names that a person gives: what is not chosen goes. Everywhere else it stays.
WHOLE = {"data.sources", "model.weights"}


def with_choices(text: str, choices: Iterable[Choice]) -> str:
    """A parameter file with the choices in it.

    A value that is there already is left as it is written, so that the same choices change
    nothing the second time.

    Args:
        text: A valid params.yaml.
        choices: What to write.
    """
    yaml = _yaml()
    content = yaml.load(text)
    for choice in choices:
        *parents, key = choice.key.split(".")
        section = content
        for parent in parents:
            # What the file leaves out has defaults.
            if not isinstance(section.get(parent), Mapping):
                section[parent] = CommentedMap()
            section = section[parent]
        if choice.key in WHOLE and isinstance(section.get(key), Mapping):
            for name, entry in list(section[key].items()):
                if not _is_same(entry, choice.value.get(name)):
                    del section[key][name]
        _set(section, key, choice.value)
    out = io.StringIO()
    yaml.dump(content, out)
    return out.getvalue()


def _is_same(present: Any, entry: Any) -> bool:
    """Whether an entry is about the same: of a source the url says so, and the rest may stay."""
    if isinstance(present, Mapping) and isinstance(entry, Mapping):
        return bool(present.get("url") == entry.get("url"))
    return entry is not None


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000  # no line is broken anew
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _set(section: Any, key: str, value: Any) -> None:
    """Make an entry what it should be, and touch no more of it than differs."""
    present = section.get(key)
    if isinstance(value, Mapping) and isinstance(present, CommentedMap) and present:
        for inner, one in value.items():
            _set(present, inner, one)
    elif key not in section or present != value:
        if isinstance(value, list) and isinstance(present, CommentedSeq) and value and present:
            # The blank line before the next section hangs on the last entry.
            after = present.ca.items.pop(len(present) - 1, None)
            present[:] = value
            if after is not None:
                present.ca.items[len(present) - 1] = after
        else:
            section[key] = _node(value)


def _node(value: Any) -> Any:
    """A value with the style that the file has: short lists on one line."""
    if isinstance(value, Mapping):
        return CommentedMap({key: _node(one) for key, one in value.items()})
    if isinstance(value, list):
        node = CommentedSeq(value)
        if len(", ".join(map(str, value))) <= FLOW_WIDTH:
            node.fa.set_flow_style()
        return node
    return value
