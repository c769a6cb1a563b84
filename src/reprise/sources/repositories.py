"""Other Git and DVC repositories at a revision, read through DVC's own file system."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from reprise.errors import RepriseError
from reprise.replacing import remove
from reprise.sources.archives import write_member
from reprise.sources.config import SourceConfig
from reprise.sources.file_download import in_parallel
from reprise.sources.quota import Quota
from reprise.sources.retry import causes
from reprise.sources.safe_names import visible_paths
from reprise.sources.urls import without_queries


@dataclass(frozen=True)
class Snapshot:
    """What was read from a repository.

    Attributes:
        commit: Full hash of the commit that the revision means.
        in_git: Whether every file lies in Git itself, so that the commit fixes the content.
    """

    commit: str
    in_git: bool


def is_repository(url: str) -> bool:
    """Whether a url names a repository."""
    return urlsplit(url).scheme.startswith("git+")


def read_repository(source: SourceConfig, part: Path, quota: Quota) -> Snapshot:
    """Write a file or a folder's visible files at the source's revision.

    Args:
        source: Its url, revision and path.
        part: The file or folder to make; it does not exist.
        quota: Limits on files and bytes, counted down.

    Raises:
        RepriseError: The repository, revision or path does not exist, the repository cannot be
            read, holds links, or is over a limit.
        OSError: ``part`` cannot be written.
    """
    from dvc.api import DVCFileSystem
    from dvc.scm import CloneError

    with _isolated_dvc(part.with_suffix(".clone")):
        filesystem = DVCFileSystem(url=_address(source.url), rev=source.revision)
        try:
            commit = filesystem.repo.get_rev()
            tracked = _write(filesystem, source, part, quota)
        except CloneError as error:
            # DVC says first that something failed, and last what it was.
            raise _failed(source, _text(list(causes(error))[-1])) from None
        except RecursionError:
            raise _failed(source, "its folders are nested too deeply") from None
        except _dvc_errors() as error:
            raise _failed(source, _text(error)) from None
        finally:
            filesystem.close()
    return Snapshot(commit, in_git=not tracked)


def _dvc_errors() -> tuple[type[Exception], ...]:
    """What DVC raises about repositories and remotes; its packages share no base class."""
    import aiohttp
    from dvc.exceptions import DvcException
    from dvc_data.index.index import DataIndexError, StorageError
    from dvc_objects.errors import ObjectDBError, ObjectFormatError
    from dvc_objects.fs.errors import AuthError, ConfigError, RemoteMissingDepsError
    from scmrepo.exceptions import SCMError

    return (
        *(DvcException, DataIndexError, StorageError, ObjectDBError, ObjectFormatError),
        *(AuthError, ConfigError, RemoteMissingDepsError, SCMError, aiohttp.ClientError),
    )


@contextmanager
def _isolated_dvc(folder: Path) -> Iterator[None]:
    """DVC clones, caches and indexes in this folder only, and never prompts for a password."""
    from dvc.repo.open_repo import clean_repos

    remove(folder)
    folder.mkdir()
    settings = {"DVC_SITE_CACHE_DIR": str(folder.resolve()), "GIT_TERMINAL_PROMPT": "0"}
    before = {name: os.environ.get(name) for name in settings}
    temporary = tempfile.tempdir
    os.environ.update(settings)
    tempfile.tempdir = str(folder.resolve())
    try:
        yield
    finally:
        clean_repos()
        tempfile.tempdir = temporary
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        remove(folder)


def _address(url: str) -> str:
    """What DVC calls the repository: a path, or the url without ``git+``."""
    address = url.removeprefix("git+")
    parts = urlsplit(address)
    return url2pathname(parts.path) if parts.scheme == "file" else address


def _write(filesystem: Any, source: SourceConfig, part: Path, quota: Quota) -> bool:
    """Write the files; whether any of them is tracked by DVC."""
    root = "/" + (source.path or "").strip("/")
    _check_imports(filesystem, source, PurePosixPath(root))
    try:
        top = filesystem.info(root)
    except FileNotFoundError:
        raise _failed(source, f"'{source.path}' is not in it") from None
    if top["type"] == "file":
        files = {PurePosixPath(part.name): top}
        folder = part.parent
    else:
        part.mkdir()
        files = _listed(filesystem, root)
        folder = part
    for name, info in files.items():
        _check_links(source, name, info)
    if not files:
        raise _failed(source, f"'{source.path or '/'}' holds no files")

    def write(name: PurePosixPath) -> None:
        try:
            content = filesystem.open(files[name]["name"], "rb")
        except FileNotFoundError:
            raise _failed(source, f"'{name}' is missing from its DVC remote") from None
        with content:
            write_member(content, folder, name, quota)

    in_git = [name for name, info in files.items() if not info.get("dvc_info")]
    tracked = [name for name, info in files.items() if info.get("dvc_info")]
    for name in in_git:
        write(name)
    in_parallel(write, tracked)
    return bool(tracked)


def _check_imports(filesystem: Any, source: SourceConfig, root: PurePosixPath) -> None:
    """DVC would fetch from wherever an import names: any file here, any server in reach."""
    for out in filesystem.repo.index.outs:
        path = PurePosixPath(out.fs_path)
        if not (path.is_relative_to(root) or root.is_relative_to(path)):
            continue
        stored = out.hash_info and not out.stage.is_repo_import
        if out.stage.is_import and not (stored and not out.stage.deps[0].fs.version_aware):
            raise _failed(
                source,
                f"'{path.relative_to('/')}' is imported from elsewhere and not stored in its "
                "DVC remote; name the place it comes from as a source of its own",
            )


def _listed(filesystem: Any, root: str) -> dict[PurePosixPath, dict[str, Any]]:
    prefix = root.rstrip("/") + "/"
    found = filesystem.find(root, detail=True)
    return visible_paths({path.removeprefix(prefix): info for path, info in found.items()})


def _check_links(source: SourceConfig, name: PurePosixPath, info: dict[str, Any]) -> None:
    mode = (info.get("fs_info") or {}).get("mode", stat.S_IFREG)
    if not stat.S_ISREG(mode):
        raise _failed(source, f"'{name}' in it is a link or a submodule")


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__


def _failed(source: SourceConfig, reason: str) -> RepriseError:
    return RepriseError(
        f"{without_queries(source.url)} at {source.revision}: {without_queries(reason)}.",
        "check the url, the revision and the path; a private repository opens through Git's "
        "credential helper or the SSH agent.",
    )
