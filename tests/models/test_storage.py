"""Weights on disk: exact, verified, and never a pickle."""

from __future__ import annotations

import hashlib
import json
import pickle
import random
import resource
import signal
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from models.settings import IMAGE_SIZE, model
from reprise.errors import RepriseError
from reprise.models.multilabel.family import MultiLabel
from reprise.models.starting_weights import LoadAccount, load_starting_weights
from reprise.models.storage import WRAPPERS, Tensors, load_model, save_model
from reprise.models.yolo.family import Yolo
from reprise.weights.config import WeightsConfig
from weights_stage import bring_weights

CLASSES = ["square", "disc"]


def description(**changes: object) -> dict[str, object]:
    return {
        "family": "yolo",
        "classes": CLASSES,
        "image_size": IMAGE_SIZE,
        "parameters": {"model": model().model_dump(), "training": {"threads": 1}},
    } | changes


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def family() -> Yolo:
    torch.manual_seed(0)
    return Yolo(model(), CLASSES, IMAGE_SIZE)


def load(
    network: torch.nn.Module,
    path: Path,
    renamed: Callable[[Tensors], Tensors] | None = None,
) -> LoadAccount:
    """Start a network from a file, through the weights stage."""
    config = WeightsConfig(url=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    out = path.parent / "out"
    bring_weights("yolo", config, out)
    return load_starting_weights(network, config, out, renamed)


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
    account = load(target.network, tmp_path / "model.safetensors")
    assert account.reshaped and all("cv3" in name for name in account.reshaped)
    own = target.network.state_dict()
    for name in account.loaded:
        assert torch.equal(own[name], family.network.state_dict()[name])


def test_the_account_names_what_was_not_loaded() -> None:
    account = LoadAccount(
        loaded=["a"] * 120, reshaped=["fc.bias", "fc.weight"], missing=[], unused=list("vwxyz")
    )
    assert str(account) == (
        "starting weights: 120 tensors loaded; at their initial values stay 2 (fc.bias, "
        "fc.weight) of another shape and 0 not in the file; of the file 5 (v, w, x, y and 1 more) "
        "unused"
    )


def test_published_weights_of_torchvision_keep_all_but_the_last_layer(tmp_path: Path) -> None:
    """A plain state dict as torch.save wrote it before 1.6, when batch norms had no counter."""
    published = resnet18(weights=None).state_dict()
    old = {name: tensor for name, tensor in published.items() if "num_batches" not in name}
    path = tmp_path / "resnet18-published.pth"
    torch.serialization.save(OrderedDict(old), path, _use_new_zipfile_serialization=False)
    network = MultiLabel(model(type="multilabel"), CLASSES, IMAGE_SIZE).network
    account = load(network, path)
    assert account.reshaped == ["fc.bias", "fc.weight"]
    assert len(account.loaded) == len(old) - 2
    assert torch.equal(network.state_dict()["conv1.weight"], published["conv1.weight"])


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_weights_inside_a_checkpoint_of_a_training_are_found(
    tmp_path: Path, family: Yolo, wrapper: str
) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.serialization.save({wrapper: family.network.state_dict(), "epoch": 3}, path)
    assert not load(family.network, path).missing


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_weights_of_a_wrapped_network_lose_the_wrapper_s_name(
    tmp_path: Path, family: Yolo, prefix: str
) -> None:
    path = tmp_path / "wrapped.pt"
    weights = {f"{prefix}{name}": value for name, value in family.network.state_dict().items()}
    torch.serialization.save(weights, path)
    account = load(family.network, path)
    assert account.missing == account.unused == []


def test_older_names_are_given_the_names_of_today(tmp_path: Path, family: Yolo) -> None:
    path = tmp_path / "old.pt"
    weights = family.network.state_dict()
    torch.serialization.save({f"old.{name}": tensor for name, tensor in weights.items()}, path)
    account = load(
        family.network,
        path,
        lambda tensors: {name.removeprefix("old."): t for name, t in tensors.items()},
    )
    assert account.missing == account.unused == []


def test_weights_of_another_variant_are_refused(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    small = Yolo(model(variant="small"), CLASSES, IMAGE_SIZE)
    with pytest.raises(RepriseError, match="weights of another network"):
        load(small.network, tmp_path / "model.safetensors")


def test_weights_of_a_shallower_network_are_refused(tmp_path: Path) -> None:
    """More than half of a ResNet-34 has its like in a ResNet-18, block for block."""
    path = tmp_path / "resnet18.pth"
    torch.serialization.save(resnet18(weights=None).state_dict(), path)
    network = MultiLabel(model(type="multilabel", variant="small"), CLASSES, IMAGE_SIZE).network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(RepriseError, match=r"has layer1\.2\..* ends with layer1\.1\.") as caught:
        load(network, path)
    assert "model.variant" in caught.value.fix
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_file_that_cannot_be_read_is_named_as_the_person_named_it(
    tmp_path: Path, family: Yolo
) -> None:
    path = tmp_path / "mine.pt"
    torch.serialization.save({"epoch": 3, "weights": [1.0]}, path)
    with pytest.raises(RepriseError, match=r"mine\.pt: .* is not a table of tensors"):
        load(family.network, path)


def test_only_the_file_that_was_asked_for_is_loaded(tmp_path: Path, family: Yolo) -> None:
    save_model(tmp_path, family.network.state_dict(), description())
    load(family.network, tmp_path / "model.safetensors")
    out = tmp_path / "out"
    other = WeightsConfig(url="other.safetensors", sha256="0" * 64)
    with pytest.raises(RepriseError, match="another file than"):
        load_starting_weights(family.network, other, out)
    asked = WeightsConfig.model_validate(json.loads((out / "weights.json").read_text())["weights"])
    with (out / "weights.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    with pytest.raises(RepriseError, match="it was changed"):
        load_starting_weights(family.network, asked, out)
    (out / "weights.safetensors").unlink()
    with pytest.raises(RepriseError, match="is missing"):
        load_starting_weights(family.network, asked, out)
    (out / "weights.json").write_text("[]")
    with pytest.raises(RepriseError, match=r"weights.json is damaged"):
        load_starting_weights(family.network, asked, out)
    with pytest.raises(RepriseError, match="dvc repro weights"):
        load_starting_weights(family.network, asked, tmp_path / "nowhere")


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_is_never_run(tmp_path: Path, family: Yolo, protocol: int) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    path = tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps({"a": Trap()}, protocol))
    with pytest.raises(RepriseError, match="which no weights need"):
        load(family.network, path)
    torch.serialization.save({"a": Trap()}, path)
    with pytest.raises(RepriseError, match="it calls what no weights need"):
        load(family.network, path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_damage_anywhere_in_a_pt_file_is_one_clear_message(
    tmp_path: Path, family: Yolo, zipped: bool
) -> None:
    path = tmp_path / "weights.pt"
    torch.serialization.save({"a": torch.ones(4)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    draw = random.Random(0)
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[draw.randrange(4, len(whole))] = draw.randrange(256)
        path.write_bytes(damaged)
        # Where only a number changed, it is read, and is the weights of another network.
        with pytest.raises(RepriseError, match=r"damaged|table of tensors|another network"):
            load(family.network, path)


def test_plain_tensors_in_a_pt_file_are_taken(tmp_path: Path, family: Yolo) -> None:
    path = tmp_path / "weights.pt"
    torch.serialization.save(family.network.state_dict(), path)
    account = load(family.network, path)
    assert len(account.loaded) == len(family.network.state_dict())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (torch.Tensor.to_sparse, "sparse, complex or quantised"),
        (lambda tensor: tensor.to(torch.complex64), "sparse, complex or quantised"),
        (lambda tensor: tensor * float("nan"), "not finite"),
    ],
)
def test_tensors_that_are_no_weights_are_refused_by_name(
    tmp_path: Path,
    family: Yolo,
    spoil: Callable[[torch.Tensor], torch.Tensor],
    reason: str,
) -> None:
    tensors = family.network.state_dict()
    name = next(iter(tensors))
    path = tmp_path / "weights.pt"
    torch.serialization.save(tensors | {name: spoil(tensors[name])}, path)
    with pytest.raises(RepriseError, match=f"the tensor '{name}' .*{reason}"):
        load(family.network, path)


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
