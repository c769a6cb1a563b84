"""From the named files to what the model finds in each picture."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from reprise.commands.predicting.inputs import Input
from reprise.commands.predicting.videos import read_frames
from reprise.errors import RepriseError
from reprise.inference.model import Model
from reprise.inference.pictures import Picture, Prompt, picture_of, read_picture
from reprise.preprocessing.decode.decoder import BadImageError, pillow_limit

Row = dict[str, Any]
# Pictures that are read together, in batches: of one shape in the network, few batches are short.
BATCHES = 4


@dataclass(frozen=True)
class Found:
    """What a model finds in one picture.

    Attributes:
        name: The picture's, among those of the outputs; a frame's lies below its video's.
        path: The file, perhaps a video.
        frame: Its number in the video, from 0; None for a file of its own.
        width: Of the upright original, in pixels.
        height: Of the upright original, in pixels.
        upright: Whether the file's pixels are.
        prompts: How many objects were asked for.
        rows: Of the prediction contract, best first, without an image id of the outputs.
    """

    name: str
    path: Path
    frame: int | None
    width: int
    height: int
    upright: bool
    prompts: int
    rows: list[Row]

    def above(self, threshold: float) -> Found:
        """Without the rows that score less."""
        return replace(self, rows=[row for row in self.rows if row["score"] >= threshold])


@dataclass(frozen=True)
class Refused:
    """A picture that cannot be read.

    Attributes:
        name: As of :class:`Found`.
        reason: Why not.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class How:
    """How the pictures are run.

    Attributes:
        threshold: Predictions scoring less are left out.
        batch_size: Pictures at a time.
        every: Of a video every so manieth frame, from the first.
        prompts: By picture name, the objects whose masks are asked for.
    """

    threshold: float
    batch_size: int = 16
    every: int = 1
    prompts: Mapping[str, tuple[Prompt, ...]] = field(default_factory=dict)


# A picture's name, file and frame, and how it is read.
_Named = tuple[str, Path, int | None]
_Waiting = tuple[_Named, Callable[[], Picture]]


def frame_name(video: str, number: int) -> str:
    """What the outputs call a frame."""
    return f"{video}/{number:06d}.jpg"


@contextmanager
def leave_a_core() -> Iterator[None]:
    """Networks that are opened or run inside take all cores but one, on which pictures are decoded.

    A layer is done when the last of its threads is: of as many threads as cores, one waits for the
    decoding, and the others for it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 1) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def predict_inputs(model: Model, inputs: Sequence[Input], how: How) -> Iterator[Found | Refused]:
    """What the model finds, picture by picture in their order.

    The next pictures are decoded in threads while the network is busy with those before.

    Args:
        model: The model.
        inputs: The files.
        how: How they are run.

    Raises:
        RepriseError: A video does not decode, or the GPU's memory does not hold a batch.
    """
    waiting = (one for given in inputs for one in _pictures(given, model, how))
    threads = min(os.cpu_count() or 1, 16)
    with pillow_limit(model.settings.max_pixels), ThreadPoolExecutor(threads) as pool:

        def submit() -> list[tuple[_Named, Future[Picture]]]:
            # How it is read is not kept: it may hold a whole frame.
            chosen = islice(waiting, BATCHES * how.batch_size)
            return [(named, pool.submit(read)) for named, read in chosen]

        now = submit()
        while now:
            following = submit()
            yield from _predicted(model, now, how)
            now = following


def _pictures(given: Input, model: Model, how: How) -> Iterator[_Waiting]:
    """The picture of an image file, or those of a video, each to be read."""
    settings = model.settings
    if not given.video:
        prompts = how.prompts.get(given.name, ())
        read = partial(read_picture, given.path, settings, prompts)
        yield (given.name, given.path, None), read
        return
    for number, pixels in read_frames(given.path, how.every):
        name = frame_name(given.name, number)
        read_frame = partial(picture_of, pixels, settings, how.prompts.get(name, ()))
        yield (name, given.path, number), read_frame


def _predicted(
    model: Model, waiting: list[tuple[_Named, Future[Picture]]], how: How
) -> Iterator[Found | Refused]:
    pictures: list[Picture] = []
    reasons: dict[int, str] = {}
    for place, (_, future) in enumerate(waiting):
        try:
            pictures.append(future.result())
        except BadImageError as bad:
            reasons[place] = bad.detail
    rows = model.run(pictures, how.threshold, how.batch_size) if pictures else []
    results = iter(zip(pictures, rows, strict=True))
    for place, (named, _) in enumerate(waiting):
        if place in reasons:
            yield Refused(named[0], reasons[place])
            continue
        picture, found = next(results)
        height, width = picture.original
        yield Found(*named, width, height, picture.upright, len(picture.prompts), found)


def read_prompts(
    path: Path, class_names: Sequence[str], names: Sequence[str]
) -> dict[str, tuple[Prompt, ...]]:
    """The boxes of a COCO file, by picture.

    Args:
        path: COCO JSON with ``images``, ``annotations`` and ``categories``; or the
            ``predictions.json`` of a detector, with its ``images.json`` beside it.
        class_names: Of the model.
        names: Of the files that are predicted on, at least one.

    Raises:
        RepriseError: It is no such file, has a class that the model does not know or a box that
            is none, or has no box for any picture.
    """
    from reprise.dataset import read_json

    fix = "give COCO JSON: images, annotations with a bbox each, and categories of the model."
    content = read_json(path, fix)
    if isinstance(content, list):
        beside = read_json(path.with_name("images.json"), f"put it beside {path}, or {fix}")
        content = {**beside, "annotations": content} if isinstance(beside, dict) else {}
    found: dict[str, list[Prompt]] = {}
    try:
        files = {image["id"]: str(image["file_name"]) for image in content["images"]}
        known = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        for entry in content["annotations"]:
            name = known[entry["category_id"]]
            if name not in class_names:
                raise RepriseError(
                    f"{path}: the model does not know the class '{name}'.",
                    f"its classes are {', '.join(class_names)}.",
                )
            x, y, w, h = (float(value) for value in entry["bbox"])
            if not (w > 0 and h > 0 and all(abs(value) < 1e6 for value in (x, y, w, h))):
                raise RepriseError(
                    f"{path}: the box {entry['bbox']} in {files[entry['image_id']]} is none.",
                    "a box is [left, top, width, height] in pixels, width and height above 0.",
                )
            prompt = (list(class_names).index(name) + 1, (x, y, w, h))
            found.setdefault(files[entry["image_id"]], []).append(prompt)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RepriseError(f"{path} is no COCO file: {error!r}.", fix) from None
    # A frame lies below its video.
    if not any(name in names or posixpath.dirname(name) in names for name in found):
        raise RepriseError(
            f"{path} has no box for any of the {len(names)} file(s).",
            f"file_name in it must be a picture's name here, such as {names[0]}, or that of a "
            f"frame, such as {frame_name('clip.mp4', 0)}.",
        )
    return {name: tuple(prompts) for name, prompts in found.items()}
