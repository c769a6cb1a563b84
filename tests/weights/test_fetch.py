"""The weights that training starts from arrive whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from reprise.errors import RepriseError
from reprise.sources import file_download
from reprise.sources.config import LimitsConfig
from reprise.weights.config import WeightsConfig
from reprise.weights.fetch import Folders, fetch_weights
from reprise.weights.published import Network
from sources.servers import Serve

# The bytes that a safetensors file without tensors begins with, and noise behind them.
CONTENT = (2).to_bytes(8, "little") + b"{}" + np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()

Bring = Callable[..., dict[str, Any]]


@pytest.fixture
def bring(tmp_path: Path) -> Bring:
    """The stage, in ``tmp_path``; gives the description that it wrote."""

    def stage(
        url: str | None, sha256: str = SHA256, limits: LimitsConfig | None = None
    ) -> dict[str, Any]:
        config = None if url is None else WeightsConfig(url=url, sha256=sha256)
        out, pins = tmp_path / "weights", tmp_path / "weights.csv"
        folders = Folders(out, tmp_path, tmp_path / "scratch", pins)
        network = Network.chosen("yolo", "auto", "auto", "nano")
        fetch_weights(network, config, limits or LimitsConfig(), folders)
        return json.loads((out / "weights.json").read_text())

    return stage


def test_a_file_of_the_repository_is_copied(tmp_path: Path, bring: Bring) -> None:
    original = tmp_path / "mine.safetensors"
    original.write_bytes(CONTENT)
    for url in ("mine.safetensors", original.as_uri()):
        assert bring(url) == {
            "family": "yolo",
            "weights": {"url": url, "sha256": SHA256},
            "file": "weights.safetensors",
            "sha256": SHA256,
            "classes": None,
        }
    copied = tmp_path / "weights" / "weights.safetensors"
    assert copied.read_bytes() == CONTENT
    assert not copied.samefile(original), "DVC makes outs read-only"


def test_random_weights_leave_a_folder_that_says_so(tmp_path: Path, bring: Bring) -> None:
    (tmp_path / "mine.safetensors").write_bytes(CONTENT)
    bring("mine.safetensors")
    nothing = dict.fromkeys(("weights", "file", "sha256", "classes"))
    assert bring(None) == {"family": "yolo", **nothing}
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["weights.json"]


def test_a_file_is_fetched_once_whatever_it_is_asked_for_later(
    tmp_path: Path, bring: Bring, serve: Serve
) -> None:
    server, url = serve(CONTENT)
    assert bring(url)["file"] == "weights.safetensors"
    bring(None)
    sent = server.sent
    bring(url)
    assert server.sent == sent == len(CONTENT)
    assert (tmp_path / "weights" / "weights.safetensors").read_bytes() == CONTENT


@pytest.mark.usefixtures("impatient")
def test_a_broken_download_goes_on_where_it_stopped(
    bring: Bring, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**16)
    server, url = serve(CONTENT)
    server.etag, server.whole = '"1"', 2

    with pytest.raises(RepriseError, match="broke"):
        bring(url)
    server.whole, sent = None, server.sent
    bring(url)
    assert server.sent - sent == len(CONTENT) - 2 * 2**16


@pytest.mark.usefixtures("impatient")
def test_what_an_earlier_attempt_left_of_another_content_is_fetched_afresh(
    tmp_path: Path, bring: Bring, serve: Serve
) -> None:
    _, url = serve(CONTENT)
    key = hashlib.sha256(f"{url}\n\n".encode()).hexdigest()[:16]
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / f"{key}.part").write_bytes(b"the old file's beginning")
    assert bring(url)["sha256"] == SHA256


def test_a_bucket_gives_weights_too(bring: Bring, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="a/model.safetensors", Body=CONTENT)
    assert bring("s3://bucket/a/model.safetensors")["file"] == "weights.safetensors"
    with pytest.raises(RepriseError, match="is a folder"):
        bring("s3://bucket/a", sha256="0" * 64)


@pytest.mark.parametrize("remote", [True, False])
def test_another_content_than_expected_is_refused(
    tmp_path: Path, bring: Bring, serve: Serve, remote: bool
) -> None:
    (tmp_path / "mine.pth").write_bytes(CONTENT)
    url = serve(CONTENT)[1] if remote else "mine.pth"
    with pytest.raises(RepriseError, match="another content than expected") as caught:
        bring(url, sha256="0" * 64)
    assert "model.weights.yolo" in caught.value.problem
    assert SHA256 in caught.value.problem
    assert not (tmp_path / "weights").exists()
    assert not list(tmp_path.glob(".*"))
    assert not list(tmp_path.glob("scratch/*.part"))


def saved(content: object) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (saved({"a": torch.ones(1)}), "weights.pt"),
        (b"\x80\x02\x8a\nas it wrote once", "weights.pt"),
        (CONTENT, "weights.safetensors"),
        (b"<!doctype html> a page about weights", None),
        (b"version https://git-lfs.github.com/spec/v1", None),
        (b"", None),
    ],
)
def test_the_kind_is_told_from_the_content(
    tmp_path: Path, bring: Bring, content: bytes, name: str | None
) -> None:
    (tmp_path / "mine").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    if name is not None:
        assert bring("mine", sha256)["file"] == name
        return
    with pytest.raises(RepriseError, match="neither a safetensors file, nor"):
        bring("mine", sha256)


def test_what_is_not_there_or_is_a_folder(tmp_path: Path, bring: Bring) -> None:
    for url in ("nowhere.pt", "."):
        with pytest.raises(RepriseError, match="is not a file"):
            bring(url)


def test_the_limit_of_downloads_holds(bring: Bring, serve: Serve) -> None:
    _, url = serve(CONTENT)
    with pytest.raises(RepriseError, match=r"larger than 0\.0001 GB") as caught:
        bring(url, limits=LimitsConfig(max_download_gb=0.0001))
    assert "data.limits.max_download_gb" in caught.value.fix


def test_the_query_of_a_signed_url_is_shown_to_nobody(bring: Bring, serve: Serve) -> None:
    _, url = serve(CONTENT)
    with pytest.raises(RepriseError) as caught:
        bring(f"{url}?signature=secret", sha256="0" * 64)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("git+https://example.org/a.git", "start with file://, http://"),
        ("ftp://example.org/a.pt", "start with file://, http://"),
        ("https://me:word@example.org/a.pt", "must not hold a user name or password"),
        ("file://host/a.pt", "three slashes"),
        ("a\nb.pt", "match pattern"),
        ("", "at least 1 character"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_before_anything_runs(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        WeightsConfig(url=url, sha256=SHA256)


def test_the_checksum_is_required() -> None:
    with pytest.raises(ValidationError, match="sha256"):
        WeightsConfig.model_validate({"url": "a.pt"})


def test_the_stage_runs_without_torch(repository: Path) -> None:
    code = "import sys, weights\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository / "stages")
