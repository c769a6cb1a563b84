"""Weights on disk: exact, verified, and never a pickle."""

from __future__ import annotations

import hashlib
import json
import pickle
import resource
import signal
from pathlib import Path

import pytest
import torch

from models.settings import IMAGE_SIZE, model
from reprise.errors import RepriseError
from reprise.models.config import WeightsConfig
from reprise.models.storage import load_model, load_starting_weights, save_model
from reprise.models.yolo import Yolo

CLASSES = ["square", "disc"]


def description(**changes: object) -> dict[str, object]:
    return {
        "family": "yolo",
        "classes": CLASSES,
        "image_size": IMAGE_SIZE,
        "parameters": {"model": model().model_dump(), "training": {"threads": 1}},
    } | changes


@pytest.fixture
def family() -> Yolo:
    torch.manual_seed(0)
    return Yolo(model(), CLASSES, IMAGE_SIZE)


def weights_of(path: Path) -> WeightsConfig:
    return WeightsConfig(path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_saved_model_comes_back_exactly(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    loaded, _ = load_model(tmp_path)
    for name, tensor in family.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name
    assert not loaded.network.training


def test_the_same_weights_make_the_same_bytes(tmp_path: Path, family: Yolo) -> None:
    weights = family.network.state_dict()
    save_model(tmp_path / "a", weights, description())
    save_model(tmp_path / "b", dict(reversed(weights.items())), description())
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_weights_of_another_model_are_refused(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    other = json.loads((tmp_path / "model.json").read_text())
    other["classes"] = ["square", "disc", "star"]
    (tmp_path / "model.json").write_text(json.dumps(other))
    with pytest.raises(RepriseError, match="another network than model"):
        load_model(tmp_path)


def test_starting_weights_fit_the_classes_that_differ(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    torch.manual_seed(1)
    target = Yolo(model(), ["a", "b", "c"], IMAGE_SIZE)
    account = load_starting_weights(target.network, weights_of(tmp_path / "model.safetensors"))
    assert account.reshaped and all("cv3" in name for name in account.reshaped)
    own = target.network.state_dict()
    for name in account.loaded:
        assert torch.equal(own[name], family.network.state_dict()[name])


def test_a_wrong_checksum_is_refused(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    config = WeightsConfig(path=str(tmp_path / "model.safetensors"), sha256="0" * 64)
    with pytest.raises(RepriseError, match="has SHA-256"):
        load_starting_weights(family.network, config)


def test_weights_of_another_variant_are_refused(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    small = Yolo(model(variant="small"), CLASSES, IMAGE_SIZE)
    with pytest.raises(RepriseError, match="weights of another network"):
        load_starting_weights(small.network, weights_of(tmp_path / "model.safetensors"))


def test_a_pickle_is_never_run(tmp_path: Path, family: Yolo) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    path = tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps({"a": Trap()}))
    with pytest.raises(RepriseError, match="more than plain tensors"):
        load_starting_weights(family.network, weights_of(path))
    assert not (tmp_path / "sprung").exists()


def test_plain_tensors_in_a_pt_file_are_taken(tmp_path: Path, family: Yolo) -> None:
    path = tmp_path / "weights.pt"
    torch.serialization.save(family.network.state_dict(), path)
    account = load_starting_weights(family.network, weights_of(path))
    assert len(account.loaded) == len(family.network.state_dict())


@pytest.mark.parametrize("content", [b"", b"not json", b"{}", b'{"family": "yolo"}'])
def test_a_damaged_description_is_one_clear_message(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(RepriseError, match="does not describe a model"):
        load_model(tmp_path)


def test_a_cut_off_weights_file_is_one_clear_message(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RepriseError, match="not a whole safetensors file"):
        load_model(tmp_path)


def test_a_full_disk_is_one_clear_message(tmp_path: Path, family: Yolo) -> None:
    """A limit on file size stands for the disk: the write fails half-way in both."""
    weights = family.network.state_dict()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, old[1]))
    try:
        with pytest.raises(RepriseError, match="cannot be written") as caught:
            save_model(tmp_path, weights, description())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert "free disk space" in caught.value.fix
    assert not list(tmp_path.iterdir())
