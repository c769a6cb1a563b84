"""Tables of counts: one row a split, a class or a source, for the rules about balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.dataset import REWRITE, SPLITS, Dataset, read_json
from reprise.validation.config import ExpectationsConfig
from reprise.validation.row_tables import printable

if TYPE_CHECKING:
    import pandas as pd

# Stored pixels: less than this leaves no shape to learn, even for a head of stride 4.
TINY = 2.0


def split_rows(
    images: pd.DataFrame, boxes: pd.DataFrame, marks: pd.DataFrame, config: ExpectationsConfig
) -> pd.DataFrame:
    """One row a split.

    Args:
        images: What :func:`reprise.validation.row_tables.image_rows` returned.
        boxes: What :func:`reprise.validation.row_tables.annotation_rows` returned.
        marks: What an image without is background: the boxes, or what
            :func:`reprise.validation.row_tables.label_rows` returned.
        config: Gives the required counts.

    Returns:
        ``item`` (the split), ``images``, ``required_images``, ``boxes``,
        ``background`` and ``tiny_boxes`` (shares from 0 to 1), ``median_side`` (stored
        pixels, of the square root of the box's area), ``size_shift`` (times larger or
        smaller than in train, from 1). Shares and sizes of nothing are NaN.
    """
    import pandas as pd

    side = (boxes["stored_w"] * boxes["stored_h"]).clip(lower=0) ** 0.5
    short = boxes[["stored_w", "stored_h"]].min(axis=1)
    rows = []
    for split in SPLITS:
        inside = images[images["split"] == split]
        own = boxes["split"] == split
        shown = marks.loc[marks["split"] == split, "image_id"]
        empty = ~inside["image_id"].isin(shown)
        rows.append(
            {
                "item": split,
                "images": len(inside),
                "required_images": getattr(config.min_images, split),
                "boxes": int(own.sum()),
                "background": float(empty.mean()),
                "tiny_boxes": float((short[own] < TINY).mean()),
                "median_side": float(side[own].median()),
            }
        )
    frame = pd.DataFrame(rows)
    sides = frame["median_side"].to_numpy(dtype=np.float64)
    # 0 / 0 and the like come of boxes without an area, which have their own rule.
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.maximum(sides / sides[0], sides[0] / sides)
    frame["size_shift"] = np.where(np.isfinite(shift), shift, np.nan)
    return frame


def class_rows(dataset: Dataset, marks: pd.DataFrame, config: ExpectationsConfig) -> pd.DataFrame:
    """One row a class: ``item`` (its name), ``category_id``, counts by split.

    Columns ``train``, ``val`` and ``test`` count ``marks``: boxes, or labels of whole images.
    ``required_train`` and so on say how many there must be; ``times_rarer`` is the commonest
    class's count in train over this one's (float64, NaN for a class without any).
    """
    import pandas as pd

    ids = [category.category_id for category in dataset.categories]
    frame = pd.DataFrame(
        {"category_id": ids, "item": [printable(category.name) for category in dataset.categories]}
    )
    for split in SPLITS:
        counts = marks.loc[marks["split"] == split, "category_id"].value_counts()
        frame[split] = [int(counts.get(category_id, 0)) for category_id in ids]
        frame[f"required_{split}"] = getattr(config.min_boxes_per_class, split)
    frame["times_rarer"] = frame["train"].max() / frame["train"].replace(0, np.nan)
    return frame


# An image that the label file does not list was never part of the dataset: masks beside a
# COCO file, say.
UNLISTED = "image_unlisted"


def source_rows(dataset: Dataset, boxes: pd.DataFrame) -> pd.DataFrame:
    """One row a source: how much of it preprocessing dropped, and why.

    Columns: ``item`` (the source), and for ``images`` and ``boxes``: the number kept
    (``images``), dropped (``images_dropped``), the share dropped from 0 to 1
    (``images_rejected``) and the commonest rules behind it (``images_why``); and ``specks``, the
    regions of masks that were too small for objects, with their share of all regions
    (``regions_rejected``).
    """
    import pandas as pd

    images, ledger = dataset.images, dataset.rejected
    specks = read_json(dataset.root / "statistics.json", REWRITE).get("specks", {})
    source_of = images.drop_duplicates("image_id").set_index("image_id")["source"]
    owners = boxes["image_id"].map(source_of)
    dropped = ledger[(ledger["action"] == "dropped") & (ledger["rule"] != UNLISTED)]
    rows = []
    for source in sorted(set(images["source"]) | set(ledger["source"])):
        row: dict[str, Any] = {"item": source}
        kept = {
            "image": int((images["source"] == source).sum()),
            "box": int((owners == source).sum()),
        }
        for item, name in (("image", "images"), ("box", "boxes")):
            lost = dropped[(dropped["source"] == source) & (dropped["item"] == item)]
            total = kept[item] + len(lost)
            row[name] = kept[item]
            row[f"{name}_dropped"] = len(lost)
            row[f"{name}_rejected"] = len(lost) / total if total else 0.0
            row[f"{name}_why"] = _commonest(lost)
        row["specks"] = specks.get(source, 0)
        regions = kept["box"] + row["boxes_dropped"] + row["specks"]
        row["regions_rejected"] = row["specks"] / regions if regions else 0.0
        rows.append(row)
    columns = ["item", "specks", "regions_rejected"] + [
        f"{name}{suffix}"
        for name in ("images", "boxes")
        for suffix in ("", "_dropped", "_rejected", "_why")
    ]
    return pd.DataFrame(rows, columns=columns)


def _commonest(lost: pd.DataFrame, count: int = 3) -> str:
    """The commonest rules of ledger rows, each with its number and its first file."""
    parts = []
    groups = sorted(lost.groupby("rule"), key=lambda pair: (-len(pair[1]), str(pair[0])))
    for rule, rows in groups[:count]:
        parts.append(f"{rule} {len(rows)} times, first in {rows['name'].iloc[0]}")
    return "; ".join(parts)
