"""``reprise pin``: an entry that can be pasted as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reprise.errors import RepriseError
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import download_folders
from reprise.sources.folders import digest
from reprise.sources.source_entry import pin
from sources.servers import Place, Serve
from sources.test_repositories import Repository


def entry(place: Place, url: str, **more: str) -> tuple[str, dict[str, Any]]:
    """Name and settings of the one entry that ``pin`` writes."""
    text = pin(url, LimitsConfig(), place.root, place.scratch, **more)
    (found,) = yaml.safe_load(text).items()
    return found


def test_a_local_archive_and_a_folder(place: Place, archive: Path) -> None:
    name, settings = entry(place, "data.zip")
    assert name == "data"
    assert settings == {"url": "data.zip", "sha256": digest(archive), "format": "auto"}
    (place.root / "My photos: 2024").mkdir()
    name, settings = entry(place, "My photos: 2024")
    assert name == "my_photos_2024" and settings["url"] == "My photos: 2024"


def test_the_pipeline_takes_the_entry_and_fetches_nothing_more(
    place: Place, archive: Path, serve: Serve
) -> None:
    server, url = serve(archive.read_bytes())
    name, settings = entry(place, url)
    server.status = 404
    source = SourceConfig(**settings)
    download_folders({name: source}, LimitsConfig(), place.out, place.root, place.scratch)
    assert (place.out / "data" / "sub" / "noise.bin").exists()


def test_a_repository_is_pinned_to_its_newest_commit(place: Place, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository.git")
    repository.write({"2024/1.png": b"1"})
    commit = repository.commit()
    name, settings = entry(place, repository.url, path="data/2024")
    assert name == "2024"
    assert settings["revision"] == commit and settings["path"] == "data/2024"
    repository.folder.rename(tmp_path / "moved")
    source = SourceConfig(**settings)
    download_folders({name: source}, LimitsConfig(), place.out, place.root, place.scratch)
    assert (place.out / "2024" / "1.png").exists()


def test_a_folder_in_a_bucket(place: Place, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="scans/1.png", Body=b"1")
    (place.root / "here").mkdir()
    (place.root / "here" / "1.png").write_bytes(b"1")
    assert entry(place, "s3://bucket/scans")[1]["sha256"] == digest(place.root / "here")


def test_a_signature_stays_out_of_the_entry(place: Place, archive: Path, serve: Serve) -> None:
    _, url = serve(archive.read_bytes())
    text = pin(f"{url}?X-Amz-Signature=secret", LimitsConfig(), place.root, place.scratch)
    assert "secret" not in text and "looks like a signature" in text
    assert entry(place, f"{url}?download=1")[1]["url"] == f"{url}?download=1"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nowhere.zip", "does not exist"),
        ("ftp://server/a.zip", "cannot be used: url may be a local path or start with"),
        ("https://me:secret@server/a.zip", "must not hold a user name"),
        ("page.html", "an HTML page"),
    ],
)
def test_what_cannot_be_pinned(place: Place, url: str, reason: str) -> None:
    (place.root / "page.html").write_text("<html>")
    with pytest.raises(RepriseError, match=reason) as caught:
        pin(url, LimitsConfig(), place.root, place.scratch)
    assert "secret" not in str(caught.value)
