"""Published pickles give their tensors, and run nothing."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from reprise.errors import RepriseError
from reprise.models.yolo.library import tasks
from reprise.weights.pickles import read_checkpoint, read_zoo_file
from weights.publishers import save_as_trained, ultralytics_network, zoo_file

CLASSES = ["car", "person", "traffic light"]
NETWORKS = [(a, t) for a in ("yolo11", "yolov8", "yolo26") for t in ("detect", "segment")]


def same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name].to(value.dtype), value), name


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize(("architecture", "task"), NETWORKS)
def test_a_file_of_ultralytics_gives_what_its_own_loader_gives(
    tmp_path: Path, architecture: str, task: str, stripped: bool
) -> None:
    path = tmp_path / "last.pt"
    save_as_trained(ultralytics_network(architecture, task, CLASSES), path)
    if stripped:
        from ultralytics.utils.torch_utils import strip_optimizer

        strip_optimizer(path)  # as the trainer does when it ends, and as they are published
    read = read_checkpoint(path)
    assert read is not None
    tensors, names = read
    # Its own loader, which is told to run nothing either.
    expected, _ = tasks.load_checkpoint(path)
    same(tensors, expected.state_dict())
    assert names == CLASSES
    assert any(value.dtype == torch.float16 for value in tensors.values())


def test_plain_tensors_are_left_to_torch(tmp_path: Path) -> None:
    torch.save({"model": {"a": torch.ones(2)}}, tmp_path / "plain.pt")
    assert read_checkpoint(tmp_path / "plain.pt") is None


def test_a_training_scripts_arguments_do_not_hide_its_tensors(tmp_path: Path) -> None:
    import argparse

    content = {"model": {"a": torch.arange(3)}, "args": argparse.Namespace(lr=1)}
    torch.save(content, tmp_path / "other.pt")
    read = read_checkpoint(tmp_path / "other.pt")
    assert read is not None
    same(read[0], {"a": torch.arange(3)})


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_zoo_file_gives_its_arrays(tmp_path: Path, protocol: int) -> None:
    tensors = {
        "backbone.fpn.weight": torch.randn(2, 3, 1, 1),
        "count": torch.tensor(5),
        "rows": torch.randn(4, 5).half().t(),
        "none": torch.zeros(0, 4),
    }
    zoo_file(tensors, tmp_path / "model.pkl", protocol)
    same(read_zoo_file(tmp_path / "model.pkl"), tensors)


def test_a_file_of_caffe2_gives_its_blobs(tmp_path: Path) -> None:
    content = {"blobs": {"conv1_w": np.ones((1, 2), dtype=">f4"), "lr": 0.1}}
    (tmp_path / "R-50.pkl").write_bytes(pickle.dumps(content, protocol=2))
    same(read_zoo_file(tmp_path / "R-50.pkl"), {"conv1_w": torch.ones(1, 2)})


class Call:
    """Pickled, a call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def hostile(mark: Path) -> dict[str, Any]:
    """Content that runs something when it is unpickled as usual; each would make ``mark``."""
    import builtins
    import shutil
    import subprocess

    import torch.hub

    write = f"open({str(mark)!r}, 'w').close()"
    return {
        "os.system": Call(os.system, f"touch {mark}"),
        "exec": Call(builtins.exec, write),
        "eval": Call(builtins.eval, f"open({str(mark)!r}, 'w')"),
        "open": Call(open, str(mark), "w"),
        "Popen": Call(subprocess.Popen, ["touch", str(mark)]),
        "compile": Call(builtins.compile, write, "x", "exec"),
        "import": Call(__import__, "antigravity"),
        "copy": Call(shutil.copy, "/etc/hostname", str(mark)),
        "mkdir": Call(os.mkdir, str(mark)),
        "hub": Call(torch.hub.download_url_to_file, f"file://{__file__}", str(mark)),
        "getattr": Call(getattr, Call(__import__, "os"), "system"),
        "nested": {"model": {"a": [Call(os.system, f"touch {mark}")]}},
    }


@pytest.mark.parametrize("kind", ["pt", "pkl"])
@pytest.mark.parametrize("name", hostile(Path("mark")))
def test_a_hostile_file_runs_and_writes_nothing(tmp_path: Path, name: str, kind: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"weights.{kind}"
    content = {"model": hostile(mark)[name], "a": torch.ones(1) if kind == "pt" else np.ones(1)}
    if kind == "pt":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=4))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RepriseError, match=r"the file names [\w.]+, which no weights need"):
        read_checkpoint(path) if kind == "pt" else read_zoo_file(path)
    assert sorted(tmp_path.iterdir()) == before


