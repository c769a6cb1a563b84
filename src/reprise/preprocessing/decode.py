"""Any image file to upright 8-bit RGB, or a reason why not."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from reprise.preprocessing import rules

# Formats that Pillow reads by itself: no PostScript, no outside program, nothing that is
# recognised without a signature.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
# What decoders were seen to raise on damaged files; Pillow's plugins have no common base.
_DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_HIGH_DEPTH = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


class BadImageError(Exception):
    """An image that cannot be used.

    Attributes:
        rule: The rule of the ledger.
        detail: The reason, without any path of this machine.
    """

    def __init__(self, rule: rules.Rule, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


def read_image(path: Path, max_pixels: int) -> np.ndarray:
    """Decode an image file completely.

    The first frame counts; EXIF orientation is applied; transparency is laid on white; 16-bit
    and float values are scaled to 8 bits; grey becomes RGB.

    Args:
        path: The file; its name's ending does not matter.
        max_pixels: Largest width times height, compared before anything is decoded.

    Returns:
        uint8, shape (height, width, 3), RGB.

    Raises:
        BadImageError: The file is no image, is damaged or truncated, or is too large.
    """
    try:
        with _pillow_limit(max_pixels), Image.open(path, formats=_available()) as image:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return np.array(_to_rgb(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImageError(
            rules.IMAGE_TOO_LARGE, f"more than the {max_pixels} pixels that are allowed"
        ) from None
    except _DECODER_ERRORS as error:
        detail = str(error).replace(str(path), path.name) or type(error).__name__
        raise BadImageError(rules.IMAGE_UNREADABLE, detail) from None


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Gives Pillow the same limit: some of its decoders learn an image's size late."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _available() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _HIGH_DEPTH:
        image = _to_eight_bits(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey values of more than 8 bits to 0..255.

    Whole numbers are taken as 16-bit, so that files of one camera keep their relation to each
    other; floats in 0..1 as that range; anything else is stretched from its least to its
    greatest value.
    """
    values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    elif image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    span = (high - low) or 1.0
    return Image.fromarray(np.rint((values - low) / span * 255).astype(np.uint8))
