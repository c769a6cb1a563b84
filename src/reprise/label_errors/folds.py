"""Cross-validation folds that keep the groups of the dataset contract together."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.errors import RepriseError
from reprise.label_errors.packages import package

if TYPE_CHECKING:
    import pandas as pd

# Held out, such a group would leave next to nothing to learn from; anywhere else, to judge.
MOST_OF_ALL = 0.9
# Of the images to learn from, those that choose the best epoch; from fewer groups none are taken.
VAL_SHARE, LEAST_GROUPS = 0.15, 5


def assign_folds(groups: Mapping[int, str], folds: int) -> dict[int, int]:
    """The fold in which each image is held out: whole groups, of sizes as even as may be.

    Args:
        groups: Image id -> its group.
        folds: How many, at least 2.

    Returns:
        Image id -> fold, from 0; the same for the same arguments.

    Raises:
        RepriseError: There are fewer groups than folds, one group holds nearly all images, or
            scikit-learn, which cleanlab brings, is not installed.
    """
    _check_groups(Counter(groups.values()), folds)
    dividing = package("sklearn.model_selection").GroupKFold(folds)
    ids = sorted(groups)
    named = [groups[image_id] for image_id in ids]
    return {
        ids[place]: fold
        for fold, (_, held_out) in enumerate(dividing.split(ids, groups=named))
        for place in held_out.tolist()
    }


def _check_groups(sizes: Counter[str], folds: int) -> None:
    if len(sizes) < folds:
        fewer = f"--folds {len(sizes)}, or " if len(sizes) > 1 else ""
        raise RepriseError(
            f"{len(sizes)} group(s) of images, and {folds} folds asked: folds cannot respect the "
            "groups.",
            f"{fewer}data.split.group_by with a key of more values, or more splits: --split all.",
        )
    name, most = sizes.most_common(1)[0]
    total = sizes.total()
    if most > MOST_OF_ALL * total:
        raise RepriseError(
            f"the group {name!r} holds {most} of the {total} images: while it is held out there "
            "is next to nothing to learn from, and folds cannot respect the groups.",
            "name another key of the images with data.split.group_by, and run dvc repro "
            "preprocess; or add images of other groups.",
        )


@dataclass(frozen=True)
class Fold:
    """What becomes of the images of one fold.

    Attributes:
        images: Rows of the images table: those held out are in the split test, and no synthetic
            one is in val or test.
        held_out: Ids of the images that are predicted.
        last_weights: Whether the weights of the last epoch predict, because there are too few
            groups to choose the best epoch by some of them.
    """

    images: pd.DataFrame
    held_out: list[int]
    last_weights: bool


def fold_images(
    images: pd.DataFrame, held_out: Collection[int], judged: Collection[int], labelled: set[int],
    seed: int,
) -> Fold:  # fmt: skip
    """Divide the images of a dataset for one fold.

    The images held out choose nothing: neither the best epoch nor a threshold. The real images
    of val that no fold judges choose them where there are such; otherwise a part of the groups
    to learn from is taken for that, about 15% of the images. With fewer than five such groups
    all but one image are learned from, and the weights of the last epoch are used. Synthetic
    images only train, and real ones of val and test that are not judged never train.

    Args:
        images: The images table of the whole dataset.
        held_out: Ids of the judged images of this fold.
        judged: Ids of those of all folds.
        labelled: Ids of the images with an object or a label; one of them at least is in val.
        seed: Of the choice of groups.

    Raises:
        RepriseError: Fewer than two images are left to learn from.
    """
    ids, out = images["image_id"], set(held_out)
    free = ~ids.isin(set(judged))
    synthetic = images["synthetic"].astype(bool)
    split = images["split"].where(free, "train")
    split = split.mask(synthetic, "train").mask(ids.isin(out), "test")
    unused = free & ~synthetic & (images["split"] == "test")
    chosen = images.assign(split=split)[~unused]
    if (chosen["split"] == "val").any() and set(chosen[chosen["split"] == "val"]["image_id"]) & (
        labelled
    ):
        return Fold(chosen, sorted(out), False)
    real = chosen[(chosen["split"] == "train") & ~chosen["synthetic"].astype(bool)]
    if len(real) < 2:
        raise RepriseError(
            f"only {len(real)} image is left to learn from while {len(out)} are judged.",
            "add images, or use other splits: --split all.",
        )
    val, last = _val_of(real, labelled, seed)
    return Fold(
        chosen.assign(split=chosen["split"].mask(chosen["image_id"].isin(val), "val")),
        sorted(out),
        last,
    )


def _val_of(real: pd.DataFrame, labelled: set[int], seed: int) -> tuple[set[int], bool]:
    """Ids of the images to choose the best epoch by, and whether they are too few for that."""
    members: dict[str, list[int]] = {}
    for group, image_id in zip(real["group"].tolist(), real["image_id"].tolist(), strict=True):
        members.setdefault(group, []).append(image_id)
    names = sorted(members)
    random.Random(seed).shuffle(names)
    # Training refuses a val split without anything to find.
    names.sort(key=lambda name: not labelled.intersection(members[name]))
    if len(names) < LEAST_GROUPS:
        ids = sorted(members[names[0]], key=lambda image_id: image_id not in labelled)
        return {ids[0]}, True
    first, *others = names
    random.Random(seed).shuffle(others)
    val: set[int] = set()
    for name in (first, *others):
        if len(val) >= VAL_SHARE * len(real):
            break
        if not val or len(val) + len(members[name]) <= 2 * VAL_SHARE * len(real):
            val |= set(members[name])
    return val, False
