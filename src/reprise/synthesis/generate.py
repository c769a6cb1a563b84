"""The synthesize stage: draws as many images as params.yaml says and writes them as COCO."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from reprise.code_digest import REPOSITORY
from reprise.errors import RepriseError
from reprise.masks import rle
from reprise.replacing import replacing_folder
from reprise.synthesis.check_image import check_image
from reprise.synthesis.config import SyntheticConfig
from reprise.synthesis.generator import GeneratedImage, Generator, LabelledObject, image_rng
from reprise.synthesis.load import check_declared, failure, load_generator
from reprise.synthesis.registry import GENERATORS

_CHUNK = 8
_QUALITY = 92


@dataclass(frozen=True)
class _Task:
    """What a process must know to draw any image of one generator."""

    generator: str
    seed: int
    longest_side: tuple[int, int]
    repository: Path

    @property
    def own(self) -> bool:
        """Whether the generator is the user's, not one of Reprise."""
        return self.generator not in GENERATORS

    def name(self, index: int) -> str:
        """Of an image, for messages."""
        return f"synthetic.generator {self.generator}, image {index}"


# A finished image: the encoded file, and its COCO entry and those of its objects without ids,
# each with its class name.
_Stored = tuple[bytes, dict[str, Any], list[tuple[str, dict[str, Any]]]]


def synthesize(
    config: SyntheticConfig, out: Path, workers: int, repository: Path = REPOSITORY
) -> None:
    """Make a source dataset of synthetic images.

    Args:
        config: What and how many to make. Copy-paste draws nothing here.
        out: Folder to write; whatever it held is replaced once all is done. It gets
            ``annotations.json`` (COCO; boxes xywh in pixels, masks as RLE) and ``images/``.
        workers: Processes that draw; the bytes are the same for any number.
        repository: The checkout whose ``src/`` holds generators of the user's own.

    Raises:
        RepriseError: A generator cannot be loaded, its code fails, or what it returns is wrong.
    """
    with replacing_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        text = json.dumps(
            _write_images(config, folder, workers, repository), ensure_ascii=False, indent=1
        )
        (folder / "annotations.json").write_text(text + "\n", encoding="utf-8")


def _write_images(
    config: SyntheticConfig, folder: Path, workers: int, repository: Path
) -> dict[str, Any]:
    """Write the image files below ``folder`` and return the COCO content for them."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    category: dict[str, int] = {}
    chosen = config.drawn_generators()
    for generator in chosen:
        sides = (config.min_size, config.max_size)
        task = _Task(generator, config.seed, sides, repository)
        for name in _generator(task).classes:
            category.setdefault(name, len(category) + 1)
        drawn = _draw_all(task, config.count_of(generator), workers)
        for index, (data, entry, objects) in enumerate(drawn):
            # A colon cannot be in a file's name everywhere.
            file_name = f"images/{generator.replace(':', '.')}-{index:06d}.jpg"
            (folder / file_name).write_bytes(data)
            images.append({"id": len(images) + 1, "file_name": file_name, **entry})
            for name, annotation in objects:
                ids = {"id": len(annotations) + 1, "image_id": len(images)}
                annotations.append({**ids, "category_id": category[name], **annotation})
    return {
        "info": {
            "description": f"Synthetic images: {', '.join(chosen) or 'none'}",
            "seed": config.seed,
        },
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in category.items()],
    }


def _draw_all(task: _Task, count: int, workers: int) -> Iterator[_Stored]:
    """The images of a generator in order, whatever the number of processes."""
    if count and task.own:
        _check_repeatable(task)
    draw = partial(_draw, task)
    progress = partial(
        tqdm, total=count, unit="image", desc=f"synthesize {task.generator}", disable=None
    )
    workers = min(workers, -(-count // _CHUNK))
    if workers <= 1:
        yield from progress(map(draw, range(count)))
        return
    try:
        # Not fork: a forked child inherits whatever threads' locks the caller held.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from progress(pool.map(draw, range(count), chunksize=_CHUNK))
    except BrokenProcessPool:
        raise RepriseError(
            f"synthetic.generator {task.generator}: a process that drew images ended by itself, "
            "perhaps for want of memory.",
            "lower machine.workers; with 1 the generator's own message is seen.",
        ) from None


def _draw(task: _Task, index: int) -> _Stored:
    """Image ``index``, checked."""
    generator = _generator(task)
    modules = len(sys.modules)
    try:
        image = generator.generate(image_rng(task.seed, index))
    except Exception as error:
        raise failure(error, f"{task.name(index)}: its code failed") from error
    check_image(image, generator.classes, task.name(index))
    if task.own and len(sys.modules) > modules:
        check_declared(f"synthetic.generator {task.generator}", task.repository)
    return _stored(image)


# Once a process; a generator need not be cheap to set up, nor fit to be sent.
@lru_cache(maxsize=1)
def _generator(task: _Task) -> Generator:
    return load_generator(task.generator, task.longest_side, task.repository)


def _check_repeatable(task: _Task) -> None:
    """Draw the first image twice: chance or state of the generator's own would show."""
    if _draw(task, 0) != _draw(task, 0):
        raise RepriseError(
            f"{task.name(0)} was another one when it was drawn again.",
            "draw all chance from the rng that generate is given, and keep nothing from one "
            "image for the next.",
        )


def _stored(image: GeneratedImage) -> _Stored:
    stream = io.BytesIO()
    # Full colour resolution: thin coloured strokes would bleed otherwise.
    Image.fromarray(image.pixels).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    height, width = image.pixels.shape[:2]
    entry = {"width": width, "height": height, "synthetic": True, **image.keys}
    objects = [(item.class_name, _annotation(item)) for item in image.objects]
    return stream.getvalue(), entry, objects


def _annotation(item: LabelledObject) -> dict[str, Any]:
    """The box, area and outline of a checked object, as COCO has them."""
    if item.xywh is not None:
        bbox = [float(value) for value in item.xywh]
        return {"bbox": bbox, "area": bbox[2] * bbox[3], "iscrowd": 0, "segmentation": []}
    mask = np.asarray(item.mask)
    return {
        "bbox": [float(value) for value in rle.bounds(mask)],
        "area": float(mask.sum()),
        "iscrowd": 0,
        "segmentation": rle.encode_mask(mask),
    }
