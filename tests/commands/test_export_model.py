"""``reprise export-model``, and the exported model behind evaluate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from built_once import built_once
from export.models import make
from reprise.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository_of_a_model(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The current folder: a dataset and a model."""
    made = built_once(tmp_path_factory, "exported-yolo", lambda folder: make(folder, "yolo"))
    shutil.copytree(made / "models", tmp_path / "models")
    shutil.copytree(made / "dataset", tmp_path / "data" / "processed")
    shutil.copy(repository / "params.yaml", tmp_path)
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_exported_model_is_evaluated_as_the_model(
    repository_of_a_model: Path, capsys: Capture
) -> None:
    assert main(["export-model", "onnx"]) == 0
    told = capsys.readouterr().out
    assert "exports/onnx/model.onnx" in told
    assert "compared on 6 images of test" in told
    found = {}
    for backend in ("torch", "onnx"):
        assert main(["evaluate", "--json", "--backend", backend]) == 0
        found[backend] = json.loads(capsys.readouterr().out)["test"]["mAP"]
    assert found["torch"] > 0.9
    assert found["onnx"] == pytest.approx(found["torch"], abs=0.001)


def test_what_cannot_be_done_is_one_message(repository_of_a_model: Path, capsys: Capture) -> None:
    assert main(["evaluate", "--backend", "openvino"]) == 1
    assert "reprise export-model openvino" in capsys.readouterr().err
    assert main(["export-model", "onnx", "--out", "models"]) == 1
    assert "models exists and is not empty" in capsys.readouterr().err
    assert main(["export-model", "onnx", "--weights", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export-model", "coreml"])
    assert "invalid choice: 'coreml'" in capsys.readouterr().err
    assert not (repository_of_a_model / "exports").exists()
