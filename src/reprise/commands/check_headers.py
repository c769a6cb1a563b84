"""What an image file says of itself before its pixels: nothing is decoded here."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image

from reprise.preprocessing.decode.decoder import DECODER_ERRORS, BadImageError, open_formats
from reprise.preprocessing.decode.orientation import orient_size, valid_orientation
from reprise.preprocessing.rules import Rule


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an image file.

    Attributes:
        kind: Format and mode as Pillow names them, such as ``JPEG RGB``.
        width: Of the upright image, in pixels.
        height: As ``width``.
        orientation: EXIF orientation, 1 to 8.
    """

    kind: str
    width: int
    height: int
    orientation: int


def read_header(path: Path, max_pixels: int) -> Header:
    """Read an image file's header.

    Args:
        path: The file; its name's ending does not matter.
        max_pixels: Largest width times height.

    Raises:
        BadImageError: It is no image of a format that preprocessing reads, its header is
            damaged, or it is too large. What follows the header may still be damaged.
    """
    if not path.is_file():
        raise BadImageError(Rule.IMAGE_UNREADABLE, "it is not a regular file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=open_formats()) as image:
                width, height = image.size
                kind, orientation = f"{image.format} {image.mode}", _orientation(image)
    except Image.DecompressionBombError:
        raise BadImageError(Rule.IMAGE_TOO_LARGE, "far more pixels than are allowed") from None
    except DECODER_ERRORS as error:
        detail = str(error).replace(str(path), path.name) or type(error).__name__
        raise BadImageError(Rule.IMAGE_UNREADABLE, detail) from None
    if width * height > max_pixels:
        raise BadImageError(
            Rule.IMAGE_TOO_LARGE, f"{width} x {height}, more than {max_pixels} pixels"
        )
    # Pillow gives a TIFF's size as it is upright already, of all others as it is stored.
    if not kind.startswith("TIFF"):
        width, height = orient_size(width, height, orientation)
    return Header(kind, width, height, orientation)


def _orientation(image: Image.Image) -> int:
    # A PNG may carry EXIF behind its pixels, and its own getexif decodes them to look there.
    exif = Image.Image.getexif(image) if image.format == "PNG" else image.getexif()
    return valid_orientation(exif.get(ExifTags.Base.Orientation))
