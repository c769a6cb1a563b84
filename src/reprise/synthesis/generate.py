"""The synthesize stage: makes the asked number of images and writes them as COCO."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from reprise.synthesis.config import SyntheticConfig

_CHUNK = 8
_QUALITY = 92


@dataclass(frozen=True)
class Made:
    """One finished image.

    Args:
        data: The encoded file.
        width: In pixels.
        height: In pixels.
        boxes: Class name and xywh box in pixels of each labelled object.
        keys: Further keys for its entry in the COCO file.
    """

    data: bytes
    width: int
    height: int
    boxes: list[tuple[str, tuple[int, int, int, int]]]
    keys: dict[str, str]


def image_rng(seed: int, index: int) -> Random:
    """The source of chance of one image, independent of all others."""
    digest = hashlib.sha256(f"reprise synthetic {seed} {index}".encode()).digest()
    return Random(int.from_bytes(digest, "big"))


def make_gui(config: SyntheticConfig, index: int) -> Made:
    """Draw screen number ``index``."""
    from gui_screens.drawn.draw import draw_screen

    screen = draw_screen(image_rng(config.seed, index), (config.min_size, config.max_size))
    stream = io.BytesIO()
    # Full colour resolution: thin coloured strokes would bleed otherwise.
    screen.image.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return Made(
        stream.getvalue(),
        screen.image.width,
        screen.image.height,
        screen.widgets,
        {"template": screen.template, "look": screen.look},
    )


def gui_classes() -> tuple[str, ...]:
    """The classes of drawn screens, in the order of their ids."""
    from gui_screens.drawn.canvas import CLASSES

    return CLASSES


# A generator that draws from nothing: how to make image k, and the classes it labels. A new
# one joins here and in the choices of SyntheticConfig.generator. Copy-paste needs the images
# of train, which only the preprocess stage knows, so it works there.
GENERATORS: dict[
    str, tuple[Callable[[SyntheticConfig, int], Made], Callable[[], tuple[str, ...]]]
] = {"gui": (make_gui, gui_classes)}


def synthesize(config: SyntheticConfig, out: Path, workers: int) -> None:
    """Make a source dataset of synthetic images.

    Args:
        config: What and how many to make. Of the chosen generators only those in GENERATORS
            draw here.
        out: Folder to write; whatever it held is replaced once all is done. It gets
            ``annotations.json`` (COCO; boxes xywh in pixels) and ``images/``.
        workers: Processes that draw; the bytes are the same for any number.
    """
    out = Path(out)
    partial = out.with_name(out.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    (partial / "images").mkdir(parents=True)
    text = json.dumps(_write_images(config, partial, workers), ensure_ascii=False, indent=1)
    (partial / "annotations.json").write_text(text + "\n", encoding="utf-8")
    if out.exists():
        shutil.rmtree(out)
    partial.rename(out)


def _write_images(config: SyntheticConfig, folder: Path, workers: int) -> dict[str, Any]:
    """Write the image files below ``folder`` and return the COCO content for them."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    chosen = [name for name in config.generators() if name in GENERATORS]
    category: dict[str, int] = {}
    for generator in chosen:
        for name in GENERATORS[generator][1]():
            category.setdefault(name, len(category) + 1)
    for generator, index, made in _all_made(config, chosen, workers):
        file_name = f"images/{generator}-{index:06d}.jpg"
        (folder / file_name).write_bytes(made.data)
        image_id = len(images) + 1
        images.append(
            {"id": image_id, "file_name": file_name, "width": made.width,
             "height": made.height, "synthetic": True, **made.keys}
        )  # fmt: skip
        for name, (x, y, w, h) in made.boxes:
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image_id,
                 "category_id": category[name], "bbox": [float(v) for v in (x, y, w, h)],
                 "area": float(w * h), "iscrowd": 0, "segmentation": []}
            )  # fmt: skip
    return {
        "info": {
            "description": f"Synthetic images: {', '.join(chosen) or 'none'}",
            "seed": config.seed,
        },
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in category.items()],
    }


def _all_made(
    config: SyntheticConfig, chosen: list[str], workers: int
) -> Iterator[tuple[str, int, Made]]:
    """The images of one generator after the other, each with its number there."""
    for generator in chosen:
        with _made(config, generator, workers) as results:
            progress = tqdm(
                results,
                total=config.count_of(generator),
                unit="image",
                desc=f"synthesize {generator}",
                disable=None,
            )
            for index, made in enumerate(progress):
                yield generator, index, made


@contextmanager
def _made(config: SyntheticConfig, generator: str, workers: int) -> Iterator[Iterator[Made]]:
    """The made images of a generator in order, whatever the number of processes."""
    count = config.count_of(generator)
    if count == 0:
        yield iter(())
        return
    make = GENERATORS[generator][0]
    workers = min(workers, -(-count // _CHUNK))
    if workers <= 1:
        yield (make(config, index) for index in range(count))
        return
    # Not fork: a forked child inherits whatever threads' locks the caller held.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map(make, [config] * count, range(count), chunksize=_CHUNK)
