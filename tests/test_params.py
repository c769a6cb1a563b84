"""params.yaml: typed, checked at once, and explained in the words of the file."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reprise import params
from reprise.errors import RepriseError

# As it was published: a person's own edits of params.yaml are none of these tests' business.
PUBLISHED = Path(__file__).parent / "params.yaml"


def edited(folder: Path, old: str, new: str) -> Path:
    text = PUBLISHED.read_text()
    assert old in text
    path = folder / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  learning_rate:", "  learning_rat:", "training.learning_rat: unknown parameter; did"),
        ("  patience: 4", "  patiance: 4", r"did you mean 'patience'"),
        ("training:\n", "trainin:\n", "trainin: unknown parameter; did you mean 'training'"),
        ("epochs: 24", "epochs: 0", "training.epochs: .*greater than or equal to 1"),
        ("epochs: 24", "epochs: many", r"training.epochs: .*integer.* \(got 'many'\)"),
        ("optimizer: adamw", "optimizer: adamax", "training.optimizer: .*'adam', 'adamw' or"),
        ("train: 0.7", "train: 0.9", "data.split: train, val and test must sum to 1"),
        ("image_size: 288", "image_size: 300", "data.image_size: .*multiple of 32"),
        ("warmup_epochs: 1", "warmup_epochs: 99", "warmup_epochs 99.0 is longer than the run"),
        ("format: coco", "format: cocoo", "format: .*'coco'"),
        ("  gui_screens:", "  my data:", r"data.sources: a source's name has small.*'my data'\)"),
        ("sha256: 13aa", "sha256: XY", r"gui_screens.sha256: Input should be 64 digits 0-9"),
        ("generator: gui", "generator: gu", "synthetic.generator: .*'gui', .*'none', or a list"),
        ("generator: gui", "generator: [gu]", r"generator.0: .*'gui', .*'none' \(got 'gu'\)"),
        ("count: 60", "count: {gui: -1}", "synthetic.count.gui: .*greater than or equal to 0"),
        ("score_threshold: auto", "score_threshold: 2", "score_threshold: .*'auto', or .*than or"),
        ("classes: all", "classes: cat", r"data.classes: .*a list, or 'all' \(got 'cat'"),
        ("classes: all", "classes: [1]", "data.classes.0: Input should be text; write it in quo"),
        (
            "group_by:\n      - template\n      - look",
            "group_by: patient",
            r"group_by: .* a list, such as \[patient\] \(got",
        ),
        ("training:\n  ep", "training: 3\nx:\n  ep", "training: Input should be a section with "),
    ],
)
def test_a_bad_parameter_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RepriseError, match=message):
        params.load(edited(tmp_path, old, new))


def test_no_message_speaks_of_pydantics_own_types(tmp_path: Path) -> None:
    path = edited(tmp_path, "generator: gui", "generator: {a: 1}")
    text = path.read_text().replace("weights:\n", "weights: 3\n  seeds:\n")
    path.write_text(text.replace("classes: all", "classes: {}"))
    with pytest.raises(RepriseError, match=r"(?s)model\.weights: .*data\.classes: ") as caught:
        params.load(path)
    assert not re.search(r"\w+\[|\bconstrained|function-", caught.value.problem)


@pytest.mark.parametrize("written", ["3e-4", "1e-5", "1e-05", "0.00001", "1.0E-5"])
def test_scientific_notation_is_a_number(tmp_path: Path, written: str) -> None:
    """DVC writes 0.00001 as 1e-05, which YAML 1.1 reads as text."""
    path = edited(tmp_path, "learning_rate: 0.002", f"learning_rate: {written}")
    assert params.load(path).training.learning_rate == float(written)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(RepriseError, match="does not exist"):
        params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ["training: [", "- a\n- b\n", "", "\tx: 1"])
def test_what_is_not_parameters_is_one_message(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(RepriseError, match=r"not valid YAML|holds no sections"):
        params.load(path)


def test_a_bad_parameter_fails_in_under_a_second(repository: Path, tmp_path: Path) -> None:
    """No heavy library is imported to say so; the time itself is in benchmarks/stages.py."""
    path = edited(tmp_path, "epochs: 24", "epochs: -1")
    code = (
        "import sys\nfrom reprise import params\nfrom reprise.errors import RepriseError\n"
        f"try: params.load({str(path)!r})\nexcept RepriseError: pass\nelse: sys.exit(3)\n"
        "heavy = {'torch', 'pandas', 'numpy', 'cv2', 'great_expectations', 'ultralytics'}\n"
        "sys.exit(4 if heavy & sys.modules.keys() else 0)\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(repository / "src")}, check=False
    )
    assert done.returncode == 0
    assert time.monotonic() - started < 60  # hangs, not speed


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "label_smoothing: 0.0",
            "label_smoothing: 0.3",
            "not support training.label_smoothing",
        ),
        ("architecture: auto", "architecture: yolo3", "model.architecture: yolo has no yolo3"),
        ("task: auto", "task: classify", "model.task: yolo cannot classify"),
        ("metric: mAP50", "metric: exact_match", "is not measured when model.type yolo"),
        ("formats: []", "formats: [coreml]", "export.formats.0: Input should be 'onnx'"),
    ],
)
def test_the_check_refuses_what_the_family_cannot_do_before_there_is_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], old: str, new: str, told: str,
) -> None:  # fmt: skip
    edited(tmp_path, old, new)
    monkeypatch.chdir(tmp_path)
    assert params.main(["--check"]) == 1
    assert told in capsys.readouterr().err


def test_every_parameter_has_a_description() -> None:
    def undescribed(schema: dict, where: str) -> list[str]:
        missing = []
        for name, entry in schema.get("properties", {}).items():
            if "description" not in entry and "$ref" not in entry:
                missing.append(f"{where}.{name}")
        return missing

    whole = params.schema().model_json_schema()
    definitions = whole["$defs"]
    assert [m for name, d in definitions.items() for m in undescribed(d, name)] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("variant: nano", "variant: small", "there are no 'screens' weights of yolo11 small"),
        ("architecture: auto", "architecture: yolov8", "of yolov8 nano to detect"),
        ("task: auto", "task: segment", "of yolo11 nano to segment"),
        ("url: data/seed/gui-screens.zip", "url: ../cells", "data.sources names ../cells"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_the_line_to_write(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    """Also as a file with its checksum, which the published parameters of these tests name."""
    with pytest.raises(RepriseError) as caught:
        params.load(edited(tmp_path, old, new))
    assert told in caught.value.problem
    assert "write model.weights.yolo: coco, or model.weights.yolo: none" in caught.value.fix


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("coc0", "did you mean yolo: coco?"),
        ("imagenet", "no published weights of yolo are called 'imagenet'"),
        ("https://example.org/a.pt", "a URL needs its checksum"),
        ("3", "Input should be text; write it in quotes"),
    ],
)
def test_a_name_that_is_none_is_refused(tmp_path: Path, entry: str, told: str) -> None:
    text = PUBLISHED.read_text()
    start, end = text.index("    yolo:\n"), text.index("  freeze:")
    path = tmp_path / "params.yaml"
    path.write_text(f"{text[:start]}    yolo: {entry}\n{text[end:]}")
    with pytest.raises(RepriseError, match=re.escape(told)):
        params.load(path)


def test_a_weights_file_of_another_network_is_refused_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    torch.save({"a": torch.ones(1)}, tmp_path / "mine.pt")
    text = PUBLISHED.read_text()
    start, end = text.index("    yolo:\n"), text.index("  freeze:")
    (tmp_path / "params.yaml").write_text(f"{text[:start]}    yolo: ./mine.pt\n{text[end:]}")
    monkeypatch.chdir(tmp_path)
    assert params.main(["--check"]) == 1
    assert "these are the weights of another network" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.pt", "params.yaml"]
