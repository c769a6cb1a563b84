"""A trained model in use: pictures in, predictions out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from reprise.errors import RepriseError
from reprise.inference.backends import open_backend
from reprise.inference.pictures import Picture, Prompt, new_batches, picture_of, read_picture
from reprise.models.family import Family, to_device
from reprise.models.inference import Backend
from reprise.models.storage import load_model
from reprise.predictions import ordered
from reprise.preprocessing.config import EncodingConfig
from reprise.preprocessing.decode.colour import to_rgb
from reprise.preprocessing.decode.decoder import BadImageError
from reprise.preprocessing.decode.encode import Settings
from reprise.scoring.tasks import threshold_of
from reprise.sources.config import LimitsConfig

if TYPE_CHECKING:
    from supervision import Classifications, Detections

Row = dict[str, Any]
# A file, its content, pixels as uint8 (height, width, 3) RGB, or Pillow's image.
Picturable = Path | str | bytes | np.ndarray | Image.Image
# Scores are rounded to five digits after they are compared inside the families.
ROUNDING = 1e-5


class Model:
    """A trained model.

    Attributes:
        class_names: In the order of ``class_id``, from 0.
        task: detect, segment or classify.
        threshold: Predictions that score less are left out: chosen on val when it was trained.
        prompted: Whether it has to be given the boxes whose masks it draws.
        settings: How a picture is made into what it learnt from.
        description: ``model.json``.
    """

    def __init__(self, family: Family, description: dict[str, Any], backend: Backend) -> None:
        self.class_names: list[str] = description["classes"]
        self.task = family.task
        self.threshold = threshold_of(
            description, Path("model.json"), "write a number in [0, 1] there"
        )
        self.prompted = family.prompted
        self.description = description
        self.settings = Settings(
            image_size=description["image_size"],
            # Models from before it was noted were trained on images of the default quality.
            jpeg_quality=description.get("jpeg_quality", EncodingConfig().jpeg_quality),
            max_pixels=int(LimitsConfig().max_image_megapixels * 1e6),
        )
        self._family = family
        self._backend = backend

    def __call__(
        self,
        image: Picturable,
        threshold: float | None = None,
        boxes: Sequence[Prompt] | None = None,
    ) -> Detections | Classifications:
        """Predictions on one picture.

        Args:
            image: A file or its content, turned upright as its EXIF says; or pixels as they are:
                uint8 (height, width, 3) RGB, or (height, width) grey, or an image of Pillow,
                whose EXIF counts as well. OpenCV's BGR has to be turned round first.
            threshold: In [0, 1], in place of the model's own; 0 gives everything.
            boxes: For a model that is prompted, the objects whose masks are wanted: class from 1,
                then (left, top, width, height) in pixels of the upright picture.

        Returns:
            ``supervision.Detections`` in pixels of the upright picture, or
            ``supervision.Classifications`` where ``task`` is classify, best first.

        Raises:
            RepriseError: It is no picture that can be read, or a prompted model has no boxes.
        """
        from reprise.inference.results import classifications, detections

        if self.prompted and boxes is None:
            raise RepriseError(
                f"the model ({self.description['family']}) draws masks of boxes that it is given, "
                "and was given none.",
                "give the boxes: model(image, boxes=[(1, (left, top, width, height))]).",
            )
        picture = self._picture(image, tuple(boxes or ()))
        (rows,) = self.run([picture], threshold)
        if self.task == "classify":
            return classifications(rows)
        return detections(rows, self.class_names, picture.original)

    def run(
        self, pictures: Sequence[Picture], threshold: float | None = None, batch_size: int = 16
    ) -> list[list[Row]]:
        """Rows of the prediction contract for each picture, best first.

        Args:
            pictures: At least one, made with ``settings``.
            threshold: As of a call.
            batch_size: Most pictures that the network sees at a time.

        Returns:
            Of each picture its rows; ``image_id`` is its place, from 1.

        Raises:
            RepriseError: The GPU's memory does not hold a batch.
        """
        least = self.threshold if threshold is None else threshold
        found: list[Row] = []
        for batch in new_batches(self._family, pictures, self.class_names, batch_size):
            moved = to_device(batch, self._backend.device)
            try:
                with torch.inference_mode():
                    outputs = self._backend(self._family.inputs(moved))
                    found += self._family.decode(outputs, moved, least - ROUNDING)
            except torch.OutOfMemoryError:
                raise RepriseError(
                    f"the GPU ran out of memory on a batch of {len(batch['images'])} pictures.",
                    "lower --batch-size, or run on the CPU: --device cpu.",
                ) from None
        rows: list[list[Row]] = [[] for _ in pictures]
        for row in ordered(found):
            if row["score"] >= least:
                rows[row["image_id"] - 1].append(row)
        return rows

    def speed_up(self) -> None:
        """Let ultralytics' networks do as they do in its own predictions.

        Norms are folded into the convolutions before them, and numbers lie channels last on a
        CPU. Scores and boxes then differ from those of the predict stage by what single precision
        rounds.
        """
        network: Any = self._family.network
        if hasattr(network, "fuse"):
            network.fuse(verbose=False)
            if self._backend.device.type == "cpu":
                network.to(memory_format=torch.channels_last)

    def _picture(self, image: Picturable, prompts: tuple[Prompt, ...]) -> Picture:
        try:
            if isinstance(image, str | Path):
                return read_picture(Path(image), self.settings, prompts)
            if isinstance(image, bytes):
                return read_picture(image, self.settings, prompts)
            return picture_of(_pixels(image), self.settings, prompts)
        except BadImageError as bad:
            name = f" {image}" if isinstance(image, str | Path) else ""
            raise RepriseError(
                f"the picture{name} cannot be read: {bad.detail}.", "name an image that opens."
            ) from None


def _pixels(image: np.ndarray | Image.Image) -> np.ndarray:
    """Upright uint8 (height, width, 3) RGB."""
    if isinstance(image, Image.Image):
        from PIL import ImageOps

        return to_rgb(ImageOps.exif_transpose(image)).pixels
    if image.dtype == np.uint8 and image.ndim == 2 and image.size:
        return np.repeat(image[:, :, None], 3, axis=2)
    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size:
        return np.ascontiguousarray(image)
    raise RepriseError(
        f"an array of {image.dtype} and shape {image.shape} is no picture.",
        "give uint8 of shape (height, width, 3), RGB, or (height, width), grey.",
    )


def load(folder: Path | str = "models", device: str = "auto", backend: str = "torch") -> Model:
    """A trained model, ready for pictures.

    Args:
        folder: With ``model.json`` and ``model.safetensors``.
        device: auto (the GPU when there is one), cpu, cuda or cuda:N.
        backend: What computes: torch, or a format that the model was exported to (``onnx``,
            ``openvino-int8``: ``reprise export-model``), on the CPU.

    Raises:
        RepriseError: A file is missing or damaged, weights and description disagree, or this
            machine has no such device.

    Example:
        >>> model = reprise.load("models")
        >>> found = model("photo.jpg")
        >>> found.data["class_name"], found.confidence, found.xyxy
    """
    path = Path(folder)
    family, description = load_model(path)
    return Model(family, description, open_backend(backend, family, path, device))
