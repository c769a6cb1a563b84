"""A stored image comes out of its packed form as it went in."""

from __future__ import annotations

from dataclasses import replace

from reprise.preprocessing.decode.encode import StoredImage
from reprise.preprocessing.decode.process_image import ProcessedImage
from reprise.preprocessing.labels.clean_labels import CleanBox
from reprise.preprocessing.placed import PlacedImage

STORED = StoredImage(b"jpeg", 64, 48, 128, 96, 6, "ab" * 32, "cd" * 32, "0123456789abcdef")


def test_everything_but_bytes_boxes_and_ledger_comes_back() -> None:
    box = CleanBox("cat", (1, 2, 3, 4), 12, 0, "[]")
    image = ProcessedImage(
        "mine", "ä/1.png", {"patient": "7"}, ("cat", "dog"), "val", False, True, STORED, [box]
    )
    placed = PlacedImage(image, ("mine-00000.tar", 512, 4), range(5, 6))
    expected = replace(image, stored=STORED._replace(encoded=b""), boxes=[])
    assert placed.image == expected
    assert placed.unpacked() == (expected, ("mine-00000.tar", 512, 4), range(5, 6))
    assert placed.boxes == range(5, 6)
    assert placed.order == ("mine", "ä/1.png") and placed.key == image.key


def test_a_composed_image_has_no_file() -> None:
    image = ProcessedImage(
        "copy_paste", "1", synthetic=True, stored=STORED._replace(file_sha256="")
    )
    found = PlacedImage(image, ("copy_paste-00000.tar", 512, 4), range(0)).image
    assert (found.stored.file_sha256, found.synthetic) == ("", True)
