"""From sources as they came to the dataset contract: read, finish, divide, write."""

from __future__ import annotations

import functools
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from reprise.dataset import (
    ANNOTATION_COLUMNS,
    IMAGE_COLUMNS,
    REJECTED_COLUMNS,
    Category,
    ShardWriter,
    table,
    write_tables,
)
from reprise.errors import RepriseError
from reprise.formats.records import SourceDataset
from reprise.formats.registry import READERS
from reprise.preprocessing import rules
from reprise.preprocessing.config import SYNTHETIC, DataConfig
from reprise.preprocessing.images import Finished, Settings, finish
from reprise.preprocessing.pool import map_ordered
from reprise.preprocessing.split import Division, SplitImage, divide

Ledger = list[dict[str, str]]


def preprocess(
    config: DataConfig, raw: Path, synthetic: Path | None, out: Path, workers: int
) -> None:
    """Write the dataset of all sources.

    Args:
        config: The ``data`` section.
        raw: Holds one folder for each source of ``config.sources``.
        synthetic: A COCO folder of generated images, which only ever join train; None or
            an absent folder when there are none.
        out: The dataset folder; what it held is replaced once the new one is complete.
        workers: Processes that decode and resize; under 2, this one does it.

    Raises:
        RepriseError: A label file is malformed, a class is unknown, no image is usable, a
            split would be empty, or the disk is full. Then ``out`` is as it was before.
    """
    with _replacing(out) as building:
        sources = _read_sources(config, raw, synthetic)
        categories = choose_classes(sources, config)
        ledger: Ledger = []
        finished = [
            image
            for source in sources
            for image in _finish_source(source, config, building, ledger, workers)
        ]
        if not finished:
            raise RepriseError(
                "no usable image is left:\n" + rules.summary(ledger),
                "look at the counts above; check data.sources and the files themselves.",
            )
        unique = _without_copies(finished, ledger)
        division = divide([_for_split(image) for image in unique], config.split)
        kept = _without_leaks(unique, division, ledger)
        _write(building, kept, division, categories, ledger)
    print(f"{len(kept)} images in {out.name}; the ledger (rejected.parquet) says:")
    print(rules.summary(ledger))


