"""Every colour mode becomes 8-bit RGB by a rule that does not lose the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from builders import picture
from reprise.preprocessing.decode import colour
from reprise.preprocessing.decode.colour import to_rgb
from reprise.preprocessing.rules import Rule

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV", "LAB"])
def test_opaque_modes_are_converted_as_pillow_does(mode: str) -> None:
    image = Image.fromarray(picture(1))
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB") or image
    image = image.convert(mode)
    np.testing.assert_array_equal(to_rgb(image).pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA"])
def test_alpha_is_laid_on_white(mode: str) -> None:
    image = Image.new("LA" if mode == "LA" else "RGBA", (4, 2))
    image.putalpha(51)
    assert (to_rgb(image.convert(mode)).pixels == 204).all()


@pytest.mark.parametrize(("mode", "key"), [("1", 0), ("L", 9), ("RGB", (9, 9, 9)), ("P", 3)])
def test_a_colour_that_means_transparent_becomes_white(mode: str, key: object) -> None:
    image = Image.new(mode, (2, 2), key)
    if mode == "P":
        image.putpalette([0, 0, 0] * 256)
    image.info["transparency"] = key
    assert (to_rgb(image).pixels == 255).all()


def test_white_of_a_cmyk_jpeg_is_white() -> None:
    # Adobe writes CMYK inverted, and Pillow as Adobe does.
    buffer = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 0, 0, 0)).save(buffer, "JPEG")
    assert (to_rgb(Image.open(buffer)).pixels == 255).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 257, 32896, 65535], [0, 1, 128, 255]),  # 16 bits
        ([0, 4095], [0, 255]),  # 12 bits, of which Pillow's convert would make 0 and white
        ([0, 512, 1023], [0, 128, 255]),  # 10 bits
        ([0, 30, 255], [0, 30, 255]),  # 8 bits
        ([0, 0], [0, 0]),
    ],
)
@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_deep_grey_is_scaled_by_its_depth(
    values: list[int], expected: list[int], mode: str
) -> None:
    image = Image.fromarray(np.array([values], np.uint16 if mode == "I;16" else np.int32))
    assert image.mode == mode
    assert to_rgb(image).pixels[0].tolist() == [[value] * 3 for value in expected]


@pytest.mark.parametrize(
    ("values", "expected"), [([-100, 0, 100], [0, 128, 255]), ([0, 2**30], [0, 255])]
)
def test_whole_numbers_outside_sixteen_bits_are_stretched(
    values: list[int], expected: list[int]
) -> None:
    image = Image.fromarray(np.array([values], np.int32))
    assert to_rgb(image).pixels[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0.25, 0.5], [64, 128]),
        ([-10, 0, 10], [0, 128, 255]),
        ([NAN, -INF, 0, 10, INF], [0, 0, 0, 255, 0]),
        ([NAN, 0.5, INF], [0, 128, 0]),
        ([-3e38, 3e38], [0, 255]),
        ([7, 7], [0, 0]),
        ([NAN, INF], [0, 0]),
        ([-3.4028235e38, 5, 15], [0, 0, 255]),
        ([-9999, 10, 12, 14], [0, 0, 128, 255]),
        ([-9999, -9000, 0], [0, 25, 255]),
    ],
)
def test_floats(values: list[float], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values], np.float32))
    assert to_rgb(image).pixels[0, :, 0].tolist() == expected


@pytest.mark.parametrize("mode", ["RGBA", "P", "F"])
def test_the_strips_do_not_show(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    image = Image.fromarray(picture(1, 33, 50)).convert(mode)
    at_once = to_rgb(image).pixels
    monkeypatch.setattr(colour, "_STRIP", 100)
    np.testing.assert_array_equal(to_rgb(image).pixels, at_once)


def test_a_colour_profile_is_not_applied() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    buffer = io.BytesIO()
    Image.fromarray(picture(1)).save(buffer, "PNG", icc_profile=profile)
    np.testing.assert_array_equal(to_rgb(Image.open(buffer)).pixels, picture(1))


def test_what_stands_for_no_data_is_black_and_noted() -> None:
    image = Image.fromarray(np.array([[-1, 10, 20, np.nan]], np.float32))
    found = to_rgb(image, nodata=-1.0)
    assert found.pixels[0, :, 0].tolist() == [0, 0, 255, 0]
    assert found.notes == [(Rule.IMAGE_NODATA, "2 of 4 pixels, -1 among them")]
    whole = to_rgb(Image.fromarray(np.array([[65535, 100, 4000]], np.uint16)), nodata=65535.0)
    assert whole.pixels[0, :, 0].tolist() == [0, 6, 249]


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_alpha_that_is_zero_everywhere_is_no_transparency(mode: str) -> None:
    image = Image.new("RGBA", (4, 2), (51, 51, 51, 0))
    if mode == "P":
        image = image.convert("RGB").quantize(2)
        image.info["transparency"] = bytes(256)
    elif mode != "RGBA":
        image = image.convert(mode)
    found = to_rgb(image)
    assert (found.pixels == 51).all()
    assert found.notes == [(Rule.IMAGE_ALPHA_UNSET, mode)]
    if mode == "RGBA":
        image.putpixel((0, 0), (51, 51, 51, 255))
        assert to_rgb(image).pixels[0, :, 0].tolist() == [51, 255, 255, 255]
