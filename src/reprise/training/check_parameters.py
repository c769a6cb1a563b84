"""Whether a family makes use of what params.yaml sets: nothing is ignored in silence."""

from __future__ import annotations

from reprise.errors import RepriseError
from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.models.family import Family
from reprise.scoring import metrics_of
from reprise.section import Neutral, Section
from reprise.training.config import TrainingConfig, ValidationConfig


def check_parameters(
    family: Family,
    model: ModelConfig,
    training: TrainingConfig,
    validation: ValidationConfig,
    augmentation: AugmentationConfig,
) -> None:
    """Check that every parameter has an effect, and that every chosen metric is measured.

    Raises:
        RepriseError: Names each that has none, and those that the family supports.
    """
    sections: dict[str, Section] = {"model": model, "training": training}
    if augmentation.enabled:
        sections["augmentation"] = augmentation
    unsupported = [
        f"{name} (set it to {'its defaults' if isinstance(neutral, Section) else neutral})"
        for section, values in sections.items()
        for key, neutral in neutral_values(type(values)).items()
        if (name := f"{section}.{key}") not in family.supported_parameters
        and getattr(values, key) != neutral
    ]
    if unsupported:
        raise RepriseError(
            f"model.type: {model.type} does not support {', '.join(unsupported)}.",
            f"of the parameters that depend on the family, it supports: "
            f"{', '.join(sorted(family.supported_parameters)) or 'none'}.",
        )
    measured = metrics_of(family.task)
    chosen = {f"validation.metrics: {name}": name for name in validation.metrics}
    if training.early_stopping.metric != "loss":
        name = training.early_stopping.metric
        chosen = {f"training.early_stopping.metric: {name}": name} | chosen
    unknown = [written for written, name in chosen.items() if name not in measured]
    if unknown:
        raise RepriseError(
            f"{', '.join(unknown)} is not measured when model.type {model.type} has to "
            f"{family.task}.",
            f"choose among {', '.join(measured)}; early_stopping.metric may also be loss.",
        )


def neutral_values(section: type[Section]) -> dict[str, object]:
    """By field, the values that ask for nothing; other fields are for every family."""
    return {
        name: mark.value
        for name, field in section.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Neutral)
    }
