"""One image from its file to its stored bytes: the work that is spread over cores."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from reprise.preprocessing.decode.colour import Pixels
from reprise.preprocessing.decode.decoder import BadImageError, read_image
from reprise.preprocessing.processed_image import EncodedImage
from reprise.preprocessing.rules import Rule

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


def encode_file(data: bytes, settings: Settings, file_sha256: str) -> EncodedImage:
    """Decode, hash, resize and encode one image file.

    Args:
        data: The file's content.
        settings: Sizes and limits.
        file_sha256: Digest of ``data``.

    Raises:
        BadImageError: It cannot be decoded or stored.
    """
    decoded = read_image(data, settings.max_pixels, max(settings.image_size, LEAST_DECODED))
    original = (decoded.original_width, decoded.original_height)
    image = encode_pixels(decoded.pixels, original, settings)
    image.file_sha256, image.orientation = file_sha256, decoded.orientation
    image.notes = [[rule.name, detail] for rule, detail in decoded.notes]
    return image


def encode_pixels(pixels: Pixels, original: tuple[int, int], settings: Settings) -> EncodedImage:
    """Hash, resize and encode an upright RGB image.

    Args:
        pixels: uint8, shape (height, width, 3), perhaps reduced.
        original: Width and height of the original.
        settings: Sizes.

    Raises:
        BadImageError: JPEG cannot hold an image of this size.
    """
    stored = resized(pixels, settings.image_size)
    return EncodedImage(
        data=encode(stored, settings.jpeg_quality),
        width=stored.shape[1],
        height=stored.shape[0],
        original_width=original[0],
        original_height=original[1],
        sha256=pixel_digest(pixels, *original),
        perceptual_hash=perceptual_hash(pixels),
    )


def perceptual_hash(pixels: Pixels) -> str:
    """64-bit DCT hash of an RGB image as 16 hexadecimal digits.

    It is taken from the image as decoded, not as stored, so that another
    ``data.image_size`` does not move images between splits.
    """
    import imagehash
    from PIL import Image

    # imagehash shrinks to 32 x 32 itself, on 12 megapixels 20 times slower than this.
    small = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    bits = imagehash.phash(Image.fromarray(small)).hash
    return np.packbits(bits).tobytes().hex()


def resized(pixels: Pixels, longest: int) -> Pixels:
    """The image with its longest side at most ``longest`` pixels; never enlarged."""
    height, width = pixels.shape[:2]
    factor = longest / max(width, height)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode(pixels: Pixels, quality: int) -> bytes:
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
        raise BadImageError(Rule.IMAGE_UNREADABLE, "its pixels cannot be stored as JPEG")
    return data.tobytes()


def pixel_digest(pixels: Pixels, width: int, height: int) -> str:
    """SHA-256 of an image's size and RGB pixels."""
    digest = hashlib.sha256(f"{width}x{height}:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