def zip_of(path: Path, data: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", data)
        file.writestr("archive/version", "3\n")
        file.writestr("archive/byteorder", "little")


def module(**state: Any) -> bytes:
    """A pickled module with such a state, as torch.save would write it."""
    empty: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=2)
    layer = torch.nn.Identity()
    layer.__dict__.update(empty | state)
    pickler.dump({"model": layer})
    return buffer.getvalue()


def endless() -> torch.nn.Module:
    layer = torch.nn.Identity()
    layer._modules["again"] = layer
    return layer


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: zip_of(path, module()), "holds no weights"),
        (lambda path: zip_of(path, module(_parameters={"a": 5})), "a is no tensor"),
        (lambda path: zip_of(path, module(), zipfile.ZIP_DEFLATED), "compressed"),
        (lambda path: torch.save({"model": endless()}, path), "without end"),
        (lambda path: torch.save(many(), path), "larger than the file"),
        (lambda path: path.write_bytes(whole(path)[:-300]), ""),
        (lambda path: path.write_bytes(whole(path)[:100]), ""),
        (lambda path: zip_of(path, b"\x80\x02cos\nsystem\n."), "os.system"),
        (lambda path: zip_of(path, b"\x80\x04\x8c\x02os\x8c\x06system\x93."), ""),
        (lambda path: zip_of(path, b""), ""),
    ],
)
def test_a_damaged_or_wily_file_is_refused(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    path = tmp_path / "weights.pt"
    make(path)
    with pytest.raises(RepriseError) as caught:
        read_checkpoint(path)
    assert said in caught.value.problem


def whole(path: Path) -> bytes:
    torch.save({"model": torch.nn.Linear(100, 10)}, path)
    return path.read_bytes()


def many() -> dict[str, Any]:
    """A module whose parameters are all views of one number."""
    layer = torch.nn.Identity()
    wide = torch.ones(1).expand(1000, 1000)
    layer._buffers = {f"b{index}": wide for index in range(100)}  # type: ignore[assignment]
    return {"model": layer}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80\x04.", b"\x80\x04}.", pickle.dumps({"model": 5}), pickle.dumps([1]),
        pickle.dumps({"model": {"a": np.array([object])}}, protocol=4)[:60],
        pickle.dumps({"model": {"a": np.ones(9)}})[:-20],
        b"\x80\x04r\xff\xff\xff\xff.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
    ],
)  # fmt: skip
def test_a_damaged_zoo_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(content)
    with pytest.raises(RepriseError, match="the file is damaged"):
        read_zoo_file(path)


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "task"), NETWORKS)
def test_a_file_of_a_real_training_gives_what_its_own_loader_gives(
    tmp_path: Path, architecture: str, task: str
) -> None:
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.models.yolo.segment import SegmentationTrainer

    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir(parents=True)
        (tmp_path / "labels" / split).mkdir(parents=True)
        for index in range(4):
            pixels = np.full((64, 64, 3), 40 * index, dtype=np.uint8)
            pixels[16:48, 16:48] = 255
            cv2.imwrite(str(tmp_path / "images" / split / f"{index}.png"), pixels)
            outline = "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n"
            (tmp_path / "labels" / split / f"{index}.txt").write_text(outline)
    (tmp_path / "data.yaml").write_text(
        f"path: {tmp_path}\ntrain: images/train\nval: images/val\nnames: [box, car]\n"
    )
    segments = task == "segment"
    kind: Any = SegmentationTrainer if segments else DetectionTrainer
    trainer = kind(
        overrides={
            "model": f"{architecture}n{'-seg' if segments else ''}.yaml",
            "data": str(tmp_path / "data.yaml"), "project": str(tmp_path), "name": "run",
            "imgsz": 64, "epochs": 1, "batch": 4, "device": "cpu", "workers": 0, "amp": False,
            "plots": False, "pretrained": False, "verbose": False,
        }
    )  # fmt: skip
    copies: list[bytes] = []
    # As the trainer saves it while it trains; at its end it strips the file.
    trainer.add_callback("on_model_save", lambda t: copies.append(t.last.read_bytes()))
    trainer.train()
    (tmp_path / "unstripped.pt").write_bytes(copies[-1])
    for path in (trainer.last, tmp_path / "unstripped.pt"):
        read = read_checkpoint(path)
        assert read is not None
        same(read[0], tasks.load_checkpoint(path)[0].state_dict())
        assert read[1] == ["box", "car"]
