"""The sections ``training`` and ``validation``: what fits the machine and the time."""

from __future__ import annotations

import math

from reprise.commands.initializing.choice import NOUNS, Choice
from reprise.commands.initializing.machine import MOST_THREADS, Machine
from reprise.scoring.tasks import Task

# Training images a second on one CPU core, at 320 pixels and of the smallest variant: orders of
# magnitude, from the runs of docs/families.md and, for masks, from a first run on nuclei.
RATES = {
    ("yolo", "detect"): 6.0,
    ("yolo", "segment"): 3.5,
    ("faster_rcnn", "detect"): 2.0,
    ("mask_rcnn", "segment"): 1.0,
    ("sam", "segment"): 0.5,
    ("multilabel", "classify"): 6.0,
}
OTHERS = 1.0  # Detectron2's, and families of one's own
# GB of memory that an image of a batch takes at 640 pixels, of the variants that are chosen.
MEMORY = {
    "yolo": 0.6,
    "faster_rcnn": 1.5,
    "mask_rcnn": 2.0,
    "detectron2": 2.0,
    "sam": 6.0,
    "multilabel": 0.5,
}
CPU_MINUTES = 30
LONGEST = 300  # epochs


def batch_size(family: str, size: int, machine: Machine, train: int) -> Choice:
    """What memory holds, and few enough that an epoch has some steps."""
    each = MEMORY.get(family, 1.0) * (size / 640) ** 2
    most = 32 if machine.gpu else 8
    fits = 0.5 * machine.memory_gb / each
    several = train / 4
    value = 2 ** int(math.log2(max(min(most, fits, max(several, 2)), 1)))
    reason = f"about {value * each:.1f} GB of {machine.memory_gb:.0f}"
    if several < min(most, fits):
        reason += f", and {math.ceil(train / value)} steps an epoch of {train} images"
    return Choice("training.batch_size", value, reason)


def images_per_second(family: str, task: Task, size: int, machine: Machine) -> float | None:
    """At a guess, of training on a CPU; None where there is a GPU."""
    if machine.gpu:
        return None
    cores = min(machine.cores, MOST_THREADS)
    return RATES.get((family, task), OTHERS) * cores * (320 / size) ** 2


def epochs(rate: float | None, batch: int, train: int, random: bool) -> Choice:
    """So many steps as learning takes, within half an hour on a CPU.

    Args:
        rate: What :func:`images_per_second` guesses.
        batch: The batch size.
        train: Images of the train split.
        random: Whether training starts from random weights.
    """
    steps = 2000 if random else 1000
    value = min(max(math.ceil(steps * batch / train), 20), LONGEST)
    start = "random" if random else "published"
    reason = f"about {value * math.ceil(train / batch)} steps from {start} weights"
    if rate is not None:
        value = max(min(value, int(CPU_MINUTES * 60 * rate / train)), min(value, 10))
        minutes = value * train / rate / 60
        reason = (
            f"about {value * math.ceil(train / batch)} steps from {start} weights, at a guess "
            f"{max(minutes, 1):.0f} min on this CPU"
        )
    return Choice("training.epochs", value, reason)


def learning_rate(family: str, classes: int, random: bool) -> Choice:
    """By family: of AdamW."""
    key = "training.learning_rate"
    if family == "yolo":
        if random:
            return Choice(key, 0.002, "from random weights")
        rate = round(0.01 / (4 + classes), 6)
        return Choice(key, rate, "0.01 / (4 + classes), as the library fine-tunes by itself")
    if random:
        return Choice(key, 0.001, "from random weights")
    return Choice(key, 0.0002, "published weights are to move little")


def validation_frequency(epochs: int) -> Choice:
    """About twenty times in a run."""
    return Choice("validation.frequency", max(1, round(epochs / 20)), "about 20 times in the run")


def early_stopping(task: Task, epochs: int, frequency: int) -> list[Choice]:
    """Patience in epochs, which count once the network has learned something."""
    metric = "mAP" if task == "classify" else "mAP50"
    third = "a third of the run, and at least five validations"
    patience = max(epochs // 3, 5 * frequency)
    return [
        Choice("training.early_stopping.patience", patience, third),
        Choice("training.early_stopping.metric", metric, f"what counts for {NOUNS[task]}"),
    ]


def threads(machine: Machine) -> Choice:
    """Of the network on a CPU."""
    value = min(machine.cores, MOST_THREADS)
    return Choice("training.threads", value, "as many as there are cores; a result depends on it")
