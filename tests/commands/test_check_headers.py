"""Headers alone: the upright size without decoding a pixel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from builders import picture
from reprise.commands.check_headers import read_header
from reprise.preprocessing.decode.decoder import BadImageError, read_image

LIMIT = 10**6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
def test_the_size_is_the_one_that_decoding_gives(
    tmp_path: Path, ending: str, orientation: int
) -> None:
    path = tmp_path / f"a.{ending}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture(1, 40, 20)).save(path, exif=exif)
    header, decoded = read_header(path, LIMIT), read_image(path, LIMIT)
    assert (header.width, header.height) == (decoded.original_width, decoded.original_height)
    assert header.orientation == decoded.orientation


def test_pixels_are_not_decoded(tmp_path: Path) -> None:
    for ending in ("jpg", "png"):
        path = tmp_path / f"a.{ending}"
        Image.fromarray(picture(1, 400, 300)).save(path)
        path.write_bytes(path.read_bytes()[:1500])
        assert read_header(path, LIMIT).width == 400
        with pytest.raises(BadImageError):
            read_image(path, LIMIT)


def test_format_and_mode_are_named(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "grey.jpg", "PNG")
    assert read_header(tmp_path / "grey.jpg", LIMIT).kind == "PNG L"


def test_what_is_no_image_is_refused_by_rule(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"GIF89a")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("a.jpg", "pipe.png", "nothing.png"):
        with pytest.raises(BadImageError) as caught:
            read_header(tmp_path / name, LIMIT)
        assert caught.value.rule.code == "image_unreadable"
        assert str(tmp_path) not in caught.value.detail
    Image.new("1", (2000, 1000)).save(tmp_path / "large.png")
    with pytest.raises(BadImageError, match="2000 x 1000, more than 1000000 pixels"):
        read_header(tmp_path / "large.png", LIMIT)


def test_images_of_every_kind_have_the_size_that_decoding_gives(shared_datasets: Path) -> None:
    compared = 0
    for folder in ("raw_exif_orientation", "raw_pillow_images"):
        for path in sorted((shared_datasets / folder).rglob("*.*")):
            try:
                decoded = read_image(path, LIMIT * 10)
            except BadImageError:
                continue
            header = read_header(path, LIMIT * 10)
            size = (decoded.original_width, decoded.original_height)
            assert (header.width, header.height) == size, path.name
            compared += 1
    assert compared > 40
