"""Any of Pillow's image modes to 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
_HIGH_DEPTH = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
# Bits of a grey value that cameras and scanners deliver.
_DEPTHS = (8, 10, 12, 14, 16)
# Pixels converted at once, so that a large image is not held several times over.
_STRIP = 2**22


def to_rgb(image: Image.Image) -> Pixels:
    """Convert a loaded image of any mode.

    - Transparency (alpha, a transparent palette entry or 8-bit key colour) is laid on white.
    - Bilevel, grey, palette, CMYK, YCbCr and LAB become RGB as Pillow converts them.
    - Colour profiles are not applied: values are taken as they are, as the libraries do that
      will read a user's images at prediction.
    - Grey of 16 or 32 bits is divided by the range of the smallest depth of 8, 10, 12, 14 or
      16 bits that holds the image's greatest value, since files often hold 12 bits in 16.
      With negative values or beyond 16 bits it is stretched from its least to its greatest
      value. Pillow's own conversion cuts at 255, by which such photographs turn white.
    - Colour of 16 bits comes from Pillow as its upper 8.
    - Floats within 0..1 are taken as that range; any others are stretched from the least to
      the greatest finite value. NaN and -inf become 0, inf becomes 255.

    Args:
        image: As Pillow decoded it, not empty.

    Returns:
        uint8, shape (height, width, 3), RGB.
    """
    limits = _grey_limits(image) if image.mode in _HIGH_DEPTH else None
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        pixels[top : top + strip.height] = (
            np.asarray(_on_white(strip)) if limits is None else _grey(strip, *limits)[..., None]
        )
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _STRIP // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layer).convert("RGB")


def _grey_limits(image: Image.Image) -> tuple[float, float]:
    """The values that become 0 and 255: see :func:`to_rgb`."""
    low, high = np.inf, -np.inf
    for _, strip in _strips(image):
        values = np.asarray(strip)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return 0.0, 1.0
    if image.mode == "F":
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    full_scale = next((2**bits - 1 for bits in _DEPTHS if high < 2**bits), None)
    return (low, high) if low < 0 or full_scale is None else (0.0, float(full_scale))


def _grey(image: Image.Image, low: float, high: float) -> Pixels:
    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.rint((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
