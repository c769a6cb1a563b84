"""From sources as they came to the dataset contract: read, process, split, write."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from reprise.dataset import Category
from reprise.errors import RepriseError
from reprise.formats.records import ImageRecord
from reprise.machine import MachineConfig
from reprise.preprocessing import rules
from reprise.preprocessing.config import DataConfig
from reprise.preprocessing.copy_paste.run import PasteInputs, paste
from reprise.preprocessing.decode.encode import Settings
from reprise.preprocessing.decode.process_images import process_images
from reprise.preprocessing.labels.label_cache import LabelCache
from reprise.preprocessing.labels.read_labels import SourceLabels, choose_classes, read_labels
from reprise.preprocessing.parallel import map_ordered
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.rules import Rule
from reprise.preprocessing.split.assignments import read_assignments, write_assignments
from reprise.preprocessing.split.duplicates import Duplicates, drop_duplicates
from reprise.preprocessing.split.split_images import (
    SplitResult,
    settings_key,
    split_images,
    split_section,
)
from reprise.preprocessing.store.byte_cache import remove_if_damaged
from reprise.preprocessing.store.image_cache import CacheConfig, cache_version
from reprise.preprocessing.store.shards import ShardWriter
from reprise.preprocessing.store.tables import BoxColumns, Contents, write_dataset
from reprise.replacing import replacing_folder
from reprise.synthesis.config import SyntheticConfig

Ledger = list[dict[str, str]]
_ALONE = MachineConfig(workers=0, checkpoint_minutes=10.0)
# The share of machine.memo_gb that labels may take; the rest is for images.
_LABELS_SHARE = 0.05
# Images that a process takes at a time.
_BATCH = 8


@dataclass(frozen=True)
class Folders:
    """Where the stage reads and writes.

    Attributes:
        raw: The folder of each source of ``data.sources``.
        processed: The dataset folder; what it held is replaced once the new one is complete.
        synthetic: A COCO folder of generated images, which only ever join train; None or an
            absent folder when there are none.
        assignments: The record of which image is in which split: read when it exists, so
            that no image ever moves, and written anew. None keeps no record.
        cache: Images and labels of earlier runs; None keeps none.
    """

    raw: Mapping[str, Path]
    processed: Path
    synthetic: Path | None = None
    assignments: Path | None = None
    cache: Path | None = None


def preprocess(
    *,
    data: DataConfig,
    folders: Folders,
    machine: MachineConfig = _ALONE,
    synthetic: SyntheticConfig | None = None,
) -> None:
    """Write the dataset of all sources.

    Args:
        data: The ``data`` section.
        folders: Where to read and write.
        machine: The ``machine`` section, which changes no byte of the dataset; by default
            this process does all.
        synthetic: The ``synthetic`` section: copy-paste images are composed here, where it
            is known which images are train. None composes none.

    Raises:
        RepriseError: A label file is malformed, a class is unknown, no image is usable, a
            split would be empty, or the disk is full. Then the dataset is as it was before.
    """
    with _written(folders.processed) as out:
        run = _Run(data, machine, folders, out)
        images = run.process_sources()
        result, key = run.split(images)
        kept = _without_left_out(images, result, run.ledger)
        made = paste(
            PasteInputs(kept, result.split, run.boxes, folders.raw),
            synthetic,
            run.settings,
            machine,
            out,
            split_section(data.split).near_duplicate_distance,
            run.ledger,
        )
        for image in made:
            result.split[image.key], result.group[image.key] = "train", image.key
        kept = sorted(kept + made, key=lambda image: (image.source, image.name))
        notes = {labels.source: labels.notes for labels in run.labels if labels.notes}
        specks = {labels.source: labels.specks for labels in run.labels if labels.specks}
        write_dataset(
            out,
            Contents(
                kept,
                run.boxes,
                result.split,
                result.group,
                run.categories,
                run.ledger,
                notes,
                specks,
            ),
        )
    if folders.assignments is not None:
        write_assignments(folders.assignments, key, result.assignments)
    for note in result.notes:
        print(note)
    print(f"{len(kept)} images in {folders.processed.name}; the ledger (rejected.parquet) says:")
    print(rules.summary(run.ledger))


@contextmanager
def _written(out: Path) -> Iterator[Path]:
    """A folder to build in, which takes the place of ``out`` when all went well."""
    try:
        with replacing_folder(out) as building:
            yield building
    except OSError as error:
        raise RepriseError(
            f"the dataset cannot be written: {error.strerror or error}.",
            "free disk space or correct the permissions of data/, then run again.",
        ) from error


class _Run:
    """One run of the stage, up to the split.

    Attributes:
        labels: The labels of each source.
        categories: The classes.
        boxes: The boxes of all images.
        ledger: Rows for what was dropped or repaired.
        settings: What decides the bytes of an image.
    """

    def __init__(
        self, data: DataConfig, machine: MachineConfig, folders: Folders, out: Path
    ) -> None:
        self._data = data
        self._machine = machine
        self._folders = folders
        self._out = out
        self.settings = Settings(
            data.image_size,
            data.encoding.jpeg_quality,
            int(data.limits.max_image_megapixels * 1e6),
        )
        self.labels = self._read_labels()
        self.categories: list[Category] = choose_classes(self.labels, data)
        self.boxes = BoxColumns(self.categories)
        self.ledger: Ledger = []

    def process_sources(self) -> list[ProcessedImage]:
        """Decode, resize and store the images of all sources.

        Raises:
            RepriseError: No image is usable.
        """
        cache = self._image_cache()
        images = [image for labels in self.labels for image in self._process(labels, cache)]
        if not images:
            raise RepriseError(
                "no usable image is left:\n" + rules.summary(self.ledger),
                "look at the counts above; check data.sources and the files themselves.",
            )
        for labels in self.labels:
            labels.file.unlink()
        self._spool.rmdir()
        if len(self.labels) == 1:
            return images
        policy = split_section(self._data.split).duplicates
        return drop_duplicates(images, policy, self.boxes, self.ledger)

    def split(self, images: list[ProcessedImage]) -> tuple[SplitResult, str]:
        """The splits, and the key under which they are recorded."""
        split, record = self._data.split, self._folders.assignments
        key = settings_key(split, images)
        earlier = read_assignments(record, key) if record is not None else {}
        return split_images(images, split, earlier), key

    @property
    def _spool(self) -> Path:
        return self._out / "labels"

    @property
    def _cache_bytes(self) -> int:
        return int(self._machine.memo_gb * 1e9)

    def _read_labels(self) -> list[SourceLabels]:
        cache = None
        if self._folders.cache is not None and self._cache_bytes:
            folder = self._folders.cache / "labels"
            remove_if_damaged(folder)
            cache = LabelCache(folder, int(self._cache_bytes * _LABELS_SHARE))
        return read_labels(
            self._data,
            self._folders.raw,
            self._folders.synthetic,
            self._spool,
            apart=self._machine.workers > 0,
            cache=cache,
        )

    def _image_cache(self) -> CacheConfig | None:
        # Its index is one file, which several machines cannot share.
        if self._folders.cache is None or not self._cache_bytes or self._machine.engine != "local":
            return None
        folder = self._folders.cache / "images"
        remove_if_damaged(folder)
        limit = int(self._cache_bytes * (1 - _LABELS_SHARE))
        return CacheConfig(folder, limit, cache_version(self.settings))

    def _process(self, labels: SourceLabels, cache: CacheConfig | None) -> Iterator[ProcessedImage]:
        """Process a source's images and store them.

        What goes into the shards depends on this source alone, so that they keep their bytes
        when another source comes or goes: duplicates of other sources' images are stored all
        the same, and left out of the tables later.
        """
        from tqdm import tqdm

        self.ledger += labels.ledger()
        duplicates = Duplicates(split_section(self._data.split).duplicates, self.boxes)
        shards = ShardWriter(self._out, labels.source)
        work = functools.partial(
            process_images, source=labels.source, settings=self.settings, config=cache
        )
        batches = _batches(labels.records())
        results = chain.from_iterable(
            map_ordered(work, batches, self._machine.workers, self._machine.engine)
        )
        for image, rows in tqdm(
            results, total=labels.count, desc=labels.source, unit="image", disable=None
        ):
            self.ledger += rows
            if image is None:
                continue
            self.boxes.add_image(image)
            if duplicates.admits(image, self.ledger):
                shards.add_image(image)
                yield image
        shards.close()


def _batches(records: Iterator[ImageRecord]) -> Iterator[list[ImageRecord]]:
    while batch := list(islice(records, _BATCH)):
        yield batch


def _without_left_out(
    images: list[ProcessedImage], result: SplitResult, ledger: Ledger
) -> list[ProcessedImage]:
    kept = []
    for image in images:
        if image.key in result.leaks:
            rule, detail = Rule.SYNTHETIC_NEAR_REAL, f"resembles {result.leaks[image.key]}"
        elif image.key in result.conflicts:
            rule, detail = Rule.IMAGE_BRIDGES_SPLITS, result.conflicts[image.key]
        else:
            kept.append(image)
            continue
        ledger.append(rules.row(rule, image.source, image.name, detail))
    return kept
