"""Servers, an archive and the folders of a download, for every test of this package."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprise.sources import retry
from sources.servers import Place, Serve, serving


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda content: servers.enter_context(serving(content))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip of 1 MB that does not compress."""
    noise = np.random.default_rng(0).bytes(1_000_000)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as out:
        out.writestr("sub/noise.bin", noise)
    return tmp_path / "data.zip"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(retry, "WAITS_UNANSWERED", (0.0, 0.0))


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """Moto's S3 server on a free port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def s3(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 account with one empty bucket, ``bucket``, that the environment leads to."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="bucket")
    yield client
    for entry in client.list_objects_v2(Bucket="bucket").get("Contents", []):
        client.delete_object(Bucket="bucket", Key=entry["Key"])
    client.delete_bucket(Bucket="bucket")
