"""Archives behind SSH, on a real SFTP server of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from reprise.sources import file_download
from reprise.sources.folders import digest
from sources.servers import BreakingProxy, Place
from sources.sftp_server import serving_sftp, trust


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def port(tmp_path: Path, home: Path) -> Iterator[int]:
    with serving_sftp(tmp_path, home) as port:
        yield port


def test_an_archive_behind_ssh(place: Place, archive: Path, port: int) -> None:
    url = f"sftp://me@127.0.0.1:{port}/data.zip"
    assert place.get(url, digest(archive)) == ["mine/sub/noise.bin"]


@pytest.mark.usefixtures("impatient")
def test_a_broken_connection_is_made_again(
    place: Place, archive: Path, port: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**16)
    proxy = BreakingProxy(port, bytes_until_break=200_000)
    known = home / ".ssh" / "known_hosts"
    known.write_text(known.read_text().replace(str(port), str(proxy.port)))
    proxy.breaks = 3
    place.get(f"sftp://me@127.0.0.1:{proxy.port}/data.zip", digest(archive))
    assert proxy.cut == 3
    proxy.close()


def test_a_host_that_nobody_has_met_is_refused(
    place: Place, archive: Path, port: int, home: Path
) -> None:
    (home / ".ssh" / "known_hosts").unlink()
    message = place.fail(f"sftp://me@127.0.0.1:{port}/data.zip", digest(archive))
    assert "is not known here" in message and f"ssh -p {port} 127.0.0.1" in message


def test_a_host_with_another_key_is_refused_at_once(
    place: Place, archive: Path, port: int, home: Path
) -> None:
    trust(home, port, paramiko.ECDSAKey.generate())
    message = place.fail(f"sftp://me@127.0.0.1:{port}/data.zip", digest(archive))
    assert "does not match" in message


def test_a_key_that_does_not_open_is_said_so_at_once(
    place: Place, archive: Path, port: int, home: Path
) -> None:
    paramiko.ECDSAKey.generate().write_private_key_file(str(home / ".ssh" / "id_ecdsa"))
    message = place.fail(f"sftp://me@127.0.0.1:{port}/data.zip", digest(archive))
    assert "Authentication failed" in message and "SSH agent" in message


def test_what_is_not_there(place: Place, archive: Path, port: int) -> None:
    assert "does not exist" in place.fail(f"sftp://me@127.0.0.1:{port}/nowhere.zip", "0" * 64)
    assert "is a folder" in place.fail(f"sftp://me@127.0.0.1:{port}/home", "0" * 64)
