"""The record of a run: times, speed, machine and output, one folder a run."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reprise.errors import RepriseError
from reprise.runs import record
from reprise.runs.config import RunConfig
from reprise.runs.record import RunRecord, find_record, machine_facts, recorded

MEASURED = {"seconds": 2.0, "images_per_second": 30.0, "peak_memory_gib": 1.5}
START = datetime(2026, 11, 29, 17, tzinfo=UTC)


class Clock:
    """Stands for ``datetime``; each call is a minute later."""

    minutes = -1

    @classmethod
    def now(cls, zone: Any) -> datetime:
        assert zone is UTC
        cls.minutes += 1
        return START + timedelta(minutes=cls.minutes)

    fromisoformat = datetime.fromisoformat


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "minutes", -1)
    monkeypatch.setattr(record, "datetime", Clock)


def open_(logs: Path, key: str = "k", **named: Any) -> Any:
    return recorded(logs, key, RunConfig(**named), "yolo-nano", machine_facts())


def model(folder: Path, text: str = "{}") -> Path:
    path = folder / "model.json"
    path.write_text(text)
    return path


def rows(run: RunRecord) -> list[dict[str, str]]:
    with (run.folder / "training_log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_epoch_is_a_row_with_its_time_and_speed(tmp_path: Path) -> None:
    with open_(tmp_path) as run:
        run.begin([])
        run.add({"epoch": 1, "train/loss": 2.0}, MEASURED)
        run.add({"epoch": 2, "train/loss": 1.0, "val/mAP50": 0.5}, MEASURED)
        first, second = rows(run)
    assert (first["epoch"], first["train/loss"], first["val/mAP50"]) == ("1", "2.0", "")
    assert (second["val/mAP50"], second["images_per_second"]) == ("0.5", "30.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", second["time"])
    assert run.facts["peak_memory_gib"] == 1.5


def test_what_is_printed_is_logged_with_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RepriseError, match="no more"), open_(tmp_path) as run:
        print("epoch 1/2", end="")
        print("  loss 3")
        raise RepriseError("no more memory", "buy some")
    assert "epoch 1/2  loss 3\n" in capsys.readouterr().out
    log = (run.folder / "train.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d ", line) for line in log)
    assert [line[20:] for line in log][1] == "epoch 1/2  loss 3"
    assert "no more memory" in log[2]


@pytest.mark.usefixtures("clock")
def test_a_killed_run_goes_on_in_its_record_and_its_pause_is_not_counted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_(tmp_path, name="first try!") as run:
        run.begin([])
        run.add({"epoch": 1, "train/loss": 2.0}, MEASURED)
        run.add({"epoch": 2, "train/loss": 1.5}, MEASURED)
        raise KeyboardInterrupt
    before = run.hours
    assert before > 0
    Clock.minutes += 600
    # Its last checkpoint was of epoch 1: the second is trained again.
    with open_(tmp_path, name="first try!") as again:
        again.begin([{"epoch": 1, "train/loss": 2.0}])
        again.add({"epoch": 2, "train/loss": 1.25}, MEASURED | {"seconds": 9.0})
        again.end_with(model(tmp_path))
    assert again.folder == run.folder
    assert run.folder.name == "20261129T170100Z_first-try"
    assert [(row["epoch"], row["train/loss"], row["seconds"]) for row in rows(again)] == [
        *(("1", "2.0", "2.0"), ("2", "1.25", "9.0")),
    ]
    assert before < again.hours < before + 1
    assert len(again.facts["sessions"]) == 2


def test_a_run_that_ended_is_found_by_its_model_and_never_continued(tmp_path: Path) -> None:
    logs, description = tmp_path / "logs", model(tmp_path)
    found = []
    for _ in range(2):
        with open_(logs) as run:
            run.begin([])
            run.add({"epoch": 1}, MEASURED)
            run.end_with(description)
        found.append(run.folder)
    assert found[0] != found[1]
    latest = find_record(logs, description)
    assert latest is not None
    assert latest.folder == found[1]
    assert find_record(logs, model(tmp_path, '{"other": 1}')) is None
    assert find_record(tmp_path / "none", description) is None


def test_another_run_has_a_record_of_its_own(tmp_path: Path) -> None:
    folders = []
    for key in ("a", "b"):
        with pytest.raises(KeyboardInterrupt), open_(tmp_path, key) as run:
            raise KeyboardInterrupt
        folders.append(run.folder)
    assert folders[0] != folders[1]


def test_the_name_is_the_run_s_or_dvc_s_or_the_network_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    with open_(tmp_path) as run:
        assert run.facts["name"] == "yolo-nano"
    monkeypatch.setenv("DVC_EXP_NAME", "soggy-tofu")
    with open_(tmp_path, "b") as run:
        assert run.facts["name"] == "soggy-tofu"
    with open_(tmp_path, "c", name="../../etc", tags=["night"]) as run:
        assert run.facts["name"] == "../../etc"
        assert run.facts["tags"] == ["night"]
    assert run.folder.parent == tmp_path
    assert json.loads((run.folder / "run.json").read_text())["hardware"]["cores"] > 0


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "logs" / "20261129T170000Z_x"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(text)
    with pytest.raises(RepriseError, match=r"run\.json is not") as caught:
        find_record(tmp_path / "logs", model(tmp_path))
    assert "remove the folder" in caught.value.fix
