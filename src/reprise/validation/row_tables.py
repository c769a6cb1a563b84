"""Row rules as columns: what Great Expectations then checks one column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reprise.dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd


import itertools

from reprise.dataset import SPLITS
from reprise.hamming import near_between

HASH_PATTERN = r"^[0-9a-f]{16}$"
# The ledger's rule for a copy that data.split.duplicates keeps on purpose.
COPY_KEPT = "image_copy_kept"


def printable(text: str) -> str:
    """Text of a file, safe to show: a terminal would obey the control codes in it."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def image_rows(
    dataset: Dataset, decoded: pd.DataFrame, near_duplicate_distance: int | None
) -> pd.DataFrame:
    """The images table with one column for each rule that needs more than one column.

    Args:
        dataset: The dataset to check.
        decoded: What :func:`reprise.validation.decode_check.decode_all` returned.
        near_duplicate_distance: Hash bits in which images of two splits may differ and
            still count as the same picture; None compares nothing.

    Returns:
        IMAGE_COLUMNS, the index counting from 0, and: ``item`` (str, how messages name the
        image); ``original_pixels`` (int64); ``problem``, ``decoded_width`` and
        ``decoded_height`` as decoded; ``size_as_recorded`` (bool, None when not decoded);
        ``synthetic_outside_train`` (bool); each naming another image or None:
        ``copy_in_split``, ``copy_in_other_split``, ``group_in_other_split``,
        ``near_duplicate``; and ``nearest`` and ``nearest_bits`` (int64): the row of the image
        of another split that looks most like this one, and the hash bits between the two,
        -1 where none is near enough.
    """
    images = dataset.images.reset_index(drop=True)
    item = images["source"] + "/" + images["name"] + " (" + images["split"] + ")"
    rows = images.assign(item=item.map(printable).astype(object))
    rows["original_pixels"] = rows["original_width"] * rows["original_height"]
    for column in decoded:
        rows[column] = decoded[column]
    recorded = (rows["decoded_width"] == rows["width"]) & (rows["decoded_height"] == rows["height"])
    rows["size_as_recorded"] = recorded.astype(object).where(rows["problem"].isna(), None)
    rows["synthetic_outside_train"] = rows["synthetic"] & (rows["split"] != "train")
    rows["copy_in_split"] = _copy_in_split(rows, dataset.rejected)
    rows["copy_in_other_split"] = _in_other_split(rows, "sha256")
    rows["group_in_other_split"] = _in_other_split(rows, "group")
    rows["nearest"], rows["nearest_bits"] = _nearest(rows, near_duplicate_distance)
    rows["near_duplicate"] = _near_duplicates(rows)
    return rows


def annotation_rows(dataset: Dataset, images: pd.DataFrame) -> pd.DataFrame:
    """The annotations table with one column for each rule that needs more than one column.

    Args:
        dataset: The dataset to check.
        images: What :func:`image_rows` returned.

    Returns:
        ANNOTATION_COLUMNS, the index counting from 0, and: ``item`` as for images; ``known_image``,
        ``finite`` (bool); ``short_side`` and ``outside_by`` (float64, pixels of the upright
        original; how far the box passes the image's edge); ``area_share`` (float64, area
        over width times height); ``duplicate_of`` (annotation id of an equal earlier box);
        ``split``, ``original_width``, ``original_height`` of the image, and the box's
        ``stored_w`` and ``stored_h`` (float64, stored pixels). What cannot be computed is NaN.
    """
    import pandas as pd

    sizes = ["width", "height", "original_width", "original_height"]
    rows, image, category = _of_images(dataset.annotations, dataset, images, sizes)
    number = rows["annotation_id"].astype(str)
    rows["item"] = image + ", annotation " + number + " (" + category + ")"
    corners = rows[["x", "y", "w", "h"]].to_numpy(dtype=np.float64)
    x, y, w, h = corners.T
    finite = np.isfinite(corners).all(axis=1)
    rows["finite"] = finite & np.isfinite(rows["area"].to_numpy())
    edges = [-x, -y, x + w - rows["original_width"], y + h - rows["original_height"]]
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = np.maximum(np.maximum.reduce([np.asarray(edge) for edge in edges]), 0.0)
        share = np.where(finite, rows["area"].to_numpy() / (w * h), np.nan)
    rows["outside_by"] = np.where(finite, outside, np.nan)
    rows["short_side"] = np.where(finite, np.minimum(w, h), np.nan)
    rows["area_share"] = np.where(np.isfinite(share), share, np.nan)
    rows["stored_w"] = w * rows["width"] / rows["original_width"]
    rows["stored_h"] = h * rows["height"] / rows["original_height"]
    same = ["image_id", "category_id", "x", "y", "w", "h"]
    first = rows.groupby(same, sort=False, dropna=False)["annotation_id"].transform("first")
    repeated = rows.duplicated(same)
    rows["duplicate_of"] = pd.Series(
        [f"annotation {one}" if two else None for one, two in zip(first, repeated, strict=True)],
        dtype=object,
    )
    return rows


def label_rows(dataset: Dataset, images: pd.DataFrame) -> pd.DataFrame:
    """The table of labels of whole images, with columns for the rules on it.

    Args:
        dataset: The dataset to check.
        images: What :func:`image_rows` returned.

    Returns:
        LABEL_COLUMNS, the index counting from 0, and: ``item`` (str, the image and the
        class), ``split`` of the image, ``known_image`` and ``repeated`` (bool).
    """
    rows, image, category = _of_images(dataset.labels, dataset, images)
    rows["item"] = image + ", label " + category
    rows["repeated"] = rows.duplicated(["image_id", "category_id"])
    return rows


