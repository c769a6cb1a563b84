"""From sources as they came to the dataset contract: read, finish, split_images, write."""

from __future__ import annotations

import gc
import importlib
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reprise.dataset import Category
from reprise.errors import RepriseError
from reprise.preprocessing import rules
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.copy_paste.run import paste
from reprise.preprocessing.copying import Copier
from reprise.preprocessing.decode.encode import Settings
from reprise.preprocessing.decode.process_image import ProcessedImage
from reprise.preprocessing.labels.read_labels import SourceLabels, choose_classes, read_labels
from reprise.preprocessing.parallel import start_workers, stop_workers
from reprise.preprocessing.placed import PlacedImage
from reprise.preprocessing.process_all import process_all
from reprise.preprocessing.split.assignments import read_assignments, write_assignments
from reprise.preprocessing.split.duplicates import Duplicates
from reprise.preprocessing.split.split_images import (
    SplitImage,
    SplitResult,
    settings_key,
    split_images,
    split_section,
)
from reprise.preprocessing.store.shards import ShardWriter
from reprise.preprocessing.store.tables import BoxColumns, store_image, write_dataset
from reprise.preprocessing.workplace import Workplace
from reprise.synthesis.config import SyntheticConfig

Ledger = list[dict[str, str]]
# New objects, and rounds of the younger generation, after which the collector looks.
_COLLECTION = (200_000, 20, 50)


def preprocess(
    config: DataConfig,
    raw: Mapping[str, Path],
    synthetic: Path | None,
    out: Path,
    generators: SyntheticConfig | None = None,
    assignments: Path | None = None,
    workplace: Workplace | None = None,
) -> None:
    """Write the dataset of all sources.

    Args:
        config: The ``data`` section.
        raw: The folder of each source of ``config.sources``.
        synthetic: A COCO folder of generated images, which only ever join train; None or
            an absent folder when there are none.
        out: The dataset folder; what it held is replaced once the new one is complete.
        generators: The ``synthetic`` section: copy-paste images are composed here, where it
            is known which images are train. None composes none.
        assignments: The record of which image is in which split: read when it exists, so
            that no image ever moves, and written anew. None keeps no record.
        workplace: Where and how to work; None is this process alone.

    Raises:
        RepriseError: A label file is malformed, a class is unknown, no image is usable, a
            split would be empty, or the disk is full. Then ``out`` is as it was before.
    """
    workplace = workplace or Workplace()
    apart = workplace.workers > 1 and workplace.engine == "local"
    if apart:
        start_workers()
    with _replacing(out) as building, _rare_collection(), Copier(apart) as copier:
        spool = building / "labels"
        sources = read_labels(
            config, raw, synthetic, spool, workplace.workers > 1, workplace.labels
        )
        # The tables need it at the end; now there are processes at work meanwhile.
        threading.Thread(target=importlib.import_module, args=("pandas",), daemon=True).start()
        categories = choose_classes(sources, config)
        notes = {source.source: source.notes for source in sources if source.notes}
        ledger: Ledger = []
        boxes = BoxColumns(categories)
        copies = Duplicates(split_section(config.split).duplicates, boxes)
        settings = Settings(
            config.image_size,
            config.encoding.jpeg_quality,
            int(config.limits.max_image_megapixels * 1e6),
        )
        placed: list[PlacedImage] = []
        for source in sources:
            results = process_all(source, settings, workplace)
            shards = ShardWriter(building, source.source, copier=copier)
            placed += _pack(source, results, shards, boxes, copies, ledger)
        shutil.rmtree(spool)
        if not placed:
            raise RepriseError(
                "no usable image is left:\n" + rules.summary(ledger),
                "look at the counts above; check data.sources and the files themselves.",
            )
        # Those within a source are out already.
        unique = _without_copies(placed, copies, ledger) if len(sources) > 1 else placed
        result, key = _divide(unique, boxes, categories, config, copies, assignments)
        kept = _without_left_out(unique, result, ledger)
        made = paste(
            kept,
            result.split,
            boxes,
            raw,
            generators,
            settings,
            building,
            workplace,
            ledger,
            split_section(config.split).near_duplicate_distance,
        )
        for image in made:
            result.split[image.key], result.group[image.key] = "train", image.key
        if not copier.started:
            # They share their memory with the copying process, which still is at work else.
            stop_workers()
        kept = sorted(kept + made, key=lambda placed: placed.order)
        write_dataset(building, kept, boxes, result.split, result.group, categories, ledger, notes)
    stop_workers()
    if assignments is not None:
        write_assignments(assignments, key, result.assignments)
    for note in result.notes:
        print(note)
    print(f"{len(kept)} images in {out.name}; the ledger (rejected.parquet) says:")
    print(rules.summary(ledger))


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


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Look for cycles among objects less often: there are millions of objects, and hardly any."""
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECTION)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _pack(
    source: SourceLabels,
    results: Iterator[ProcessedImage],
    shards: ShardWriter,
    boxes: BoxColumns,
    copies: Duplicates,
    ledger: Ledger,
) -> Iterator[PlacedImage]:
    """Store a source's finished images; rows of the ledger are added on the way.

    What goes into the shards depends on this source alone, so that they keep their bytes
    when another source comes or goes: copies of other sources' images are stored all the
    same, and left out of the tables later.
    """
    from tqdm import tqdm

    copies.start_over()
    ledger += source.ledger()
    for image in tqdm(results, total=source.count, desc=source.source, unit="image", disable=None):
        stays = bool(image.stored.encoded) and copies.admits(image)
        ledger.extend(image.ledger)
        if not stays:
            continue
        placed = store_image(image, shards, boxes)
        copies.take(image, placed)
        yield placed
    shards.close()


def _without_copies(
    images: list[PlacedImage], copies: Duplicates, ledger: Ledger
) -> list[PlacedImage]:
    """Drops copies of other sources' images; labelled and real ones stay, then by name."""
    order = sorted(images, key=lambda placed: placed.precedence)
    copies.start_over()
    kept = []
    for placed in order:
        image = placed.image
        if copies.admits(image, placed):
            copies.take(image, placed)
            kept.append(placed)
        ledger.extend(image.ledger)
    copies.start_over()
    return kept


