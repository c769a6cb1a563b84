"""The weights that the repository starts its default model from."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.settings import model
from reprise import params
from reprise.models.storage import load_starting_weights
from reprise.models.yolo import Yolo

CLASSES = [
    "button", "text_input", "checkbox", "radio_button", "dropdown",
    "slider", "toggle", "link", "icon", "image",
]  # fmt: skip


def test_they_fit_the_default_network_whole(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    published = params.load().model
    assert published.weights is not None
    assert Path(published.weights.path).stat().st_size <= 6_000_000
    account = load_starting_weights(Yolo(published, CLASSES, 64).network, published.weights)
    assert account.reshaped == account.missing == account.unused == []


def test_other_classes_keep_all_but_the_class_heads(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    published = params.load().model
    assert published.weights is not None
    account = load_starting_weights(Yolo(model(), ["cell"], 64).network, published.weights)
    assert 0 < len(account.reshaped) < 30
    assert len(account.loaded) > 400
