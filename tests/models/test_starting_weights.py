"""The weights that the repository starts its default model from."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.settings import model
from reprise import params
from reprise.models.starting_weights import LoadAccount, load_starting_weights
from reprise.models.yolo.family import Yolo
from reprise.sources.weights import download_weights
from reprise.sources.weights_config import WeightsConfig

CLASSES = [
    "button", "text_input", "checkbox", "radio_button", "dropdown",
    "slider", "toggle", "link", "icon", "image",
]  # fmt: skip


@pytest.fixture
def published(repository: Path, tmp_path: Path) -> tuple[WeightsConfig, Path]:
    """The entry of params.yaml, and the folder that the weights stage writes for it."""
    loaded = params.load(repository / "params.yaml")
    entry = loaded.model.weights["yolo"]
    assert entry is not None
    out = tmp_path / "weights"
    download_weights("yolo", entry, loaded.data.limits, out, repository, tmp_path / "scratch")
    return entry, out


def load(published: tuple[WeightsConfig, Path], classes: list[str]) -> LoadAccount:
    return load_starting_weights(Yolo(model(), classes, 64).network, *published)


def test_they_fit_the_default_network_whole(published: tuple[WeightsConfig, Path]) -> None:
    assert (published[1] / "weights.safetensors").stat().st_size <= 6_000_000
    account = load(published, CLASSES)
    assert account.reshaped == account.missing == account.unused == []


def test_other_classes_keep_all_but_the_class_heads(published: tuple[WeightsConfig, Path]) -> None:
    account = load(published, ["cell"])
    assert 0 < len(account.reshaped) < 30
    assert len(account.loaded) > 400
