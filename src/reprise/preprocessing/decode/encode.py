"""One image from its file to its stored bytes: the work that is spread over cores."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from reprise.preprocessing import rules
from reprise.preprocessing.copying import Stretch
from reprise.preprocessing.decode.decoder import BadImageError, read_image

# JPEGs are decoded at a reduced scale, but never below this: stored sizes up to it then share
# one decoding, and with it the hashes that decide the split.
LEAST_DECODED = 640


@dataclass(frozen=True)
class Settings:
    """What decides the stored bytes.

    Attributes:
        image_size: Longest stored side in pixels.
        jpeg_quality: 1 to 100.
        max_pixels: Largest image that is decoded, width times height.
    """

    image_size: int
    jpeg_quality: int
    max_pixels: int


class StoredImage(NamedTuple):
    """What is kept of an image file, or why it is not kept.

    Attributes:
        encoded: The stored JPEG (RGB, 4:4:4, never enlarged), or where it lies in a file;
            empty when it was refused.
        width: Of the stored image, in pixels.
        height: As ``width``.
        original_width: Of the upright original, in pixels.
        original_height: As ``original_width``.
        orientation: EXIF orientation that was applied, 1 to 8.
        sha256: Of the upright original's size and its RGB pixels as decoded.
        file_sha256: Of the file.
        perceptual_hash: 64-bit DCT hash, 16 hexadecimal digits.
        rule: Name of the rule that refused it, empty when it was stored.
        detail: The reason, for people.
    """

    encoded: bytes | Stretch
    width: int = 0
    height: int = 0
    original_width: int = 0
    original_height: int = 0
    orientation: int = 1
    sha256: str = ""
    file_sha256: str = ""
    perceptual_hash: str = ""
    rule: str = ""
    detail: str = ""


def store(data: bytes, settings: Settings, file_sha256: str | None = None) -> StoredImage:
    """Decode, hash, resize and encode one image file.

    Args:
        data: The file's content.
        settings: Sizes and limits.
        file_sha256: Digest of ``data`` where it is known.
    """
    file_sha256 = file_sha256 or hashlib.sha256(data).hexdigest()
    try:
        decoded = read_image(data, settings.max_pixels, max(settings.image_size, LEAST_DECODED))
        original = (decoded.original_width, decoded.original_height)
        stored = resized(decoded.pixels, settings.image_size)
        encoded = encode(stored, settings.jpeg_quality)
    except BadImageError as bad:
        return StoredImage(b"", file_sha256=file_sha256, rule=bad.rule.name, detail=bad.detail)
    return StoredImage(
        encoded=encoded,
        width=stored.shape[1],
        height=stored.shape[0],
        original_width=original[0],
        original_height=original[1],
        orientation=decoded.orientation,
        sha256=pixel_digest(decoded.pixels, *original),
        file_sha256=file_sha256,
        perceptual_hash=perceptual_hash(decoded.pixels),
    )


def perceptual_hash(pixels: np.ndarray) -> str:
    """64-bit DCT hash of an RGB image as 16 hexadecimal digits.

    It is taken from the image as decoded, not as stored, so that another
    ``data.image_size`` does not move images between splits.
    """
    import imagehash
    from PIL import Image

    # imagehash shrinks to 32 x 32 itself, on 12 megapixels 20 times slower than this.
    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    return str(imagehash.phash(Image.fromarray(small)))


def resized(pixels: np.ndarray, longest: int) -> np.ndarray:
    """The image with its longest side at most ``longest`` pixels; never enlarged."""
    height, width = pixels.shape[:2]
    factor = longest / max(width, height)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def encode(pixels: np.ndarray, quality: int) -> bytes:
    """RGB pixels as JPEG at full colour resolution.

    Raises:
        BadImageError: JPEG cannot hold an image of this size.
    """
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise BadImageError(rules.IMAGE_UNREADABLE, "its pixels cannot be stored as JPEG")
    return data.tobytes()


def pixel_digest(pixels: np.ndarray, width: int, height: int) -> str:
    """SHA-256 of an image's size and RGB pixels."""
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
