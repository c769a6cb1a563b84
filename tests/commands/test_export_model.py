"""``reprise export-model``, and the exported model behind predict and evaluate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pytest

from built_once import built_once
from export.models import make
from reprise.cli import main
from reprise.dataset import Dataset

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository_of_a_model(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The current folder: a dataset, a model and one of its pictures."""
    made = built_once(tmp_path_factory, "exported-yolo", lambda folder: make(folder, "yolo"))
    shutil.copytree(made / "models", tmp_path / "models")
    shutil.copytree(made / "dataset", tmp_path / "data" / "processed")
    shutil.copy(repository / "params.yaml", tmp_path)
    (tmp_path / "dvc.yaml").touch()
    data = Dataset(tmp_path / "data" / "processed")
    first = data.split("test").iloc[0]
    pixels = data.pixels(first["shard"], first["offset"], first["length"])
    cv2.imwrite(str(tmp_path / "picture.png"), pixels[..., ::-1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_exported_model_predicts_and_is_evaluated_as_the_model(
    repository_of_a_model: Path, capsys: Capture
) -> None:
    assert main(["export-model", "onnx"]) == 0
    told = capsys.readouterr().out
    assert "exports/onnx/model.onnx" in told
    assert "compared on 6 images of test" in told
    found = {}
    for backend in ("torch", "onnx"):
        assert main(["predict", "picture.png", "--threshold", "0.3", "--backend", backend]) == 0
        printed = capsys.readouterr().out
        assert main(["evaluate", "--json", "--backend", backend]) == 0
        found[backend] = (printed, json.loads(capsys.readouterr().out)["test"]["mAP"])
    assert found["torch"][1] > 0.9
    assert found["onnx"][1] == pytest.approx(found["torch"][1], abs=0.001)
    assert "square" in found["torch"][0] or "disc" in found["torch"][0]
    # The scores that are printed have two digits.
    assert found["onnx"][0] == found["torch"][0]


def test_what_cannot_be_done_is_one_message(repository_of_a_model: Path, capsys: Capture) -> None:
    assert main(["predict", "picture.png", "--backend", "openvino"]) == 1
    assert "reprise export-model openvino" in capsys.readouterr().err
    assert main(["export-model", "onnx", "--out", "models"]) == 1
    assert "models exists and is not empty" in capsys.readouterr().err
    assert main(["export-model", "onnx", "--weights", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export-model", "coreml"])
    assert "invalid choice: 'coreml'" in capsys.readouterr().err
    assert not (repository_of_a_model / "exports").exists()
