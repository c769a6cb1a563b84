"""The ``run`` section of params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from reprise.section import Section, worded


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Input should be one line of printable text")
    return text


def _text(text: str) -> str:
    if not all(letter.isprintable() or letter == "\n" for letter in text):
        raise ValueError("Input should be printable text")
    return text


# What MLflow takes as a name, and Weights & Biases as a tag.
Tag = Annotated[
    str,
    Field(pattern=r"^\w[\w .:/-]{0,63}$"),
    worded("Input should be a tag of 1 to 64 letters, digits, spaces and _ - . : /"),
]


class RunConfig(Section):
    """What a person calls this run: in the report, the loggers and logs/. Nothing is trained
    again for it, for no result depends on it."""

    name: Annotated[str, Field(max_length=80), AfterValidator(_one_line)] = ""
    """Of the experiment; empty takes DVC's name of the experiment, or the network's."""
    description: Annotated[str, Field(max_length=4000), AfterValidator(_text)] = ""
    """Why it was run, for whoever reads the report."""
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    """To find it by: [baseline, night]."""
