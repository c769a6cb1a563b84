"""Any of Pillow's image modes to 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from reprise.preprocessing.rules import Rule

Pixels = npt.NDArray[np.uint8]
_HIGH_DEPTH = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
# Bits of a value that cameras and scanners deliver.
_DEPTHS = (8, 10, 12, 14, 16)
# Pixels converted at once, so that a large image is not held several times over.
_STRIP = 2**22
# Values that programs for maps write where they know none: by GDAL's tag, or by custom.
_CUSTOMARY = (-9999.0, -32768.0, -99999.0)
_BEYOND = 3.4e38


@dataclass
class Converted:
    """An image as 8-bit RGB.

    Attributes:
        pixels: uint8, shape (height, width, 3), RGB.
        notes: A rule and a detail for everything that was not as usual.
    """

    pixels: Pixels
    notes: list[tuple[Rule, str]] = field(default_factory=list)


def to_rgb(
    image: Image.Image, white_is_zero: bool = False, nodata: float | None = None
) -> Converted:
    """Convert a loaded image of any mode.

    - Transparency (alpha, a transparent palette entry or 8-bit key colour) is laid on white.
      Alpha that is zero everywhere is none: some programs leave that channel unset.
    - Bilevel, grey, palette, CMYK, YCbCr and LAB become RGB as Pillow converts them.
    - Colour profiles are not applied: values are taken as they are, as the libraries do that
      will read a user's images at prediction.
    - Grey of 16 or 32 bits is divided by the range of the smallest depth of 8, 10, 12, 14 or
      16 bits that holds the image's greatest value, since files often hold 12 bits in 16.
      With negative values or beyond 16 bits it is stretched from its least to its greatest
      value. Pillow's own conversion cuts at 255, by which such photographs turn white.
    - Colour of 16 bits comes from Pillow as its upper 8; where it uses 14 bits or fewer,
      :func:`deep_colour` has spread it before.
    - Floats within 0..1 are taken as that range; any others are stretched from the least to
      the greatest value.
    - Values that stand for no data are left out of that, and shown black: NaN, infinities,
      those beyond 3.4e38, ``nodata``; and, without ``nodata``, -9999, -32768 or -99999
      where it is the least value and nothing else comes near it.

    Args:
        image: As Pillow decoded it, not empty.
        white_is_zero: Deep grey is stored with 0 as white, which Pillow inverts in 8 bits only.
        nodata: The value that the file says stands for no data.
    """
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    if image.mode in _HIGH_DEPTH:
        return _from_grey(image, white_is_zero, nodata, pixels)
    unset = _alpha_is_unset(image)
    for top, strip in _strips(image):
        pixels[top : top + strip.height] = np.asarray(
            strip.convert("RGB") if unset else _on_white(strip)
        )
    notes = [(Rule.IMAGE_ALPHA_UNSET, image.mode)] if unset else []
    return Converted(pixels, notes)


def deep_colour(image: Image.Image, data: bytes) -> tuple[Image.Image, list[tuple[Rule, str]]]:
    """Spread colour of 16 bits that uses 14 of them or fewer, as files of cameras do.

    Args:
        image: A PNG or TIFF as Pillow decoded it: its upper 8 bits.
        data: The file.

    Returns:
        An image with the range of its true depth, and a note; any other image as it is.
    """
    if image.mode not in ("RGB", "RGBA") or image.format not in ("PNG", "TIFF"):
        return image, []
    # Of 14 bits in 16, the upper 8 end at 63. Nearly all images have brighter pixels.
    if max(high for _, high in _extrema(image)[:3]) >= 64:
        return image, []
    deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3 or deep.shape[2] not in (3, 4):
        return image, []
    # Both turn a TIFF upright as they read it, and no PNG.
    if deep.shape[:2] != image.size[::-1]:
        return image, []
    greatest = int(deep[..., :3].max())
    depth = next(bits for bits in _DEPTHS if greatest < 2**bits)
    if not greatest or depth == 16:
        return image, []
    colours = np.rint(deep[..., 2::-1] * (255 / (2**depth - 1))).astype(np.uint8)
    if deep.shape[2] == 4:
        alpha = deep[..., 3]
        full = 2**depth - 1 if alpha.max() < 2**depth else 2**16 - 1
        colours = np.dstack([colours, np.rint(alpha * (255 / full)).astype(np.uint8)])
    return Image.fromarray(colours), [(Rule.IMAGE_DEPTH_SPREAD, f"{depth} bits in 16")]


def _extrema(image: Image.Image) -> tuple[tuple[int, int], ...]:
    found: tuple[tuple[int, int], ...] = image.getextrema()  # type: ignore[assignment]
    return found


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


def _alpha_is_unset(image: Image.Image) -> bool:
    """Whether an alpha channel, or a palette's table of alpha, hides the whole image."""
    if image.mode in ("RGBA", "LA", "PA"):
        return image.getchannel("A").getextrema()[1] == 0
    if not isinstance(image.info.get("transparency"), bytes):
        return False
    return all(
        strip.convert("RGBA").getchannel("A").getextrema()[1] == 0 for _, strip in _strips(image)
    )


