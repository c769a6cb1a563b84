"""From a url to a verified file or folder here: local, cached, resumed, or downloaded."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reprise.errors import RepriseError
from reprise.replacing import remove, replacing_file
from reprise.sources.archives import require_archive
from reprise.sources.backends import Connection, backend
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download_cache import DownloadCache
from reprise.sources.file_download import (
    discard,
    discard_if_stale,
    download_file,
    download_folder,
    progress_bar,
    remote_info,
)
from reprise.sources.folders import digest
from reprise.sources.quota import OverLimitError, Quota
from reprise.sources.repositories import Snapshot, is_repository, read_repository
from reprise.sources.urls import local_path, without_queries


class OtherContentError(RepriseError):
    """A file or folder has another digest than the one that is stated."""


@dataclass(frozen=True)
class VerifiedCopy:
    """A local copy of what a source names.

    Attributes:
        path: A file or a folder; a downloaded one is only there while the caller holds it.
        sha256: Its digest; None of a local folder that states none.
        commit: The commit it comes from, of a repository.
    """

    path: Path
    sha256: str | None
    commit: str | None = None


@contextmanager
def verified_copy(
    source: SourceConfig,
    limits: LimitsConfig,
    base: Path,
    scratch: Path,
    *,
    pinning: bool = False,
    check_file: Callable[[Path], object] | None = None,
) -> Iterator[VerifiedCopy]:
    """A verified local copy, downloaded unless it is local or an earlier run has left it.

    A downloaded copy that the caller refuses with a RepriseError is removed from the cache.

    Args:
        source: Where it comes from.
        limits: Limits of the download and of the cache.
        base: Folder that local paths start from.
        scratch: Folder of the cache, unfinished downloads included.
        pinning: Take the content as it is, to find its digest.
        check_file: Given, the url must name a single file, which this function refuses with a
            RepriseError; else it names an archive, a folder or a repository.

    Raises:
        RepriseError: The source is missing, too large, has another SHA-256 than expected, or
            none is expected although its content could change.
        OSError: ``scratch`` cannot be written.
    """
    local = local_path(source.url, base)
    if local is not None:
        yield _local_copy(source, local, pinning, check_file)
        return
    cache = DownloadCache(scratch)
    with ExitStack() as locks:
        download = _Download(source, limits, cache, locks, check_file)
        locks.enter_context(cache.locked(_key(source)))
        copy = (None if pinning else download.find()) or download.run(pinning)
        try:
            yield copy
        except OverLimitError:
            raise  # with a higher limit, nothing is downloaded again
        except RepriseError:
            remove(copy.path)
            raise
    cache.trim(int(limits.keep_downloads_gb * 1e9))


def _local_copy(
    source: SourceConfig,
    local: Path,
    pinning: bool,
    check_file: Callable[[Path], object] | None,
) -> VerifiedCopy:
    if not (local.is_file() if check_file else local.exists()):
        raise RepriseError(
            f"'{source.url}' {'is not a file' if check_file else 'does not exist'}.",
            "correct the url; local paths start from the repository's top folder.",
        )
    if pinning:
        if local.is_file():
            (check_file or require_archive)(local)
        return VerifiedCopy(local, digest(local))
    if local.is_dir() and source.sha256 is None:
        return VerifiedCopy(local, None)
    found = digest(local)
    _check_sum(source, found)
    return VerifiedCopy(local, found)


def _check_sum(source: SourceConfig, found: str) -> None:
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
        raise OtherContentError(
            f"'{shown}' has another content than expected:\n"
            f"    expected sha256 {source.sha256}\n    found    sha256 {found}",
            "find out why it changed; if the new content is right, paste the found sha256.",
        )


@dataclass
class _Download:
    """One source on its way into the cache; the caller holds the lock of its key."""

    source: SourceConfig
    limits: LimitsConfig
    cache: DownloadCache
    locks: ExitStack
    check_file: Callable[[Path], object] | None

    def find(self) -> VerifiedCopy | None:
        """What an earlier run left in the cache of this source."""
        source = self.source
        snapshot, recorded = _read_record(self.cache, _key(source))
        sha256 = source.sha256 or (recorded if _is_fixed(source, snapshot) else None)
        if sha256 is None or (is_repository(source.url) and recorded != sha256):
            return None
        with ExitStack() as attempt:
            attempt.enter_context(self.cache.locked(sha256))
            path = self.cache.find(sha256)
            if path is None:
                return None
            self.locks.enter_context(attempt.pop_all())
            return VerifiedCopy(path, sha256, snapshot.commit if snapshot else None)

    def run(self, pinning: bool) -> VerifiedCopy:
        """Download, verify and cache the source."""
        source, part = self.source, self.cache.unfinished(_key(self.source))
        resumed = part.exists()
        snapshot = self._download(part)
        found = digest(part)
        if resumed and source.sha256 not in (None, found):
            # It may have changed on the server between the two attempts.
            discard(part)
            snapshot = self._download(part)
            found = digest(part)
        try:
            if part.is_file() and snapshot is None:
                (self.check_file or require_archive)(part)
            if source.sha256 is not None:
                _check_sum(source, found)
        except RepriseError:
            discard(part)
            raise
        # Cached before a missing sum is reported: once it is pasted, nothing is fetched again.
        self.locks.enter_context(self.cache.locked(found))
        path = self.cache.keep(part, found)
        discard(part)
        if snapshot is not None:
            _write_record(self.cache, source, snapshot, found)
        if source.sha256 is None and not _is_fixed(source, snapshot) and not pinning:
            _check_sum(source, found)
        return VerifiedCopy(path, found, snapshot.commit if snapshot else None)

    def _download(self, part: Path) -> Snapshot | None:
        """Fill ``part``; of a repository, say what was read."""
        url, verified = self.source.url, self.source.sha256 is not None
        max_bytes = int(self.limits.max_download_gb * 1e9)
        quota = Quota(self.limits.max_files, max_bytes, "data.limits.max_download_gb")
        if is_repository(url):
            remove(part)
            return read_repository(self.source, part, quota)
        connection = Connection(backend(url))
        remote = remote_info(url, connection)
        if part.exists() and part.is_dir() != (remote is None):
            discard(part)
        if remote is not None:
            discard_if_stale(part, remote.stamp, verified)
            with progress_bar(url, remote.size) as bar:
                download_file(url, connection, remote, part, max_bytes, bar)
        elif connection.backend.folders and self.check_file is None:
            download_folder(url, connection, part, quota, verified)
        else:
            raise RepriseError(
                f"{without_queries(url)} is a folder.",
                "name the file in it; a folder of images can be packed into an archive.",
            )
        return None


def _key(source: SourceConfig) -> str:
    named = "\n".join([source.url, source.revision or "", source.path or ""])
    return hashlib.sha256(named.encode("utf-8")).hexdigest()[:16]


def _is_fixed(source: SourceConfig, snapshot: Snapshot | None) -> bool:
    """Whether a repository can never give anything else at the source's revision."""
    return snapshot is not None and snapshot.in_git and snapshot.commit == source.revision


def _write_record(
    cache: DownloadCache, source: SourceConfig, snapshot: Snapshot, sha256: str
) -> None:
    """Note what a repository gave, also under the commit that a person may paste now."""
    for revision in (source.revision, snapshot.commit):
        fixed = "fixed" if snapshot.in_git and revision == snapshot.commit else "moving"
        key = _key(source.model_copy(update={"revision": revision}))
        with replacing_file(cache.folder / f"{key}.commit") as record:
            record.write_text(f"{snapshot.commit} {sha256} {fixed}")
    if snapshot.commit != source.revision:
        print(f"{source.revision} is commit {snapshot.commit}", file=sys.stderr)


def _read_record(cache: DownloadCache, key: str) -> tuple[Snapshot | None, str | None]:
    """What was noted of a repository, and the digest of what it gave."""
    record = cache.folder / f"{key}.commit"
    text = record.read_text(errors="replace") if record.exists() else ""
    match = re.fullmatch("([0-9a-f]{40,64}) ([0-9a-f]{64}) (fixed|moving)", text)
    return (Snapshot(match[1], match[3] == "fixed"), match[2]) if match else (None, None)
