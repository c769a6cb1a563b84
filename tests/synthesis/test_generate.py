"""The synthesize stage: the same bytes for any number of processes, valid COCO always."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from reprise.synthesis.config import SyntheticConfig
from reprise.synthesis.generate import synthesize


def config(**changes: Any) -> SyntheticConfig:
    """A small configuration, with some values changed."""
    values: dict[str, Any] = {"generator": "gui", "count": 3, "seed": 7}
    return SyntheticConfig(**{**values, **changes})


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder, by relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def coco(folder: Path) -> dict[str, Any]:
    """The annotations written into a folder."""
    content: dict[str, Any] = json.loads((folder / "annotations.json").read_text("utf-8"))
    return content


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    synthesize(config(count=18), tmp_path / "one", workers=1)
    synthesize(config(count=18), tmp_path / "two", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_image_k_is_the_same_in_a_larger_set(tmp_path: Path) -> None:
    synthesize(config(count=2), tmp_path / "few", workers=1)
    synthesize(config(count=4), tmp_path / "more", workers=1)
    few, more = coco(tmp_path / "few"), coco(tmp_path / "more")
    assert few["images"] == more["images"][:2]
    assert few["annotations"] == more["annotations"][: len(few["annotations"])]
    for entry in few["images"]:
        name = entry["file_name"]
        assert (tmp_path / "few" / name).read_bytes() == (tmp_path / "more" / name).read_bytes()


def test_another_seed_makes_other_images(tmp_path: Path) -> None:
    synthesize(config(count=1), tmp_path / "a", workers=1)
    synthesize(config(count=1, seed=8), tmp_path / "b", workers=1)
    name = "images/gui-000000.jpg"
    assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "b" / name).read_bytes()


def test_the_output_is_coco_that_names_template_and_look(tmp_path: Path) -> None:
    synthesize(config(), tmp_path / "out", workers=1)
    content = coco(tmp_path / "out")
    assert [image["id"] for image in content["images"]] == [1, 2, 3]
    assert [item["id"] for item in content["annotations"]] == list(
        range(1, len(content["annotations"]) + 1)
    )
    assert {item["image_id"] for item in content["annotations"]} == {1, 2, 3}
    for entry in content["images"]:
        with Image.open(tmp_path / "out" / entry["file_name"]) as image:
            assert image.size == (entry["width"], entry["height"])
            assert image.mode == "RGB"
        assert entry["synthetic"] is True
        assert entry["template"] and entry["look"].endswith(("-light", "-dark"))
    for item in content["annotations"]:
        assert item["area"] == item["bbox"][2] * item["bbox"][3]
        assert 1 <= item["category_id"] <= len(content["categories"]) == 10


def test_a_list_with_one_generator_is_that_generator(tmp_path: Path) -> None:
    synthesize(config(), tmp_path / "one", workers=1)
    synthesize(config(generator=["gui"], count={"gui": 3}), tmp_path / "list", workers=1)
    assert files(tmp_path / "one") == files(tmp_path / "list")


def test_copy_paste_draws_nothing_here_for_it_needs_the_train_split(tmp_path: Path) -> None:
    synthesize(config(), tmp_path / "gui", workers=1)
    both = config(generator=["gui", "copy_paste"], count={"gui": 3, "copy_paste": 50})
    synthesize(both, tmp_path / "both", workers=1)
    assert files(tmp_path / "gui") == files(tmp_path / "both")
    assert both.count_of("copy_paste") == 50


@pytest.mark.parametrize(
    ("changes", "generators", "counts"),
    [
        ({}, ["gui"], {"gui": 3, "copy_paste": 0}),
        ({"generator": "none"}, [], {"gui": 0, "none": 0}),
        ({"generator": ["none"]}, [], {"none": 0}),
        ({"generator": ["copy_paste", "gui"]}, ["copy_paste", "gui"], {"gui": 3, "copy_paste": 3}),
        (
            {"generator": "copy_paste", "count": {"copy_paste": 9}},
            ["copy_paste"],
            {"copy_paste": 9},
        ),
    ],
)
def test_generators_and_their_counts(
    changes: dict[str, Any], generators: list[str], counts: dict[str, int]
) -> None:
    chosen = config(**changes)
    assert chosen.generators() == generators
    assert {name: chosen.count_of(name) for name in counts} == counts


@pytest.mark.parametrize(
    "changes", [{"count": 0}, {"generator": "none"}, {"generator": "copy_paste"}]
)
def test_nothing_to_make_is_a_valid_empty_dataset(tmp_path: Path, changes: dict[str, Any]) -> None:
    synthesize(config(**changes), tmp_path / "out", workers=1)
    content = coco(tmp_path / "out")
    assert content["images"] == content["annotations"] == []
    assert (tmp_path / "out" / "images").is_dir()


def test_an_earlier_output_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(config(count=2), out, workers=1)
    synthesize(config(count=1), out, workers=1)
    assert sorted(files(out)) == ["annotations.json", "images/gui-000000.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_partial_output_of_a_killed_run_is_not_mixed_in(tmp_path: Path) -> None:
    (tmp_path / "out.partial" / "images").mkdir(parents=True)
    (tmp_path / "out.partial" / "images" / "stray.jpg").write_bytes(b"half")
    synthesize(config(count=1), tmp_path / "out", workers=1)
    assert "images/stray.jpg" not in files(tmp_path / "out")


@pytest.mark.parametrize(
    "changes",
    [
        {"count": -1},
        {"count": {"gui": -1}},
        {"count": {"copy_paste": 3}},
        {"count": {"gui": 3, "copy_paste": 3}},
        {"generator": ["gui", "copy_paste"], "count": {"gui": 3}},
        {"seed": -1},
        {"generator": "web"},
        {"generator": []},
        {"generator": ["gui", "gui"]},
        {"generator": ["gui", "none"]},
        {"min_size": 900, "max_size": 600},
        {"copy_paste": {"objects": [5, 2]}},
        {"copy_paste": {"objects": [1]}},
        {"copy_paste": {"scale": [0.5, 1.0, 1.5]}},
        {"copy_paste": {"max_occlusion": 1.5}},
        {"copy_paste": {"background": "train"}},
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**changes)
