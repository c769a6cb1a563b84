"""What ``reprise init`` was given, as a folder to read and an entry for ``data.sources``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reprise.commands.check import packed_archives, source_name
from reprise.errors import RepriseError
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import error_context, fill_folder
from reprise.sources.repositories import is_repository
from reprise.sources.source_entry import shown_url
from reprise.sources.urls import file_name, local_path
from reprise.sources.verified_copy import verified_copy


@dataclass(frozen=True)
class OpenSource:
    """A source that can be read.

    Attributes:
        name: For ``data.sources``.
        folder: Its files, as the pipeline would find them; there while the caller holds it.
        entry: Its entry, without the format.
        notes: What was decided in unpacking it.
    """

    name: str
    folder: Path
    entry: dict[str, str]
    notes: list[str]


@contextmanager
def opened(url: str, taken: set[str], limits: LimitsConfig, scratch: Path) -> Iterator[OpenSource]:
    """Open a path or URL; an archive is unpacked for the time being.

    Args:
        url: As the person wrote it; a path starts from the current folder, the repository's top.
        taken: Names that other sources have.
        limits: ``data.limits``.
        scratch: The download stage's folder for downloads, so that it need not fetch again.

    Raises:
        RepriseError: It is missing, broken, over a limit, or part of the pipeline itself.
    """
    local = local_path(url, Path())
    if local is not None:
        _check_place(local)
        name = local.resolve().name
    else:
        name = file_name(url)
    entry = {"url": url if local is None or "://" in url else _written(local)}
    if is_repository(url):
        entry["revision"] = "HEAD"
    try:
        source = SourceConfig.model_validate(entry)
    except ValidationError as error:
        reasons = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise RepriseError(f"{url} cannot be used: {reasons}.", "correct it.") from None
    folder = local is not None and local.is_dir()
    with (
        error_context(shown_url(url)),
        verified_copy(source, limits, Path(), scratch, pinning=not folder) as copy,
    ):
        if copy.commit is not None:
            entry["revision"] = copy.commit
        if copy.sha256 is not None:
            entry["sha256"] = copy.sha256
        entry["url"] = shown_url(entry["url"])
        free = _free_name(source_name(name), taken)
        if folder and not packed_archives(copy.path):
            yield OpenSource(free, copy.path, entry, [])
            return
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="init-", dir=scratch.parent) as unpacked:
            notes = fill_folder(Path(unpacked), copy.path, source, limits)
            yield OpenSource(free, Path(unpacked), entry, notes)


def _written(path: Path) -> str:
    """A path as params.yaml has it: from the repository's top inside it, else as it was given."""
    absolute, here = path.resolve(), Path.cwd().resolve()
    return (absolute.relative_to(here) if absolute.is_relative_to(here) else path).as_posix()


def _free_name(name: str, taken: set[str]) -> str:
    names = (name, *(f"{name[:38]}_{number}" for number in range(2, len(taken) + 3)))
    return next(one for one in names if one not in taken)


def _check_place(path: Path) -> None:
    """Check that the pipeline would not read itself, or what it writes."""
    absolute, here = path.resolve(), Path.cwd().resolve()
    if here.is_relative_to(absolute):
        raise RepriseError(
            f"{path} is this repository, or a folder around it.",
            "name the folder or archive that holds the images.",
        )
    for out in _outs():
        place = here / out
        if absolute.is_relative_to(place) or place.is_relative_to(absolute):
            raise RepriseError(
                f"{path} is, or holds, {out}, which the pipeline writes.",
                "keep your images in a folder of their own, best outside the repository.",
            )


def _outs() -> list[str]:
    from ruamel.yaml import YAML

    stages: dict[str, Any] = YAML(typ="safe", pure=True).load(Path("dvc.yaml"))["stages"]
    outs = [out for stage in stages.values() for out in stage.get("outs", ())]
    return [out if isinstance(out, str) else next(iter(out)) for out in outs]
