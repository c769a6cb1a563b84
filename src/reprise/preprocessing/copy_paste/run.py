"""Copy-paste images, composed here because here it is known which images are train."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reprise.formats.records import BoxRecord
from reprise.machine import MachineConfig
from reprise.preprocessing import rules
from reprise.preprocessing.copy_paste.compose import (
    PastePool,
    Recipe,
    TrainImage,
    compose,
)
from reprise.preprocessing.decode.decoder import read_image
from reprise.preprocessing.decode.encode import Settings, encode_pixels
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.parallel import map_ordered
from reprise.preprocessing.processed_image import ProcessedImage
from reprise.preprocessing.rules import Rule
from reprise.preprocessing.split.ties import resembling
from reprise.preprocessing.store.shards import ShardWriter
from reprise.preprocessing.store.tables import BoxColumns
from reprise.synthesis.config import SyntheticConfig

#: The source that composed images belong to.
COPY_PASTE = "copy_paste"


@dataclass(frozen=True)
class PasteInputs:
    """What there is to compose from.

    Attributes:
        images: All images of the dataset.
        split: Image key to split.
        boxes: The boxes that the images refer to; gets those of the composed images.
        folders: The folder of each source.
    """

    images: list[ProcessedImage]
    split: Mapping[str, str]
    boxes: BoxColumns
    folders: Mapping[str, Path]

    def train_image(self, image: ProcessedImage) -> TrainImage:
        """An image of train as composing needs it."""
        return TrainImage(
            image.source,
            image.name,
            self.folders[image.source] / image.name,
            image.encoded.original_width,
            image.encoded.original_height,
            tuple(
                BoxRecord(b.class_name, b.xywh, b.area, b.iscrowd, json.loads(b.segmentation))
                for b in self.boxes.read(image.box_rows)
            ),
        )


def paste(
    inputs: PasteInputs,
    synthetic: SyntheticConfig | None,
    settings: Settings,
    machine: MachineConfig,
    out: Path,
    distance: int | None,
    ledger: list[dict[str, str]],
) -> list[ProcessedImage]:
    """Compose and store images from the real images of train.

    Args:
        inputs: The images.
        synthetic: The ``synthetic`` section; nothing is made unless it names copy_paste.
        settings: Sizes and limits.
        machine: Where to compose; the bytes are the same anywhere.
        out: The dataset folder.
        distance: A composed image that differs from an image of val or test in at most so
            many hash bits is left out; None compares nothing.
        ledger: Gets a row for each composed image that is left out.

    Raises:
        RepriseError: Train has nothing that can be pasted.
    """
    count = synthetic.copy_paste_count() if synthetic else 0
    if synthetic is None or count == 0:
        return []
    from tqdm import tqdm

    real = [image for image in inputs.images if not image.synthetic]
    train = [inputs.train_image(image) for image in real if inputs.split[image.key] == "train"]
    pool = PastePool(train, synthetic.copy_paste)
    recipes = (pool.recipe(index, synthetic.seed) for index in range(count))
    work = functools.partial(_compose, synthetic=synthetic, settings=settings)
    results = map_ordered(work, recipes, machine.workers, machine.engine)
    labelled = {image.key: image.labels for image in real if image.labels}
    shards = ShardWriter(out, COPY_PASTE)
    images = []
    for made in tqdm(results, total=count, desc=COPY_PASTE, unit="image", disable=None):
        if made is None:
            continue
        image, background = made
        if background in labelled:
            seen = {box.class_name for box in image.boxes} | set(labelled[background])
            image.labels = tuple(sorted(seen))
        inputs.boxes.add_image(image)
        shards.add_image(image)
        images.append(image)
    shards.close()
    held_out = [image for image in real if inputs.split[image.key] != "train"]
    near = resembling(images, held_out, distance)
    ledger += [
        rules.row(Rule.SYNTHETIC_NEAR_REAL, COPY_PASTE, image.name, f"resembles {near[image.key]}")
        for image in images
        if image.key in near
    ]
    return [image for image in images if image.key not in near]


def _compose(
    recipe: Recipe, synthetic: SyntheticConfig, settings: Settings
) -> tuple[ProcessedImage, str] | None:
    """A composed image and the key of its background; None when nothing found a place."""
    config = synthetic.copy_paste

    def read(image: TrainImage) -> npt.NDArray[np.uint8]:
        return read_image(image.path, settings.max_pixels, config.max_side).pixels

    scene = compose(recipe, config, read)
    if scene is None:
        return None
    height, width = scene.pixels.shape[:2]
    image = ProcessedImage(
        COPY_PASTE,
        f"{COPY_PASTE}-{recipe.index:06d}",
        encode_pixels(scene.pixels, (width, height), settings),
        synthetic=True,
        boxes=[
            CleanBox(o.class_name, o.xywh, o.area, o.iscrowd, json.dumps(o.segmentation or []))
            for o in scene.labels()
        ],
    )
    return image, recipe.background.key
