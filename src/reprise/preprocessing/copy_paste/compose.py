"""Copy-paste: labelled objects of train images, pasted onto other train images.

Which images are train is known to the preprocess stage alone, so it composes there. The
work of one image is in two parts: :meth:`PastePool.recipe` draws, in the parent process, what
goes onto what, and :func:`compose` does it in any process with those few images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord
from reprise.preprocessing.copy_paste.cutouts import Cutout, Look, Pixels, Size, cut_out
from reprise.preprocessing.copy_paste.scene import Scene
from reprise.preprocessing.decode.encode import resized
from reprise.synthesis.config import CopyPasteConfig

# Places that are tried for an object before it is left out.
TRIES = 20
# Images that the objects of one composed image come from, at most: each must be decoded.
DONORS = 3
# An object this near to its image's edge, in pixels, is taken as cut off by it.
_EDGE = 1.0


@dataclass(frozen=True)
class TrainImage:
    """An image of the train split.

    Attributes:
        source: Name of its source.
        name: Posix path inside the source.
        path: The file.
        width: Of the upright original, in pixels.
        height: As ``width``.
        objects: Its labels: boxes inside the image, finite, in pixels of the upright original.
    """

    source: str
    name: str
    path: Path
    width: int
    height: int
    objects: tuple[BoxRecord, ...]

    @property
    def key(self) -> str:
        """``source/name``."""
        return f"{self.source}/{self.name}"

    @property
    def size(self) -> Size:
        """Width and height."""
        return self.width, self.height


Read = Callable[[TrainImage], Pixels]


@dataclass(frozen=True)
class Recipe:
    """What one composed image is made of.

    Attributes:
        index: Its number.
        seed: Of what is drawn while it is composed: sizes, turns, places.
        background: What is pasted on.
        picks: Each an image and the number of one of its objects, in the order of pasting.
    """

    index: int
    seed: int
    background: TrainImage
    picks: tuple[tuple[TrainImage, int], ...]


class PastePool:
    """The objects and backgrounds that a train split offers.

    Crowd regions are never cut out, nor objects under ``min_object``, objects cut off by
    their image's edge, and boxes without a mask that hold too much of a neighbour, which
    nobody would label in its new place.

    Args:
        train: Images of train, in any order; nothing else is ever used.
        config: The ``synthetic.copy_paste`` section.

    Raises:
        RepriseError: There is no object to paste, or no background.
    """

    def __init__(self, train: Sequence[TrainImage], config: CopyPasteConfig) -> None:
        self._config = config
        self._train = sorted(train, key=lambda image: image.key)
        self._backgrounds = [
            image for image in self._train if config.backgrounds == "train" or not image.objects
        ]
        self._objects = [
            (number, place)
            for number, image in enumerate(self._train)
            for place in pasteable(image, config)
        ]
        self._by_image: dict[int, list[int]] = {}
        by_class: dict[str, list[tuple[int, int]]] = {}
        for number, place in self._objects:
            self._by_image.setdefault(number, []).append(place)
            name = self._train[number].objects[place].class_name
            by_class.setdefault(name, []).append((number, place))
        self._by_class = [by_class[name] for name in sorted(by_class)]
        self._require_both()

    def recipe(self, index: int, seed: int) -> Recipe:
        """Draw what image ``index`` is made of; it depends on nothing else but ``seed``."""
        digest = hashlib.sha256(f"reprise copy_paste {seed} {index}".encode()).digest()
        rng = Random(int.from_bytes(digest, "big"))
        background = rng.choice(self._backgrounds)
        picks: list[tuple[int, int]] = []
        for _ in range(rng.randint(*self._config.objects)):
            donors = list(dict.fromkeys(number for number, _ in picks))
            if len(donors) < DONORS:
                picks.append(self._draw(rng))
            else:
                donor = rng.choice(donors)
                picks.append((donor, rng.choice(self._by_image[donor])))
        chosen = tuple((self._train[number], place) for number, place in picks)
        return Recipe(index, rng.getrandbits(64), background, chosen)

    def _draw(self, rng: Random) -> tuple[int, int]:
        if self._config.choose_by == "classes":
            return rng.choice(rng.choice(self._by_class))
        return rng.choice(self._objects)

    def _require_both(self) -> None:
        if not self._objects:
            labelled = sum(len(image.objects) for image in self._train)
            if labelled == 0:
                raise RepriseError(
                    f"synthetic.generator is copy_paste, but no box is on any of the "
                    f"{len(self._train)} train image(s): there is nothing to paste.",
                    "leave copy_paste out of synthetic.generator.",
                )
            raise RepriseError(
                f"synthetic.generator is copy_paste, but of the {labelled} object(s) on "
                f"{len(self._train)} train image(s) none can be cut out: each is a crowd "
                f"region, has a side under {self._config.min_object} pixels, reaches the edge "
                "of its image, or has no mask and holds too much of another object.",
                "lower synthetic.copy_paste.min_object, raise max_occlusion there, or leave "
                "copy_paste out of synthetic.generator.",
            )
        if not self._backgrounds:
            raise RepriseError(
                "synthetic.copy_paste.backgrounds is empty, but every train image shows an object.",
                "set synthetic.copy_paste.backgrounds: train, or add images without objects.",
            )


def pasteable(image: TrainImage, config: CopyPasteConfig) -> list[int]:
    """Numbers of the objects of an image that may be cut out; see :class:`PastePool`."""
    boxes = np.array([record.xywh for record in image.objects], dtype=np.float64).reshape(-1, 4)
    start, end, sides = boxes[:, :2], boxes[:, :2] + boxes[:, 2:], boxes[:, 2:]
    limit = (image.width - _EDGE, image.height - _EDGE)
    whole = ((start > _EDGE) & (end < limit) & (sides >= config.min_object)).all(axis=1)
    chosen = []
    for place in np.flatnonzero(whole).tolist():
        record = image.objects[place]
        if record.iscrowd:
            continue
        if not record.segmentation:
            shared = np.minimum(end, end[place]) - np.maximum(start, start[place])
            # Of each object, the share that lies in this one's box.
            shares = (shared.clip(min=0) / sides).prod(axis=1)
            shares[place] = 0
            if shares.max() > config.max_occlusion:
                continue
        chosen.append(place)
    return chosen


def compose(recipe: Recipe, config: CopyPasteConfig, read: Read) -> Scene | None:
    """Compose the image of a recipe.

    Args:
        recipe: From :meth:`PastePool.recipe`.
        config: The ``synthetic.copy_paste`` section.
        read: Gives an image's pixels: upright, uint8 (height, width, 3), RGB; whole, at its
            own size or shrunk, which is faster. Each image is read once.

    Returns:
        The image, its longer side ``max_side`` at most; None when no object found a place.
    """
    rng = Random(recipe.seed)
    background = recipe.background
    images = {background.key: read(background)}
    pixels = resized(images[background.key], config.max_side).copy()
    scene = Scene(pixels, background.objects, background.size, config)
    pasted = False
    for donor, place in recipe.picks:
        if donor.key not in images:
            images[donor.key] = read(donor)
        source, record = images[donor.key], donor.objects[place]
        look = _look(rng, source, record, donor.size, scene.pixels, config)
        cutout = cut_out(source, record, donor.size, look, config.feather)
        if cutout is not None and _place(rng, scene, cutout, config.min_object):
            pasted = True
    return scene if pasted else None


def _look(
    rng: Random,
    donor: Pixels,
    record: BoxRecord,
    size: Size,
    scene: Pixels,
    config: CopyPasteConfig,
) -> Look:
    """Draw how an object is changed; it is never larger than the scene."""
    height, width = scene.shape[:2]
    # An object keeps its share of the image: that is what training sees of its size.
    own = max(scene.shape) / max(donor.shape)
    fitting = min(
        width / (record.xywh[2] * donor.shape[1] / size[0]),
        height / (record.xywh[3] * donor.shape[0] / size[1]),
    )
    return Look(
        scale=min(own * rng.uniform(*config.scale), fitting),
        angle=rng.uniform(-config.rotation, config.rotation),
        mirrored=rng.random() < config.flip_horizontal,
        brightness=1 + rng.uniform(-config.brightness, config.brightness),
    )


def _place(rng: Random, scene: Scene, cutout: Cutout, least: int) -> bool:
    """Paste a cutout where it covers nothing too much; False when no such place was found."""
    height, width = cutout.region.mask.shape
    down, across = scene.pixels.shape[0] - height, scene.pixels.shape[1] - width
    if min(height, width) < least or min(down, across) < 0:
        return False
    return any(
        scene.paste(cutout, rng.randint(0, across), rng.randint(0, down)) for _ in range(TRIES)
    )
