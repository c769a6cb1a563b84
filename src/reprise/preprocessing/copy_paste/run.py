"""Copy-paste images, composed here because here it is known which images are train."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from reprise.formats.records import BoxRecord
from reprise.hamming import near_between
from reprise.preprocessing import rules
from reprise.preprocessing.copy_paste.compose import (
    Composed,
    Material,
    Recipe,
    TrainImage,
    carry_out,
)
from reprise.preprocessing.decode.decoder import read_image
from reprise.preprocessing.decode.encode import (
    Settings,
    StoredImage,
    encode,
    perceptual_hash,
    pixel_digest,
    resized,
)
from reprise.preprocessing.decode.process_image import ProcessedImage
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.parallel import map_ordered
from reprise.preprocessing.store.shards import ShardWriter
from reprise.preprocessing.store.tables import BoxColumns, PlacedImage, store_image
from reprise.preprocessing.workplace import Workplace
from reprise.synthesis.config import SyntheticConfig

#: The source that composed images belong to.
COPY_PASTE = "copy_paste"


def paste(
    images: list[PlacedImage],
    split: dict[str, str],
    boxes: BoxColumns,
    raw: Mapping[str, Path],
    synthetic: SyntheticConfig | None,
    settings: Settings,
    out: Path,
    workplace: Workplace,
    ledger: list[dict[str, str]],
    distance: int | None,
) -> list[PlacedImage]:
    """Compose and store images from the real images of train.

    Args:
        images: All images of the dataset.
        split: Image key to split.
        boxes: The boxes that the images refer to; gets those of the composed images.
        raw: The folder of each source.
        synthetic: The ``synthetic`` section; nothing is made unless it names copy_paste.
        settings: Sizes and limits.
        out: The dataset folder.
        workplace: Where to compose; the bytes are the same anywhere.
        ledger: Gets a row for each composed image that is left out.
        distance: A composed image that differs from an image of val or test in at most so
            many hash bits is left out; None compares nothing.

    Raises:
        RepriseError: Train has nothing that can be pasted.
    """
    if synthetic is None or COPY_PASTE not in synthetic.generators():
        return []
    from tqdm import tqdm

    real = [p for p in images if not p.image.synthetic]
    train = [_train_image(p, boxes, raw) for p in real if split[p.image.key] == "train"]
    material = Material(train, synthetic.copy_paste)
    count = synthetic.count_of(COPY_PASTE)
    recipes = (material.recipe(index, synthetic.seed) for index in range(count))
    work = functools.partial(_compose, synthetic=synthetic, settings=settings)
    results = map_ordered(work, recipes, workplace.workers, workplace.engine)
    labelled = {p.image.key: p.image.labels for p in real if p.image.labels}
    shards = ShardWriter(out, COPY_PASTE)
    placed = []
    for made in tqdm(results, total=count, desc=COPY_PASTE, unit="image", disable=None):
        if made is None:
            continue
        image, background = made
        if background in labelled:
            seen = {box.class_name for box in image.boxes} | set(labelled[background])
            image.labels = tuple(sorted(seen))
        placed.append(store_image(image, shards, boxes))
    shards.close()
    held_out = [p.image for p in real if split[p.image.key] != "train"]
    return _without_resembling(placed, held_out, distance, ledger)


def _train_image(placed: PlacedImage, boxes: BoxColumns, raw: Mapping[str, Path]) -> TrainImage:
    image = placed.image
    return TrainImage(
        image.source,
        image.name,
        raw[image.source] / image.name,
        image.stored.original_width,
        image.stored.original_height,
        tuple(
            BoxRecord(b.class_name, b.xywh, b.area, b.iscrowd, json.loads(b.segmentation))
            for b in boxes.read(placed.boxes)
        ),
    )


def _compose(
    recipe: Recipe, synthetic: SyntheticConfig, settings: Settings
) -> tuple[ProcessedImage, str] | None:
    """A composed image and the key of its background; None when nothing found a place."""
    config = synthetic.copy_paste

    def read(image: TrainImage) -> np.ndarray:
        return read_image(image.path, settings.max_pixels, config.max_side).pixels

    made = carry_out(recipe, config=config, read=read)
    if made is None:
        return None
    return _finished(made, settings), recipe.background.key


def _finished(made: Composed, settings: Settings) -> ProcessedImage:
    height, width = made.pixels.shape[:2]
    stored = resized(made.pixels, settings.image_size)
    return ProcessedImage(
        COPY_PASTE,
        made.name,
        synthetic=True,
        stored=StoredImage(
            encode(stored, settings.jpeg_quality),
            width=stored.shape[1],
            height=stored.shape[0],
            original_width=width,
            original_height=height,
            sha256=pixel_digest(made.pixels, width, height),
            perceptual_hash=perceptual_hash(made.pixels),
        ),
        boxes=[
            CleanBox(o.class_name, o.xywh, o.area, o.iscrowd, json.dumps(o.segmentation or []))
            for o in made.objects
        ],
    )


def _without_resembling(
    made: list[PlacedImage],
    held_out: list[ProcessedImage],
    distance: int | None,
    ledger: list[dict[str, str]],
) -> list[PlacedImage]:
    """Leaves out what is nearly the same as an image of val or test."""
    if distance is None:
        return made
    near: dict[int, str] = {}
    mine, theirs = _hashes([p.image for p in made]), _hashes(held_out)
    for ones, others, _ in near_between(mine, theirs, distance):
        for one, other in zip(ones.tolist(), others.tolist(), strict=True):
            near.setdefault(one, held_out[other].key)
    for number, key in near.items():
        name = made[number].image.name
        ledger.append(rules.row(rules.SYNTHETIC_NEAR_REAL, COPY_PASTE, name, f"resembles {key}"))
    return [placed for number, placed in enumerate(made) if number not in near]


def _hashes(images: list[ProcessedImage]) -> np.ndarray:
    """Perceptual hashes, uint64, shape (n,)."""
    return np.array([int(i.stored.perceptual_hash, 16) for i in images], dtype=np.uint64)