def _from_grey(
    image: Image.Image, white_is_zero: bool, nodata: float | None, pixels: Pixels
) -> Converted:
    """Fill ``pixels`` from an image of one deep channel."""
    if nodata is None:
        nodata = _customary_nodata(image)
    low, high, missing = _grey_limits(image, nodata)
    for top, strip in _strips(image):
        values = np.asarray(strip)
        known = _known(values, nodata)
        scaled = (np.where(known, values, low).astype(np.float64) - low) / ((high - low) or 1.0)
        shown = np.rint((1 - scaled if white_is_zero else scaled) * 255).astype(np.uint8)
        pixels[top : top + strip.height] = np.where(known, shown, 0)[..., None]
    notes = []
    if white_is_zero:
        notes.append((Rule.IMAGE_INVERTED, f"TIFF with 0 as white, mode {image.mode}"))
    if missing:
        stated = "" if nodata is None else f", {nodata:g} among them"
        total = image.width * image.height
        notes.append((Rule.IMAGE_NODATA, f"{missing} of {total} pixels{stated}"))
    return Converted(pixels, notes)


def _known(values: np.ndarray, nodata: float | None) -> np.ndarray:
    if values.dtype.kind != "f":
        return np.ones(values.shape, bool) if nodata is None else np.asarray(values != nodata)
    with np.errstate(invalid="ignore"):
        known = np.asarray(np.abs(values) < _BEYOND)  # false of NaN
        if nodata is not None:
            # Tags hold a few digits of a 32-bit number.
            known &= ~np.isclose(values, nodata, rtol=1e-6, atol=0)
        return known


def _grey_limits(image: Image.Image, nodata: float | None) -> tuple[float, float, int]:
    """The values that become 0 and 255, see :func:`to_rgb`; and pixels without a value."""
    low, high, missing = np.inf, -np.inf, 0
    for _, strip in _strips(image):
        values = np.asarray(strip)
        kept = values[_known(values, nodata)]
        missing += values.size - kept.size
        if kept.size:
            low, high = min(low, float(kept.min())), max(high, float(kept.max()))
    if low > high:
        return 0.0, 1.0, missing
    if image.mode == "F":
        return (0.0, 1.0, missing) if low >= 0 and high <= 1 else (low, high, missing)
    full_scale = next((2**bits - 1 for bits in _DEPTHS if high < 2**bits), None)
    if low < 0 or full_scale is None:
        return low, high, missing
    return 0.0, float(full_scale), missing


def _customary_nodata(image: Image.Image) -> float | None:
    """The least value, where it is one of _CUSTOMARY and the next lies far above it."""
    low, _, _ = _grey_limits(image, None)
    if low not in _CUSTOMARY:
        return None
    after, _, _ = _grey_limits(image, low)
    return low if after > low / 2 else None
