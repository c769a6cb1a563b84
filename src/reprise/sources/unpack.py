"""The files of a source, unpacked in the scratch area once for each content."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reprise.errors import RepriseError

_FIX = "write it again: dvc repro --force download; or bring it back: dvc checkout --force"


def unpack_source(raw: Path, source: str, scratch: Path) -> Path:
    """A folder with the files of a source, unpacked now or by an earlier run.

    Args:
        raw: Holds what :mod:`reprise.sources.download` wrote.
        source: Name of the source.
        scratch: Folder for unpacked sources; it may be deleted at any time. Older contents
            of this source are removed from it.

    Raises:
        RepriseError: The source is absent or damaged, or the disk is full.
    """
    try:
        content = json.loads((raw / f"{source}.json").read_text(encoding="utf-8"))
        name = f"{source}-{content['sha256'][:16]}"
        expected = int(content["files"])
    except FileNotFoundError:
        raise RepriseError(
            f"source '{source}' has not been downloaded.", "run: dvc repro download"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise RepriseError(f"{raw}/{source}.json is damaged.", _FIX) from None
    folder = scratch / name
    if folder.is_dir():
        return folder
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        # Not replacing_folder: runs at the same time would write to one partial folder.
        with tempfile.TemporaryDirectory(dir=scratch, prefix=f".{name}.") as temporary:
            building = Path(temporary) / name
            _extract(raw / f"{source}.tar", building, expected)
            for old in scratch.glob(f"{source}-*"):
                if old.name[len(source) + 1 :].isalnum():
                    shutil.rmtree(old, ignore_errors=True)
            building.rename(folder)
    except OSError as error:
        # Another run may have been faster: then its folder is as good.
        if not folder.is_dir():
            raise RepriseError(
                f"source '{source}' cannot be unpacked: {error.strerror or error}.",
                "free disk space or correct the permissions, then run again.",
            ) from None
    return folder


def unpack_sources(raw: Path, sources: Mapping[str, object], scratch: Path) -> dict[str, Path]:
    """:func:`unpack_source` for each source, by name."""
    return {source: unpack_source(raw, source, scratch) for source in sorted(sources)}


def _extract(archive: Path, folder: Path, expected: int) -> None:
    folder.mkdir()
    try:
        with tarfile.TarFile(archive) as tar:
            # Written by this project, and still treated as untrusted.
            tar.extractall(folder, filter="data")
            found = len(tar.getmembers())
    except (tarfile.TarError, EOFError) as error:
        raise RepriseError(f"{archive} is damaged: {error}.", _FIX) from None
    if found != expected:
        raise RepriseError(f"{archive} holds {found} files instead of {expected}.", _FIX)
