"""Real datasets: what `reprise init` writes for them passes every check and the gate, unedited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.clone import make_clone
from reprise.cli import main


@dataclass(frozen=True)
class Case:
    """Datasets that are named together, and what has to be chosen for them."""

    folders: tuple[str, ...]
    format: str
    family: str
    task: str
    group_by: list[str] | None  # None: the published split
    flips: tuple[float, float]


CASES = (
    Case(("bccd_voc",), "voc", "yolo", "auto", None, (0.5, 0.5)),
    Case(("gui_sketch2code",), "customvision", "yolo", "auto", ["design_id"], (0.0, 0.0)),
    Case(("nuclei_dsb2018",), "instance_masks", "yolo", "segment", [], (0.5, 0.5)),
    # Its label_masks say more, and are mostly specks.
    Case(("road_cracks_potholes",), "coco", "yolo", "segment", [], (0.5, 0.0)),
    Case(("coco_polygons_car_tree_bug",), "coco", "yolo", "segment", None, (0.5, 0.0)),
    # One of its classes is an arrow.
    Case(("eval_small_polygons",), "coco", "yolo", "segment", [], (0.0, 0.0)),
    # Two screens alone do not fill three splits.
    Case(("gui_screens_labelme", "bccd_voc"), "labelme", "yolo", "auto", [], (0.0, 0.0)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folders[0])
def test_what_is_chosen(
    case: Case,
    repository: Path,
    shared_datasets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((repository / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(["init", *(str(shared_datasets / name) for name in case.folders)]) == 0
    found: Any = YAML(typ="safe", pure=True).load(Path("params.yaml"))
    data, flips = found["data"], found["augmentation"]
    assert data["sources"][case.folders[0]]["format"] == case.format
    assert (found["model"]["type"], found["model"]["task"]) == (case.family, case.task)
    assert found["model"]["weights"] == {case.family: "coco"}
    given = None if data["split"] == "source" else data["split"]["group_by"]
    assert given == case.group_by
    assert (flips["flip_horizontal"], flips["flip_vertical"]) == case.flips


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folders[0])
def test_the_gate_passes_with_nothing_edited(
    case: Case, repository: Path, shared_datasets: Path, tmp_path: Path
) -> None:
    clone = make_clone(repository, tmp_path / "clone")
    (clone.folder / "params.yaml").write_bytes((repository / "params.yaml").read_bytes())
    folders = [str(shared_datasets / name) for name in case.folders]
    clone.run("reprise", "init", *folders, "--weights", "none")
    clone.dvc("repro", "validate")
    assert (clone.folder / "reports/validation/passed.json").is_file()
