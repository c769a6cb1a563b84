"""``reprise pin`` prints an entry that the download stage takes as it is."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from builders import tiny_coco
from reprise.cli import main
from reprise.sources.config import SourceConfig
from reprise.sources.folders import digest

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``screens.zip`` in the current folder."""
    tiny_coco(tmp_path / "screens", 2)
    path = Path(shutil.make_archive(str(tmp_path / "screens"), "zip", tmp_path / "screens"))
    shutil.rmtree(tmp_path / "screens")
    monkeypatch.chdir(tmp_path)
    return path


def test_the_entry_of_an_archive(archive: Path, capsys: Capture) -> None:
    assert main(["pin", "screens.zip"]) == 0
    entry = YAML(typ="safe", pure=True).load(capsys.readouterr().out)
    (values,) = entry.values()
    source = SourceConfig.model_validate(values)
    assert (source.url, source.sha256) == ("screens.zip", digest(archive))


def test_nothing_is_left_behind_outside_a_repository(archive: Path, capsys: Capture) -> None:
    assert main(["pin", archive.as_uri()]) == 0
    assert [path.name for path in archive.parent.iterdir()] == ["screens.zip"]
    assert digest(archive) in capsys.readouterr().out


@pytest.fixture
def served(archive: Path) -> Iterator[str]:
    """The archive's URL on a server of this machine."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=archive.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/screens.zip"
        server.shutdown()


def test_what_was_fetched_is_kept_for_the_download_stage(
    served: str, archive: Path, capsys: Capture
) -> None:
    (archive.parent / "dvc.yaml").touch()
    assert main(["pin", served]) == 0
    assert f"sha256: {digest(archive)}" in capsys.readouterr().out
    assert list((archive.parent / ".dvc/tmp/reprise/download").iterdir())


def test_in_a_repository_its_limits_hold(
    served: str, archive: Path, repository: Path, capsys: Capture
) -> None:
    yaml = YAML()
    content = yaml.load(repository / "params.yaml")
    content["data"]["limits"]["max_download_gb"] = 1e-9
    yaml.dump(content, archive.parent / "params.yaml")
    status = main(["pin", served])
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert "max_download_gb" in err


def test_a_source_that_does_not_exist(archive: Path, capsys: Capture) -> None:
    assert main(["pin", "elsewhere.zip"]) == 1
    assert "elsewhere.zip" in capsys.readouterr().err
