"""What ``reprise init`` writes: one small function a choice, each with its reason, in a module for
each section of params.yaml.

Nothing here opens a file: a choice follows from the fingerprint of the data, the machine, and
what the person asked for.
"""

from __future__ import annotations

import difflib

from reprise.commands.initializing.choice import NOUNS, Choice, Wishes
from reprise.commands.initializing.data_choices import (
    classes,
    expectations,
    sources,
    split,
    splits,
)
from reprise.commands.initializing.fingerprint import Fingerprint
from reprise.commands.initializing.grouping import foreseen
from reprise.commands.initializing.machine import Machine
from reprise.commands.initializing.mirror_choices import flips
from reprise.commands.initializing.model_choices import (
    carry_over,
    first_stage,
    image_size,
    max_detections,
    model_task,
    model_type,
    model_variant,
    model_weights,
)
from reprise.commands.initializing.training_choices import (
    batch_size,
    early_stopping,
    epochs,
    images_per_second,
    learning_rate,
    threads,
    validation_frequency,
)
from reprise.errors import RepriseError
from reprise.models.family import family_class
from reprise.preprocessing.config import SplitConfig
from reprise.weights.config import NO_WEIGHTS

METRICS = {
    "detect": ["mAP", "mAP50", "mAP75", "f1"],
    "segment": ["mAP", "mAP50", "mAP75", "f1", "mean_iou"],
    "classify": ["mAP", "f1", "exact_match", "accuracy"],
}


def choose(data: Fingerprint, machine: Machine, wishes: Wishes) -> list[Choice]:
    """All choices, in the order of params.yaml.

    Raises:
        RepriseError: The wanted family cannot be trained on these labels, or there are too few
            images.
    """
    settled = wishes.settled
    model = settled(model_type(data, wishes))
    family, task = str(model.value), model_task(data, str(model.value))
    variant = settled(model_variant(family, task, machine, wishes))
    weights = settled(model_weights(family, task, str(variant.value), wishes))
    start = (weights.value or {}).get(family) or NO_WEIGHTS
    size = settled(image_size(data, machine, task))
    splitting, offered = splits(data, wishes)
    divided = foreseen(data.images, SplitConfig(**splitting) if splitting else None)
    train = divided["train"][""]
    batch = settled(batch_size(family, size.value, machine, train))
    rate = images_per_second(family, task, size.value, machine)
    length = settled(epochs(rate, batch.value, train, start == NO_WEIGHTS))
    every = settled(validation_frequency(length.value))
    found = [
        model,
        Choice("model.task", "auto" if task == family_class(family).tasks[0] else task,
               f"for {NOUNS[task]}"),
        Choice("model.architecture", "auto", "the family's first"),
        variant,
        weights,
        carry_over(data, start),
        *first_stage(data, family, size.value, machine),
        max_detections(data),
        sources(data),
        size,
        classes(data),
        split(data, splitting, offered, whole=wishes.split is None),
        Choice("synthetic.generator", "none", "drawn screens are for the embedded dataset"),
        *expectations(data, divided, size.value),
        length,
        batch,
        learning_rate(family, len(data.classes), start == NO_WEIGHTS),
        *early_stopping(task, length.value, every.value),
        *([] if machine.gpu else [threads(machine)]),
        every,
        Choice("validation.metrics", METRICS[task], f"what is measured of {NOUNS[task]}"),
        *flips(data),
        Choice("machine.workers", min(machine.cores, 8), f"this machine has {machine.cores} cores"),
    ]  # fmt: skip
    for kept in wishes.keep:
        if not any(Wishes(keep=[kept]).keeps(one.key) for one in found):
            close = difflib.get_close_matches(kept, [one.key for one in found], n=1)
            raise RepriseError(
                f"--keep {kept}: that is no parameter, or none that is chosen here.",
                f"did you mean {close[0]}?" if close else "name it as it stands in the list.",
            )
    return [settled(one) for one in found]
