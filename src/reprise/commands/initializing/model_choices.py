"""The section ``model``: the network, its weights, and the size of its images."""

from __future__ import annotations

import math

import numpy as np

from reprise.commands.initializing.choice import Choice, Wishes
from reprise.commands.initializing.fingerprint import Fingerprint
from reprise.commands.initializing.machine import Machine
from reprise.errors import RepriseError
from reprise.models.config import FirstStageConfig
from reprise.models.family import family_class
from reprise.scoring.tasks import Task
from reprise.weights.config import NO_WEIGHTS
from reprise.weights.published import COCO_CLASSES, VARIANTS, Network, fitting

PROPOSING = ("faster_rcnn", "mask_rcnn", "detectron2")
ANCHORS = [32, 64, 128, 256, 512]  # the networks' own

OBJECT_PIXELS = 16  # of the side of the object that 95% are larger than: two cells of a stride of 8
IMAGE_SIZES = (256, 640, 1280)  # least, most on a CPU, most on a GPU
LABEL_SIZE = 224


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
