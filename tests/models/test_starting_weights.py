"""The weights that the repository starts its default model from."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.settings import model
from reprise import params
from reprise.models.starting_weights import LoadAccount, load_starting_weights
from reprise.models.yolo.family import Yolo
from weights_stage import bring_weights

CLASSES = [
    "button", "text_input", "checkbox", "radio_button", "dropdown",
    "slider", "toggle", "link", "icon", "image",
]  # fmt: skip


@pytest.fixture
def screens(repository: Path, tmp_path: Path) -> Path:
    """What the weights stage writes for the entry of params.yaml."""
    (tmp_path / "data").symlink_to(repository / "data")
    assert params.load(repository / "params.yaml").model.weights["yolo"] == "screens"
    bring_weights("yolo", "screens", tmp_path / "weights")
    return tmp_path / "weights"


def load(folder: Path, classes: list[str]) -> LoadAccount:
    return load_starting_weights(Yolo(model(), classes, 64).network, "screens", folder)


def test_they_fit_the_default_network_whole(screens: Path) -> None:
    assert (screens / "weights.safetensors").stat().st_size <= 6_000_000
    account = load(screens, CLASSES)
    assert account.reshaped == account.missing == account.unused == []


def test_other_classes_keep_all_but_the_class_heads(screens: Path) -> None:
    account = load(screens, ["cell"])
    assert 0 < len(account.reshaped) < 30
    assert len(account.loaded) > 400
