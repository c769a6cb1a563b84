"""Pictures and videos with what was found drawn on them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import supervision as sv

from reprise.commands.predicting.stream import Found
from reprise.commands.predicting.videos import describe, read_frames
from reprise.errors import RepriseError
from reprise.inference.results import detections
from reprise.preprocessing.decode.decoder import read_image
from reprise.reporting.painting import font_file
from reprise.reporting.palette import class_colours

JPEG_QUALITY = 92
SPREAD_LABELS = 50  # that are kept from covering each other; more are written where they fall


class Drawer:
    """Draws predictions.

    Args:
        class_names: Of the model.
        max_pixels: Largest picture that is decoded.
    """

    def __init__(self, class_names: Sequence[str], max_pixels: int) -> None:
        self._names = list(class_names)
        self._max_pixels = max_pixels
        self._colours = sv.ColorPalette.from_hex(list(class_colours(self._names).values()))

    def save(
        self, found: Iterable[Found], folder: Path, every: int = 1, videos: bool = True
    ) -> None:
        """Write each picture as JPEG, and each video as MP4.

        Args:
            found: Pictures in their order, the frames of a video one after another.
            folder: Filled with files of the pictures' names; what is no JPEG gets ``.jpg`` added,
                and what is no MP4 ``.mp4``.
            every: Of a video's frames one in so many was predicted on.
            videos: Whether frames become a video; else each is a picture.

        Raises:
            RepriseError: A video cannot be written.
            BadImageError: A file has changed since it was predicted on.
        """
        for (path, is_video), group in groupby(
            found, lambda one: (one.path, one.frame is not None)
        ):
            frames = list(group)
            name = frames[0].name
            if is_video and videos:
                target = _target(folder, posixpath.dirname(name), (".mp4",))
                self._save_video(path, frames, target, every)
            elif is_video:
                for one, pixels in frames_of(path, frames):
                    write_jpeg(_target(folder, one.name, (".jpg",)), self.drawn(pixels, one))
            else:
                pixels = read_image(path, self._max_pixels).pixels
                write_jpeg(_target(folder, name, (".jpg", ".jpeg")), self.drawn(pixels, frames[0]))

    def drawn(self, pixels: np.ndarray, found: Found) -> np.ndarray:
        """A picture with its predictions on it.

        Args:
            pixels: Uint8 (height, width, 3) RGB, upright; not changed.
            found: What was found in it.
        """
        size = (found.width, found.height)
        labels = [f"{self._names[row['category_id'] - 1]} {row['score']:.2f}" for row in found.rows]
        scene: Any = np.ascontiguousarray(pixels[..., ::-1])
        font_size = min(max(round(min(size) / 40), 9), 60)
        if found.rows and "bbox" not in found.rows[0]:
            objects = _lines(found.rows, font_size)
        else:
            objects = detections(found.rows, self._names, (found.height, found.width))
            if objects.mask is not None:
                scene = sv.MaskAnnotator(self._colours, opacity=0.4).annotate(scene, objects)
            thickness = sv.calculate_optimal_line_thickness(size)
            scene = sv.BoxAnnotator(self._colours, thickness).annotate(scene, objects)
        writer = sv.RichLabelAnnotator(
            self._colours,
            text_color=sv.Color.BLACK,
            font_path=str(font_file()),
            font_size=font_size,
            text_padding=max(font_size // 5, 1),
            # Spreading many labels takes seconds.
            smart_position=len(labels) <= SPREAD_LABELS,
        )
        return np.asarray(writer.annotate(scene, objects, labels))[..., ::-1]

    def _save_video(self, path: Path, found: list[Found], target: Path, every: int) -> None:
        first = found[0]
        rate = describe(path).fps / every
        with _video(target, (first.width, first.height), rate) as write:
            for one, pixels in frames_of(path, found):
                # A video may change its size on the way; what is written may not.
                if (one.width, one.height) == (first.width, first.height):
                    write(self.drawn(pixels, one))


def frames_of(path: Path, found: Sequence[Found]) -> Iterator[tuple[Found, np.ndarray]]:
    """Frames of a video that were predicted on, in its order, with their pixels."""
    by_number = {one.frame: one for one in found}
    last = max(one.frame or 0 for one in found)
    with closing(read_frames(path)) as frames:
        for number, pixels in frames:
            if number in by_number:
                yield by_number[number], pixels
            if number == last:
                break


@contextmanager
def _video(path: Path, size: tuple[int, int], rate: float) -> Iterator[Any]:
    """A function that adds a frame, uint8 (height, width, 3) RGB, to a video."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    if not writer.isOpened():
        raise RepriseError(
            f"the video {path.name} of {size[0]} x {size[1]} pixels cannot be written.",
            "free disk space; or leave --save-pictures out.",
        )
    try:
        yield lambda pixels: writer.write(np.ascontiguousarray(pixels[..., ::-1]))
    finally:
        writer.release()


def write_jpeg(path: Path, pixels: np.ndarray, quality: int = JPEG_QUALITY) -> None:
    """Write uint8 (height, width, 3) RGB.

    Raises:
        RepriseError: JPEG cannot hold it.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)
    if not done:
        raise RepriseError(
            f"{path.name} of {pixels.shape[1]} x {pixels.shape[0]} pixels cannot be JPEG.",
            "make it smaller, or leave it out.",
        )
    path.write_bytes(data.tobytes())


def _target(folder: Path, name: str, endings: tuple[str, ...]) -> Path:
    """Where a file goes; what does not end so gets the first ending added."""
    target = folder / (name if name.lower().endswith(endings) else name + endings[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _lines(rows: Sequence[dict[str, Any]], font_size: int) -> sv.Detections:
    """Classes of a whole image, as places for their labels one below another."""
    height = font_size + 2 * max(font_size // 5, 1) + 2
    tops = np.arange(1, len(rows) + 1) * height
    corners = np.stack([np.zeros_like(tops), tops, np.ones_like(tops), tops + 1], axis=1)
    return sv.Detections(
        xyxy=corners.astype(np.float32),
        class_id=np.array([row["category_id"] - 1 for row in rows], dtype=int),
    )
