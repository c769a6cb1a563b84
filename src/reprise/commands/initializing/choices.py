"""What ``reprise init`` writes: one small function a choice, each with its reason.

Nothing here opens a file: a choice follows from the fingerprint of the data, the machine, and
what the person asked for.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reprise.commands.initializing.fingerprint import Fingerprint
from reprise.commands.initializing.grouping import Candidate, candidates, foreseen
from reprise.commands.initializing.machine import MOST_THREADS, Machine
from reprise.dataset import SPLITS
from reprise.errors import RepriseError
from reprise.models.config import FirstStageConfig
from reprise.models.family import family_class
from reprise.preprocessing.config import SplitConfig
from reprise.scoring.tasks import Task
from reprise.validation.config import ExpectationsConfig
from reprise.validation.summary_tables import TINY
from reprise.weights.config import NO_WEIGHTS
from reprise.weights.published import COCO_CLASSES, VARIANTS, Network, fitting


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


# Training images a second on one CPU core, at 320 pixels and of the smallest variant: orders of
# magnitude, from the runs of docs/families.md.
RATES = {
    "yolo": 6.0,
    "faster_rcnn": 2.0,
    "mask_rcnn": 1.0,
    "detectron2": 1.0,
    "sam": 0.5,
    "multilabel": 6.0,
}
# GB of memory that an image of a batch takes at 640 pixels, of the variants that are chosen.
MEMORY = {
    "yolo": 0.6,
    "faster_rcnn": 1.5,
    "mask_rcnn": 2.0,
    "detectron2": 2.0,
    "sam": 6.0,
    "multilabel": 0.5,
}
PROPOSING = ("faster_rcnn", "mask_rcnn", "detectron2")
ANCHORS = [32, 64, 128, 256, 512]  # the networks' own

OBJECT_PIXELS = 16  # of the side of the object that 95% are larger than: two cells of a stride of 8
IMAGE_SIZES = (256, 640, 1280)  # least, most on a CPU, most on a GPU
LABEL_SIZE = 224
CPU_MINUTES = 30
LONGEST = 300  # epochs


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
    length = settled(epochs(family, size.value, batch.value, machine, train, start == NO_WEIGHTS))
    every = settled(validation_frequency(length.value))
    found = [
        model,
        Choice("model.task", "auto" if task == family_class(family).tasks[0] else task,
               f"for {_NOUNS[task]}"),
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
        Choice("validation.metrics", METRICS[task], f"what is measured of {_NOUNS[task]}"),
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


_NOUNS = {"detect": "boxes", "segment": "masks", "classify": "labels of whole images"}
METRICS = {
    "detect": ["mAP", "mAP50", "mAP75", "f1"],
    "segment": ["mAP", "mAP50", "mAP75", "f1", "mean_iou"],
    "classify": ["mAP", "f1", "exact_match", "accuracy"],
}


def model_type(data: Fingerprint, wishes: Wishes) -> Choice:
    """The family that the labels can teach."""
    labels_only = not data.object_sides
    if not wishes.family:
        if labels_only:
            return Choice("model.type", "multilabel", "whole images are labelled, no objects")
        return Choice("model.type", "yolo", "the fastest family for objects")
    tasks = family_class(wishes.family).tasks
    needed = "" if "classify" in tasks else "boxes" if "detect" in tasks else "masks"
    if (needed and labels_only) or (needed == "masks" and not data.all_masks):
        has = f"{data.masks} of {len(data.object_sides)} objects have a mask"
        raise RepriseError(
            f"--model {wishes.family} learns {needed}, and "
            f"{'only whole images are labelled' if labels_only else has}.",
            f"name another family, or none: the labels suit {model_type(data, Wishes()).value}.",
        )
    return Choice("model.type", wishes.family, "you named it")


def model_task(data: Fingerprint, family: str) -> Task:
    """What the family is to predict: masks where there are, of those that it can."""
    tasks = family_class(family).tasks
    wanted: tuple[Task, ...] = ("segment", "detect") if data.all_masks else ("detect",)
    return next((task for task in wanted if task in tasks), tasks[0])


def model_variant(family: str, task: Task, machine: Machine, wishes: Wishes) -> Choice:
    """The size of the network: the smallest that the machine need not go below and that has
    published weights."""
    least, why = "nano", "there is no GPU"
    if machine.gpu:
        least = "medium" if family in PROPOSING and machine.memory_gb >= 10 else "small"
        why = f"the GPU has {machine.memory_gb:.0f} GB"
    larger = VARIANTS[VARIANTS.index(least) :]
    published = [one for one in larger if fitting(Network.chosen(family, "auto", task, one))]
    variant = least if wishes.weights or not published else published[0]
    reason = why if variant == least else f"{why}, and no weights of smaller ones are published"
    return Choice("model.variant", variant, reason)


def model_weights(family: str, task: Task, variant: str, wishes: Wishes) -> Choice:
    """Where training starts: the best published weights of the network, if there are any."""
    key = "model.weights"
    if wishes.weights:
        return Choice(key, {family: wishes.weights}, "you named it")
    network = Network.chosen(family, "auto", task, variant)
    names = [one.name for one in fitting(network) if one.name != "screens"]
    if not names:
        return Choice(key, {family: NO_WEIGHTS}, f"none are published of {network}")
    why = "fetched by the weights stage; on a machine without a network: --weights none"
    return Choice(key, {family: names[0]}, why)


def carry_over(data: Fingerprint, weights: str) -> Choice:
    """Whether classes that COCO has too start from what its weights know."""
    shared = [name for name in data.classes if name in COCO_CLASSES] if weights == "coco" else []
    known = (
        f"COCO knows {', '.join(shared[:3])}" if shared else "the weights know no class of yours"
    )
    return Choice("model.carry_over_classes", bool(shared), known)


def image_size(data: Fingerprint, machine: Machine, task: Task) -> Choice:
    """Large enough for the small objects, and no larger than the images."""
    key, longest = "data.image_size", _up(float(np.percentile(data.longest_sides, 90)))
    if task == "classify" or not data.object_sides:
        size = min(LABEL_SIZE, longest)
        return Choice(key, size, "what classifiers of whole images are published for")
    small = float(np.percentile(data.object_sides, 5))
    least, on_cpu, on_gpu = IMAGE_SIZES
    most = max(min(longest, on_gpu if machine.gpu else on_cpu), 64)
    size = min(max(_up(OBJECT_PIXELS / small), least), most)
    pixels = small * size
    reason = f"95% of the objects keep {pixels:.0f} pixels a side or more"
    if pixels < OBJECT_PIXELS - 1:
        limit = "few images are larger" if size == longest else "more takes too long here"
        reason += f"; {OBJECT_PIXELS} would be better, but {limit}"
    return Choice(key, size, reason)


def _up(side: float) -> int:
    return max(math.ceil(side / 32) * 32, 64)


def first_stage(data: Fingerprint, family: str, size: int, machine: Machine) -> list[Choice]:
    """Anchors as small as the objects, and on a CPU few proposals."""
    if family not in PROPOSING:
        # Other families refuse any value but the default.
        default = FirstStageConfig().model_dump()
        return [Choice("model.first_stage", default, f"{family} has no first stage: the defaults")]
    small = float(np.percentile(data.object_sides, 5)) * size
    halvings = min(max(round(math.log2(ANCHORS[0] / max(small, 1))), 0), 2)
    anchors = [side >> halvings for side in ANCHORS]
    why = f"5% of the objects are under {small:.0f} pixels a side"
    many = (1000, 512, "as published") if machine.gpu else (300, 128, "fewer are faster on a CPU")
    return [
        Choice("model.first_stage.anchor_sizes", anchors if halvings else None, why),
        Choice("model.first_stage.max_proposals", many[0], many[2]),
        Choice("model.first_stage.sampled_proposals", many[1], many[2]),
    ]


def max_detections(data: Fingerprint) -> Choice:
    """Half as many again as the fullest image has objects."""
    most = max(image.classes.total() for image in data.images)
    value = min(max(300, math.ceil(most * 1.5)), 1000)
    return Choice("model.max_detections", value, f"the fullest image has {most} objects or labels")


def sources(data: Fingerprint) -> Choice:
    """The entries."""
    entries = {source.name: source.entry for source in data.sources}
    reasons = "; ".join(f"{source.name}: {source.reason}" for source in data.sources)
    return Choice("data.sources", entries, reasons)


def classes(data: Fingerprint) -> Choice:
    """The list of classes, so that a misspelt one in new labels is refused."""
    return Choice("data.classes", data.classes, "as found; a new name in the labels is refused")


def splits(data: Fingerprint, wishes: Wishes) -> tuple[dict[str, Any] | None, list[Candidate]]:
    """The section of ``data.split``, None for the word ``source``; and what could group."""
    present = wishes.split or SplitConfig()
    if wishes.keeps("data.split" if wishes.split is None else "data.split.group_by"):
        return None if wishes.split is None else present.model_dump(), []
    given = Counter(image.split for image in data.images)
    if given["train"] and given["val"] and not given[None]:
        return None, []
    offered = candidates(data.images, data.classes)
    group_by = [one.entry for one in offered if not one.verdict]
    return present.model_dump() | {"group_by": group_by}, offered


def split(
    data: Fingerprint,
    splitting: dict[str, Any] | None,
    offered: Sequence[Candidate],
    whole: bool,
) -> Choice:
    """How the images are divided: the word ``source``, the ``whole`` section, or its keys."""
    if splitting is None:
        given = Counter(image.split for image in data.images)
        counts = ", ".join(f"{name} {given[name]}" for name in SPLITS if given[name])
        return Choice("data.split", "source", f"the source gives the splits: {counts}")
    told = [f"{one.entry}: {one.groups} groups" for one in offered if not one.verdict]
    told += [f"not {one.entry}, for {one.verdict}" for one in offered if one.verdict]
    reason = "; ".join(told) or "no name, folder or key tells which images are related"
    if whole:
        return Choice("data.split", splitting, reason)
    return Choice("data.split.group_by", splitting["group_by"], reason)


def expectations(data: Fingerprint, divided: Mapping[str, Counter[str]], size: int) -> list[Choice]:
    """What the gate asks for: about half of what is there, so that a loss is seen."""
    default = ExpectationsConfig()
    images = {name: divided[name][""] for name in SPLITS}
    if empty := [name for name in SPLITS if not images[name]]:
        raise RepriseError(
            f"{len(data.images)} usable image(s) do not fill train, val and test: "
            f"{', '.join(empty)} would be empty.",
            "add images or name a second source: reprise init PATH PATH.",
        )
    rarest = {
        name: min(divided[name][class_name] for class_name in data.classes) for name in SPLITS
    }
    boxes = {
        "train": min(10, rarest["train"] // 2),
        # Of few, images that look alike may take the only one to another split.
        "val": int(rarest["val"] >= 4),
        "test": int(rarest["test"] >= 4),
    }
    counts = [divided["train"][class_name] for class_name in data.classes]
    imbalance = max(counts) / max(min(counts), 1)
    background = sum(not image.classes for image in data.images) / len(data.images)
    tiny = float(np.mean(np.array(data.object_sides) * size < TINY)) if data.object_sides else 0.0
    few = len(data.images) < 50
    return [
        Choice(
            "expectations.min_images",
            {name: max(count // 2, 1) for name, count in images.items()},
            "half of the {train}, {val} and {test} that are expected".format(**images),
        ),
        Choice(
            "expectations.min_boxes_per_class",
            boxes,
            f"the rarest class has {rarest['train']} in train, {rarest['val']} in val, "
            f"{rarest['test']} in test",
        ),
        Choice(
            "expectations.max_class_imbalance",
            max(200, math.ceil(imbalance * 2)),
            f"the commonest class has {imbalance:.0f} times as many as the rarest",
        ),
        Choice(
            "expectations.max_tiny_boxes",
            round(max(0.5, min(tiny * 1.5, 1.0)), 2),
            f"{tiny:.0%} of the objects are under {TINY:g} pixels at that size",
        ),
        Choice(
            "expectations.max_size_shift",
            20 if few else 4,
            "the median box of so few images jumps" if few else "the default",
        ),
        Choice(
            "expectations.max_background",
            round(max(default.max_background, min(background * 1.3, 1.0)), 2),
            f"{background:.0%} of the images show nothing that is labelled",
        ),
    ]


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


def epochs(
    family: str, size: int, batch: int, machine: Machine, train: int, random: bool
) -> Choice:
    """So many steps as learning takes, within half an hour on a CPU."""
    steps = 2000 if random else 1000
    value = min(max(math.ceil(steps * batch / train), 20), LONGEST)
    start = "random" if random else "published"
    reason = f"about {value * math.ceil(train / batch)} steps from {start} weights"
    if not machine.gpu:
        rate = RATES.get(family, 1.0) * min(machine.cores, MOST_THREADS) * (320 / size) ** 2
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
        Choice("training.early_stopping.metric", metric, f"what counts for {_NOUNS[task]}"),
    ]


def threads(machine: Machine) -> Choice:
    """Of the network on a CPU."""
    value = min(machine.cores, MOST_THREADS)
    return Choice("training.threads", value, "as many as there are cores; a result depends on it")


# Of a class or source: what is written, or a widget, which no mirror shows.
_READ = re.compile("button|checkbox|combobox|textbox|textview|inputbox|dropdown|toolbar|navbar")
_READ_WORDS = {
    "text", "label", "link", "word", "letter", "character", "digit", "number", "sign", "arrow",
    "left", "right", "logo", "menu", "title", "heading", "paragraph", "caption", "icon", "gui",
    "ui", "screen", "screenshot", "plate",
}  # fmt: skip
# What is seen from above or through a microscope has no upside.
_FROM_ABOVE = {
    "cell", "nucleus", "nuclei", "nucleu", "rbc", "wbc", "platelet", "bacteria", "bacterium",
    "microscopy", "aerial", "satellite", "drone",
}  # fmt: skip


def flips(data: Fingerprint) -> list[Choice]:
    """The mirrors that leave an image what it is."""
    names = [*data.classes, *(source.name for source in data.sources)]
    read = [name for name in names if _is_read(name)]
    above = [name for name in names if name.lower().removesuffix("s") in _FROM_ABOVE]
    above += [s.name for s in data.sources if set(s.name.split("_")) & _FROM_ABOVE]
    both = ("augmentation.flip_horizontal", "augmentation.flip_vertical")
    if read:
        reason = f"'{read[0]}' is read, and no mirror shows it"
        return [Choice(key, 0.0, reason) for key in both]
    if above:
        reason = f"'{above[0]}' looks the same from every side"
        return [Choice(key, 0.5, reason) for key in both]
    return [
        Choice(both[0], 0.5, "no class name speaks of text, or of left and right"),
        Choice(both[1], 0.0, "no name says that the images are seen from above"),
    ]


def _is_read(name: str) -> bool:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    letter = len(name) == 1 and name.isalpha()
    return letter or bool(words & _READ_WORDS) or bool(_READ.search(name.lower()))