def choose_classes(sources: list[SourceDataset], config: DataConfig) -> list[Category]:
    """The classes of the dataset, numbered from 1.

    Args:
        sources: The labels of all sources.
        config: ``classes`` is a list, which is taken as it is, or ``all``: then every class
            that labels at least one box, in the order of the sources and their label files.

    Raises:
        RepriseError: A box has a class that the list lacks, or there is no class at all.
    """
    used: dict[str, str] = {}
    for source in sources:
        labelled = {box.class_name for image in source.images for box in image.boxes}
        for name in source.classes:
            if name in labelled:
                used.setdefault(name, source.source)
    names = list(used) if config.classes == "all" else list(config.classes)
    unknown = [f"'{name}' (source {used[name]})" for name in used if name not in names]
    if unknown:
        raise RepriseError(
            f"boxes have classes that data.classes does not name: {', '.join(unknown)}; "
            f"it names: {', '.join(names)}.",
            "add them to data.classes, or set data.classes: all.",
        )
    # The tables of the evaluation use these names for what is no class.
    reserved = sorted({"background", "all classes"} & set(names))
    if reserved:
        raise RepriseError(
            f"a class is named '{reserved[0]}', which the metrics use for something else.",
            "rename the class in the label files.",
        )
    if not names:
        raise RepriseError(
            "no image has any box.", "check that the label files belong to the images."
        )
    return [Category(index, name) for index, name in enumerate(names, start=1)]


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A folder to build in, which takes the place of ``out`` when all went well."""
    building = out.with_name(f".{out.name}.partial")
    shutil.rmtree(building, ignore_errors=True)
    try:
        building.mkdir(parents=True)
        yield building
        if out.exists():
            shutil.rmtree(out)
        building.rename(out)
    except OSError as error:
        raise RepriseError(
            f"the dataset cannot be written: {error.strerror or error}.",
            "free disk space or correct the permissions of data/, then run again.",
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _read_sources(config: DataConfig, raw: Path, synthetic: Path | None) -> list[SourceDataset]:
    """All sources by name, the synthetic one last."""
    sources = []
    for name in sorted(config.sources):
        folder = raw / name
        if not folder.is_dir():
            raise RepriseError(
                f"source '{name}' has not been downloaded.", "run: dvc repro download"
            )
        sources.append(READERS[config.sources[name].format](folder, name))
    if synthetic is not None and synthetic.is_dir():
        made = READERS["coco"](synthetic, SYNTHETIC)
        sources.append(replace(made, images=[replace(i, synthetic=True) for i in made.images]))
    return sources


def _finish_source(
    source: SourceDataset, config: DataConfig, out: Path, ledger: Ledger, workers: int
) -> Iterator[Finished]:
    """Finish a source's images and store them; rows of the ledger are added on the way.

    What goes into the shards depends on this source alone, so that they keep their bytes
    when another source comes or goes: copies of other sources' images are stored all the
    same, and left out of the tables later.
    """
    from tqdm import tqdm

    for name in source.unlisted:
        ledger.append(rules.row(rules.IMAGE_UNLISTED, source.source, name, ""))
    settings = Settings(
        image_size=config.image_size,
        jpeg_quality=config.encoding.jpeg_quality,
        max_pixels=int(config.limits.max_image_megapixels * 1e6),
    )
    shards = ShardWriter(out, source.source)
    work = functools.partial(finish, source=source.source, settings=settings)
    results = map_ordered(work, source.images, workers)
    seen: dict[str, str] = {}
    for image in tqdm(
        results, total=len(source.images), desc=source.source, unit="image", disable=None
    ):
        ledger.extend(image.ledger)
        if not image.encoded:
            continue
        first = seen.setdefault(image.row["sha256"], image.record.name)
        if first != image.record.name:
            image.note(rules.IMAGE_DUPLICATE, f"same pixels as {source.source}/{first}")
            ledger.append(image.ledger[-1])
            continue
        place = shards.add(f"{image.record.name}.jpg", image.encoded)
        image.row.update(zip(("shard", "offset", "length"), place, strict=True))
        # The bytes are on disk now; only the rows stay in memory.
        image.encoded = b""
        yield image
    shards.close()


def _without_copies(finished: list[Finished], ledger: Ledger) -> list[Finished]:
    """Drops copies of other sources' images: real before synthetic, then by name."""
    order = sorted(finished, key=lambda i: (i.record.synthetic, i.source, i.record.name))
    seen: dict[str, str] = {}
    kept = []
    for image in order:
        first = seen.setdefault(image.row["sha256"], _key(image))
        if first == _key(image):
            kept.append(image)
        else:
            image.note(rules.IMAGE_DUPLICATE, f"same pixels as {first}")
            ledger.append(image.ledger[-1])
    return kept


def _without_leaks(images: list[Finished], division: Division, ledger: Ledger) -> list[Finished]:
    kept = []
    for image in images:
        resembled = division.leaks.get(_key(image))
        if resembled is None:
            kept.append(image)
        else:
            image.note(rules.SYNTHETIC_NEAR_REAL, f"resembles {resembled}")
            ledger.append(image.ledger[-1])
    return sorted(kept, key=lambda i: (i.source, i.record.name))


def _key(image: Finished) -> str:
    return f"{image.source}/{image.record.name}"


def _for_split(image: Finished) -> SplitImage:
    return SplitImage(
        key=_key(image),
        perceptual_hash=image.row["perceptual_hash"],
        boxes=Counter(box["class_name"] for box in image.boxes),
        keys=image.record.keys,
        synthetic=image.record.synthetic,
    )


def _write(
    out: Path,
    images: list[Finished],
    division: Division,
    categories: list[Category],
    ledger: Ledger,
) -> None:
    image_rows: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    number = {category.name: category.category_id for category in categories}
    for image_id, image in enumerate(images, start=1):
        image_rows.append(
            {
                **image.row,
                "image_id": image_id,
                "split": division.split[_key(image)],
                "source": image.source,
                "name": image.record.name,
                "group": division.group[_key(image)],
                "synthetic": image.record.synthetic,
            }
        )
        for box in image.boxes:
            extra = {
                "annotation_id": len(boxes) + 1,
                "image_id": image_id,
                "category_id": number[box["class_name"]],
            }
            boxes.append({**box, **extra})
    order = sorted(ledger, key=lambda entry: tuple(entry.values()))
    write_tables(
        out,
        table(image_rows, IMAGE_COLUMNS),
        table(boxes, ANNOTATION_COLUMNS),
        categories,
        table(order, REJECTED_COLUMNS),
    )
