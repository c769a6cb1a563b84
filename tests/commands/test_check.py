"""``reprise check`` tells, from labels and headers alone, what preprocessing would make of it."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from ruamel.yaml import YAML

from builders import picture, tiny_coco, write_labels
from reprise.cli import main
from reprise.commands.check_dataset import check_dataset
from reprise.formats.records import ReadOptions
from reprise.sources.config import SourceConfig
from reprise.sources.folders import digest

Capture = pytest.CaptureFixture[str]


def _report(capsys: Capture, path: Path, *more: str) -> dict[str, Any]:
    main(["check", str(path), "--format", "coco", "--json", *more])
    return json.loads(capsys.readouterr().out)


def _rules(report: dict[str, Any]) -> dict[str, int]:
    return {problem["rule"]: problem["count"] for problem in report["problems"]}


def test_a_clean_dataset_in_words(tmp_path: Path, capsys: Capture) -> None:
    tiny_coco(tmp_path / "screens", 4, ("cat", "dog"), keys=lambda i: {"template": f"t{i % 2}"})
    assert main(["check", str(tmp_path / "screens"), "--format", "coco"]) == 0
    assert capsys.readouterr().out == (
        "screens: format coco, for it was named\n"
        "images: 4, usable 4\n"
        "  splits given by the source: none\n"
        "sizes in pixels:\n"
        "  width   min 64, median 64, max 64\n"
        "  height  min 48, median 48, max 48\n"
        "  kinds   PNG RGB 4\n"
        "boxes by class: 8\n"
        "  cat          4\n"
        "  dog          4\n"
        "problems: none was found\n"
        "grouping keys for data.split.group_by:\n"
        "  template  2 value(s) in 4 image(s)\n"
        "  folder    1 value(s) in 4 image(s): all of these would stay in one split\n"
        "\n"
        "to use it, under data.sources in params.yaml:\n"
        "\n"
        "    screens:\n"
        f"      url: {tmp_path}/screens\n"
        "      format: coco\n"
    )


def test_the_format_is_found_and_the_reason_given(tmp_path: Path, capsys: Capture) -> None:
    tiny_coco(tmp_path / "screens", 2)
    assert main(["check", str(tmp_path / "screens")]) == 0
    assert "screens: format coco, for it has " in capsys.readouterr().out


def test_an_unknown_format_is_an_error_that_names_the_option(
    tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "notes.doc").write_text("hello")
    assert main(["check", str(tmp_path)]) == 1
    assert f"Here: reprise check {tmp_path} --format NAME" in capsys.readouterr().err


def test_an_archive_is_checked_as_what_it_holds(tmp_path: Path, capsys: Capture) -> None:
    tiny_coco(tmp_path / "screens", 3)
    archive = shutil.make_archive(str(tmp_path / "screens"), "gztar", tmp_path / "screens")
    folder, packed = (_report(capsys, Path(p)) for p in (tmp_path / "screens", archive))
    lines = packed.pop("params_entry")
    assert f"sha256: {digest(Path(archive))}" in "\n".join(lines).replace('"', "")
    del folder["params_entry"]
    assert packed == folder
    (tmp_path / "screens.zip").write_bytes(b"PK\x03\x04 nothing")
    assert main(["check", str(tmp_path / "screens.zip")]) == 1
    assert "screens.zip: the archive is broken" in capsys.readouterr().err


def test_archives_inside_an_archive_are_unpacked_as_by_the_pipeline(
    tmp_path: Path, capsys: Capture
) -> None:
    tiny_coco(tmp_path / "screens", 3)
    shutil.make_archive(str(tmp_path / "screens/images"), "zip", tmp_path / "screens/images")
    shutil.rmtree(tmp_path / "screens/images")
    archive = shutil.make_archive(str(tmp_path / "screens"), "zip", tmp_path / "screens")
    assert _report(capsys, Path(archive))["usable"] == 3
    assert _report(capsys, tmp_path / "screens")["notes"] == [
        "1 archive(s) in it were not looked into, the pipeline will: images.zip"
    ]


@pytest.mark.parametrize("name", ["cats", "My Cats!", "2017", "true", "synthetic", "猫", "a#b: c"])
def test_the_entry_can_be_pasted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_coco(tmp_path / name, 1)
    report = _report(capsys, Path(name), "--version", "240131120000")
    entry = YAML(typ="safe", pure=True).load("\n".join(report["params_entry"]))
    ((key, values),) = entry.items()
    assert isinstance(key, str) and key != "synthetic"
    source = SourceConfig.model_validate(values)
    assert (source.url, source.format, source.version) == (name, "coco", "240131120000")


def test_what_the_rules_would_do_to_boxes(tmp_path: Path, capsys: Capture) -> None:
    content = tiny_coco(tmp_path, 6, ("cat",), boxes_each=1)
    boxes: list[list[Any]] = [
        [None, 1, 5, 5],
        [1, 1, 0, 5],
        [100, 1, 5, 5],
        [60, 1, 10, 5],
        [1, 1, 5, 5],
        [1, 1, 5, 5],
    ]
    for annotation, box in zip(content["annotations"], boxes, strict=True):
        annotation["bbox"] = box
    content["annotations"].append({**content["annotations"][5], "id": 7})
    write_labels(tmp_path, content)
    report = _report(capsys, tmp_path)
    assert _rules(report) == {
        "box_not_finite": 1,
        "box_empty": 1,
        "box_outside": 1,
        "box_clipped": 1,
        "box_duplicate": 1,
        "image_labels_lost": 3,
    }
    clipped = next(p for p in report["problems"] if p["rule"] == "box_clipped")
    assert clipped["examples"] == ["images/0003.png: box 0 (cat) at [60, 1, 10, 5], image 64 x 48"]
    assert report["usable"] == 3


def test_images_without_any_box_or_label(tmp_path: Path, capsys: Capture) -> None:
    tiny_coco(tmp_path, 2, boxes_each=0)
    assert main(["check", str(tmp_path), "--format", "coco"]) == 0
    out = capsys.readouterr().out
    assert "no box and no label of a whole image\n" in out
    assert "boxes by class" not in out


def test_only_the_first_three_examples_are_kept(tmp_path: Path, capsys: Capture) -> None:
    content = tiny_coco(tmp_path, 5, boxes_each=1)
    for annotation in content["annotations"]:
        annotation["bbox"][2] = 0
    write_labels(tmp_path, content)
    content["annotations"] += [
        {**annotation, "id": 6 + number, "bbox": [1, 1, 5, 5]}
        for number, annotation in enumerate(content["annotations"])
    ]
    write_labels(tmp_path, content)
    (empty,) = _report(capsys, tmp_path)["problems"]
    assert (empty["count"], len(empty["examples"])) == (5, 3)


def test_what_is_wrong_with_images(tmp_path: Path, capsys: Capture) -> None:
    content = tiny_coco(tmp_path, 6)
    content["images"][0]["width"] = 640
    content["images"][1].update(width=128, height=96)
    write_labels(tmp_path, content)
    (tmp_path / "images/0002.png").unlink()
    (tmp_path / "images/0003.png").write_bytes(b"no picture at all")
    Image.fromarray(picture(77)).save(tmp_path / "images/extra.jpg")
    report = _report(capsys, tmp_path)
    assert _rules(report) == {
        "image_missing": 1,
        "image_unreadable": 1,
        "image_size_contradicts": 1,
        "image_size_rescaled": 1,
    }
    assert (report["images"], report["missing"], report["unlabelled"]) == (6, 1, 1)
    assert report["unlabelled_dropped"] is True
    assert report["usable"] == 3
    main(["check", str(tmp_path), "--format", "coco"])
    out = capsys.readouterr().out
    assert "images: 6, usable 3\n  1 more that labels are about are not there\n" in out
    assert "1 without any label: dropped" in out


def test_labels_without_an_image_count_apart(tmp_path: Path, capsys: Capture) -> None:
    content = tiny_coco(tmp_path, 3, ("cat",), boxes_each=1, keys=lambda i: {"patient": i})
    content["annotations"][1]["image_id"] = 99
    write_labels(tmp_path, content)
    (tmp_path / "images/0002.png").unlink()
    report = _report(capsys, tmp_path)
    assert (report["images"], report["missing"], report["usable"]) == (2, 2, 2)
    assert (report["boxes"], report["splits"]) == ({"cat": 1}, {"none": 2})
    assert report["keys"]["patient"] == [2, 2]
    assert _rules(report) == {"image_missing": 1, "labels_unreadable": 1}


def test_images_that_a_grouping_key_says_nothing_of(tmp_path: Path, capsys: Capture) -> None:
    for name in ("a/1.png", "a/2.png", "3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture(len(name))).save(tmp_path / name)
    assert main(["check", str(tmp_path), "--format", "images"]) == 0
    said = "folder  1 value(s) in 2 image(s), and none in 1, which it does not group: all of these"
    assert said in capsys.readouterr().out
    shutil.rmtree(tmp_path / "a")
    assert main(["check", str(tmp_path), "--format", "images"]) == 0
    assert "all images lie at the top, where folder groups nothing" in capsys.readouterr().out


def test_classes_that_are_nearly_one_are_noted(tmp_path: Path, capsys: Capture) -> None:
    tiny_coco(tmp_path, 2, ("cat", "Cat"))
    (note,) = _report(capsys, tmp_path)["notes"]
    assert "'cat' and 'Cat'" in note


def test_nothing_usable_is_status_1_after_the_report(tmp_path: Path, capsys: Capture) -> None:
    tiny_coco(tmp_path, 2)
    shutil.rmtree(tmp_path / "images")
    assert main(["check", str(tmp_path), "--format", "coco"]) == 1
    out, err = capsys.readouterr()
    assert "2 image(s) dropped: image_missing" in out
    assert err.startswith(f"ERROR: {tmp_path} has no usable image.\n  To fix: ")


def test_of_many_images_only_some_headers_are_read(tmp_path: Path) -> None:
    content = tiny_coco(tmp_path, 10, boxes_each=1)
    for entry in content["images"]:
        del entry["width"], entry["height"]
    write_labels(tmp_path, content)
    found = check_dataset(tmp_path, "mine", "coco", "", ReadOptions(), 10**6, most_headers=4)
    assert (found.headers, found.images, found.unjudged) == (4, 10, 6)
    assert found.kinds == {"PNG RGB": 4}
    assert found.usable == 10


def test_an_image_over_the_limit_is_not_usable(tmp_path: Path) -> None:
    tiny_coco(tmp_path, 2)
    found = check_dataset(tmp_path, "mine", "coco", "", ReadOptions(), 64 * 48 - 1)
    assert found.usable == 0
    assert [problem.rule for problem in found.problems] == ["image_too_large"]


def test_params_yaml_may_be_half_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_coco(tmp_path / "screens", 2)
    (tmp_path / "params.yaml").write_text("data: {}")
    (note,) = _report(capsys, Path("screens"))["notes"]
    assert note.startswith("params.yaml is not valid")


def test_no_box_is_lost_between_folder_and_report(tmp_path: Path) -> None:
    tiny_coco(tmp_path, 7, ("a", "b", "c"), boxes_each=5)
    found = check_dataset(tmp_path, "mine", "coco", "", ReadOptions(), 10**6)
    assert sum(found.boxes.values()) == 35
    assert math.isclose(found.usable, found.images)


def test_photographs_of_coco(shared_datasets: Path, capsys: Capture) -> None:
    report = _report(capsys, shared_datasets / "coco_polygons_car_tree_bug")
    assert report["boxes"] == {"car": 7, "tree": 7, "bug": 8}
    assert _rules(report) == {"image_size_rescaled": 1}
