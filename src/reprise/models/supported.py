"""Which parameters a family can honour: the others are refused by name, never ignored."""

from __future__ import annotations

from typing import Any

from reprise.errors import RepriseError
from reprise.models.config import FirstStageConfig
from reprise.models.family import Family, family_class
from reprise.scoring import Task, metrics_of

LEAST_SIZE = 64
# Parameters that not every family has a use for, and the value that asks for nothing.
OPTIONAL: dict[str, Any] = {
    "model.freeze": "none",
    "model.first_stage": FirstStageConfig().model_dump(),
    "model.point_prompts": 0.0,
    "training.label_smoothing": 0.0,
    "augmentation.mosaic": 0.0,
    "augmentation.mixup": 0.0,
    "augmentation.copy_paste": 0.0,
    "augmentation.flip_horizontal": 0.0,
    "augmentation.flip_vertical": 0.0,
    "augmentation.rotation": 0.0,
    "augmentation.translation": 0.0,
    "augmentation.scale": 0.0,
    "augmentation.hue": 0.0,
    "augmentation.saturation": 0.0,
    "augmentation.brightness": 0.0,
    "augmentation.contrast": 0.0,
    "augmentation.blur": 0.0,
    "augmentation.noise": 0.0,
}


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


def refuse_small(type_: str, image_size: int, what: str = "") -> None:
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


def refuse_before_data(settings: Any) -> None:
    """Refuse what needs no data to be refused: an impossible network, an unused parameter.

    Args:
        settings: The whole of params.yaml, checked.

    Raises:
        RepriseError: As :func:`refuse_unsupported`, or as the family's constructor.
    """
    kind = family_class(settings.model.type)
    family = kind(settings.model, ["first", "second"], settings.data.image_size)
    refuse_unsupported(kind, family.task, sections_of(settings))


def sections_of(settings: Any) -> dict[str, Any]:
    """Of params.yaml, what :func:`refuse_unsupported` looks at."""
    names = ("model", "training", "validation", "augmentation")
    return {name: getattr(settings, name).model_dump() for name in names}


def refuse_unsupported(family: type[Family], task: Task, sections: dict[str, Any]) -> None:
    """Refuse parameters that would have no effect, and metrics that are not measured.

    Args:
        family: The family.
        task: What it will predict.
        sections: ``model``, ``training``, ``validation`` and ``augmentation``, each as a
            dictionary.

    Raises:
        RepriseError: Names every such parameter, and those that the family honours.
    """
    type_ = sections["model"]["type"]
    wanted = []
    for name, neutral in OPTIONAL.items():
        section, key = name.split(".")
        if name in family.honours or (
            section == "augmentation" and not sections["augmentation"]["enabled"]
        ):
            continue
        if sections[section].get(key, neutral) != neutral:
            off = "its defaults" if isinstance(neutral, dict) else neutral
            wanted.append(f"{name} (set it to {off})")
    if wanted:
        raise RepriseError(
            f"model.type: {type_} cannot honour {', '.join(wanted)}.",
            f"of the parameters that depend on the family, it can: "
            f"{', '.join(sorted(family.honours)) or 'none'}.",
        )
    known = metrics_of(task)
    chosen = sections["training"]["early_stopping"]["metric"]
    unknown = [f"training.early_stopping.metric: {chosen}"] * (chosen not in (*known, "loss"))
    unknown += [
        f"validation.metrics: {name}"
        for name in sections["validation"]["metrics"]
        if name not in known
    ]
    if unknown:
        raise RepriseError(
            f"{', '.join(unknown)} is not measured when model.type {type_} has to {task}.",
            f"choose among {', '.join(known)}; early_stopping.metric may also be loss.",
        )
