"""A temporary clone of the repository, with parameters small enough for a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

# Trains something in about half a minute on two cores; good for plumbing, not for metrics.
SMALL = {
    "data.image_size": 96,
    "synthetic.count": 4,
    "training.batch_size": 16,
    "training.epochs": 2,
    "validation.frequency": 1,
    "training.threads": 1,
    "augmentation.close_mosaic_epochs": 1,
    "expectations.max_tiny_boxes": 1.0,
    "machine.workers": 1,
}


def make_clone(repository: Path, folder: Path, **changes: Any) -> Clone:
    """A clone with the working tree's files as its one commit, and small parameters.

    The files come from the index and the working tree, not from HEAD, so that the tests
    judge what is about to be committed.
    """
    listed = _output(repository, "git", "ls-files", "-co", "--exclude-standard")
    for name in listed.splitlines():
        if (repository / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, target)
    # The published lock belongs to the published parameters.
    (folder / "dvc.lock").unlink(missing_ok=True)
    clone = Clone(folder)
    clone.set(**{**SMALL, **changes})
    clone.run("git", "init", "--quiet", "--initial-branch=main")
    clone.commit("small profile")
    return clone


def _output(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


class Clone:
    """A clone and what one does in it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = environment

    def environ(self) -> dict[str, str]:
        """This test's Python first on the path, and nothing of the outer DVC."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DVC_")}
        return {
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GIT_AUTHOR_NAME": "Test",
            "GIT_AUTHOR_EMAIL": "test@example.org",
            "GIT_COMMITTER_NAME": "Test",
            "GIT_COMMITTER_EMAIL": "test@example.org",
            **self.environment,
        }

    def run(
        self, *command: str, check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=self.environ(),
            input=stdin,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """A command in the background, its output in a file."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            env={**self.environ(), "PYTHONUNBUFFERED": "1"},
        )

    def dvc(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "dvc", *arguments, check=check)

    def set(self, **changes: Any) -> None:
        """Write parameters by dotted name, comments kept."""
        yaml = YAML()
        path = self.folder / "params.yaml"
        content = yaml.load(path.read_text())
        for dotted, value in changes.items():
            *parents, key = dotted.split(".")
            section = content
            for parent in parents:
                section = section[parent]
            section[key] = value
        with path.open("w") as file:
            yaml.dump(content, file)

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def copy(self, folder: Path) -> Clone:
        """A second clone in the same state."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Clone(folder, **self.environment)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


def stages_run(output: str) -> list[str]:
    """Names of the stages that a `dvc repro` says it ran, in order."""
    prefix = "Running stage '"
    return [
        line.removeprefix(prefix).split("'")[0]
        for line in output.splitlines()
        if line.startswith(prefix)
    ]
