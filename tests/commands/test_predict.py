"""``reprise predict``: a trained model on whatever pictures are named."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from builders import picture
from inference.networks import CLASSES, save_untrained
from reprise.cli import main
from reprise.commands.predicting.prelabels import outlines
from reprise.commands.predicting.uncertainty import most_uncertain, uncertainty
from reprise.formats.records import ReadOptions
from reprise.formats.source_labels import read_source
from reprise.inference.model import load
from reprise.masks import rle

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and pictures, as the current one."""
    monkeypatch.chdir(tmp_path)
    _tuned(save_untrained(tmp_path / "models"))
    for index, name in enumerate(("a.jpg", "b/c.png", "b/d.JPEG")):
        _save(tmp_path / "new" / name, picture(index, 90, 60))
    return tmp_path


def _save(path: Path, pixels: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def _tuned(folder: Path) -> float:
    """Set a threshold that some of the predictions on any picture pass."""
    model = load(folder, device="cpu")
    scores = sorted(model.run([model._picture(picture(0, 90, 60), ())])[0], key=_score)
    threshold = float(scores[-min(6, len(scores))]["score"])
    path = folder / "model.json"
    description = json.loads(path.read_text()) | {"score_threshold": threshold}
    path.write_text(json.dumps(description))
    return threshold


def _score(row: dict[str, Any]) -> float:
    return float(row["score"])


def _video(path: Path, frames: int = 7, size: tuple[int, int] = (96, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, size)
    for index in range(frames):
        writer.write(picture(index, *size)[..., ::-1].copy())
    writer.release()


def _written(out: Path) -> tuple[dict[int, str], list[dict[str, Any]]]:
    images = json.loads((out / "images.json").read_text())
    rows = json.loads((out / "predictions.json").read_text())
    return {image["id"]: image["file_name"] for image in images["images"]}, rows


def _fails(capsys: Capture, *words: str) -> str:
    before = sorted(Path.cwd().rglob("*"))
    assert main(["predict", *words]) == 1
    assert sorted(Path.cwd().rglob("*")) == before
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    return told.err


def test_a_folder_into_tables(here: Path, capsys: Capture) -> None:
    assert main(["predict", "new", "--out", "found"]) == 0
    names, rows = _written(here / "found")
    assert list(names.values()) == ["a.jpg", "b/c.png", "b/d.JPEG"]
    model = load(here / "models", device="cpu")
    for image_id, name in names.items():
        own = [row for row in rows if row["image_id"] == image_id]
        expected: Any = model(here / "new" / name)
        assert [row["score"] for row in own] == pytest.approx(expected.confidence.tolist())
        corners = [[x, y, x + w, y + h] for x, y, w, h in (row["bbox"] for row in own)]
        assert np.allclose(np.reshape(corners, (-1, 4)), expected.xyxy, atol=0.01)
    assert all(row["score"] >= model.threshold for row in rows)
    images = json.loads((here / "found" / "images.json").read_text())
    assert images["images"][0] == {"id": 1, "file_name": "a.jpg", "width": 90, "height": 60}
    assert [entry["name"] for entry in images["categories"]] == CLASSES
    with (here / "found" / "predictions.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(rows) > 0
    assert {row["file_name"] for row in table} <= set(names.values())
    assert float(table[0]["left"]) == rows[0]["bbox"][0]
    told = capsys.readouterr().out
    assert f"3 picture(s), {len(rows)} prediction(s) scoring at least {model.threshold:g}" in told
    assert sorted(path.name for path in (here / "found").iterdir()) == [
        "images.json",
        "predictions.csv",
        "predictions.json",
    ]


def test_without_a_folder_it_prints_a_line_a_picture(here: Path, capsys: Capture) -> None:
    assert main(["predict", "new/a.jpg", "new/b/*", "--threshold", "1"]) == 0
    assert capsys.readouterr().out == (
        "a.jpg: nothing\nc.png: nothing\nd.JPEG: nothing\n"
        "3 picture(s), 0 prediction(s) scoring at least 1\n"
    )
    assert main(["predict", "new/a.jpg"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("a.jpg: ")
    assert any(f" {name} (0." in line for name in CLASSES)


def test_each_picture_once_and_each_under_its_own_name(here: Path) -> None:
    shutil.copytree(here / "new", here / "other")
    words = ["new", "other/b", "new/a.jpg", "new/b/c.png", "**/a.jpg", "./new/../new/a.jpg"]
    assert main(["predict", *words, "--out", "found"]) == 0
    names, _ = _written(here / "found")
    assert list(names.values()) == [
        *("new/a.jpg", "b/c.png", "b/d.JPEG", "c.png", "d.JPEG", "other/a.jpg"),
    ]


def test_a_pattern_takes_the_folders_that_it_fits(here: Path) -> None:
    assert main(["predict", "new/*", "--out", "one"]) == 0
    assert list(_written(here / "one")[0].values()) == ["a.jpg", "c.png", "d.JPEG"]
    assert main(["predict", "new/**", "--out", "all"]) == 0
    assert _written(here / "all")[0] == _written(here / "one")[0]


def test_the_order_of_sizes_and_batches_changes_nothing(here: Path) -> None:
    for index in range(9):
        _save(here / "many" / f"{index}.png", picture(index, 60 + 15 * (index % 3), 50))
    assert main(["predict", "many", "--out", "one", "--batch-size", "1"]) == 0
    assert main(["predict", "many", "--out", "all", "--batch-size", "64"]) == 0
    (names, rows), (same_names, same) = _written(here / "one"), _written(here / "all")
    assert names == same_names
    assert list(names.values()) == [f"{index}.png" for index in range(9)]
    assert [row["image_id"] for row in rows] == [row["image_id"] for row in same]
    assert np.allclose([row["bbox"] for row in rows], [row["bbox"] for row in same], atol=0.02)


def test_an_archive_is_read_safely(here: Path, capsys: Capture) -> None:
    with zipfile.ZipFile(here / "new.zip", "w") as archive:
        archive.write(here / "new" / "a.jpg", "in/a.jpg")
    assert main(["predict", "new.zip", "--out", "found"]) == 0
    assert list(_written(here / "found")[0].values()) == ["in/a.jpg"]
    with zipfile.ZipFile(here / "bad.zip", "w") as archive:
        archive.write(here / "new" / "a.jpg", "../a.jpg")
    capsys.readouterr()
    assert "bad.zip: " in _fails(capsys, "bad.zip", "--out", "no")


def test_what_cannot_be_read_is_left_out_and_told(here: Path, capsys: Capture) -> None:
    (here / "new" / "broken.jpg").write_bytes((here / "new" / "a.jpg").read_bytes()[:200])
    assert main(["predict", "new", "--out", "found"]) == 0
    told = capsys.readouterr()
    assert "left out: broken.jpg: " in told.err
    assert "1 picture(s) could not be read" in told.out
    assert (here / "found" / "refused.csv").read_text().startswith("file_name,reason\nbroken.jpg,")
    assert list(_written(here / "found")[0].values()) == ["a.jpg", "b/c.png", "b/d.JPEG"]
    told_again = _fails(capsys, "new/broken.jpg")
    assert "none of the 1 picture(s) can be read; broken.jpg: " in told_again


def test_a_video_frame_by_frame(here: Path, capsys: Capture) -> None:
    _video(here / "clips" / "clip.mp4")
    words = ["predict", "clips", "new/a.jpg", "--out", "found", "--save-pictures", "--every", "3"]
    assert main(words) == 0
    names, rows = _written(here / "found")
    frames = [f"clip.mp4/{number:06d}.jpg" for number in (0, 3, 6)]
    assert list(names.values()) == [*frames, "a.jpg"]
    assert {1, 2, 3} <= {row["image_id"] for row in rows}
    drawn = cv2.VideoCapture(str(here / "found" / "pictures" / "clip.mp4"))
    assert drawn.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert drawn.get(cv2.CAP_PROP_FPS) == pytest.approx(10 / 3, abs=0.01)
    decoded, _ = drawn.read()
    assert decoded
    assert (here / "found" / "pictures" / "a.jpg").is_file()


@pytest.mark.parametrize("content", [b"", b"no video at all", b"#EXTM3U\nhttp://127.0.0.1:9/a.ts"])
def test_a_video_that_does_not_decode(here: Path, capsys: Capture, content: bytes) -> None:
    (here / "clip.mp4").write_bytes(content)
    told = _fails(capsys, "clip.mp4", "--out", "no")
    assert "clip.mp4 cannot be opened as a video" in told


def test_a_video_without_a_frame(here: Path, capsys: Capture) -> None:
    _video(here / "whole.mp4")
    data = (here / "whole.mp4").read_bytes()
    start = data.index(b"mdat")
    (here / "clip.mp4").write_bytes(data[:start] + b"mdat" + b"\0" * (len(data) - start - 4))
    told = _fails(capsys, "clip.mp4", "--out", "no")
    assert "clip.mp4" in told
    assert "To fix" in told


def test_pictures_are_drawn_upright_at_full_size(here: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    _save(here / "turned.jpg", picture(3, 300, 200), exif=turned)
    _save(here / "grey.png", picture(4, 120, 80)[..., 0])
    words = ["turned.jpg", "grey.png", "--out", "found", "--save-pictures", "--threshold", "0"]
    assert main(["predict", *words]) == 0
    drawn = Image.open(here / "found" / "pictures" / "turned.jpg")
    assert drawn.size == (200, 300)
    assert drawn.getexif().get(0x0112) is None
    plain = np.rot90(picture(3, 300, 200), -1)
    assert np.abs(np.asarray(drawn, float) - plain).mean() > 5
    assert Image.open(here / "found" / "pictures" / "grey.png.jpg").size == (120, 80)


def test_nothing_found_draws_the_picture_alone(here: Path) -> None:
    words = ["predict", "new/a.jpg", "--out", "found", "--save-pictures", "--threshold", "1"]
    assert main(words) == 0
    drawn = np.asarray(Image.open(here / "found" / "pictures" / "a.jpg"), float)
    assert np.abs(drawn - np.asarray(Image.open(here / "new" / "a.jpg"), float)).mean() < 3


@pytest.mark.parametrize("name", ["yolo", "coco", "voc", "labelme", "via"])
def test_labels_to_correct_are_read_back_as_what_was_found(here: Path, name: str) -> None:
    _video(here / "new" / "clip.mp4", frames=2)
    assert main(["predict", "new", "--out", "found", "--as", name]) == 0
    names, rows = _written(here / "found")
    again = read_source(here / "found" / name, "again", name, ReadOptions())
    assert len(again.images) == len(names) == 5
    assert sum(len(image.boxes) for image in again.images) == len(rows) > 0
    image = next(image for image in again.images if "a.jpg" in image.name)
    own = [row for row in rows if names[row["image_id"]] == "a.jpg"]
    assert sorted(box.class_name for box in image.boxes) == sorted(
        CLASSES[row["category_id"] - 1] for row in own
    )
    assert image.path is not None
    assert image.path.read_bytes() == (here / "new" / "a.jpg").read_bytes()


def test_masks_become_outlines_and_turned_pictures_are_written_upright(here: Path) -> None:
    shutil.rmtree(here / "models")
    _tuned(save_untrained(here / "models", task="segment"))
    turned = Image.Exif()
    turned[0x0112] = 6
    _save(here / "turned.jpg", picture(3, 90, 60), exif=turned)
    for name in ("yolo", "coco", "instance_masks"):
        words = ["predict", "turned.jpg", "--out", name, "--as", name, "--save-pictures"]
        assert main(words) == 0
        (image,) = read_source(here / name / name, "again", name, ReadOptions()).images
        assert image.path is not None
        assert Image.open(image.path).size == (60, 90)
        if name != "instance_masks":
            assert any(isinstance(box.segmentation, list) for box in image.boxes)


def test_an_outline_gives_its_mask_back() -> None:
    mask = np.zeros((40, 50), dtype=bool)
    mask[5:17, 8:30] = True
    mask[25:33, 3:12] = True
    mask[39, 49] = True
    disc = (np.hypot(*np.indices((40, 50)) - np.array([20, 25])[:, None, None]) < 14).astype(bool)
    for shape in (mask, disc):
        polygons = outlines(rle.encode(shape))
        from pycocotools import mask as coco

        back = coco.decode(coco.merge(coco.frPyObjects(polygons, 40, 50))).astype(bool)
        assert (back & shape).sum() / (back | shape).sum() > 0.97
    assert len(outlines(rle.encode(mask))) == 3


def test_labels_of_whole_images(here: Path, capsys: Capture) -> None:
    shutil.rmtree(here / "models")
    save_untrained(here / "models", type="multilabel")
    words = ["predict", "new", "--out", "found", "--save-pictures", "--as", "multilabel_csv"]
    assert main(words) == 0
    _, rows = _written(here / "found")
    assert len(rows) == 9
    assert "bbox" not in rows[0]
    header = (here / "found" / "predictions.csv").read_text().splitlines()[0]
    assert header == "file_name,class,score"
    again = read_source(here / "found" / "multilabel_csv", "a", "multilabel_csv", ReadOptions())
    assert [sorted(image.labels) for image in again.images] == [CLASSES] * 3
    capsys.readouterr()
    told = _fails(capsys, "new", "--out", "no", "--as", "voc")
    assert "--as voc: voc cannot hold labels of whole images" in told


def test_the_pictures_that_are_worth_labelling(here: Path, capsys: Capture) -> None:
    words = ["predict", "new", "--most-uncertain", "2"]
    assert main([*words, "--out", "found", "--save-pictures", "--as", "yolo"]) == 0
    with (here / "found" / "most_uncertain.csv").open() as file:
        table = list(csv.DictReader(file))
    values = [float(row["uncertainty"]) for row in table]
    assert values == sorted(values, reverse=True)
    assert len(values) == 2
    chosen = {row["file_name"] for row in table}
    drawn = [path for path in (here / "found" / "pictures").rglob("*") if path.is_file()]
    assert len(drawn) == 2
    again = read_source(here / "found" / "yolo", "again", "yolo", ReadOptions())
    assert {image.name.removeprefix("images/") for image in again.images} == chosen
    assert len(_written(here / "found")[0]) == 3
    capsys.readouterr()
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines[:2]] == [row["file_name"] for row in table]


def test_uncertainty_is_greatest_at_the_threshold() -> None:
    assert uncertainty([0.3], 0.3) == pytest.approx(1)
    assert uncertainty([], 0.3) == uncertainty([0.1], 0.3) == 0
    assert uncertainty([0.3, 0.99], 0.3) < uncertainty([0.3, 0.4], 0.3) < 1
    assert uncertainty([0.2], 0.3) < 1
    for threshold in (0.0, 1.0):
        assert 0 <= uncertainty([0.5, 1.0], threshold) <= 1
    rows = [[{"score": value}] for value in (0.9, 0.31, 0.31, 0.95)]
    assert [place for place, _ in most_uncertain(rows, 0.3, 3)] == [1, 2, 0]


def test_a_prompted_model_takes_boxes(here: Path, capsys: Capture) -> None:
    told = _fails_detector_with_boxes(here, capsys)
    assert "--boxes: the model (yolo) finds objects by itself" in told
    shutil.rmtree(here / "models")
    save_untrained(here / "models", type="sam")
    assert "draws the masks of boxes that it is given" in _fails(capsys, "new")
    assert main(["predict", "new", "--boxes", "boxes.json", "--out", "found"]) == 0
    names, rows = _written(here / "found")
    assert [names[row["image_id"]] for row in rows] == ["b/c.png", "b/c.png"]
    assert sorted(row["category_id"] for row in rows) == [1, 3]
    assert all(row["segmentation"]["size"] == [60, 90] for row in rows)
    assert "2 picture(s) have no boxes" in capsys.readouterr().err
    # What a detector has written will do.
    assert main(["predict", "new", "--boxes", "found/predictions.json", "--out", "again"]) == 0
    assert len(_written(here / "again")[1]) == 2


def _fails_detector_with_boxes(here: Path, capsys: Capture) -> str:
    _write_boxes(here / "boxes.json")
    return _fails(capsys, "new", "--boxes", "boxes.json")


def _write_boxes(path: Path, **changes: Any) -> None:
    content = {
        "images": [{"id": 7, "file_name": "b/c.png"}],
        "categories": [{"id": 5, "name": "image"}, {"id": 2, "name": "button"}],
        "annotations": [
            {"image_id": 7, "category_id": 5, "bbox": [10, 10, 30, 20]},
            {"image_id": 7, "category_id": 2, "bbox": [40, 5, 20, 20]},
        ],
    }
    path.write_text(json.dumps(content | changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"images": [{"id": 7, "file_name": "z.png"}]}, "has no box for any of the 3 file(s)"),
        ({"categories": [{"id": 5, "name": "dog"}]}, "the model does not know the class 'dog'"),
        ({"annotations": [{"image_id": 7}]}, "is no COCO file"),
        ({"annotations": 3}, "is no COCO file"),
        (
            {"annotations": [{"image_id": 7, "category_id": 5, "bbox": [0, 0, 0, 5]}]},
            "the box [0, 0, 0, 5] in b/c.png is none",
        ),
    ],
)
def test_boxes_that_cannot_be_used(
    here: Path, capsys: Capture, changes: dict[str, Any], problem: str
) -> None:
    shutil.rmtree(here / "models")
    save_untrained(here / "models", type="sam")
    _write_boxes(here / "boxes.json", **changes)
    assert problem in _fails(capsys, "new", "--boxes", "boxes.json")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["new/*.gif"], "new/*.gif fits no file"),
        (["http://example.org/a.jpg"], "http://example.org/a.jpg is not on this machine"),
        (["models"], "models holds no picture and no video among 2 file(s)"),
        (["new", "--out", "new"], "new exists and is not empty"),
        (["new", "--out", "new/a.jpg"], "exists and is not empty"),
        (["new", "--as", "yolo"], "--as writes files, and no --out says where"),
        (["new", "--save-pictures"], "--save-pictures writes files"),
        (["new", "--device", "cuda:77"], "CUDA device(s)"),
        (["new", "--device", "toaster"], "toaster"),
    ],
)
def test_what_cannot_be_done_is_said(
    here: Path, capsys: Capture, words: list[str], problem: str
) -> None:
    assert problem in _fails(capsys, *words)


@pytest.mark.parametrize(
    "words", [["--threshold", "2"], ["--threshold", "nan"], ["--every", "0"], ["--as", "images"]]
)
def test_wrong_options_end_with_usage(here: Path, capsys: Capture, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["predict", "new", *words])
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_another_model_by_its_folder_or_file(here: Path, capsys: Capture) -> None:
    shutil.copytree(here / "models", here / "elsewhere")
    shutil.rmtree(here / "models")
    for weights in ("elsewhere", "elsewhere/model.safetensors"):
        out = f"by-{Path(weights).name}"
        assert main(["predict", "new", "--weights", weights, "--out", out]) == 0
    found = [here / name / "predictions.json" for name in ("by-elsewhere", "by-model.safetensors")]
    assert found[0].read_bytes() == found[1].read_bytes()
    capsys.readouterr()
    assert "--weights gone: there is no such file" in _fails(capsys, "new", "--weights", "gone")


def test_without_a_model(here: Path, capsys: Capture) -> None:
    shutil.rmtree(here / "models")
    told = _fails(capsys, "new")
    assert "models" in told
    assert "train first" in told or "dvc.yaml" in told
