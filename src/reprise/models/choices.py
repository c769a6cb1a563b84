"""What a family makes of ``model.task``, ``model.architecture`` and ``data.image_size``."""

from __future__ import annotations

from reprise.errors import RepriseError
from reprise.models.family import Family
from reprise.scoring import Task

LEAST_SIZE = 64


def choose_task(family: type[Family], type_: str, task: str) -> Task:
    """``model.task`` for a family.

    Raises:
        RepriseError: The family cannot do it.
    """
    if task == "auto":
        return family.tasks[0]
    for known in family.tasks:
        if known == task:
            return known
    raise RepriseError(
        f"model.task: {type_} cannot {task}.", f"set model.task: auto or {', '.join(family.tasks)}."
    )


def choose_architecture(family: type[Family], type_: str, architecture: str) -> str:
    """``model.architecture`` for a family.

    Raises:
        RepriseError: The family has no such network.
    """
    if architecture == "auto":
        return family.architectures[0]
    if architecture in family.architectures:
        return architecture
    raise RepriseError(
        f"model.architecture: {type_} has no {architecture}.",
        f"set model.architecture: auto or {', '.join(family.architectures)}.",
    )


def check_image_size(type_: str, image_size: int, what: str = "") -> None:
    """Refuse images that a network sees as a single place, as it halves them five times.

    A batch norm needs more than one value a channel, also in a last batch of one image.

    Raises:
        RepriseError: ``data.image_size`` is too small.
    """
    if image_size < LEAST_SIZE:
        raise RepriseError(
            f"data.image_size: {image_size} is too small for {what or type_}.",
            f"set data.image_size: {LEAST_SIZE} or more.",
        )