def _divide(
    images: list[PlacedImage],
    boxes: BoxColumns,
    categories: list[Category],
    config: DataConfig,
    copies: Duplicates,
    assignments: Path | None,
) -> tuple[SplitResult, str]:
    """The result, and the key under which it is recorded."""
    names = {category.category_id: category.name for category in categories}
    # Images with equal labels share one mapping: there may be a million of them.
    counted: dict[tuple[bytes, tuple[str, ...]], Mapping[str, int]] = {}
    rows = [_for_split(placed, boxes, names, copies, counted) for placed in images]
    key = settings_key(config.split, rows)
    earlier = read_assignments(assignments, key) if assignments is not None else {}
    return split_images(rows, config.split, earlier), key


def _for_split(
    placed: PlacedImage,
    boxes: BoxColumns,
    names: dict[int, str],
    copies: Duplicates,
    counted: dict[tuple[bytes, tuple[str, ...]], Mapping[str, int]],
) -> SplitImage:
    image, _, rows = placed.unpacked()
    classes = boxes.classes(rows)
    labels = (classes.tobytes(), image.labels)
    if labels not in counted:
        counted[labels] = Counter([*map(names.__getitem__, classes), *image.labels])
    return SplitImage(
        key=image.key,
        perceptual_hash=image.stored.perceptual_hash,
        boxes=counted[labels],
        keys=image.keys,
        synthetic=image.synthetic,
        digest=image.stored.file_sha256,
        given=image.given,
        pixels=image.stored.sha256,
        copies=tuple(copies.removed.get(image.key, ())),
    )


def _without_left_out(
    images: list[PlacedImage], result: SplitResult, ledger: Ledger
) -> list[PlacedImage]:
    if not result.leaks and not result.conflicts:
        return images
    kept = []
    for placed in images:
        source, name = placed.order
        key = f"{source}/{name}"
        if key in result.leaks:
            resembled = f"resembles {result.leaks[key]}"
            row = rules.row(rules.SYNTHETIC_NEAR_REAL, source, name, resembled)
        elif key in result.conflicts:
            reason = result.conflicts[key]
            row = rules.row(rules.IMAGE_BRIDGES_SPLITS, source, name, reason)
        else:
            kept.append(placed)
            continue
        ledger.append(row)
    return kept
