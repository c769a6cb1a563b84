"""Other repositories at a revision: plain Git files, and data that DVC tracks in them."""

from __future__ import annotations

import gc
import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from reprise.sources.folders import digest
from sources.servers import Place

FILES = {"images/1.png": b"1", "images/2.png": b"2", "labels.json": b"{}"}


class Repository:
    """A Git repository that a test fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return f"git+file://{self.folder}"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, files: dict[str, bytes], below: str = "data") -> None:
        for name, content in files.items():
            path = self.folder / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "data")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A commit with FILES in data/, and a later one without them."""
    repository = Repository(tmp_path / "repository")
    repository.write({**FILES, ".hidden": b"x"})
    repository.commit()
    repository.git("tag", "v1")
    repository.git("rm", "--quiet", "-r", "data")
    repository.write({"later.txt": b"later"})
    repository.commit()
    return repository


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A DVC repository whose data/ lies in a remote on this machine, and nowhere else."""
    from dvc.repo import Repo

    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    repository = Repository(tmp_path / "tracked")
    dvc = Repo.init(str(repository.folder))
    with dvc.config.edit() as config:
        config["core"] = {"remote": "store", "analytics": False}
        config["remote"] = {"store": {"url": str(tmp_path / "store")}}
    repository.write(FILES)
    repository.write({"notes.txt": b"in Git"}, below="")
    dvc.add(str(repository.folder / "data"))
    repository.commit()
    dvc.push()
    dvc.close()
    shutil.rmtree(repository.folder / "data")
    shutil.rmtree(repository.folder / ".dvc" / "cache")
    return repository


@pytest.fixture
def expected(tmp_path: Path) -> str:
    """Digest of FILES in a plain folder."""
    for name, content in FILES.items():
        (tmp_path / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / name).write_bytes(content)
    return digest(tmp_path / "plain")


NAMES = [".commits.json", *(f"mine/{name}" for name in FILES)]


def test_a_folder_of_a_tag_with_a_sum(place: Place, repository: Repository, expected: str) -> None:
    got = place.get(repository.url, expected, revision="v1", path="data")
    assert got == NAMES
    commit = repository.git("rev-parse", "v1")
    assert (place.out / ".commits.json").read_text() == f'{{\n  "mine": "{commit}"\n}}\n'


def test_a_full_commit_needs_no_sum_when_the_files_lie_in_git(
    place: Place, repository: Repository
) -> None:
    commit = repository.git("rev-parse", "v1")
    assert place.get(repository.url, None, revision=commit, path="data/") == NAMES


@pytest.mark.parametrize("revision", ["v1", "short"])
def test_a_revision_that_may_move_needs_a_sum(
    place: Place, repository: Repository, expected: str, revision: str
) -> None:
    revision = repository.git("rev-parse", "--short", "v1") if revision == "short" else revision
    message = place.fail(repository.url, None, revision=revision, path="data")
    assert f"sha256: {expected}" in message


def test_a_branch_that_moved_on_is_noticed(
    place: Place, repository: Repository, expected: str
) -> None:
    message = place.fail(repository.url, expected, revision="main", path="data")
    assert "another content" in message


def test_data_that_dvc_tracks(place: Place, tracked: Repository, expected: str) -> None:
    commit = tracked.git("rev-parse", "HEAD")
    assert f"sha256: {expected}" in place.fail(tracked.url, None, revision=commit, path="data")
    assert place.get(tracked.url, expected, revision=commit, path="data") == NAMES
    assert place.get(tracked.url, expected, revision="main", path="data") == NAMES


def test_data_that_is_missing_from_the_dvc_remote(
    place: Place, tracked: Repository, tmp_path: Path
) -> None:
    stored = hashlib.md5(FILES["images/1.png"]).hexdigest()
    (tmp_path / "store" / "files" / "md5" / stored[:2] / stored[2:]).unlink()
    message = place.fail(tracked.url, "0" * 64, revision="main", path="data")
    assert "'images/1.png' is missing from its DVC remote" in message
    shutil.rmtree(tmp_path / "store")
    message = place.fail(tracked.url, "0" * 64, revision="main", path="data")
    assert "failed to load directory" in message


def test_what_a_repository_imports_from_elsewhere_is_refused(
    place: Place, tracked: Repository, tmp_path: Path
) -> None:
    """Its author could name any file of this machine, or any server that it reaches."""
    (tmp_path / "secret.txt").write_text("secret")
    stated = hashlib.md5(b"secret").hexdigest()
    (tracked.folder / "stolen.txt.dvc").write_text(
        f"frozen: true\ndeps:\n- path: {tmp_path / 'secret.txt'}\n  hash: md5\n"
        f"  md5: {stated}\n  size: 6\nouts:\n- path: stolen.txt\n  hash: md5\n"
    )
    commit = tracked.commit()
    message = place.fail(tracked.url, "0" * 64, revision=commit, path="stolen.txt")
    assert "'stolen.txt' is imported from elsewhere" in message
    assert "imported from elsewhere" in place.fail(tracked.url, "0" * 64, revision=commit)
    assert "sha256: " in place.fail(tracked.url, None, revision=commit, path="data")


def test_all_of_a_repository_is_git_and_dvc_files_together(
    place: Place, tracked: Repository
) -> None:
    message = place.fail(tracked.url, None, revision="main")
    sha256 = message.rsplit("sha256: ", 1)[1]
    got = place.get(tracked.url, sha256, revision="main")
    assert got == [".commits.json", *(f"mine/data/{name}" for name in FILES), "mine/notes.txt"]


def test_a_single_file_is_unpacked_or_copied(place: Place, repository: Repository) -> None:
    with zipfile.ZipFile(repository.folder / "a.zip", "w") as archive:
        archive.writestr("sub/a.txt", "1")
    commit = repository.commit()
    url = repository.url
    names = place.get(url, digest(repository.folder / "a.zip"), revision=commit, path="a.zip")
    assert names == [".commits.json", "mine/sub/a.txt"]
    names = place.get(url, None, revision=commit, path="data/later.txt")
    assert names == [".commits.json", "mine/later.txt"]


def test_a_bare_repository_is_cloned(place: Place, repository: Repository, tmp_path: Path) -> None:
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    commit = repository.git("rev-parse", "v1")
    url = f"git+file://{tmp_path / 'bare.git'}"
    assert place.get(url, None, revision=commit, path="data") == NAMES


def test_what_was_fetched_once_is_not_fetched_again(
    place: Place, repository: Repository, expected: str
) -> None:
    commit = repository.git("rev-parse", "v1")
    place.get(repository.url, expected, revision="v1", path="data")
    repository.folder.rename(place.root / "moved")
    assert place.get(repository.url, expected, revision="v1", path="data") == NAMES
    assert place.get(repository.url, None, revision=commit, path="data") == NAMES


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": "nowhere"}, "'nowhere' is not in it"),
        ({"revision": "no-such-branch"}, "no-such-branch"),
        ({"url": "git+file:///nowhere/at/all"}, "/nowhere/at/all"),
        ({"url": "git+http://127.0.0.1:9/a.git"}, "127.0.0.1"),
    ],
)
def test_what_is_not_there(
    place: Place, repository: Repository, change: dict[str, str], reason: str
) -> None:
    settings = {"url": repository.url, "revision": "v1", "path": "data", **change}
    assert reason in place.fail(settings.pop("url"), "0" * 64, **settings)
    assert {path.suffix for path in place.scratch.iterdir()} == {".lock"}


def test_links_in_a_repository_are_refused(place: Place, repository: Repository) -> None:
    (repository.folder / "data" / "passwd").symlink_to("/etc/passwd")
    commit = repository.commit()
    message = place.fail(repository.url, None, revision=commit, path="data")
    assert "'passwd' in it is a link" in message


def test_folders_nested_ten_thousand_deep_are_refused(place: Place, repository: Repository) -> None:
    stream = (
        "commit refs/heads/deep\ncommitter Test <test@example.org> 0 +0000\ndata 0\n"
        f"M 100644 inline {'a/' * 10_000}b\ndata 1\nx\n"
    )
    command = ["git", "fast-import", "--quiet"]
    subprocess.run(command, cwd=repository.folder, input=stream, text=True, check=True)
    commit = repository.git("rev-parse", "deep")
    # Hypothesis listens to the collector, and has no stack left to do so at that depth.
    gc.disable()
    try:
        assert "nested too deeply" in place.fail(repository.url, None, revision=commit)
    finally:
        gc.enable()


def test_the_other_repository_is_left_as_it_was(place: Place, repository: Repository) -> None:
    before = sorted(repository.folder.rglob("*"))
    place.get(repository.url, None, revision=repository.git("rev-parse", "v1"), path="data")
    assert sorted(repository.folder.rglob("*")) == before
