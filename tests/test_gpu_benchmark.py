"""``benchmarks/gpu.py``: what of it can be tried without a GPU and without minutes of training."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from reprise.dataset import write_json
from reprise.models.storage import write_tensors


@pytest.fixture
def gpu(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    spec = importlib.util.spec_from_file_location("gpu", repository / "benchmarks" / "gpu.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu", module)
    spec.loader.exec_module(module)
    return module


def saved(folder: Path, value: float) -> Path:
    for name in ("model", "last"):
        write_tensors(
            folder / f"{name}.safetensors", {"a": torch.ones(2), "b": torch.tensor([0, value])}
        )
    write_json(folder / "model.json", {})
    return folder


def test_two_models_are_compared_byte_by_byte(gpu: ModuleType, tmp_path: Path) -> None:
    one, two = saved(tmp_path / "one", 1.0), saved(tmp_path / "two", 1.0)
    assert gpu.difference(one, two, "") == "the same bytes"
    three = saved(tmp_path / "three", 1.5)
    warning = (
        "UserWarning: grid_sampler_2d_backward_cuda does not have a deterministic implementation"
    )
    assert gpu.difference(one, three, f"{warning}, but\n{warning}, but") == (
        "1 of 2 tensors differ, by at most 0.5; torch names as not deterministic: "
        "grid_sampler_2d_backward_cuda"
    )


def test_a_piece_that_takes_too_long_is_told(gpu: ModuleType, tmp_path: Path) -> None:
    bench = gpu.Bench("cpu", gpu.TINY, tmp_path, gpu.time.monotonic() + 2)
    with pytest.raises(gpu.FailedError, match="the time was over"):
        bench.run([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(gpu.FailedError, match="not run"):
        bench.run([sys.executable, "-c", ""])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/gpu.py"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "no GPU that torch can use: nothing was measured\n"
