"""Masks as PNG files: opened with care, written plainly."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from reprise.errors import RepriseError
from reprise.formats.records import BoxRecord, ImageRecord
from reprise.masks.rle import area, bbox, decode

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


class BadMaskError(Exception):
    """A mask file that cannot be used; the text says why, without any path."""


def open_mask(path: Path) -> Image.Image:
    """Decode a PNG file completely.

    Raises:
        BadMaskError: It is no PNG, is damaged, or has more than MAX_PIXELS pixels.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns at a size of its own choice, and of chunks that no mask needs.
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=["PNG"])
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_large()
            image.load()
            image.info.clear()  # transparency, above all, which says nothing in a mask
            return image
    except Image.DecompressionBombError:
        raise _too_large() from None
    except UnidentifiedImageError:
        raise BadMaskError("it is no PNG file") from None
    except _DECODER_ERRORS as error:
        raise BadMaskError(str(error).replace(str(path), path.name) or "it is damaged") from None


def foreground(path: Path) -> np.ndarray:
    """The object of a binary mask: what is not black in any colour channel.

    Transparency does not count.

    Returns:
        bool, shape (height, width).

    Raises:
        BadMaskError: As of :func:`open_mask`.
    """
    image = open_mask(path)
    if image.mode in _COLOURLESS:
        return np.asarray(image).astype(bool)
    red, green, blue = (np.asarray(channel) for channel in image.convert("RGB").split())
    return (red | green | blue).astype(bool)


def few_colours(path: Path, most: int) -> bool:
    """Whether a file is a PNG with few colours, as masks are and photographs are not."""
    try:
        return open_mask(path).getcolors(most) is not None
    except BadMaskError:
        return False


def mask_record(class_name: str, segmentation: dict[str, object]) -> BoxRecord:
    """An object with its mask; box and area are the mask's, all 0 when it is empty."""
    return BoxRecord(class_name, bbox(segmentation), area(segmentation), segmentation=segmentation)


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


def _too_large() -> BadMaskError:
    return BadMaskError(f"it has more than {MAX_PIXELS} pixels")
