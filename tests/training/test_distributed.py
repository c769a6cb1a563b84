"""Two processes as one: the same result, one writer, and a restart that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from built_once import built_once
from datasets import shapes_dataset
from reprise.distributed import Distributed, init_distributed
from reprise.errors import RepriseError
from reprise.training.launch import launch

SCRIPT = Path(__file__).parent / "ddp_script.py"
# Its batch norms stand still and its loss is a mean over images, so that shares of a batch
# add up to the batch to the last digits of a float.
FROZEN = {
    "model": {"type": "multilabel", "freeze": "backbone"},
    "training": {
        # 3 batches of 5, 5 and 2 images: shares of unequal size.
        "epochs": 2, "batch_size": 5, "checkpoint_epochs": 1, "optimizer": "sgd",
        "learning_rate": 0.05, "early_stopping": {"metric": "mAP"},
    },
    "validation": {"metrics": ["mAP", "f1"]},
    "augmentation": {"mosaic": 0.0, "mixup": 0.0},
}  # fmt: skip
STEADY = FROZEN["training"] | {"learning_rate": 0.01, "scheduler": {"warmup_epochs": 0}}
# Every proposal is trained on: one more or less would move all that are drawn after it.
FIRST_STAGE = {"max_proposals": 2000, "sampled_proposals": 4096, "nms_iou_threshold": 0.5}
NETWORKS: dict[str, dict[str, Any]] = {
    "labels": {"type": "multilabel"},
    "yolo boxes": {"type": "yolo"},
    "yolo masks with two heads": {"type": "yolo", "architecture": "yolo26", "task": "segment"},
    "faster_rcnn": {"type": "faster_rcnn", "first_stage": FIRST_STAGE},
    "mask_rcnn": {"type": "mask_rcnn", "first_stage": FIRST_STAGE},
    "sam": {"type": "sam"},
    "detectron2": {"type": "detectron2", "architecture": "mask_rcnn", "first_stage": FIRST_STAGE},
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(tmp_path_factory, "distributed-shapes", shapes_dataset)


@pytest.fixture(scope="module")
def trained_by_two(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes train; the tests that compare with it only read it."""
    name = "trained-by-two"
    root = built_once(tmp_path_factory, name, lambda root: run(dataset, root / "run", 2))
    return root / "run"


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of one shape: what pads them would differ between shares."""
    return shapes_dataset(tmp_path_factory.mktemp("squares"), masks=True, square=True)


def run(dataset: Path, folder: Path, processes: int, **changes: Any) -> Path:
    arguments = [str(SCRIPT), str(dataset), str(folder), json.dumps({**FROZEN, **changes})]
    elastic = ["-m", "torch.distributed.run", "--standalone", "--max-restarts", "1"]
    command = [*elastic, "--nproc-per-node", str(processes)] if processes > 1 else []
    done = subprocess.run(
        [sys.executable, *command, *arguments],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def farthest(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> float:
    return max(float((some[n].double() - others[n].double()).abs().max()) for n in some)


def first_losses(folder: Path) -> dict[str, float]:
    """Each part's in the first epoch, as DVCLive logged it."""
    rows = {path.stem: path.read_text().splitlines()[1] for path in folder.glob("*.tsv")}
    return {name: float(row.split("\t")[1]) for name, row in rows.items()}


def test_two_processes_train_what_one_does(
    dataset: Path, trained_by_two: Path, tmp_path: Path
) -> None:
    one, two = run(dataset, tmp_path / "one", 1), trained_by_two
    weights, again = (load_file(f / "models/last.safetensors") for f in (one, two))
    assert weights.keys() == again.keys()
    for name, tensor in weights.items():
        assert torch.allclose(tensor.float(), again[name].float(), atol=1e-6), name
    logged, same = (json.loads((f / "reports/metrics.json").read_text()) for f in (one, two))
    assert logged["train"]["loss"] == pytest.approx(same["train"]["loss"], rel=1e-5)
    assert logged["val"] == pytest.approx(same["val"], abs=1e-4)
    # One process speaks, and one writes.
    assert (two / "said.txt").read_text().count("epoch 2/2") == 1
    assert "in 2 processes" in (two / "said.txt").read_text()


@pytest.mark.parametrize(
    ("name", "accumulated"),
    [
        ("labels", 1), ("yolo masks with two heads", 1), ("faster_rcnn", 1), ("sam", 1),
        ("detectron2", 1),
        # More of what the cases above compare: `make test-slow`.
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("labels", 2), ("yolo boxes", 1), ("yolo boxes", 2), ("mask_rcnn", 1),
                ("mask_rcnn", 2),
            )
        ),
    ],
)  # fmt: skip
def test_two_processes_take_the_steps_of_one_in_every_family(
    squares: Path, tmp_path: Path, name: str, accumulated: int
) -> None:
    if name == "detectron2":
        pytest.importorskip("detectron2", reason="Detectron2 is optional, and not installed")
    if name == "sam":
        pytest.importorskip("transformers", reason="pip install -e .[sam]")
    steps = STEADY | {"gradient_accumulation_steps": accumulated}
    one, two = (
        run(squares, tmp_path / str(n), n, model=NETWORKS[name], training=steps, steady=True)
        for n in (1, 2)
    )
    # Of the first epoch: once a choice between two nearly equal proposals has gone the other
    # way, they part.
    weights, again = (load_file(f / "models/epoch-0001.safetensors") for f in (one, two))
    later = load_file(one / "models/last.safetensors")
    assert weights.keys() == again.keys() == later.keys()
    assert farthest(weights, again) < 2e-6
    assert farthest(weights, later) > 1e-4
    losses = [first_losses(folder / "reports/plots/metrics/train") for folder in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_processes_that_die_are_started_again_and_go_on(
    dataset: Path, trained_by_two: Path, tmp_path: Path
) -> None:
    broken = run(dataset, tmp_path / "broken", 2, die=True)
    assert "resumed: epoch 2" in (broken / "said.txt").read_text()
    name = "models/last.safetensors"
    assert (broken / name).read_bytes() == (trained_by_two / name).read_bytes()


def test_a_torchrun_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(RepriseError, match="started 3 processes"):
        launch(2, threads=1, work=lambda: None)


def test_a_world_size_without_torchrun_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with init_distributed(torch.device("cpu")) as processes:
        assert processes == Distributed()


def start(work: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT.with_name("started_script.py")), work],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=_heed_interrupts,
    )  # fmt: skip


def _heed_interrupts() -> None:
    """As at a terminal: a shell starts what runs in its background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_what_a_person_can_put_right_is_told_once_and_not_tried_again() -> None:
    said, complained = start("refuse").communicate(timeout=120)
    assert said.count("refused: it is wrong.\n  To fix: put it right.") == 1
    # A process may end the other before that has begun.
    assert said.count("works") in (1, 2)
    assert "Traceback" not in complained


def test_a_process_that_dies_again_and_again_is_given_up_in_a_sentence() -> None:
    said, complained = start("break").communicate(timeout=120)
    assert "refused: a process of the training died with status 1" in said
    # Its own traceback is shown, and none of what started it.
    assert "ZeroDivisionError" in complained
    assert "ChildFailedError" not in complained


def test_stopping_by_hand_shows_no_traceback() -> None:
    started = start("wait")
    assert started.stdout is not None
    assert started.stdout.read(5) == "waits"
    os.killpg(started.pid, signal.SIGINT)
    said, complained = started.communicate(timeout=60)
    assert "stopped" in said
    assert "Traceback" not in complained
