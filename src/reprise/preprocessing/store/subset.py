"""A part of a dataset as a dataset of its own, which shares the shards of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.dataset import Category, Dataset
from reprise.preprocessing.store.contract import write_tables

if TYPE_CHECKING:
    import pandas as pd


def write_subset(
    data: Dataset,
    images: pd.DataFrame,
    out: Path,
    categories: Sequence[Category] | None = None,
    annotations: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
) -> None:
    """Write some images of a dataset in the dataset contract, with a link to its shards.

    Args:
        data: The whole.
        images: Rows of its images table; their ``split`` may be another than in the whole.
        out: A folder, new or empty.
        categories: The classes to keep, numbered anew from 1 in this order; None keeps all,
            with their numbers.
        annotations: In place of the whole's; columns ANNOTATION_COLUMNS, sorted by
            ``annotation_id``.
        labels: In place of the whole's; columns LABEL_COLUMNS.
    """
    chosen = list(data.categories if categories is None else categories)
    numbers = {
        item.category_id: item.category_id if categories is None else place
        for place, item in enumerate(chosen, start=1)
    }
    tables = [
        table[table["category_id"].isin(numbers) & table["image_id"].isin(images["image_id"])]
        for table in (
            data.annotations if annotations is None else annotations,
            data.labels if labels is None else labels,
        )
    ]
    boxes, whole = (
        table.assign(category_id=table["category_id"].map(numbers).astype("int64"))
        for table in tables
    )
    out.mkdir(parents=True, exist_ok=True)
    kept = [Category(numbers[item.category_id], item.name) for item in chosen]
    write_tables(out, images.sort_values("image_id"), boxes, kept, data.rejected, whole)
    (out / "shards").symlink_to(data.root.resolve() / "shards")
