"""Pictures that meet across splits and labels that contradict are shown, not only counted."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from reprise.errors import RepriseError
from reprise.validation.config import ExpectationsConfig
from reprise.validation.leak_page import PAIRS
from reprise.validation.validate import validate

if TYPE_CHECKING:
    from validation.conftest import Draft


def bits_off(draft: Draft, place: int, mask: int) -> str:
    """The hash of the image at a place with some bits turned."""
    return f"{int(draft.images[place]['perceptual_hash'], 16) ^ mask:016x}"


def report(draft: Draft, folder: Path, **expectations: Any) -> tuple[str, dict[str, Any], str]:
    """The page, the leak section of result.json, and the refusal or nothing."""
    dataset, out = draft.write(folder / "dataset"), folder / "out"
    refusal = ""
    try:
        validate(dataset, ExpectationsConfig(**expectations), out, workers=1)
    except RepriseError as error:
        refusal = str(error)
    result = json.loads((out / "result.json").read_text())
    return (out / "leaks.html").read_text(), result["leaks"], refusal


def pictures(page: str) -> list[Any]:
    """The thumbnails of a page, decoded."""
    encoded = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    return [
        cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR_RGB)
        for data in encoded
    ]


def test_a_sound_dataset_has_a_page_that_says_so(draft: Draft, tmp_path: Path) -> None:
    page, leaks, refusal = report(draft, tmp_path)
    assert refusal == ""
    assert "images look alike across splits" in page
    assert "None: no two files hold the same picture" in page
    assert leaks == {
        "near_duplicate_distance": 2,
        "pairs": 0,
        "listed_pairs": [],
        "conflicts": 0,
        "listed_conflicts": [],
    }


def test_two_images_that_look_alike_are_shown_side_by_side(draft: Draft, tmp_path: Path) -> None:
    draft.image(8, perceptual_hash=bits_off(draft, 0, 0b1011))
    draft.image(12, perceptual_hash=bits_off(draft, 1, 0b1))
    page, leaks, refusal = report(draft, tmp_path, near_duplicate_distance=3)
    assert "leaks.html the pictures that look alike across splits" in refusal
    assert leaks["pairs"] == 2
    assert leaks["listed_pairs"][0] == {
        "one": "cells/01.png (train)",
        "other": "cells/12.png (test)",
        "bits": 1,
        "same_pixels": False,
    }
    assert page.index("<b>1</b> of 64 bits apart") < page.index("<b>3</b> of 64 bits apart")
    assert page.count("cells/00.png</p>") == 0 and page.count("cells/00.png") == 2
    shown = pictures(page)
    assert len(shown) == 4
    stored = [
        cv2.imdecode(np.frombuffer(draft.encoded[place], np.uint8), cv2.IMREAD_COLOR_RGB)
        for place in (1, 12, 0, 8)
    ]
    for place, thumbnail in enumerate(shown):
        apart = [np.abs(thumbnail.astype(int) - original).mean() for original in stored]
        assert int(np.argmin(apart)) == place


def test_copies_come_first_and_are_called_copies(draft: Draft, tmp_path: Path) -> None:
    draft.image(8, perceptual_hash=bits_off(draft, 0, 0))
    same = {key: draft.images[1][key] for key in ("sha256", "perceptual_hash")}
    draft.image(12, **same)
    page, leaks, refusal = report(draft, tmp_path)
    assert [pair["same_pixels"] for pair in leaks["listed_pairs"]] == [True, False]
    assert page.index("same pixels</b>") < page.index("same hash</b>, other pixels")
    assert refusal.startswith("The dataset fails 2 of")


def test_many_pairs_are_counted_and_the_nearest_are_shown(draft: Draft, tmp_path: Path) -> None:
    """Eight blank images in train and six elsewhere make 48 pairs; each is shown with one."""
    for place in range(14):
        draft.image(place, perceptual_hash="0" * 16)
    page, leaks, _ = report(draft, tmp_path)
    assert leaks["pairs"] == 13
    assert len(pictures(page)) == 2 * min(PAIRS, 13)


def test_an_image_that_does_not_decode_is_shown_as_such(draft: Draft, tmp_path: Path) -> None:
    draft.image(8, perceptual_hash=bits_off(draft, 0, 0))
    draft.encoded[8] = b"no image"
    page, _, refusal = report(draft, tmp_path)
    assert "does not decode" in page and len(pictures(page)) == 1
    assert refusal


def test_without_a_distance_nothing_is_compared(draft: Draft, tmp_path: Path) -> None:
    draft.image(8, perceptual_hash=bits_off(draft, 0, 0))
    page, leaks, refusal = report(draft, tmp_path, near_duplicate_distance=None)
    assert "Pictures were not compared" in page
    assert leaks["near_duplicate_distance"] is None and leaks["pairs"] == 0
    assert refusal == ""


def test_the_same_pixels_with_other_labels_are_shown(draft: Draft, tmp_path: Path) -> None:
    row = {"source": "cells", "item": "image", "action": "dropped", "rule": "image_conflict"}
    draft.rejected.append({**row, "name": "copy.png", "detail": "same pixels as cells/03.png"})
    page, leaks, refusal = report(draft, tmp_path)
    assert refusal == "", "it was dropped, which the ledger counts"
    assert leaks["conflicts"] == 1
    assert leaks["listed_conflicts"] == [
        {"image": "cells/copy.png", "detail": "same pixels as cells/03.png"}
    ]
    assert "Same pixels, other labels: 1" in page and len(pictures(page)) == 1


def test_copies_that_are_kept_on_purpose_pass(draft: Draft, tmp_path: Path) -> None:
    draft.image(1, sha256=draft.images[0]["sha256"])
    row = {"source": "cells", "item": "image", "action": "kept", "rule": "image_copy_kept"}
    draft.rejected.append({**row, "name": "01.png", "detail": "same pixels as cells/00.png"})
    assert report(draft, tmp_path)[2] == ""


def test_copies_in_two_splits_never_pass(draft: Draft, tmp_path: Path) -> None:
    draft.image(9, sha256=draft.images[0]["sha256"])
    row = {"source": "cells", "item": "image", "action": "kept", "rule": "image_copy_kept"}
    draft.rejected.append({**row, "name": "09.png", "detail": "same pixels as cells/00.png"})
    assert "same pixels as cells/00.png (train)" in report(draft, tmp_path)[2]


def test_the_page_is_the_same_each_time_and_loads_nothing(draft: Draft, tmp_path: Path) -> None:
    draft.image(2, name='<img src=x onerror=alert(1)>"\x1b[31m.png')
    draft.image(9, perceptual_hash=bits_off(draft, 2, 0))
    row = {"source": "cells", "item": "image", "action": "dropped", "rule": "image_conflict"}
    draft.rejected.append({**row, "name": "<script>", "detail": "same pixels as\x1b[31m <b>"})
    dataset, out = draft.write(tmp_path / "dataset"), tmp_path / "out"
    pages = []
    for workers in (1, 3):
        with pytest.raises(RepriseError):
            validate(dataset, ExpectationsConfig(), out, workers=workers)
        pages.append((out / "leaks.html").read_bytes())
    assert pages[0] == pages[1]
    page = pages[0].decode()
    assert "://" not in page and "\x1b" not in page
    assert not re.search(r"<(script|link|iframe)\b|@import|url\(|<img src=x", page)
    assert all(
        uri.startswith("data:image/jpeg;base64,") for uri in re.findall(r'src="([^"]*)', page)
    )
    assert "img-src data:" in page
    links = set(re.findall(r'href="([^"]*)"', page))
    assert "data_docs/index.html" in links
    assert all((out / link).is_file() for link in links)
    index = (out / "data_docs" / "index.html").read_text()
    assert 'href="../leaks.html"' in index and "1 pair;" in index
