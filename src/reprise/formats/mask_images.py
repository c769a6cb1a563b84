"""Masks as image files: opened with care, written plainly as PNG."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from reprise.errors import RepriseError
from reprise.formats.mask_levels import LEAST_SOFT, ValueCounts
from reprise.formats.records import BoxRecord, ImageRecord, LabelError
from reprise.masks.rle import bounds, decode, encode_mask

MAX_PIXELS = 100_000_000
KINDS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
# How names of masks end.
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
# Values of one grey mask of class numbers; a grey photograph has nearly all 256.
MOST_GREYS = 64
# The share of a mask's pixels that its commonest values have, each with the values next to it.
_IN_LEVELS, _MOST_LEVELS, _NEXT = 0.85, 4, 8
_COLOURLESS = {"1", "L", "I;16", "I;16B", "I"}
# What Pillow was seen to raise on damaged files; it has no common base.
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
    """Decode a mask completely: one of KINDS, of several frames or pages the first.

    Raises:
        LabelError: It is of another kind, is damaged, or has more than ``max_pixels`` pixels, by
            default MAX_PIXELS; the text does not hold the path.
    """
    most = MAX_PIXELS if max_pixels is None else max_pixels
    try:
        with warnings.catch_warnings():
            # Pillow warns at a size of its own choice, and of chunks that no mask needs.
            warnings.simplefilter("ignore")
            image = Image.open(file, formats=KINDS)
        with image:
            if image.width * image.height > most:
                raise LabelError(f"it has more than {most} pixels")
            image.load()
            image.info.clear()  # transparency, above all, which says nothing in a mask
            return _in_bytes(image)
    except Image.DecompressionBombError:
        raise LabelError(f"it has more than {most} pixels") from None
    except UnidentifiedImageError:
        raise LabelError(f"it is no {', '.join(KINDS[:-1])} or {KINDS[-1]} file") from None
    except _DECODER_ERRORS as error:
        name = file.name if isinstance(file, Path) else ""
        raise LabelError(str(error).replace(str(file), name) or "it is damaged") from None


def _in_bytes(image: Image.Image) -> Image.Image:
    """A mask with the same values in 8 bits, where deeper ones are no more than that.

    Of 16 bits, those that are 8 bits spread over the range (0 and 65535); of floats, whole
    numbers; of colours that are all the same, the alpha channel, if that is not.
    """
    values: npt.NDArray[np.generic] | None = None
    if image.mode in ("RGBA", "LA"):
        *colours, alpha = (image.getchannel(band) for band in image.getbands())
        plain = all(low == high for low, high in (one.getextrema() for one in colours))
        low, high = alpha.getextrema()
        values = np.asarray(alpha) if plain and low != high else None
    elif image.mode == "F":
        found = np.asarray(image)
        whole = found.size and np.isfinite(found).all() and (found == np.rint(found)).all()
        values = found if whole and found.min() >= 0 and found.max() <= 255 else None
    elif image.mode.startswith("I"):
        found = np.asarray(image)
        spread = found.size and found.max() > 255 and not (found % 257).any() and found.min() >= 0
        values = found // 257 if spread and found.max() <= 65_535 else None
    if values is None:
        return image
    plainer = Image.fromarray(values.astype(np.uint8))
    plainer.format = image.format
    return plainer


class Foreground(NamedTuple):
    """The object of a binary mask.

    Attributes:
        pixels: bool, shape (height, width).
        soft: Whether it had soft edges, which were cut half way.
    """

    pixels: npt.NDArray[np.bool_]
    soft: bool = False


def foreground(path: Path) -> Foreground:
    """The object of a binary mask: what is not black in any colour channel; of one with soft
    edges (:mod:`reprise.formats.mask_levels`), what is nearer to the object's value.

    Transparency does not count, unless nothing else differs.

    Raises:
        LabelError: As of :func:`open_mask`.
    """
    image = open_mask(path)
    if image.mode in _COLOURLESS:
        values = np.asarray(image)
    else:
        channels = (np.asarray(channel) for channel in image.convert("RGB").split())
        values = np.maximum.reduce(list(channels))
    if values.dtype == np.uint8 and len(np.unique(values)) > LEAST_SOFT:
        counts = ValueCounts()
        counts.add(values)
        levels = counts.levels()
        if levels is not None and len(levels) == 2:
            return Foreground(np.asarray(2 * values.astype(int) > sum(levels)), soft=True)
    return Foreground(np.asarray(values != 0, dtype=np.bool_))


def soft_edges_note(count: int) -> list[str]:
    """A note on masks of single objects or classes that had soft edges; empty without any."""
    if not count:
        return []
    return [f"{count} mask(s) have soft edges, as resizing or JPEG leaves them: cut half way"]


def looks_like_mask(path: Path, most: int) -> bool:
    """Whether a file has few values, as masks have and photographs have not.

    Args:
        path: The file.
        most: The most colours of a mask without soft edges; of grey ones MOST_GREYS at most.
    """
    try:
        image = open_mask(path)
    except LabelError:
        return False
    if image.mode.startswith(("I", "F")):
        return len(np.unique(np.asarray(image))) <= most
    colours = image.getcolors(min(most, MOST_GREYS) if image.mode == "L" else most)
    if image.format != "JPEG" and colours is not None:
        return True
    if image.mode not in ("L", "RGB"):
        return False
    left = np.bincount(np.asarray(image.convert("L")).ravel(), minlength=256)
    total, inside = left.sum(), 0
    for _ in range(_MOST_LEVELS):
        level = int(left.argmax())
        near = slice(max(0, level - _NEXT), level + _NEXT + 1)
        inside += int(left[near].sum())
        left[near] = 0
    return bool(inside >= _IN_LEVELS * total)


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
