"""``reprise weights`` lists what there is, and first what fits params.yaml."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reprise.cli import main
from reprise.weights.published import PUBLISHED

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def params(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The published parameters in the current folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(repository / "params.yaml", tmp_path))


def test_outside_a_repository_it_lists_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["weights"]) == 0
    printed = capsys.readouterr().out
    for one in PUBLISHED:
        row = next(
            line
            for line in printed.splitlines()
            if line.split()[:4]
            == [one.network.family, one.network.architecture, one.network.task, one.name]
        )
        assert f"{one.network.variant} {one.megabytes:.0f}" in row
        assert one.licence in row
    assert "fits" not in printed


def test_of_one_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["weights", "sam"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert {row.split()[0] for row in rows} == {"sam"}
    assert main(["weights", "yollo"]) == 1
    assert "there is no model.type 'yollo'" in capsys.readouterr().err


@pytest.mark.usefixtures("params")
def test_what_fits_comes_first(capsys: Capture) -> None:
    assert main(["weights"]) == 0
    head = capsys.readouterr().out.split("\n\n")[0]
    assert "params.yaml: yolo11 nano to detect, model.weights.yolo: screens" in head
    assert "model.weights.yolo: coco" in head
    assert "releases/download/v8.4.0/yolo11n.pt" in head
    assert "for the embedded data alone" in head


def test_weights_that_do_not_fit_are_what_one_comes_to_replace(
    params: Path, capsys: Capture
) -> None:
    params.write_text(params.read_text().replace("variant: nano", "variant: large"))
    assert main(["weights", "yolo"]) == 0
    assert "yolo11l.pt" in capsys.readouterr().out.split("\n\n")[0]


def test_a_misspelt_name_is_said_below_the_list(params: Path, capsys: Capture) -> None:
    params.write_text(params.read_text().replace("yolo: screens", "yolo: coc"))
    assert main(["weights"]) == 1
    out, err = capsys.readouterr()
    assert "AGPL-3.0" in out
    assert "did you mean yolo: coco?" in err
