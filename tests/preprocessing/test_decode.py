"""Any picture becomes upright 8-bit RGB, equal to Pillow's own reading, or a stated reason."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from builders import picture
from reprise.preprocessing import rules
from reprise.preprocessing.decode import BadImageError, read_image

SHARED = Path(__file__).parents[3] / "shared" / "datasets"
LIMIT = 10**7


def bad(path: Path, limit: int = LIMIT) -> BadImageError:
    with pytest.raises(BadImageError) as caught:
        read_image(path, limit)
    assert str(path.parent) not in caught.value.detail
    assert " at 0x" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize("orientation", range(10))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture(1)).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", LIMIT), expected)
    assert expected.shape[:2] == ((64, 48) if orientation in (5, 6, 7, 8) else (48, 64))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB"])
def test_colour_modes_read_as_pillow_reads_them(tmp_path: Path, mode: str) -> None:
    picture_in_mode = Image.fromarray(picture(1)).convert("RGB" if mode == "LAB" else mode)
    name = "a.tif" if mode in ("CMYK", "YCbCr", "LAB") else "a.png"
    picture_in_mode.save(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_image(tmp_path / name, LIMIT), expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(tmp_path: Path, mode: str) -> None:
    if mode == "P":
        image = Image.new("P", (4, 2), 3)
        image.putpalette([0, 0, 0] * 256)
        image.save(tmp_path / "a.png", transparency=3)
        assert (read_image(tmp_path / "a.png", LIMIT) == 255).all()
        return
    image = Image.new(mode, (4, 2), (0,) * len(mode))
    image.putalpha(Image.new("L", (4, 2), 51))
    image.save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", LIMIT) == 204).all()


def test_a_colour_that_means_transparent(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), (9, 9, 9)).save(tmp_path / "a.png", transparency=(9, 9, 9))
    assert (read_image(tmp_path / "a.png", LIMIT) == 255).all()


def test_sixteen_bits_are_scaled_not_cut(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(values).save(tmp_path / name)
        grey = read_image(tmp_path / name, LIMIT)
        assert grey[0, :, 0].tolist() == [0, 1, 128, 255]
        assert (grey[..., 0] == grey[..., 2]).all()


def test_floats_in_zero_to_one_and_beyond(tmp_path: Path) -> None:
    for values, expected in (
        ([0, 0.5, 1], [0, 128, 255]),
        ([-10, 0, np.nan, 10], [0, 128, 128, 255]),
    ):
        Image.fromarray(np.array([values], dtype=np.float32)).save(tmp_path / "a.tif")
        assert read_image(tmp_path / "a.tif", LIMIT)[0, :, 0].tolist() == expected


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(picture(seed)) for seed in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", LIMIT), picture(0))


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    Image.fromarray(picture(1)).save(tmp_path / "a.jpg", format="PNG")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg", LIMIT), picture(1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_cut_file_is_never_read_in_part(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture(1, 256, 256)).save(buffer, kind)
    path = tmp_path / "a.img"
    for part in (0.9, 0.5, 0.01, 0):
        path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * part)])
        assert bad(path).rule == rules.IMAGE_UNREADABLE


def test_a_text_file_and_a_folder_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("hello")
    assert bad(tmp_path / "a.png").rule == rules.IMAGE_UNREADABLE
    (tmp_path / "b.png").mkdir()
    assert bad(tmp_path / "b.png").rule == rules.IMAGE_UNREADABLE


def test_postscript_is_not_handed_to_a_program(tmp_path: Path) -> None:
    text = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    (tmp_path / "a.png").write_text(text)
    assert bad(tmp_path / "a.png").rule == rules.IMAGE_UNREADABLE


def test_a_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header
    chunk += struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\x0aIDAT")
    assert bad(tmp_path / "a.png").rule == rules.IMAGE_TOO_LARGE


def test_the_limit_is_exact(tmp_path: Path) -> None:
    Image.fromarray(picture(1, 100, 50)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", 5000).shape == (50, 100, 3)
    found = bad(tmp_path / "a.png", 4999)
    assert found.rule == rules.IMAGE_TOO_LARGE
    assert found.detail == "more than the 4999 pixels that are allowed"


def _shared_files() -> list[Path]:
    folders = [SHARED / "raw_pillow_images", SHARED / "raw_exif_orientation"]
    endings = (".md", ".txt")
    return [
        Path(where, name)
        for folder in folders
        for where, _, names in sorted(os.walk(folder))
        for name in sorted(names)
        if not name.endswith(endings)
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared datasets are not here")
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_odd_real_files_match_pillow_or_are_refused() -> None:
    refused = set()
    for path in _shared_files():
        try:
            found = read_image(path, LIMIT)
        except BadImageError as reason:
            refused.add(path.name)
            assert str(path.parent) not in reason.detail
            continue
        assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3
        with Image.open(path) as image:
            plain = (
                image.mode in ("RGB", "CMYK", "L", "1", "LAB") and "transparency" not in image.info
            )
            upright = ImageOps.exif_transpose(image)
            assert found.shape[:2] == (upright.height, upright.width)
            if plain:
                np.testing.assert_array_equal(found, np.asarray(upright.convert("RGB")))
    broken = {"broken.png", "truncated_image.png", "truncated_jpeg.jpg", "decompression_bomb.gif"}
    assert broken <= refused
    assert len(refused) <= 10
