"""The embedded dataset: its pages need no browser, its archive keeps what its card says."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from gui_screens.rendered import render
from gui_screens.rendered.archive import (
    CLASSES,
    Screen,
    coco,
    counts,
    update_card,
    write_zip,
)
from gui_screens.rendered.looks import LOOKS
from gui_screens.rendered.looks.icons import ICONS, glyph
from gui_screens.rendered.pages import BLOCKS, document, page_body, plan
from reprise.errors import RepriseError

SEED_FOLDER = Path(__file__).resolve().parents[2] / "data" / "seed"
LABEL = re.compile(r'data-w="([a-z_]+)"')


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(SEED_FOLDER / "gui-screens.zip")


@pytest.fixture(scope="module")
def dataset(archive: zipfile.ZipFile) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(archive.read("annotations.json"))
    return loaded


# --- the plan and the pages, without a browser ------------------------------------------------


def test_the_same_seed_plans_the_same_screens_and_another_seed_others() -> None:
    assert plan(0, 12) == plan(0, 12)
    assert [s.seed for s in plan(0, 12)] != [s.seed for s in plan(1, 12)]


def test_a_page_depends_on_its_shot_alone() -> None:
    for shot in plan(3, 8):
        assert page_body(shot) == page_body(shot)
    first, second = plan(3, 60)[0], plan(4, 60)[0]
    assert first.template == second.template
    assert page_body(first) != page_body(second)


def test_every_page_is_dense_and_uses_known_classes_and_icons_only() -> None:
    for shot in plan(0, 18):
        body = page_body(shot)
        found = LABEL.findall(body)
        assert set(found) <= set(CLASSES)
        assert len(found) >= 12, shot.name
        assert set(re.findall(r'data-icon="([^"]+)"', body)) <= set(ICONS)


def test_blocks_share_neither_looks_nor_templates_nor_icons() -> None:
    looks = [look for block in BLOCKS for look in block.looks]
    templates = [template.__name__ for block in BLOCKS for template in block.templates]
    assert len(looks) == len(set(looks)) >= 12
    assert sorted(looks) == sorted(LOOKS)
    assert len(templates) == len(set(templates)) >= 24
    assert len({block.icons for block in BLOCKS}) == len(BLOCKS)


def test_a_document_of_our_own_look_needs_no_npm_and_nothing_remote(
    tmp_path: Path,
) -> None:
    shot = next(s for s in plan(0, 12) if s.look == "plain")
    text = document(shot, tmp_path)
    assert "<svg" in text
    assert not re.search(r"(src|href)=\"https?:|url\((?!['\"]?data:)|@import", text)


def test_missing_frameworks_are_named_with_the_way_out(tmp_path: Path) -> None:
    shot = next(s for s in plan(0, 12) if s.look == "water")
    with pytest.raises(RepriseError, match=r"water|light\.min\.css|dark\.min\.css") as caught:
        document(shot, tmp_path)
    assert "npm install" in caught.value.fix
    with pytest.raises(RepriseError, match="bell"):
        glyph("lucide", "bell", tmp_path)


def test_no_chromium_is_one_clear_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REPRISE_CHROMIUM", raising=False)
    with pytest.raises(RepriseError, match="no Chromium"):
        render.find_chromium()
    monkeypatch.setenv("REPRISE_CHROMIUM", str(tmp_path / "nothing"))
    with pytest.raises(RepriseError, match="REPRISE_CHROMIUM"):
        render.find_chromium()


# --- files from screens -----------------------------------------------------------------------


def _screens() -> list[Screen]:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(stream, "WEBP")
    boxes = [("button", [1.0, 2.0, 10.0, 5.0]), ("image", [20.0, 4.0, 12.0, 20.0])]
    return [Screen(shot, stream.getvalue(), (40, 30), boxes) for shot in plan(0, 2)]


def test_the_same_screens_in_any_order_give_the_same_archive(tmp_path: Path) -> None:
    write_zip(_screens(), tmp_path / "a.zip")
    write_zip(_screens()[::-1], tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_the_card_is_filled_between_its_markers_again_and_again(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text((SEED_FOLDER / "README.md").read_text(encoding="utf-8"), encoding="utf-8")
    update_card(card, coco(_screens()))
    once = card.read_text(encoding="utf-8")
    update_card(card, coco(_screens()))
    assert card.read_text(encoding="utf-8") == once
    assert "| button | 12 | 2 | 2 |" in once
    assert "## Known limits" in once


# --- the committed archive --------------------------------------------------------------------


def test_the_archive_fits_into_git(archive: zipfile.ZipFile, dataset: dict[str, Any]) -> None:
    assert (SEED_FOLDER / "gui-screens.zip").stat().st_size <= 6_000_000
    assert len(dataset["images"]) >= 200
    names = {image["file_name"] for image in dataset["images"]}
    assert set(archive.namelist()) == names | {"annotations.json"}
    assert archive.namelist() == sorted(archive.namelist())


def test_every_image_decodes_at_the_size_it_claims(
    archive: zipfile.ZipFile, dataset: dict[str, Any]
) -> None:
    for image in dataset["images"][::6]:
        with Image.open(io.BytesIO(archive.read(image["file_name"]))) as opened:
            opened.load()
            assert opened.size == (image["width"], image["height"])


def test_every_box_is_inside_its_image_and_unique(dataset: dict[str, Any]) -> None:
    images = {image["id"]: image for image in dataset["images"]}
    seen = set()
    for number, annotation in enumerate(dataset["annotations"], start=1):
        x, y, w, h = annotation["bbox"]
        image = images[annotation["image_id"]]
        assert annotation["id"] == number
        assert x >= 0 and y >= 0 and w >= 2 and h >= 2
        assert x + w <= image["width"] + 1e-6 and y + h <= image["height"] + 1e-6
        seen.add((annotation["image_id"], annotation["category_id"], x, y, w, h))
    assert len(seen) == len(dataset["annotations"])
    assert {a["image_id"] for a in dataset["annotations"]} == set(images)


def test_every_block_has_every_class_and_no_class_is_rare(
    dataset: dict[str, Any],
) -> None:
    assert [c["name"] for c in dataset["categories"]] == list(CLASSES)
    block = {image["id"]: image["block"] for image in dataset["images"]}
    by_block = Counter((a["category_id"], block[a["image_id"]]) for a in dataset["annotations"])
    for category in dataset["categories"]:
        of_blocks = [by_block[category["id"], number] for number in range(1, 7)]
        assert min(of_blocks) >= 15, category["name"]
        assert sum(of_blocks) >= 150, category["name"]


def test_looks_and_templates_stay_within_one_block(dataset: dict[str, Any]) -> None:
    for key in ("look", "template"):
        homes: dict[str, set[int]] = {}
        for image in dataset["images"]:
            homes.setdefault(image[key], set()).add(image["block"])
        assert all(len(blocks) == 1 for blocks in homes.values())
    assert {image["theme"] for image in dataset["images"]} == {"light", "dark"}


def test_the_card_counts_what_the_archive_holds(dataset: dict[str, Any]) -> None:
    assert counts(dataset) in (SEED_FOLDER / "README.md").read_text(encoding="utf-8")


# --- with a browser ---------------------------------------------------------------------------


def test_a_browser_renders_our_own_look_and_reads_its_boxes(tmp_path: Path) -> None:
    pytest.importorskip("playwright", reason="the optional extra `web` is not installed")
    try:
        render.find_chromium()
    except RepriseError as error:
        pytest.skip(error.problem)
    shot = next(s for s in plan(0, 12) if s.look == "plain")
    with render.chromium() as browser:
        screen = render.render(browser, shot, tmp_path)
        again = render.render(browser, shot, tmp_path)
    assert (screen.shot, screen.size, screen.boxes) == (again.shot, again.size, again.boxes)
    # Chromium rounds the blur of a shadow now one way, now the other.
    one, other = (Image.open(io.BytesIO(s.webp)).convert("RGB") for s in (screen, again))
    assert max(ImageStat.Stat(ImageChops.difference(one, other)).mean) < 1
    assert max(screen.size) <= render.LONGEST_SIDE
    assert len(screen.boxes) >= 8
    for _, (x, y, w, h) in screen.boxes:
        assert x >= 0 and y >= 0 and x + w <= screen.size[0] and y + h <= screen.size[1]
