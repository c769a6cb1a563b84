"""Any picture becomes upright 8-bit RGB, equal to Pillow's own reading, or a stated reason."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from builders import picture
from reprise.preprocessing.decode.decoder import MARGINS, BadImageError, file_bytes, read_image
from reprise.preprocessing.decode.orientation import orient_pixels, orient_size
from reprise.preprocessing.rules import Rule

SHARED = Path(__file__).parents[3] / "shared" / "datasets"
LIMIT = 10**7
FORMATS = ["AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"]


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(value: object) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def bad(source: Path | bytes, limit: int = LIMIT, longest: int | None = None) -> BadImageError:
    with pytest.raises(BadImageError) as caught:
        read_image(source, limit, longest)
    assert " at 0x" not in caught.value.detail and "\n" not in caught.value.detail
    return caught.value


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


# --- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_and_reported(kind: str, orientation: int) -> None:
    data = encoded(picture(1), kind, exif=oriented(orientation))
    found = read_image(data, LIMIT)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.orientation == orientation
    upright = (found.original_width, found.original_height)
    assert upright == expected.shape[1::-1]
    assert orient_size(*upright, orientation) == (64, 48)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_counts_as_upright(value: int) -> None:
    found = read_image(encoded(picture(1), exif=oriented(value)), LIMIT)
    np.testing.assert_array_equal(found.pixels, picture(1))
    assert found.orientation == 1


@pytest.mark.parametrize("garbage", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\xff" * 40])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_unreadable_exif_costs_no_image(garbage: bytes, kind: str) -> None:
    data = encoded(picture(1), kind, exif=garbage)
    assert read_image(data, LIMIT).orientation == 1


# --- reduction


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(1003, 757), (701, 1001)])
@pytest.mark.parametrize("longest", [50, 100, 300])
def test_a_reduced_jpeg_is_the_full_one_averaged(
    size: tuple[int, int], longest: int, orientation: int
) -> None:
    data = encoded(picture(1, *size), "JPEG", exif=oriented(orientation), quality=95)
    full, found = read_image(data, LIMIT), read_image(data, LIMIT, longest)
    height, width = found.pixels.shape[:2]
    averaged = cv2.resize(full.pixels, (width, height), interpolation=cv2.INTER_AREA)
    assert max(height, width) == longest
    assert psnr(found.pixels, averaged) > 45
    assert (found.original_width, found.original_height) == full.pixels.shape[1::-1]


@settings(max_examples=60)
@given(st.integers(1, 130), st.integers(1, 130), st.integers(1, 40), st.sampled_from([1, 6]))
def test_the_size_after_reduction(width: int, height: int, longest: int, orientation: int) -> None:
    data = encoded(np.zeros((height, width), np.uint8), "JPEG", exif=oriented(orientation))
    factor = min(1.0, longest / max(width, height))
    expected = max(1, round(width * factor)), max(1, round(height * factor))
    found = read_image(data, LIMIT, longest).pixels
    assert found.shape[1::-1] == orient_size(*expected, orientation)


@pytest.mark.parametrize("kind", FORMATS)
def test_other_formats_are_reduced_too_and_small_images_never_enlarged(kind: str) -> None:
    data = encoded(picture(1), kind)
    full = read_image(data, LIMIT).pixels
    np.testing.assert_array_equal(read_image(data, LIMIT, 64).pixels, full)
    np.testing.assert_array_equal(read_image(data, LIMIT, 1000).pixels, full)
    reduced = cv2.resize(full, (40, 30), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(read_image(data, LIMIT, 40).pixels, reduced)


def test_a_lossless_jpeg_which_has_no_reduced_form() -> None:
    frame = b"\xff\xc3" + struct.pack(">HBHHB3B", 11, 8, 16, 16, 1, 1, 0x11, 0)
    table = b"\xff\xc4" + struct.pack(">HB16sB", 20, 0, b"\x01" + bytes(15), 0)
    scan = b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, 0)
    data = b"\xff\xd8" + frame + table + scan + bytes(32) + b"\xff\xd9"
    assert (read_image(data, LIMIT, 4).pixels == np.full((4, 4, 3), 128)).all()


@pytest.mark.parametrize("divisor", MARGINS)
@pytest.mark.parametrize(
    "name",
    [
        "raw_exif_orientation/Landscape_6.jpg",
        "raw_pillow_images/junk_jpeg_header.jpg",
        "bccd_voc/JPEGImages/BloodImage_00000.jpg",
    ],
)
def test_the_margins_keep_photographs_within_39_decibels(
    shared_datasets: Path, name: str, divisor: int
) -> None:
    full = read_image(shared_datasets / name, LIMIT).pixels
    longest = int(max(full.shape) / divisor / MARGINS[divisor])
    found = read_image(shared_datasets / name, LIMIT, longest).pixels
    averaged = cv2.resize(full, found.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert 39 < psnr(found, averaged) < 70  # as near as it must be, and yet reduced


# --- odd but good files


@pytest.mark.parametrize("kind", ["GIF", "MPO", "PNG", "TIFF", "WEBP"])
def test_of_several_frames_the_first_is_read(kind: str) -> None:
    first, *others = (Image.fromarray(picture(seed)) for seed in range(3))
    data = encoded(first, kind, save_all=True, append_images=others)
    found = read_image(data, LIMIT)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.frames == 3
    assert read_image(encoded(picture(0), kind), LIMIT).frames == 1


def test_a_damaged_later_page_costs_nothing() -> None:
    pages = [Image.fromarray(picture(seed)) for seed in range(2)]
    data = bytearray(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * entries, len(data) - 3)
    found = read_image(bytes(data), LIMIT)
    np.testing.assert_array_equal(found.pixels, picture(0))
    assert found.frames in (1, None)


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(picture(1)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg", LIMIT).pixels, picture(1))


@pytest.mark.parametrize("kind", FORMATS)
def test_bytes_after_the_image_do_not_matter(kind: str) -> None:
    data = encoded(picture(1), kind)
    longer = read_image(data + b"\0garbage\xff" * 50, LIMIT)
    np.testing.assert_array_equal(longer.pixels, read_image(data, LIMIT).pixels)


def test_a_file_and_its_bytes_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(picture(1), "JPEG"))
    data = file_bytes(tmp_path / "a.jpg", LIMIT)
    one, other = read_image(tmp_path / "a.jpg", LIMIT, 30), read_image(data, LIMIT, 30)
    np.testing.assert_array_equal(one.pixels, other.pixels)


# --- refused


@pytest.mark.parametrize("longest", [None, 16])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_cut_file_is_never_read_in_part(kind: str, longest: int | None) -> None:
    data = encoded(picture(1, 256, 256), kind)
    for part in (0.9, 0.5, 0.01):
        cut = data[: int(len(data) * part)]
        assert bad(cut, longest=longest).rule == Rule.IMAGE_UNREADABLE


def test_a_png_that_breaks_off_before_its_end_chunk_is_not_read_the_second_time() -> None:
    data = bytearray(encoded(picture(1, 256, 256)))
    middle = len(data) // 2
    data[middle : middle + 8] = bytes(8)
    assert bad(bytes(data)).rule == Rule.IMAGE_UNREADABLE


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name in ("pipe.png", "folder.png", "device.png", "loop.png", "missing.png"):
        found = bad(tmp_path / name)
        assert found.rule == Rule.IMAGE_UNREADABLE
        assert found.detail == "there is no regular file of this name"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "its start is not that of AVIF, BMP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "its start is not that of"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "it is HEIC, which is not read: convert"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    found = bad(data)
    assert found.rule == Rule.IMAGE_UNREADABLE
    assert found.detail.startswith(reason)


def test_a_file_larger_than_any_image_within_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**26 + 17)
    found = bad(tmp_path / "a.png", 1)
    assert found.rule == Rule.IMAGE_TOO_LARGE
    assert found.detail == "the file has more than 67108880 bytes"


def test_a_bomb_is_refused_from_its_header() -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header
    chunk += struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\x0aIDAT"
    assert bad(data).rule == Rule.IMAGE_TOO_LARGE


@pytest.mark.parametrize("longest", [None, 5])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_limit_is_exact_and_means_the_original(kind: str, longest: int | None) -> None:
    data = encoded(picture(1, 100, 50), kind)
    assert read_image(data, 5000, longest).original_width == 100
    found = bad(data, 4999, longest)
    assert found.rule == Rule.IMAGE_TOO_LARGE
    assert found.detail == "more than the 4999 pixels that are allowed"


@settings(max_examples=100)
@given(st.sampled_from(FORMATS), st.data())
def test_damage_ends_in_pixels_or_a_reason_whatever_the_wanted_size(
    kind: str, drawn: st.DataObject
) -> None:
    data = bytearray(encoded(picture(1), kind, **({"exif": oriented(6)} if kind == "JPEG" else {})))
    for place in drawn.draw(st.lists(st.integers(0, min(len(data), 600) - 1), max_size=6)):
        data[place] = drawn.draw(st.sampled_from([0, 1, 127, 128, 255]))
    outcomes = []
    for longest in (None, 8):
        try:
            found = read_image(bytes(data), LIMIT, longest)
        except BadImageError as reason:
            outcomes.append((reason.rule, reason.detail))
        else:
            outcomes.append((found.original_width, found.original_height, found.orientation))
    assert outcomes[0] == outcomes[1]


# --- real files

REAL_FILES = [
    path.relative_to(SHARED).as_posix()
    for folder in ("raw_pillow_images", "raw_exif_orientation")
    for path in sorted((SHARED / folder).rglob("*"))
    if path.is_file()
]
# Pillow itself refuses all of these, except the two that are only too large.
REFUSED = {
    "badbitcount.bmp": "Unsupported BMP pixel depth",
    "badwidth.bmp": "more than the",
    "broken.png": "its start is not that of",
    "broken_data_stream.png": "unrecognized data stream contents",
    "crash-2020-10-test.tif": "decoder error",
    "decompression_bomb.gif": "more than the",
    "truncated_image.png": "image file is truncated",
    "truncated_jpeg.jpg": "image file is truncated",
    "zero_width.gif": "its start is not that of",
}
# 16-bit grey of which Pillow's convert("RGB") cuts all that is over 255: the value that
# becomes 255 here instead.
FULL_SCALE = {"12in16bit.tif": 255, "16bit.cropped.tif": 1023, "16bit.deflate.tif": 1023}


def pillows_reading(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        if image.mode == "I;16":
            grey = np.rint(np.asarray(upright) * (255 / FULL_SCALE[path.name]))
            return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
        if upright.has_transparency_data:
            layer = upright.convert("RGBA")
            white = Image.new("RGBA", layer.size, "white")
            return np.asarray(Image.alpha_composite(white, layer).convert("RGB"))
        return np.asarray(upright.convert("RGB"))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", REAL_FILES)
def test_a_real_file_matches_pillow_or_is_refused(shared_datasets: Path, name: str) -> None:
    path = shared_datasets / name
    reason = REFUSED.get(path.name, "its start" if path.suffix in (".md", ".txt") else None)
    if reason is not None:
        assert bad(path).detail.startswith(reason)
        assert bad(path, longest=32).detail.startswith(reason)
        return
    found = read_image(path, LIMIT)
    np.testing.assert_array_equal(found.pixels, pillows_reading(path))
    assert found.pixels.shape[1::-1] == (found.original_width, found.original_height)
    small = read_image(path, LIMIT, 32)
    assert max(small.pixels.shape[:2]) == min(32, max(found.pixels.shape[:2]))
    assert (small.original_width, small.orientation) == (found.original_width, found.orientation)


def test_the_photograph_of_every_orientation_shows_the_same_scene(shared_datasets: Path) -> None:
    folder = shared_datasets / "raw_exif_orientation"
    scenes = [read_image(folder / f"Landscape_{number}.jpg", LIMIT, 200) for number in range(1, 9)]
    assert [scene.orientation for scene in scenes] == list(range(1, 9))
    for scene in scenes[1:]:
        assert psnr(scene.pixels, scenes[0].pixels) > 20
        assert psnr(orient_pixels(scene.pixels, 3), scenes[0].pixels) < 15


def _white_is_zero(image: Image.Image) -> bytes:
    """A TIFF whose photometric tag is changed from black to white as 0."""
    tag = struct.pack("<HHI", 262, 3, 1)
    return encoded(image, "TIFF").replace(tag + b"\1\0", tag + b"\0\0")


@pytest.mark.parametrize("depth", [8, 12, 16])
def test_zero_as_white_is_inverted_at_any_depth(depth: int) -> None:
    values = np.array([[0, 2**depth - 1, 2 ** (depth - 1)]], np.uint8 if depth == 8 else np.uint16)
    found = read_image(_white_is_zero(Image.fromarray(values)), LIMIT)
    assert found.pixels[0, :, 0].tolist() == [255, 0, 127]
    rules = [rule for rule, _ in found.notes]
    assert rules == ([] if depth == 8 else [Rule.IMAGE_INVERTED])


@pytest.mark.parametrize("text", ["-9998", "-9998 \0", "nan", "unknown"])
def test_nodata_of_gdal_is_left_out_of_the_scaling(text: str) -> None:
    values = np.array([[-9998.0, 10, 20]], np.float32)
    if text == "nan":
        values[0, 0] = np.nan
    found = read_image(encoded(Image.fromarray(values), "TIFF", tiffinfo={42113: text}), LIMIT)
    assert found.pixels[0, :, 0].tolist() == ([0, 255, 255] if text == "unknown" else [0, 0, 255])


@pytest.mark.parametrize(("bits", "kept"), [(10, True), (12, True), (14, True), (16, False)])
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_colour_of_sixteen_bits_that_uses_fewer_keeps_its_contrast(
    bits: int, kept: bool, ending: str
) -> None:
    values = np.zeros((1, 2, 3), np.uint16)
    values[0, 1] = [2**bits - 1, 2 ** (bits - 1), 2]
    _, data = cv2.imencode(ending, values[..., ::-1])
    found = read_image(data.tobytes(), LIMIT)
    assert found.pixels[0, 1].tolist() == [255, 128, 0]
    notes = [(Rule.IMAGE_DEPTH_SPREAD, f"{bits} bits in 16")] if kept else []
    assert found.notes == notes


def test_alpha_of_deep_colour_has_the_depth_of_its_colours() -> None:
    values = np.full((1, 2, 4), 4095, np.uint16)
    values[0, 1, :3] = 0
    _, data = cv2.imencode(".png", values)
    found = read_image(data.tobytes(), LIMIT)
    assert found.pixels[0].tolist() == [[255] * 3, [0] * 3]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_of_deep_colour_is_upright(orientation: int) -> None:
    values = np.arange(18, dtype="<u2").reshape(2, 3, 3) * 240
    # Width, height, no compression, RGB, strip, orientation, channels, rows, bytes.
    tags = {256: 3, 257: 2, 259: 1, 262: 2, 273: 8, 274: orientation, 277: 3, 278: 2, 279: 36}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()]
    entries.insert(2, struct.pack("<HHII", 258, 3, 3, 8 + 36))  # bits a channel
    listing = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    bits = struct.pack("<HHH", 16, 16, 16)
    data = b"II*\0" + struct.pack("<I", 8 + 36 + 6) + values.tobytes() + bits + listing
    found = read_image(data, LIMIT)
    assert found.orientation == orientation
    expected = np.rint(values * (255 / 4095)).astype(np.uint8)
    np.testing.assert_array_equal(found.pixels, orient_pixels(expected, orientation))
