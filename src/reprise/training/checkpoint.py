"""Checkpoints that can only ever be resumed by the run that wrote them.

They lie outside DVC's outs, in the stage's scratch area, in a folder named by a digest of
everything that decides the result: parameters, dataset, code and library versions. Change
any of them, and there is no checkpoint to resume.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from reprise.errors import RepriseError
from reprise.models.storage import UNREADABLE, write_tensors
from reprise.replacing import replacing_file

KEPT_FOLDERS = 5


def run_key(parts: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of everything that decides the result."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Checkpoints:
    """The checkpoint of one run, and what is kept for its end; see :func:`open_checkpoints`."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key
        self._path = folder / "checkpoint.pt"

    def save(self, state: dict[str, Any]) -> None:
        """Write the state; a crash at any moment leaves the old or the new one, whole."""
        _write(self._path, {"key": self._key, "state": state})

    def load(self) -> dict[str, Any] | None:
        """The state to go on from, or None; a damaged or foreign file is set aside."""
        if not self._path.exists():
            return None
        try:
            content = torch.load(self._path, map_location="cpu", weights_only=True)
            if content["key"] == self._key:
                state: dict[str, Any] = content["state"]
                return state
            reason = "it belongs to another run"
        except UNREADABLE as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        aside = self._path.with_suffix(".unreadable")
        self._path.replace(aside)
        print(f"checkpoint not used ({reason}); kept as {aside.name}, starting from epoch 1")
        return None

    def keep_weights(self, name: str, weights: dict[str, torch.Tensor]) -> None:
        """Put weights aside until the run ends.

        Raises:
            RepriseError: The disk is full, or the folder cannot be written.
        """
        write_tensors(self._folder / "kept" / f"{name}.safetensors", weights)

    def keep_state(self, name: str, state: dict[str, Any]) -> None:
        """Put a state aside until the run ends; it is not bound to the run, as a checkpoint is.

        Raises:
            RepriseError: The disk is full, or the folder cannot be written.
        """
        _write(self._folder / "kept" / f"{name}.pt", _rebuilt(state))

    def hand_over(self, folder: Path) -> None:
        """Move what was put aside into the model's folder."""
        kept = self._folder / "kept"
        for path in sorted([*kept.glob("*.safetensors"), *kept.glob("*.pt")]):
            shutil.move(path, folder / path.name)

    def remove(self) -> None:
        """Forget the run: it ended, and its result is in the outs."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _rebuilt(value: Any) -> Any:
    """The same, of new containers and interned texts.

    A pickle tells which of its objects are one and the same, and that differs between a run that
    was resumed and one that was not.
    """
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {_rebuilt(key): _rebuilt(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_rebuilt(entry) for entry in value)
    return value


def _write(path: Path, content: dict[str, Any]) -> None:
    """A crash at any moment leaves the old or the new file, whole."""
    try:
        with replacing_file(path, durable=True) as partial, partial.open("wb") as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError of its zip writer.
        raise RepriseError(
            f"the checkpoint could not be written to {path.parent}: {error}",
            "free disk space and run dvc repro again; it goes on from the last checkpoint.",
        ) from None


@contextmanager
def open_checkpoints(scratch: Path, key: str, lock: bool = True) -> Iterator[Checkpoints]:
    """The checkpoints of a run, locked against a second process with the same key.

    Args:
        scratch: Where runs keep their checkpoints.
        key: Of the run.
        lock: False for the further processes of the run that holds the lock.

    Raises:
        RepriseError: Another process is training exactly this.
    """
    folder = scratch / key[:16]
    scratch.mkdir(parents=True, exist_ok=True)
    if not lock:
        yield Checkpoints(folder, key)
        return
    # The lock files stay: removing one that another process has just opened would let two
    # of them hold "the" lock.
    with (scratch / f"{key[:16]}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RepriseError(
                "another process is training with the same data, parameters and code.",
                "wait for it, or stop it; DVC then takes its result from the cache.",
            ) from None
        _prune(scratch, keep=folder)
        folder.mkdir(exist_ok=True)
        yield Checkpoints(folder, key)


def _prune(scratch: Path, keep: Path) -> None:
    """Drop the oldest abandoned runs, so that the scratch area does not grow for ever."""
    folders = sorted(
        (path for path in scratch.iterdir() if path.is_dir() and path != keep),
        key=lambda path: path.stat().st_mtime,
    )
    for folder in folders[: max(0, len(folders) - KEPT_FOLDERS)]:
        with (scratch / f"{folder.name}.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # still training
            shutil.rmtree(folder, ignore_errors=True)
