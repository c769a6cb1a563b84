"""``reprise show-batch`` draws the tensors that training is fed, not a likeness of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML

from datasets import CLASSES, shapes_dataset
from models.settings import IMAGE_SIZE, augmentation, folders, machine, model, training, validation
from reprise.cli import main
from reprise.commands.batch_picture import CAPTION, LEAST_SIDE, BatchImage, grid
from reprise.commands.show_batch import first_batch_images
from reprise.dataset import Dataset
from reprise.models.yolo.family import Yolo
from reprise.training.config import TrainSettings
from reprise.training.train import train

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_dataset(tmp_path_factory.mktemp("data"), train=10, size=IMAGE_SIZE)


@pytest.fixture
def settings() -> SimpleNamespace:
    return SimpleNamespace(
        model=model(),
        training=training(),
        augmentation=augmentation(),
        validation=validation(),
        data=SimpleNamespace(image_size=IMAGE_SIZE),
    )


@pytest.fixture
def words(processed: Path, tmp_path: Path, repository: Path) -> list[str]:
    """Arguments for a small dataset, with the repository's own parameters at its size."""
    yaml = YAML()
    content = yaml.load(repository / "params.yaml")
    content["data"]["image_size"] = IMAGE_SIZE
    yaml.dump(content, tmp_path / "params.yaml")
    places = {"--params": "params.yaml", "--out": "out/batch.png"}
    named = [word for option, name in places.items() for word in (option, str(tmp_path / name))]
    return ["show-batch", "--dataset", str(processed), *named]


class _SeenError(Exception):
    """Stops training at its first batch."""


@pytest.fixture
def first_batch(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Receives the first batch that the loop hands to the loss."""
    seen: list[dict[str, Any]] = []

    def loss(self: Yolo, network: torch.nn.Module, batch: dict[str, Any]) -> None:
        seen.append(batch)
        raise _SeenError

    monkeypatch.setattr(Yolo, "loss", loss)
    yield seen


def test_the_tiles_are_the_first_batch_of_the_real_loop(
    processed: Path,
    settings: SimpleNamespace,
    first_batch: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    tiles = first_batch_images(Dataset(processed), settings, "train", epoch=0, count=4)
    with pytest.raises(_SeenError):
        train(
            TrainSettings(
                settings.model, settings.training, validation(), settings.augmentation, IMAGE_SIZE
            ),
            machine(),
            folders(processed, tmp_path),
        )
    (batch,) = first_batch
    assert np.array_equal(
        np.stack([tile.pixels for tile in tiles]), batch["images"].permute(0, 2, 3, 1).numpy()
    )
    assert sum(len(tile.boxes) for tile in tiles) == len(batch["bboxes"])


def test_each_epoch_is_another_and_always_the_same(
    processed: Path, settings: SimpleNamespace
) -> None:
    dataset = Dataset(processed)
    shown = [first_batch_images(dataset, settings, "train", epoch, 3) for epoch in (0, 1, 0)]
    pixels = [np.stack([tile.pixels for tile in tiles]) for tiles in shown]
    assert np.array_equal(pixels[0], pixels[2])
    assert not np.array_equal(pixels[0], pixels[1])


def test_more_than_one_batch_can_be_shown(processed: Path, settings: SimpleNamespace) -> None:
    tiles = first_batch_images(Dataset(processed), settings, "train", 0, 9)
    assert len(tiles) == 9
    assert len({tile.name for tile in tiles}) == 9


def test_val_is_shown_as_it_is_evaluated(processed: Path, settings: SimpleNamespace) -> None:
    dataset = Dataset(processed)
    tiles = first_batch_images(dataset, settings, "val", 0, 100)
    rows = {f"shapes/{row['name']}": row for row in dataset.split("val").to_dict("records")}
    assert {tile.name for tile in tiles} == set(rows)
    for tile in tiles:
        row = rows[tile.name]
        stored = dataset.pixels(row["shard"], row["offset"], row["length"])
        top = (tile.pixels.shape[0] - stored.shape[0]) // 2
        assert np.array_equal(tile.pixels[top : top + stored.shape[0]], stored)
        (boxes,) = dataset.boxes_of([row["image_id"]]).values()
        # Originals are twice the stored size.
        expected = [
            (c - 1, x / 2, y / 2 + top) for c, x, y in boxes[["category_id", "x", "y"]].values
        ]
        assert [box[:3] for box in tile.boxes] == [pytest.approx(box, abs=0.01) for box in expected]


def test_a_picture_and_the_names_in_it(words: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main([*words, "--count", "3"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out[:3]] == ["1", "2", "3"]
    assert out[3] == f"3 image(s) of train in {tmp_path}/out/batch.png"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["batch.png"]
    with Image.open(tmp_path / "out/batch.png") as picture:
        # Two columns and two rows, enlarged fivefold.
        assert min(picture.size) > 2 * LEAST_SIDE


def test_by_default_the_picture_is_where_git_and_dvc_do_not_look(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    place = words.index("--out")
    assert main([*words[:place], *words[place + 2 :], "--count", "1"]) == 0
    path = ".dvc/tmp/reprise/show-batch/batch.png"
    assert capsys.readouterr().out.endswith(f"1 image(s) of train in {path}\n")
    assert (tmp_path / path).is_file()


def test_boxes_are_drawn_where_they_are() -> None:
    pixels = np.zeros((LEAST_SIDE, LEAST_SIDE, 3), dtype=np.uint8)
    tile = BatchImage("a.png", pixels, [(1, 120.0, 80.0, 200.0, 240.0)])
    sheet = np.asarray(grid([tile], list(CLASSES)))
    image = sheet[:LEAST_SIDE, :LEAST_SIDE]
    assert image[160, 120].any() and image[160, 200].any() and image[240, 160].any()
    assert not image[160, 160].any()


def test_boxes_and_names_at_any_edge_can_be_drawn() -> None:
    pixels = np.zeros((40, 300, 3), dtype=np.uint8)
    tile = BatchImage(
        "a/very/long/" + "n" * 200, pixels, [(0, -5.0, -5.0, 900.0, 900.0), (1, 299, 39, 300, 40)]
    )
    sheet = grid([tile], ["猫 " * 40, ""])
    assert sheet.size == (2 * 300, 2 * 40 + CAPTION)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--count", "0"], "--count is 0"),
        (["--epoch", "9999"], "name an epoch from 0 to"),
        (["--epoch", "-1"], "name an epoch from 0 to"),
    ],
)
def test_options_out_of_range(
    more: list[str], said: str, words: list[str], capsys: Capture
) -> None:
    assert main([*words, *more]) == 1
    assert said in capsys.readouterr().err


def test_a_split_without_images(words: list[str], tmp_path: Path, capsys: Capture) -> None:
    words[2] = str(shapes_dataset(tmp_path / "few", train=2, val=1, test=0))
    assert main([*words, "--split", "test"]) == 1
    assert "the test split of" in capsys.readouterr().err
