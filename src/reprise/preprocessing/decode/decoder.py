"""Any image file to upright 8-bit RGB, or a reason why not."""

from __future__ import annotations

import functools
import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from reprise.preprocessing.decode.colour import Pixels, deep_colour, to_rgb
from reprise.preprocessing.decode.orientation import orient_pixels, orient_size, valid_orientation
from reprise.preprocessing.rules import Rule

# Formats that Pillow reads by itself: no PostScript, no outside program, nothing that is
# recognised without a signature.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
# A JPEG is decoded at 1/8, 1/4 or 1/2 of its size where that is still this many times the
# wanted size; the rest is left to area averaging. A decode then takes a third of the time, and
# differs from a full one by 39 dB (PSNR) on the sharpest photographs, about what storing them
# as JPEG of quality 92 changes, and by 45 dB and more on most.
MARGINS = {8: 2.0, 4: 2.0, 2: 1.5}
# What decoders were seen to raise on damaged files; Pillow's plugins have no common base.
DECODER_ERRORS = (
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
_PHOTOMETRIC, _EXTRA_SAMPLES, _GDAL_NODATA = 262, 338, 42113
_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Set while `pillow_limit` is held.
_held_limit: int | None = None
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@functools.cache
def open_formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow was built to read, for :func:`PIL.Image.open`."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


class BadImageError(Exception):
    """An image that cannot be used.

    Attributes:
        rule: The rule of the ledger.
        detail: The reason, without any path of this machine.
    """

    def __init__(self, rule: Rule, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


@dataclass(frozen=True)
class Decoded:
    """An image as it is to be used, and what its file says of it.

    Attributes:
        pixels: uint8, shape (height, width, 3), RGB, upright, contiguous; perhaps reduced.
        original_width: Width of the upright original in pixels.
        original_height: Height of the upright original in pixels.
        orientation: EXIF orientation that was applied, 1 to 8. The file's own frame, in which
            some label tools work, is ``orient_size(original_width, original_height,
            orientation)`` large.
        frames: Images in the file, of which the first was read; None where the others are too
            damaged to be counted.
        notes: A rule and a detail for everything that its pixels were not as usual in.
    """

    pixels: Pixels
    original_width: int
    original_height: int
    orientation: int
    frames: int | None
    notes: list[tuple[Rule, str]] = field(default_factory=list)


def read_image(source: Path | bytes, max_pixels: int, longest: int | None = None) -> Decoded:
    """Decode an image completely.

    What becomes of odd images:

    - Orientation (EXIF, or XMP where there is no EXIF) is applied; 0, values over 8 and
      unreadable EXIF count as 1.
    - Of an animation the first frame counts, of a file with several pages the first page.
    - Colour modes, transparency, depths over 8 bits, TIFFs with 0 as white and pixels without
      a value: see :func:`~.colour.to_rgb`.
    - A wrong file name ending and bytes after the image do not matter.

    Args:
        source: The file, or its content.
        max_pixels: Largest width times height of the original, compared before anything is
            decoded.
        longest: Wanted longest side in pixels. A larger image is reduced to it by area
            averaging (a JPEG partly in its decoder, see ``MARGINS``), a smaller one stays as
            it is. None keeps the full size.

    Returns:
        The image; the same bytes and library versions give the same pixels. One side is
        ``longest`` where it was reduced, the other is rounded and at least 1.

    Raises:
        BadImageError: The source is no regular file or no image, is damaged or truncated, or
            has more than ``max_pixels``.
    """
    data = file_bytes(source, max_pixels) if isinstance(source, Path) else source
    if not data:
        raise BadImageError(Rule.IMAGE_UNREADABLE, "the file is empty")
    try:
        return _decoded(data, max_pixels, longest)
    except _TOO_MANY_PIXELS:
        detail = f"more than the {max_pixels} pixels that are allowed"
        raise BadImageError(Rule.IMAGE_TOO_LARGE, detail) from None
    except UnidentifiedImageError:
        raise BadImageError(Rule.IMAGE_UNREADABLE, _unknown_kind(data)) from None
    except DECODER_ERRORS as error:
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadImageError(Rule.IMAGE_UNREADABLE, detail) from None


def file_bytes(path: Path, max_pixels: int) -> bytes:
    """Read an image file as it is.

    Args:
        path: The file. Links are followed; a pipe or device is never opened.
        max_pixels: Files larger than an uncompressed image of that many pixels of 16 bytes
            (four 32-bit channels), and 64 MiB for everything else, are not read.

    Raises:
        BadImageError: It is no regular file, cannot be read or is too large.
    """
    most = 16 * max_pixels + 2**26
    try:
        if not path.is_file():
            raise BadImageError(Rule.IMAGE_UNREADABLE, "there is no regular file of this name")
        if path.stat().st_size > most:
            raise BadImageError(Rule.IMAGE_TOO_LARGE, f"the file has more than {most} bytes")
        return path.read_bytes()
    except OSError as error:
        raise BadImageError(Rule.IMAGE_UNREADABLE, error.strerror or "it cannot be read") from None


def _decoded(data: bytes, max_pixels: int, longest: int | None) -> Decoded:
    with pillow_limit(max_pixels), _opened(data) as image:
        divisor = _divisor(image, longest)
        try:
            return _finished(image, data, longest, divisor)
        except DECODER_ERRORS:
            if divisor == 1:
                raise
        # Lossless JPEG has no reduced form; and whether a file is refused must not depend on
        # the wanted size.
        with _opened(data) as full:
            return _finished(full, data, longest, 1)


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=open_formats())


def _divisor(image: Image.Image, longest: int | None) -> int:
    """The part of its size, 1/1 to 1/8, at which a JPEG is decoded."""
    if longest is None or image.format not in ("JPEG", "MPO"):
        return 1
    for divisor, margin in MARGINS.items():
        # A short side of at least divisor squared keeps the rounding in _reduced exact.
        if max(image.size) >= divisor * margin * longest and min(image.size) >= divisor**2:
            return divisor
    return 1


def _finished(image: Image.Image, data: bytes, longest: int | None, divisor: int) -> Decoded:
    stored = image.size
    if divisor > 1:
        image.draft(None, (stored[0] // divisor, stored[1] // divisor))
    # Pillow turns a TIFF while it loads it; every other format is turned here, when small.
    # Its tag is read first; a PNG's is not, since asking for it loads the PNG out of sight.
    turned = _orientation(image) if image.format == "TIFF" else 1
    image.load()
    if 0 in image.size:
        raise ValueError("it has no pixels")
    if divisor == 1:
        stored = image.size
    remaining = _orientation(image)
    width, height = orient_size(*stored, remaining)
    white_is_zero, nodata = _tiff_tags(image)
    deep, notes = deep_colour(image, data)
    if _has_undeclared_band(image) and deep.mode == "RGBA":
        deep = deep.convert("RGB")
        notes = [*notes, (Rule.IMAGE_ALPHA_UNSET, "a fourth band that is not said to be alpha")]
    converted = to_rgb(deep, white_is_zero, nodata)
    return Decoded(
        pixels=orient_pixels(_reduced(converted.pixels, stored, divisor, longest), remaining),
        original_width=width,
        original_height=height,
        orientation=max(turned, remaining),
        frames=_frames(image),
        notes=[*notes, *converted.notes],
    )


def _tiff_tags(image: Image.Image) -> tuple[bool, float | None]:
    """Whether 0 is white in a TIFF, and the value that GDAL's tag says stands for no data."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return False, None
    try:
        nodata = float(str(tags.get(_GDAL_NODATA)).strip("\0 "))
    except ValueError:
        nodata = math.nan
    return tags.get(_PHOTOMETRIC) == 0, nodata if math.isfinite(nodata) else None


def _has_undeclared_band(image: Image.Image) -> bool:
    """Whether a TIFF's fourth band, near infrared say, is taken for alpha by Pillow alone."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and _EXTRA_SAMPLES not in tags


def _orientation(image: Image.Image) -> int:
    try:
        return valid_orientation(image.getexif().get(ExifTags.Base.Orientation))
    except DECODER_ERRORS:
        return 1


def _frames(image: Image.Image) -> int | None:
    try:
        return getattr(image, "n_frames", 1)
    except (*DECODER_ERRORS, *_TOO_MANY_PIXELS):
        return None


def _reduced(
    pixels: Pixels, original: tuple[int, int], divisor: int, longest: int | None
) -> Pixels:
    factor = 1.0 if longest is None else longest / max(original)
    if factor >= 1:
        return pixels
    width, height = (max(1, round(side * factor)) for side in original)
    # Of a side that the divisor does not divide, the last reduced pixel reaches beyond the
    # image. Factors relative to the original keep every pixel in place; a target size would
    # squeeze the overhang into the image.
    reduced = cv2.resize(
        pixels,
        None,
        fx=width * divisor / original[0],
        fy=height * divisor / original[1],
        interpolation=cv2.INTER_AREA,
    )
    return np.asarray(reduced, np.uint8)


def _unknown_kind(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "it is HEIC, which is not read: convert it to JPEG"
    if data.startswith((b"II*\0", b"MM\0*")):
        return (
            "it is a TIFF of an unusual kind (depth, channels or layout): save it as 8 or 16 bits"
        )
    return f"its start is not that of {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"


@contextmanager
def pillow_limit(max_pixels: int) -> Iterator[None]:
    """Gives Pillow the same limit: some of its decoders learn an image's size late.

    The limit and the way of warnings are one for the whole process: who decodes in threads holds
    this around all of them, and what they enter inside changes nothing.
    """
    global _held_limit
    if _held_limit == max_pixels:
        yield
        return
    before = Image.MAX_IMAGE_PIXELS, _held_limit
    Image.MAX_IMAGE_PIXELS = _held_limit = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS, _held_limit = before
