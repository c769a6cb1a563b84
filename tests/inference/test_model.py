"""A trained model in use: the predict stage's own predictions, from the dataset's own files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision
import torch
from PIL import Image

import reprise
from builders import picture, tiny_coco
from inference.networks import CLASSES, SIZE, save_untrained
from preprocessing.running import run_stage
from reprise.dataset import Dataset
from reprise.errors import RepriseError
from reprise.inference.model import Model, load
from reprise.inference.pictures import picture_of, read_picture
from reprise.models.config import PredictionConfig
from reprise.models.inference import TorchBackend
from reprise.models.predict import predict
from reprise.models.storage import load_model
from reprise.predictions import ordered, read_predictions
from reprise.preprocessing.config import DataConfig

FAMILIES: dict[str, dict[str, Any]] = {
    "yolo": {},
    "yolo segment": {"task": "segment"},
    "mask_rcnn": {"first_stage": {"max_proposals": 20}},
    "multilabel": {},
    "sam": {},
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of many kinds, labelled: high and wide, small and large, turned, grey."""
    folder = tmp_path_factory.mktemp("raw")
    content = tiny_coco(folder, n_images=9, classes=CLASSES, size=(300, 200))
    images = folder / "images"

    def replace(index: int, pixels: np.ndarray, suffix: str, **options: Any) -> None:
        entry = content["images"][index]
        (folder / entry["file_name"]).unlink()
        entry["file_name"] = f"images/{index:04d}{suffix}"
        Image.fromarray(pixels).save(folder / entry["file_name"], **options)
        entry["height"], entry["width"] = pixels.shape[:2]

    replace(1, picture(1, 2600, 1300), ".jpg", quality=90)  # decoded at a part of its size
    turned = Image.Exif()
    turned[0x0112] = 6
    replace(2, picture(2, 300, 200), ".jpg", exif=turned)
    replace(3, picture(3, 40, 30), ".png")  # smaller than the network's input
    replace(4, picture(4, 300, 200)[..., 0], ".png")
    replace(5, picture(5, 200, 900), ".webp")
    content["annotations"] = [
        {**box, "bbox": [2, 3, 20, 15], "area": 300} for box in content["annotations"]
    ]
    assert sorted(path.stem for path in images.iterdir()) == [f"{i:04d}" for i in range(9)]
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def dataset(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    data = DataConfig.model_validate(
        {
            "sources": {"mine": {"url": "mine", "format": "coco"}},
            "image_size": SIZE,
            "split": {"train": 0.2, "val": 0.4, "test": 0.4, "near_duplicate_distance": None},
        }
    )
    out = tmp_path_factory.mktemp("processed") / "processed"
    run_stage(data, {"mine": raw}, out)
    return Dataset(out)


def test_a_file_becomes_the_very_pixels_that_the_dataset_stores(
    raw: Path, dataset: Dataset, tmp_path: Path
) -> None:
    model = load(save_untrained(tmp_path / "model"), device="cpu")
    assert len(dataset.images) == 9
    row: Any
    for row in dataset.images.itertuples():
        made = read_picture(raw / row.name, model.settings)
        assert made.original == (row.original_height, row.original_width)
        assert np.array_equal(made.pixels, dataset.pixels(row.shard, row.offset, row.length))
        assert made.upright == ("0002" not in row.name)


@pytest.mark.parametrize("name", FAMILIES)
def test_predictions_on_the_datasets_own_files_are_those_of_the_stage(
    raw: Path, dataset: Dataset, tmp_path: Path, name: str
) -> None:
    folder = save_untrained(tmp_path / "model", type=name.split()[0], **FAMILIES[name])
    predict(dataset.root, folder, PredictionConfig(device="cpu", batch_size=2), tmp_path / "out")
    model = load(folder, device="cpu")
    boxes = dataset.boxes_of(dataset.images["image_id"])
    for split in ("val", "test"):
        rows: Any = list(dataset.split(split).itertuples())
        assert rows
        pictures = []
        for row in rows:
            given = boxes[row.image_id] if model.prompted else boxes[row.image_id].iloc[:0]
            prompts = tuple(
                (box.category_id, (box.x, box.y, box.w, box.h)) for box in given.itertuples()
            )
            pictures.append(read_picture(raw / row.name, model.settings, prompts))
        found = model.run(pictures, threshold=0, batch_size=2)
        named = [
            {**one, "image_id": row.image_id}
            for row, of_picture in zip(rows, found, strict=True)
            for one in of_picture
        ]
        assert ordered(named) == list(read_predictions(tmp_path / "out" / f"{split}.json"))
        assert named


def test_a_threshold_leaves_the_others_as_they_are(raw: Path, tmp_path: Path) -> None:
    model = load(save_untrained(tmp_path / "model"), device="cpu")
    pictures = [read_picture(path, model.settings) for path in sorted((raw / "images").iterdir())]
    every = model.run(pictures, threshold=0)
    scores = sorted(row["score"] for rows in every for row in rows)
    middle = scores[-len(scores) // 10]
    kept = [[row for row in rows if row["score"] >= middle] for rows in every]
    assert model.run(pictures, threshold=middle) == kept
    assert 0 < sum(map(len, kept)) < len(scores)


@pytest.mark.parametrize("changes", [{}, {"task": "segment"}, {"architecture": "yolo26"}])
def test_a_faster_network_gives_the_same_up_to_rounding(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    family, description = load_model(save_untrained(tmp_path / "model", **changes))
    norms = [m for m in family.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    torch.manual_seed(0)
    for norm in norms:  # as no untrained one is
        norm.running_mean = torch.randn(norm.num_features) / 4
        norm.running_var = torch.rand(norm.num_features) + 0.5
    backend = TorchBackend(family, torch.device("cpu"))
    images = torch.randint(0, 256, (2, 3, SIZE, SIZE), dtype=torch.uint8)
    with torch.inference_mode():
        before = [part.clone() for part in backend(images)]
        Model(family, description, backend).speed_up()
        after = backend(images)
    left = [m for m in family.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(left) < len(norms) / 4
    for old, new in zip(before, after, strict=True):
        assert torch.allclose(old, new, rtol=1e-3, atol=1e-3)


def test_every_form_of_a_picture_gives_the_same(tmp_path: Path) -> None:
    model = reprise.load(str(save_untrained(tmp_path / "model")), device="cpu")
    pixels = picture(7, 120, 90)
    file = tmp_path / "a.png"
    Image.fromarray(pixels).save(file)
    found = model(file)
    assert isinstance(found, supervision.Detections)
    assert len(found) > 0
    for same in (str(file), file.read_bytes(), pixels, Image.open(file)):
        assert model(same) == found
    grey = np.ascontiguousarray(pixels[..., 0])
    assert model(grey) == model(np.stack([grey] * 3, axis=2))


def test_a_turned_picture_is_turned_whoever_opened_it(tmp_path: Path) -> None:
    model = load(save_untrained(tmp_path / "model"), device="cpu")
    exif = Image.Exif()
    exif[0x0112] = 6
    data = io.BytesIO()
    Image.fromarray(picture(8, 60, 40)).save(data, "PNG", exif=exif)
    upright = np.ascontiguousarray(np.rot90(picture(8, 60, 40), -1))
    assert model(data.getvalue()) == model(upright)
    assert model(Image.open(data)) == model(upright)


def test_detections_are_those_of_the_rows(tmp_path: Path) -> None:
    model = load(save_untrained(tmp_path / "model", task="segment"), device="cpu")
    pixels = picture(9, 100, 70)
    found: Any = model(pixels)
    (rows,) = model.run([picture_of(pixels, model.settings)])
    assert len(found) == len(rows) > 0
    assert found.confidence.tolist() == sorted(found.confidence.tolist(), reverse=True)
    first = rows[0]
    left, top, width, height = first["bbox"]
    assert found.xyxy[0].tolist() == pytest.approx([left, top, left + width, top + height])
    assert found.class_id[0] == first["category_id"] - 1
    assert found.data["class_name"][0] == CLASSES[first["category_id"] - 1]
    masks = found.mask.to_dense()
    assert masks.shape == (len(rows), 70, 100)
    from reprise.masks import rle

    for mask, row in zip(masks, rows, strict=True):
        assert np.array_equal(mask, rle.decode(row["segmentation"]))


def test_nothing_found_is_empty_and_not_an_error(tmp_path: Path) -> None:
    for changes in ({}, {"task": "segment"}, {"type": "multilabel"}):
        folder = save_untrained(tmp_path / str(len(str(changes))), 1.0, **changes)
        assert len(load(folder, device="cpu")(picture(1))) == 0


def test_classes_of_whole_images_are_classifications(tmp_path: Path) -> None:
    model = load(save_untrained(tmp_path / "model", type="multilabel"), device="cpu")
    found: Any = model(picture(1))
    assert isinstance(found, supervision.Classifications)
    assert sorted(found.class_id.tolist()) == [0, 1, 2]
    assert found.confidence.tolist() == sorted(found.confidence.tolist(), reverse=True)


def test_a_prompted_model_asks_for_boxes_and_answers_each(tmp_path: Path) -> None:
    model = load(save_untrained(tmp_path / "model", type="sam"), device="cpu")
    with pytest.raises(RepriseError, match="draws masks of boxes that it is given"):
        model(picture(1))
    found: Any = model(picture(1), boxes=[(2, (5, 5, 20, 20)), (1, (30, 10, 20, 20))])
    assert sorted(found.data["class_name"].tolist()) == ["button", "icon"]
    assert found.mask.shape == (2, 48, 64)
    assert len(model(picture(1), boxes=[])) == 0


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ("nowhere.jpg", "the picture nowhere.jpg cannot be read: there is no regular file"),
        (b"GIF89a", "the picture cannot be read"),
        (np.zeros((4, 4, 4), np.uint8), r"an array of uint8 and shape \(4, 4, 4\) is no picture"),
        (np.zeros((4, 4, 3)), "an array of float64"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, image: Any, problem: str) -> None:
    model = load(save_untrained(tmp_path / "model"), device="cpu")
    with pytest.raises(RepriseError, match=problem):
        model(image)


def test_a_model_of_an_older_version_is_used_or_refused_by_name(tmp_path: Path) -> None:
    folder = save_untrained(tmp_path / "model")
    path = folder / "model.json"
    description = json.loads(path.read_text())
    del description["jpeg_quality"]  # was not noted, and was 95
    path.write_text(json.dumps(description))
    assert load(folder, device="cpu").settings.jpeg_quality == 95
    del description["score_threshold"]
    path.write_text(json.dumps(description))
    with pytest.raises(RepriseError, match=r"model\.json holds no score_threshold"):
        load(folder, device="cpu")


def test_a_model_in_use_imports_nothing_that_trains(tmp_path: Path) -> None:
    folder = save_untrained(tmp_path / "model")
    code = (
        "import sys, numpy, reprise\n"
        f"reprise.load({str(folder)!r}, device='cpu')(numpy.zeros((40, 30, 3), numpy.uint8))\n"
        "print('\\n'.join(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    loaded = told.stdout.split()
    assert "reprise.inference.model" in loaded
    refused = (
        *("reprise.training", "reprise.evaluation", "reprise.reporting", "reprise.commands"),
        *("reprise.params", "dvc", "dvclive", "great_expectations", "matplotlib"),
        *("ultralytics.engine.trainer", "faster_coco_eval"),
    )
    assert [name for name in loaded if name in refused or name.startswith("reprise.training")] == []


def test_the_package_offers_no_more_than_it_says() -> None:
    assert reprise.Model is Model
    with pytest.raises(AttributeError, match="has no attribute 'train'"):
        reprise.train  # noqa: B018
