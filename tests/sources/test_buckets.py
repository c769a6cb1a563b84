"""Buckets, on a real S3 server of this machine: archives, folders, broken lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.sources import backends, file_download
from reprise.sources.config import LimitsConfig
from reprise.sources.folders import digest
from sources.servers import BreakingProxy, Place

FILES = {"a/1.png": b"1" * 3000, "a/b/2.png": b"2", "labels.json": b"{}", "ü b.txt": b""}


def upload(s3: Any, files: dict[str, bytes], prefix: str = "data/") -> None:
    for name, content in files.items():
        s3.put_object(Bucket="bucket", Key=prefix + name, Body=content)


@pytest.fixture
def proxy(s3: Any, s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[BreakingProxy]:
    """Stands before the S3 server; connections can be cut after 10 kB."""
    proxy = BreakingProxy(s3_port, bytes_until_break=10_000)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    yield proxy
    proxy.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same files on this machine."""
    for name, content in FILES.items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_bytes(content)
    return tmp_path / "here"


def test_an_archive_in_a_bucket(place: Place, archive: Path, s3: Any) -> None:
    upload(s3, {"data.zip": archive.read_bytes()})
    assert place.get("s3://bucket/data/data.zip", digest(archive)) == ["mine/sub/noise.bin"]


def test_a_folder_in_a_bucket_has_the_digest_of_the_same_folder_here(
    place: Place, folder: Path, s3: Any
) -> None:
    upload(s3, {**FILES, "": b"", ".hidden": b"x", ".git/config": b"x", "empty/": b""})
    expected = [f"mine/{name}" for name in sorted(FILES)]
    for url in ("s3://bucket/data", "s3://bucket/data/"):
        assert place.get(url, digest(folder)) == expected


def test_a_folder_needs_a_sum_and_is_fetched_once(place: Place, folder: Path, s3: Any) -> None:
    upload(s3, FILES)
    assert f"sha256: {digest(folder)}" in place.fail("s3://bucket/data", None)
    s3.delete_object(Bucket="bucket", Key="data/labels.json")
    assert len(place.get("s3://bucket/data", digest(folder))) == len(FILES)
    assert [path.name for path in place.kept()] == [f"{digest(folder)}.tree"]


def test_a_changed_object_is_noticed(place: Place, folder: Path, s3: Any) -> None:
    upload(s3, {**FILES, "labels.json": b"[]"})
    assert "another content" in place.fail("s3://bucket/data", digest(folder))


@pytest.mark.usefixtures("impatient")
def test_an_archive_survives_twenty_breaks(
    place: Place, archive: Path, s3: Any, proxy: BreakingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**14)
    monkeypatch.setattr(file_download, "SMALLEST_BLOCK", 2**14)
    upload(s3, {"data.zip": archive.read_bytes()})
    proxy.breaks, proxy.every = 20, 3
    assert place.get("s3://bucket/data/data.zip", digest(archive)) == ["mine/sub/noise.bin"]
    assert proxy.cut == 20


@pytest.mark.usefixtures("impatient")
def test_a_folder_that_broke_off_goes_on_with_what_is_missing(
    place: Place, s3: Any, proxy: BreakingProxy, tmp_path: Path
) -> None:
    noise = {f"{i}.bin": np.random.default_rng(i).bytes(5_000) for i in range(5)}
    noise["large.bin"] = np.random.default_rng(9).bytes(30_000)
    upload(s3, noise)
    proxy.breaks = 10**6
    message = place.fail("s3://bucket/data", "0" * 64)
    assert "s3://bucket/data/large.bin: gave up" in message
    assert {f.name for f in place.unfinished()[0].iterdir() if f.stat().st_size} >= {"0.bin"}
    proxy.breaks = 0
    for name, content in noise.items():
        (tmp_path / "here").mkdir(exist_ok=True)
        (tmp_path / "here" / name).write_bytes(content)
    assert len(place.get("s3://bucket/data", digest(tmp_path / "here"))) == 6


def test_nobody_listens(place: Place, monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "gave up after 3 failed attempts" in place.fail("s3://bucket/data.zip", "0" * 64)


def test_what_is_not_there(place: Place, s3: Any) -> None:
    upload(s3, {"empty/": b""})
    assert "does not exist" in place.fail("s3://bucket/nothing.zip", "0" * 64)
    assert "404" in place.fail("s3://no-such-bucket/a.zip", "0" * 64)
    assert "holds no files" in place.fail("s3://bucket/data", "0" * 64)


def test_limits_hold_before_anything_is_fetched(place: Place, s3: Any) -> None:
    upload(s3, FILES)
    for limits in (LimitsConfig(max_files=5), LimitsConfig(max_download_gb=0.000003)):
        assert "data.limits.max_" in place.fail("s3://bucket/data", "0" * 64, limits)
    assert place.kept() == []


@pytest.mark.parametrize("name", ["../escaped", "a/../../../escaped", "x" * 300])
def test_hostile_keys_are_refused(place: Place, s3: Any, name: str) -> None:
    upload(s3, {"a.png": b"1", name: b"2"})
    assert "is refused" in place.fail("s3://bucket/data", "0" * 64)
    assert not list(place.root.rglob("escaped"))


def test_a_key_that_is_a_file_and_a_folder_is_refused(place: Place, s3: Any) -> None:
    upload(s3, {"a": b"1", "a/b": b"2"})
    assert "a file and a folder" in place.fail("s3://bucket/data", "0" * 64)


def test_a_missing_package_is_named_with_its_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(backends.importlib, "import_module", missing)
    packages = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "sftp": "paramiko"}
    for scheme, package in packages.items():
        message = place.fail(f"{scheme}://bucket/a.zip", "0" * 64)
        assert f"To fix: pip install {package}" in message
