"""Whole pipelines in temporary clones: the promises that the README makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest
import yaml

from built_once import built_once
from pipeline.clone import Clone, make_clone, stages_run
from pipeline.killing import kill_in_epoch_two, stage_processes
from pipeline.test_declared import load_stages

ORDER = [
    "download", "weights", "synthesize", "preprocess", "validate", "train", "predict", "evaluate",
    "report",
]  # fmt: skip
# Seen by every Python process of a pipeline: notes what would leave its declared outs.
SPY = """
import os, sys
def watch():
    log = os.open(os.environ["SPY_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    def hook(event, args):
        if event == "socket.getaddrinfo":
            line = f"{event} {args!r}"
        elif event == "socket.connect" and not isinstance(args[1], (str, bytes)):
            line = f"{event} {args[1]!r}"
        elif event == "open" and isinstance(args[0], str):
            mode, flags = args[1] or "", args[2] or 0
            if not set(mode) & set("wax+") and not flags & (os.O_WRONLY | os.O_RDWR):
                return
            line = f"write {os.path.abspath(args[0])}"
        else:
            return
        os.write(log, (line + chr(10)).encode())
    sys.addaudithook(hook)
if any("stages/" in part or "multiprocessing" in part for part in sys.orig_argv):
    watch()
"""


@pytest.fixture(scope="session")
def finished(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the small profile has run once, spied on, with an empty home.

    All tests, in whatever process, share it: they read it, or work in a copy of it.
    """
    root = built_once(tmp_path_factory, "finished", partial(run_once, repository))
    return Clone(root / "clone")


def run_once(repository: Path, root: Path) -> None:
    """Make the clone ``root / "clone"`` and run its pipeline."""
    clone = make_clone(repository, root / "clone")
    (root / "spy").mkdir()
    (root / "spy" / "sitecustomize.py").write_text(SPY)
    (root / "home").mkdir()
    clone.environment = {
        "PYTHONPATH": str(root / "spy"),
        "SPY_LOG": str(root / "spy.log"),
        "HOME": str(root / "home"),
    }
    (root / "home" / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
    done = clone.dvc("repro")
    clone.environment = {}
    (root / "repro.log").write_text(done.stdout + done.stderr)
    clone.commit("small profile, run")


def log_of(finished: Clone, name: str) -> str:
    return (finished.folder.parent / name).read_text()


def test_one_command_runs_the_whole_pipeline(finished: Clone) -> None:
    assert stages_run(log_of(finished, "repro.log")) == ORDER
    metrics = json.loads(finished.read("reports/evaluation/metrics.json"))
    assert 0 <= metrics["test"]["mAP50"] <= 1
    assert b"<html" in finished.read("reports/report.html")[:2000]


def test_a_second_repro_runs_nothing(finished: Clone, tmp_path: Path) -> None:
    done = finished.copy(tmp_path / "clone").dvc("repro")
    assert stages_run(done.stdout) == []
    assert "up to date" in done.stdout


def test_no_stage_opens_a_socket(finished: Clone) -> None:
    lines = log_of(finished, "spy.log").splitlines()
    assert lines, "the spy saw nothing: it did not run"
    assert [line for line in lines if not line.startswith("write ")] == []


def test_no_stage_writes_beside_its_outs(finished: Clone) -> None:
    stages = load_stages(finished.folder)
    outs = [
        next(iter(out)) if isinstance(out, dict) else out
        for stage in stages.values()
        for out in stage["outs"]
    ]
    temporary = tempfile.gettempdir()
    stray = set()
    for line in log_of(finished, "spy.log").splitlines():
        path = line.removeprefix("write ")
        # tempfile tries whether the folder is writable; ultralytics is locked into one of ours.
        probe = str(Path(path).parent) == temporary or path.startswith(f"{temporary}/reprise-")
        if not line.startswith("write ") or probe or path.startswith("/dev/"):
            continue
        inside = os.path.relpath(path, finished.folder)
        parts = [inside.replace("/.", "/").removesuffix(".partial"), inside]
        allowed = inside.startswith((".dvc/tmp/", "logs/")) or "__pycache__" in inside
        if not allowed and not any(p.startswith(out) for p in parts for out in outs):
            stray.add(inside)
    assert stray == set()


def test_the_run_is_recorded_beside_the_outs(finished: Clone) -> None:
    (record,) = (finished.folder / "logs").glob("*/run.json")
    files = {path.name for path in record.parent.iterdir()}
    assert {"train.log", "training_log.csv", "training_results.json", "report.html"} <= files
    results = json.loads((record.parent / "training_results.json").read_text())
    metrics = json.loads(finished.read("reports/evaluation/metrics.json"))
    assert results["results"]["test_mAP"] == metrics["test"]["mAP"]
    assert results["training"]["total_time_hours"] > 0
    stages = (finished.folder / "logs" / "stages.csv").read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in stages] == ORDER


def test_the_home_folder_is_left_alone(finished: Clone) -> None:
    home = finished.folder.parent / "home"
    # DVC keeps its own site cache there; Reprise's stages must add nothing.
    written = [line for line in log_of(finished, "spy.log").splitlines() if str(home) in line]
    assert written == []


def expected_reruns() -> dict[str, list[str]]:
    """Parameter -> stages, from the table in docs/parameters.md: the docs are the test."""
    docs = Path(__file__).resolve().parents[2] / "docs" / "reruns.md"
    rows = [line.split("|")[1:-1] for line in docs.read_text().splitlines() if line[:3] == "| `"]
    return {row[0].strip(" `"): row[1].split() for row in rows}


# Reads {parameter: content of params.yaml}; prints {parameter: stages that `dvc status` names}.
STATUS = """
import json, sys
from pathlib import Path
from dvc.repo import Repo
found = {}
for parameter, content in json.load(sys.stdin).items():
    Path("params.yaml").write_text(content)
    found[parameter] = list(Repo(".").status())
print(json.dumps(found))
"""


def test_a_parameter_reruns_the_stages_in_the_table(finished: Clone, tmp_path: Path) -> None:
    """What `dvc status` says has changed, and all that is downstream of it."""
    clone = finished.copy(tmp_path / "clone")
    declared = load_stages(clone.folder)
    expected = expected_reruns()
    contents = {}
    for parameter in expected:
        before = clone.read("params.yaml")
        clone.set(**{parameter: changed_value(clone, parameter)})
        contents[parameter] = clone.read("params.yaml").decode()
        (clone.folder / "params.yaml").write_bytes(before)
    printed = clone.run(sys.executable, "-c", STATUS, stdin=json.dumps(contents)).stdout
    changed = json.loads(printed.splitlines()[-1])
    found = {name: downstream(declared, set(stages)) for name, stages in changed.items()}
    assert found == expected


def changed_value(clone: Clone, parameter: str) -> object:
    value = yaml.safe_load((clone.folder / "params.yaml").read_text())
    for key in parameter.split("."):
        value = value[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}-other"


def downstream(stages: dict, changed: set[str]) -> list[str]:
    """The changed stages and every stage that reads an out of theirs, in pipeline order."""
    made = {
        next(iter(out)) if isinstance(out, dict) else out: name
        for name, stage in stages.items()
        for out in stage["outs"]
    }
    reached = set(changed)
    for name in ORDER:
        # passed.json, which training waits for, is the same for every dataset that passes.
        if any(made.get(dep) in reached for dep in stages[name]["deps"]):
            reached.add(name)
    return [name for name in ORDER if name in reached]


def test_evaluate_gives_the_stage_s_numbers_and_leaves_the_run_as_it_is(finished: Clone) -> None:
    told = finished.run(sys.executable, "-m", "reprise.cli", "evaluate", "--json").stdout
    assert json.loads(told) == json.loads(finished.read("reports/evaluation/metrics.json"))
    assert "up to date" in finished.dvc("status").stdout
    assert not finished.run("git", "status", "--porcelain").stdout


def test_an_experiment_reruns_training_and_what_follows(finished: Clone, tmp_path: Path) -> None:
    clone = finished.copy(tmp_path / "clone")
    done = clone.dvc("exp", "run", "-S", "training.learning_rate=1e-5")
    assert stages_run(done.stdout) == ["train", "predict", "evaluate", "report"]
    description = json.loads(clone.read("models/model.json"))
    assert description["parameters"]["training"]["learning_rate"] == 1e-5
    shown = clone.dvc("exp", "show", "--csv").stdout
    assert "reports/evaluation/metrics.json" in shown or "mAP50" in shown
    assert "mAP50" in clone.dvc("metrics", "diff", "HEAD").stdout
    # Back to the committed parameters: the run-cache gives the old result at once.
    clone.run("git", "checkout", "--", "params.yaml")
    again = clone.dvc("repro")
    assert "train" not in stages_run(again.stdout)
    assert clone.read("dvc.lock") == finished.read("dvc.lock")


def test_a_looser_gate_does_not_train_again(finished: Clone, tmp_path: Path) -> None:
    clone = finished.copy(tmp_path / "clone")
    clone.set(**{"expectations.max_rejected": 0.5})
    assert stages_run(clone.dvc("repro").stdout) == ["validate", "report"]


def test_two_clones_agree_though_one_was_killed_in_mid_training(
    finished: Clone, repository: Path, tmp_path: Path
) -> None:
    """And its other number of workers changes nothing either."""
    other = make_clone(repository, tmp_path / "other", **{"machine.workers": 2})
    kill_in_epoch_two(other, tmp_path / "killed.log")
    assert not (other.folder / "models" / "model.json").exists()
    done = other.dvc("repro")
    assert stages_run(done.stdout)[0] == "train"
    assert "resumed: epoch 2" in done.stdout
    assert other.read("dvc.lock") == finished.read("dvc.lock")


def test_killing_dvc_alone_ends_the_stage_too(finished: Clone, tmp_path: Path) -> None:
    clone = finished.copy(tmp_path / "clone")
    # DVC starts a stage through it. Unlike bash, dash stays as the stage's parent unless told to
    # exec; containers and CI often have no SHELL, which means dash on Debian.
    clone.environment["SHELL"] = "/bin/sh"
    clone.set(**{"training.seed": 5, "training.epochs": 50})
    log = tmp_path / "log"
    process = clone.start(sys.executable, "-m", "dvc", "repro", log=log)
    deadline = time.monotonic() + 300
    while "epoch 1/" not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    process.kill()
    process.wait()
    # A killed process ends only once the disk has taken what it was writing: its checkpoint.
    deadline = time.monotonic() + 60
    while stage_processes(clone.folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    left = stage_processes(clone.folder)
    assert left == [], [Path(f"/proc/{pid}/status").read_text()[:400] for pid in left]


@pytest.mark.parametrize("name", ["download", "synthesize", "preprocess", "validate", "evaluate"])
def test_light_stages_never_import_torch(finished: Clone, tmp_path: Path, name: str) -> None:
    clone = finished.copy(tmp_path / "clone")
    probe = (
        "import runpy, sys\nsys.argv = [sys.argv[1]]\nsys.path.insert(0, 'stages')\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: sys.exit(7 if 'torch' in sys.modules else 0)\n"
    )
    done = clone.run(sys.executable, "-c", probe, f"stages/{name}.py", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changes", "stage", "message"),
    [
        ({"data.sources.gui_screens.sha256": "0" * 64}, "download", "expected sha256"),
        ({"data.classes": ["button"]}, "preprocess", "text_input"),
        ({"data.split.group_by": ["template", "look", "theme"]}, "preprocess", "split"),
        ({"expectations.min_boxes_per_class.train": 100000}, "validate", "button"),
    ],
)
def test_a_bad_dataset_stops_before_training(
    finished: Clone, tmp_path: Path, changes: dict, stage: str, message: str
) -> None:
    clone = finished.copy(tmp_path / "clone")
    clone.set(**changes)
    done = clone.dvc("repro", check=False)
    assert done.returncode != 0
    assert "train" not in stages_run(done.stdout)
    assert stages_run(done.stdout)[-1] == stage
    assert "ERROR" in done.stderr and message in done.stderr
    assert "To fix:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_parameter_that_does_not_exist_stops_at_once(finished: Clone, tmp_path: Path) -> None:
    clone = finished.copy(tmp_path / "clone")
    clone.set(**{"training.learning_rat": 0.1})
    done = clone.dvc("repro", check=False)
    assert done.returncode != 0
    assert "did you mean 'learning_rate'" in done.stderr


def test_the_run_leaves_git_clean_but_for_its_results(finished: Clone) -> None:
    done = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=finished.folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == ""


def test_an_export_is_a_stage_of_its_own_once_it_is_asked_for(
    finished: Clone, tmp_path: Path
) -> None:
    clone = finished.copy(tmp_path / "clone")
    clone.set(**{"export.formats": ["onnx"]})
    assert stages_run(clone.dvc("repro").stdout) == ["export@onnx"]
    account = json.loads(clone.read("exports/onnx/export.json"))
    assert abs(account["torch"]["mAP"] - account["exported"]["mAP"]) <= 0.001
    assert stages_run(clone.dvc("repro").stdout) == []
    # The command writes the same bytes to the same place, which is no change.
    before = clone.read("exports/onnx/model.onnx")
    clone.run(sys.executable, "-m", "reprise.cli", "export-model", "onnx")
    assert clone.read("exports/onnx/model.onnx") == before
    assert "up to date" in clone.dvc("status").stdout
