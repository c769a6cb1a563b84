"""A source as DVC keeps it: one tar file, because 50,000 small files are slow to track.

``data/raw/<source>.tar`` holds the files, and ``data/raw/<source>.json`` counts them and has
their digest. :mod:`reprise.sources.unpack` gives them back.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from pathlib import Path

from reprise.errors import RepriseError
from reprise.sources.folders import digest


def pack_source(folder: Path, sha256: str, raw: Path, source: str) -> None:
    """Write ``<source>.tar`` and ``<source>.json``; the same files give the same bytes.

    Args:
        folder: The files; only regular ones, at paths that are safe to write.
        sha256: Of the folder's paths and contents, hexadecimal.
        raw: Folder to write to.
        source: Name of the source.
    """
    files = sorted(
        (Path(where, name) for where, _, names in os.walk(folder) for name in names),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    size = 0
    with tarfile.TarFile(raw / f"{source}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for path in files:
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size = path.stat().st_size
            size += info.size
            with path.open("rb") as file:
                tar.addfile(info, file)
    content = {"files": len(files), "bytes": size, "sha256": sha256}
    (raw / f"{source}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def pack_sources(raw: Path) -> None:
    """Turn each source's folder in ``raw`` into its tar file.

    Raises:
        RepriseError: The disk is full. Then ``raw`` does not exist.
    """
    try:
        for folder in sorted(path for path in raw.iterdir() if path.is_dir()):
            pack_source(folder, digest(folder), raw, folder.name)
            shutil.rmtree(folder)
    except OSError as error:
        shutil.rmtree(raw, ignore_errors=True)
        raise RepriseError(
            f"the sources cannot be packed: {error.strerror or error}.",
            "free disk space, then run again; nothing is downloaded twice.",
        ) from None
