"""From ``data.sources`` to plain folders: fetched, verified, unpacked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reprise.errors import RepriseError
from reprise.sources.archives import is_archive, unpack
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.folders import copy_folder, digest, remove
from reprise.sources.nested import unpack_nested
from reprise.sources.quota import Quota
from reprise.sources.safe_names import check_name_clashes
from reprise.sources.urls import local_path, without_queries
from reprise.sources.verified_copy import check_sum, verified_copy

# Hidden, so that no reader of labels takes it for one of theirs.
COMMITS = ".commits.json"


def download_all(
    sources: Mapping[str, SourceConfig],
    limits: LimitsConfig,
    out: Path,
    base: Path,
    scratch: Path,
) -> None:
    """Bring every source to ``out/<name>/``: archives unpacked, folders copied.

    ``out/.commits.json`` holds the commit of every source that is a repository.

    Args:
        sources: Name to source, from ``data.sources``.
        limits: Limits of each source, from ``data.limits``.
        out: Folder to write; what it held is removed.
        base: Folder that local paths start from.
        scratch: Folder for downloads: unfinished ones are resumed by the next call, finished
            ones are not fetched again.

    Raises:
        RepriseError: A source is missing, has the wrong SHA-256, is broken, unsafe or over
            a limit, or the disk is full. Then ``out`` does not exist.
    """
    remove(out)
    commits: dict[str, str] = {}
    try:
        out.mkdir(parents=True)
        for name in sorted(sources):
            building = out / f".{name}.partial"
            building.mkdir()
            with error_context(f"data.sources.{name}"):
                commit = _bring(sources[name], limits, building, base, scratch)
            if commit is not None:
                commits[name] = commit
            building.rename(out / name)
        if commits:
            (out / COMMITS).write_text(json.dumps(commits, indent=2) + "\n")
    except BaseException:
        remove(out)
        raise


@contextmanager
def error_context(place: str) -> Iterator[None]:
    """Says in every error what it is about, and keeps the queries of urls out of it."""
    try:
        yield
    except RepriseError as error:
        problem = without_queries(f"{place}: {error.problem}")
        raise RepriseError(problem, without_queries(error.fix)) from None
    except OSError as error:
        raise RepriseError(
            f"{place}: cannot read or write its files ({error.strerror}).",
            "free disk space or correct the permissions, then run again; a download goes on "
            "where it stopped.",
        ) from None


def _bring(
    source: SourceConfig, limits: LimitsConfig, folder: Path, base: Path, scratch: Path
) -> str | None:
    """Fill a source's folder; the commit that its content comes from, of a repository."""
    local = local_path(source.url, base)
    if local is not None:
        _check_local(source, local)
        _fill(folder, local, source, limits)
        return None
    with verified_copy(source, limits, scratch) as got:
        _fill(folder, got.path, source, limits)
        return got.commit


def _check_local(source: SourceConfig, local: Path) -> None:
    if not local.exists():
        raise RepriseError(
            f"'{source.url}' does not exist.",
            "correct the url; local paths start from the repository's top folder.",
        )
    if local.is_file() or source.sha256 is not None:
        check_sum(source, digest(local))


def _fill(folder: Path, path: Path, source: SourceConfig, limits: LimitsConfig) -> None:
    """Write a source's files, from a file or folder on this machine."""
    quota = Quota(limits.max_files, int(limits.max_unpacked_gb * 1e9))
    if path.is_dir():
        copy_folder(path, folder, quota)
    elif source.path is not None and not is_archive(path):
        # One plain file of a repository: labels whose images are another source's.
        quota.count_file(source.path)
        quota.count_bytes(source.path, path.stat().st_size)
        shutil.copyfile(path, folder / source.path.rstrip("/").rsplit("/", 1)[-1])
    else:
        unpack(path, folder, quota)
    unpack_nested(folder, quota)
    check_name_clashes(folder)
