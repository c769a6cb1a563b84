"""From a remote url to a verified local file or folder: kept, resumed, or fetched."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reprise.errors import RepriseError
from reprise.sources.archives import require_archive
from reprise.sources.backends import Connection, backend
from reprise.sources.buckets import fetch_folder
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download_cache import DownloadCache
from reprise.sources.file_download import describe, fetch, progress, resume_or_restart, stamp_file
from reprise.sources.folders import digest, remove
from reprise.sources.quota import OverLimitError, Quota
from reprise.sources.repositories import Fetched, fetch_from_repository, is_repository
from reprise.sources.urls import without_queries


@dataclass(frozen=True)
class VerifiedCopy:
    """A local copy of what a source names.

    Attributes:
        path: A file or a folder; it is only there while the caller holds it.
        sha256: Its digest.
        commit: The commit it comes from, of a repository.
    """

    path: Path
    sha256: str
    commit: str | None


@contextmanager
def verified_copy(
    source: SourceConfig, limits: LimitsConfig, scratch: Path, pinning: bool = False
) -> Iterator[VerifiedCopy]:
    """A verified local copy, fetched unless an earlier run kept it.

    A copy that the caller refuses with a RepriseError is not kept.

    Args:
        source: A source whose url is no local path.
        limits: Limits of the download and of what is kept.
        scratch: Folder for unfinished and kept downloads.
        pinning: Take the content as it is, to find its digest.

    Raises:
        RepriseError: The source is missing, too large, has another SHA-256 than expected, or
            none is expected although its content could change.
        OSError: ``scratch`` cannot be written.
    """
    cache = DownloadCache(scratch)
    key = _key(source)
    with ExitStack() as locks:
        locks.enter_context(cache.locked(key))
        got = _find(cache, key, source, locks) if not pinning else None
        if got is None:
            got = _fetch(cache, key, source, limits, locks, pinning)
        try:
            yield got
        except OverLimitError:
            raise  # with a higher limit, nothing is fetched again
        except RepriseError:
            remove(got.path)
            raise
    cache.trim(int(limits.keep_downloads_gb * 1e9))


def check_sum(source: SourceConfig, found: str) -> None:
    """Compare a digest with the one that the source states.

    Raises:
        RepriseError: They differ, or none is stated; the message holds the line to paste.
    """
    shown = without_queries(source.url)
    if source.sha256 is None:
        raise RepriseError(
            "its sha256 is missing, so that nobody could tell when the content changes.",
            f"if you trust '{shown}' as it is now, add the line  sha256: {found}",
        )
    if found != source.sha256:
        raise RepriseError(
            f"'{shown}' has another content than expected:\n"
            f"    expected sha256 {source.sha256}\n    found    sha256 {found}",
            "find out why it changed; if the new content is right, paste the found sha256.",
        )


def _key(source: SourceConfig) -> str:
    named = "\n".join([source.url, source.revision or "", source.path or ""])
    return hashlib.sha256(named.encode("utf-8")).hexdigest()[:16]


def _find(
    cache: DownloadCache, key: str, source: SourceConfig, locks: ExitStack
) -> VerifiedCopy | None:
    """What an earlier run kept of this source."""
    record = _recorded(cache, key)
    sha256 = source.sha256 or (record.sha256 if record and record.fixed else None)
    if sha256 is None or (is_repository(source.url) and (not record or record.sha256 != sha256)):
        return None
    with ExitStack() as attempt:
        attempt.enter_context(cache.locked(sha256))
        path = cache.find(sha256)
        if path is None:
            return None
        locks.enter_context(attempt.pop_all())
        return VerifiedCopy(path, sha256, record.commit if record else None)


def _fetch(
    cache: DownloadCache,
    key: str,
    source: SourceConfig,
    limits: LimitsConfig,
    locks: ExitStack,
    pinning: bool,
) -> VerifiedCopy:
    part = cache.unfinished(key)
    resumed = part.exists()
    fetched = _download(source, part, limits)
    found = digest(part)
    if resumed and source.sha256 not in (None, found):
        # It may have changed on the server between the two attempts.
        _forget(part)
        fetched = _download(source, part, limits)
        found = digest(part)
    try:
        if part.is_file() and not is_repository(source.url):
            require_archive(part)
        if source.sha256 is not None:
            check_sum(source, found)
    except RepriseError:
        _forget(part)
        raise
    # Kept before a missing sum is reported: once it is pasted, nothing is fetched again.
    locks.enter_context(cache.locked(found))
    path = cache.keep(part, found)
    _forget(part)
    fixed = fetched is not None and fetched.in_git and fetched.commit == source.revision
    if fetched is not None:
        _record(cache, source, fetched, found)
    if source.sha256 is None and not fixed and not pinning:
        check_sum(source, found)
    return VerifiedCopy(path, found, fetched.commit if fetched else None)


def _download(source: SourceConfig, part: Path, limits: LimitsConfig) -> Fetched | None:
    max_bytes = int(limits.max_download_gb * 1e9)
    quota = Quota(limits.max_files, max_bytes, "data.limits.max_download_gb")
    if is_repository(source.url):
        remove(part)
        return fetch_from_repository(source, part, quota)
    verified = source.sha256 is not None
    connection = Connection(backend(source.url))
    remote = describe(source.url, connection)
    if part.exists() and part.is_dir() != (remote is None):
        _forget(part)
    if remote is not None:
        resume_or_restart(part, remote.stamp, verified)
        with progress(source.url, remote.size) as bar:
            fetch(source.url, connection, remote, part, max_bytes, bar)
    elif connection.backend.folders:
        fetch_folder(source.url, connection, part, quota, verified)
    else:
        raise RepriseError(
            f"{without_queries(source.url)} is a folder.", "pack it into an archive and name that."
        )
    return None


def _forget(part: Path) -> None:
    remove(part)
    remove(stamp_file(part))


@dataclass(frozen=True)
class _Record:
    """What a repository gave at a revision; ``fixed`` when it can never give anything else."""

    commit: str
    sha256: str
    fixed: bool


def _record(cache: DownloadCache, source: SourceConfig, fetched: Fetched, found: str) -> None:
    """Note what a repository gave, also under the commit that a person may paste now."""
    for revision in (source.revision, fetched.commit):
        fixed = "fixed" if fetched.in_git and revision == fetched.commit else "moving"
        record = _record_file(cache, _key(source.model_copy(update={"revision": revision})))
        new = record.with_suffix(".new")
        new.write_text(f"{fetched.commit} {found} {fixed}")
        new.replace(record)
    if fetched.commit != source.revision:
        print(f"{source.revision} is commit {fetched.commit}", file=sys.stderr)


def _recorded(cache: DownloadCache, key: str) -> _Record | None:
    record = _record_file(cache, key)
    text = record.read_text(errors="replace") if record.exists() else ""
    match = re.fullmatch("([0-9a-f]{40,64}) ([0-9a-f]{64}) (fixed|moving)", text)
    return _Record(match[1], match[2], match[3] == "fixed") if match else None


def _record_file(cache: DownloadCache, key: str) -> Path:
    return cache.folder / f"{key}.commit"
