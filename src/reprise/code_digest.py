"""Which code decides a stage's bytes: what dvc.yaml lists as its dependencies.

Caches that a stage keeps outside DVC (checkpoints, finished images, parsed labels) are keyed by
this digest, so that they go stale exactly when DVC would run the stage again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def stage_deps(stage: str, repository: Path = REPOSITORY) -> list[str]:
    """The ``deps`` of a stage in ``dvc.yaml``: posix paths from the repository's top folder."""
    text = (repository / "dvc.yaml").read_text(encoding="utf-8")
    deps: list[str] = yaml.safe_load(text)["stages"][stage]["deps"]
    return deps


def code_digest(stage: str, repository: Path = REPOSITORY) -> str:
    """SHA-256 over the names and contents of the code files among a stage's ``deps``.

    Args:
        stage: A stage of ``dvc.yaml``.
        repository: The checkout whose code runs.

    Returns:
        64 hexadecimal digits, the same on every machine.
    """
    files: set[Path] = set()
    for dep in stage_deps(stage, repository):
        if dep.startswith(("src/", "stages/")):
            path = repository / dep
            files |= {path} if path.is_file() else set(path.rglob("*"))
    digest = hashlib.sha256()
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(repository).as_posix()} {content}\n".encode())
    return digest.hexdigest()
