"""Masks as PNG files: opened with care, written plainly."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord, ImageRecord, LabelError
from reprise.masks.rle import bounds, decode, encode_mask

MAX_PIXELS = 100_000_000
_COLOURLESS = {"1", "L", "I;16", "I;16B", "I"}
# What Pillow was seen to raise on damaged PNG files; it has no common base.
_DECODER_ERRORS = (
    AssertionError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
)


def open_mask(file: Path | BytesIO, max_pixels: int | None = None) -> Image.Image:
    """Decode a PNG file completely.

    Raises:
        LabelError: It is no PNG, is damaged, or has more than ``max_pixels`` pixels, by default
            MAX_PIXELS; the text does not hold the path.
    """
    most = MAX_PIXELS if max_pixels is None else max_pixels
    try:
        with warnings.catch_warnings():
            # Pillow warns at a size of its own choice, and of chunks that no mask needs.
            warnings.simplefilter("ignore")
            image = Image.open(file, formats=["PNG"])
        with image:
            if image.width * image.height > most:
                raise LabelError(f"it has more than {most} pixels")
            image.load()
            image.info.clear()  # transparency, above all, which says nothing in a mask
            return image
    except Image.DecompressionBombError:
        raise LabelError(f"it has more than {most} pixels") from None
    except UnidentifiedImageError:
        raise LabelError("it is no PNG file") from None
    except _DECODER_ERRORS as error:
        name = file.name if isinstance(file, Path) else ""
        raise LabelError(str(error).replace(str(file), name) or "it is damaged") from None


def foreground(path: Path) -> npt.NDArray[np.bool_]:
    """The object of a binary mask: what is not black in any colour channel.

    Transparency does not count.

    Returns:
        bool, shape (height, width).

    Raises:
        LabelError: As of :func:`open_mask`.
    """
    image = open_mask(path)
    if image.mode in _COLOURLESS:
        return np.asarray(np.asarray(image) != 0, dtype=np.bool_)
    red, green, blue = (np.asarray(channel) for channel in image.convert("RGB").split())
    return np.asarray((red | green | blue) != 0, dtype=np.bool_)


def few_colours(path: Path, most: int) -> bool:
    """Whether a file is a PNG with few colours, as masks are and photographs are not."""
    try:
        return open_mask(path).getcolors(most) is not None
    except LabelError:
        return False


def mask_record(class_name: str, mask: np.ndarray) -> BoxRecord:
    """An object with its mask, bool of shape (height, width); box and area are the mask's."""
    x, y, w, h = map(float, bounds(mask))
    return BoxRecord(class_name, (x, y, w, h), float(mask.sum()), segmentation=encode_mask(mask))


def mask_of(box: BoxRecord, image: ImageRecord) -> np.ndarray:
    """The mask of an object that is to be written, bool, shape (height, width).

    Raises:
        RepriseError: It has none, or one that is broken or not of its image's size.
    """
    where = f"image {image.name}: an object of the class '{box.class_name}'"
    if not isinstance(box.segmentation, dict):
        kind = "polygons" if box.segmentation else "a box"
        raise RepriseError(
            f"{where} has {kind} and no mask to write.",
            "write coco, which holds boxes and polygons.",
        )
    try:
        mask = decode(box.segmentation, MAX_PIXELS)
    except ValueError as error:
        raise RepriseError(f"{where}: {error}.", "correct its mask.") from None
    if mask.shape != (image.height, image.width):
        raise RepriseError(
            f"{where} has a mask of {mask.shape[1]} x {mask.shape[0]} pixels, the image is "
            f"{image.width} x {image.height}.",
            "correct its mask.",
        )
    return mask


def write_mask(pixels: np.ndarray, path: Path) -> None:
    """Write a grey PNG and the folders above it.

    Args:
        pixels: uint8, shape (height, width).
        path: Where.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")
