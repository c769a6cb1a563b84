"""The command line starts at once, and every mistake ends in a sentence that helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from builders import tiny_coco
from reprise.cli import main
from reprise.commands import COMMANDS, check, command_module

PROGRAM = [sys.executable, "-m", "reprise.cli"]


def test_help_lists_every_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for name, meaning in COMMANDS.items():
        assert [line for line in lines if line.startswith(f"{name} ")] == [
            next(line for line in lines if line.endswith(meaning))
        ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: reprise {name}" in capsys.readouterr().out
    assert callable(command_module(name).run)


@pytest.mark.parametrize("words", [[], ["tidy"], ["check"], ["check", "x", "--format", "word"]])
def test_wrong_arguments_end_with_status_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_an_error_is_a_problem_and_a_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ERROR: {tmp_path}/nowhere does not exist.\n  To fix: name a folder")


@pytest.mark.parametrize("words", [["show-batch"], ["export", "coco", "out"]])
def test_outside_a_repository_a_command_says_so(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    assert "not the top folder of a Reprise repository" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_inside_one_the_missing_stage_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").touch()
    assert main(["export", "coco", "out"]) == 1
    assert "dvc repro preprocess" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "ERROR: stopped by hand.\n  To fix: "),
        (PermissionError(13, "Permission denied", "a.png"), 1, "Permission denied (a.png)"),
        (OSError(28, "No space left on device"), 1, "free disk space"),
    ],
)
def test_what_stops_a_command_is_said_without_a_traceback(
    raised: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stopped(options: object) -> int:
        raise raised

    monkeypatch.setattr(check, "run", stopped)
    assert main(["check", "x"]) == status
    assert said in capsys.readouterr().err


def test_starting_imports_nothing_heavy() -> None:
    code = "import sys, reprise.cli; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {"cv2", "dvc", "fsspec", "numpy", "pandas", "PIL", "pydantic", "pyarrow", "torch"}
    assert not heavy & set(done.stdout.split())


def test_the_program_ends_with_the_exit_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "check", str(tmp_path / "nowhere")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: ")
    assert "Traceback" not in done.stderr


def test_a_reader_that_closes_the_pipe_is_no_error(tmp_path: Path) -> None:
    tiny_coco(tmp_path, 2)
    words = [*PROGRAM, "check", str(tmp_path), "--format", "coco"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_names_from_files_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_coco(tmp_path, 2, classes=("cat\x1b[2J",))
    assert main(["check", str(tmp_path), "--format", "coco"]) == 0
    out = capsys.readouterr().out
    assert "cat\ufffd[2J" in out
    assert "\x1b" not in out