def _of_images(
    table: pd.DataFrame, dataset: Dataset, images: pd.DataFrame, columns: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Rows of a table with ``split`` and more columns of their image, and ``known_image``.

    Returns:
        The rows, and how messages name the image and the class of each.
    """
    # An image id that occurs twice has its own rule; here it must not multiply rows.
    owners = images[["image_id", "item", "split", *columns]].drop_duplicates("image_id")
    rows = table.reset_index(drop=True).merge(owners, on="image_id", how="left")
    rows["known_image"] = rows["item"].notna()
    classes = {category.category_id: printable(category.name) for category in dataset.categories}
    image = rows["item"].fillna("image id " + rows["image_id"].astype(str))
    category = rows["category_id"].map(classes)
    category = category.fillna("class id " + rows["category_id"].astype(str))
    # Columns without any row have lost their type.
    return rows, image.astype(str), category.astype(str)


def _copy_in_split(rows: pd.DataFrame, ledger: pd.DataFrame) -> pd.Series:
    """For each image, the first one of its split with the same pixels, unless kept on purpose."""
    keys = ["split", "sha256"]
    first = rows.groupby(keys, sort=False)["item"].transform("first")
    kept = ledger[ledger["rule"] == COPY_KEPT]
    wanted = set(zip(kept["source"], kept["name"], strict=True))
    names = zip(rows["source"], rows["name"], strict=True)
    allowed = set(rows["sha256"][[name in wanted for name in names]])
    unwanted = rows.duplicated(keys) & ~rows["sha256"].isin(allowed)
    return first.astype(object).where(unwanted, None)


def _in_other_split(rows: pd.DataFrame, key: str) -> pd.Series:
    """For each image, the first image of another split with the same key; else None."""
    firsts = rows[rows[key] != ""].drop_duplicates([key, "split"])
    shared = firsts.loc[firsts.duplicated(key, keep=False), [key, "split", "item"]]
    pairs = rows[[key, "split"]].reset_index().merge(shared, on=key, suffixes=("", "_of_other"))
    others = pairs[pairs["split"] != pairs["split_of_other"]].drop_duplicates("index")
    found = others.set_index("index")["item"].reindex(rows.index).astype(object)
    return found.where(found.notna(), None)


def _nearest(rows: pd.DataFrame, distance: int | None) -> tuple[np.ndarray, np.ndarray]:
    nearest, bits = np.full(len(rows), -1), np.full(len(rows), -1)
    # An image whose hash is malformed has its own rule.
    usable = np.flatnonzero(rows["perceptual_hash"].str.match(HASH_PATTERN).to_numpy(dtype=bool))
    if distance is None or not len(usable):
        return nearest, bits
    texts = rows["perceptual_hash"].iloc[usable]
    hashes = np.array([int(text, 16) for text in texts], dtype=np.uint64)
    splits = rows["split"].to_numpy(dtype=str)[usable]
    found, bits[usable] = nearest_in_other_splits(hashes, splits, distance)
    nearest[usable] = np.where(found >= 0, usable[found], -1)
    return nearest, bits


def _near_duplicates(rows: pd.DataFrame) -> pd.Series:
    """For each image, the nearest one of another split; copies have a rule of their own."""
    import pandas as pd

    items, digests = rows["item"].tolist(), rows["sha256"].tolist()
    pairs = zip(rows["nearest"].tolist(), rows["nearest_bits"].tolist(), digests, strict=True)
    found = [
        f"{items[other]}, {bits} of 64 bits apart" if other >= 0 and digests[other] != own else None
        for other, bits, own in pairs
    ]
    return pd.Series(found, index=rows.index, dtype=object)


# Bits and row in one number, so that the least is the nearest, and the first among equals.
_SHIFT = 40
_NOTHING = np.iinfo(np.int64).max


def nearest_in_other_splits(
    hashes: np.ndarray, splits: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find each image's nearest one among the images of other splits.

    Args:
        hashes: uint64, shape (n,): perceptual hashes.
        splits: str, shape (n,): names of splits; others than train, val and test are left
            out.
        distance: Most bits in which two hashes may differ.

    Returns:
        Index of the nearest, the first among equals, and the bits between the two: both
        int64, shape (n,), -1 where no image of another split is near enough.
    """
    best = np.full(len(hashes), _NOTHING)
    for one, other in itertools.combinations(SPLITS, 2):
        here, there = np.flatnonzero(splits == one), np.flatnonzero(splits == other)
        # Blank images have one hash by the thousand, and need comparing only once.
        left, left_first, left_place = _distinct(hashes[here])
        right, right_first, right_place = _distinct(hashes[there])
        left_best, right_best = np.full(len(left), _NOTHING), np.full(len(right), _NOTHING)
        for rows, columns, bits in near_between(left, right, distance):
            code = bits.astype(np.int64) << _SHIFT
            np.minimum.at(left_best, rows, code | there[right_first[columns]])
            np.minimum.at(right_best, columns, code | here[left_first[rows]])
        best[here] = np.minimum(best[here], left_best[left_place])
        best[there] = np.minimum(best[there], right_best[right_place])
    found = best != _NOTHING
    return np.where(found, best & ((1 << _SHIFT) - 1), -1), np.where(found, best >> _SHIFT, -1)


def _distinct(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.unique(hashes, return_index=True, return_inverse=True)
