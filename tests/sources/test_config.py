"""Urls that cannot work, or would tell a secret, are refused before any download."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reprise.sources.config import SourceConfig


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://server/a.zip", "start with file://, http://, https://, s3://"),
        ("https://me:secret@server/a.zip", "must not hold a user name or password"),
        ("https://token@server/a.zip", "must not hold a user name or password"),
        ("sftp://me:secret@server/a.zip", "must not hold a user name or password"),
        ("s3://key@bucket/a.zip", "must not hold a user name or password"),
        ("file://data/a.zip", "three slashes"),
        ("", "a path or a URL"),
    ],
)
def test_urls_that_are_refused(url: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SourceConfig(url=url)


@pytest.mark.parametrize(
    "url",
    [
        *("data/a.zip", "s3://bucket/folder", "sftp://me@server/a.zip", "gs://bucket/a.zip"),
        "abfs://container@account.dfs.core.windows.net/folder",
    ],
)
def test_urls_that_are_taken(url: str) -> None:
    assert SourceConfig(url=url).url == url


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "git+https://server/a.git"}, "needs a revision"),
        ({"url": "git+https://me:pw@server/a.git", "revision": "v1"}, "password"),
        ({"url": "git+https://server/a.git?token=x", "revision": "v1"}, "must not hold a query"),
        ({"url": "git+file://a.git", "revision": "v1"}, "three slashes"),
        ({"url": "git+ssh://git@server/a", "revision": "--upload-pack=x"}, "a commit, a tag"),
        ({"url": "git+ssh://git@server/a", "revision": "v1", "path": "../b"}, "inside"),
        ({"url": "https://server/a.zip", "revision": "v1"}, "are for repositories"),
        ({"url": "data", "path": "images"}, "are for repositories"),
    ],
)
def test_what_a_repository_needs(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SourceConfig(**settings)


@pytest.mark.parametrize("encoding", ["base64", "gbk2", "\0"])
def test_an_encoding_is_one_of_text(encoding: str) -> None:
    assert SourceConfig(url="a.zip", encoding="gb18030").encoding == "gb18030"
    with pytest.raises(ValidationError, match="a code page that Python knows"):
        SourceConfig(url="a.zip", encoding=encoding)
