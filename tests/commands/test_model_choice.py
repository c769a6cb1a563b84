"""``--weights`` and ``--rev``: which trained model a command uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from dvc.repo import Repo

from built_once import built_once
from models.settings import IMAGE_SIZE, model
from reprise.commands.model_choice import chosen_model
from reprise.errors import RepriseError
from reprise.models.storage import load_model, save_model, write_tensors
from reprise.models.yolo.family import Yolo


def git(*arguments: str) -> None:
    who = {f"GIT_{role}_{key}": "a@b.example" for role in ("AUTHOR", "COMMITTER")
           for key in ("NAME", "EMAIL")}  # fmt: skip
    subprocess.run(["git", *arguments], check=True, env=os.environ | who, capture_output=True)


def trained(folder: Path, seed: int, *kept: str) -> None:
    """A model folder as training leaves it; each kept file holds other weights."""
    for offset, name in enumerate(["model", *kept]):
        torch.manual_seed(seed + offset)
        weights = Yolo(model(), ["square"], IMAGE_SIZE).network.state_dict()
        if name == "model":
            parameters = {"model": model().model_dump(), "training": {"threads": 1}}
            save_model(
                folder,
                weights,
                {
                    "family": "yolo",
                    "classes": ["square"],
                    "image_size": IMAGE_SIZE,
                    "parameters": parameters,
                },
            )
        else:
            write_tensors(folder / f"{name}.safetensors", weights)


def repository_with_two_models(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        git("init", "--quiet", "--initial-branch=main")
        with Repo.init() as repo:
            Path("dvc.yaml").touch()
            Path(".gitignore").write_text("/models\n")
            for seed, tag, kept in ((0, "first", ["last"]), (7, "second", ["last", "epoch-0012"])):
                shutil.rmtree("models", ignore_errors=True)
                trained(Path("models"), seed, *kept)
                repo.add("models")
                git("add", "--all")
                git("commit", "--quiet", "--message", tag)
                git("tag", tag)
    finally:
        os.chdir(here)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(tmp_path_factory, "two-models", repository_with_two_models)


@pytest.fixture
def repository(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits, ``first`` and ``second``, each with its model in the cache."""
    folder = tmp_path / "repository"
    shutil.copytree(published, folder)
    monkeypatch.chdir(folder)
    return folder


def first_tensor(path: Path) -> float:
    family, _ = load_model(path)
    return float(next(iter(family.network.state_dict().values())).flatten()[0])


def refused(weights: str | None, rev: str | None = None) -> RepriseError:
    with pytest.raises(RepriseError) as caught, chosen_model(weights, rev):
        pass
    return caught.value


@pytest.mark.usefixtures("repository")
def test_names_of_kept_weights() -> None:
    with chosen_model() as best:
        assert best == Path("models")
        values = {"best": first_tensor(best)}
    for name, file in (
        ("best", ""),
        ("last", "last.safetensors"),
        ("epoch-12", "epoch-0012.safetensors"),
        ("epoch-0012", "epoch-0012.safetensors"),
    ):
        with chosen_model(name) as path:
            assert path == Path("models", file)
            values[name] = first_tensor(path)
    assert len(set(values.values())) == 3
    assert values["epoch-12"] == values["epoch-0012"]


def test_a_folder_and_a_file_with_its_description(repository: Path, tmp_path: Path) -> None:
    other = repository.rename(tmp_path / "other") / "models"
    os.chdir(tmp_path)
    for named in (other, other / "last.safetensors"):
        with chosen_model(str(named)) as path:
            assert path == named
            load_model(path)
    alone = tmp_path / "alone.safetensors"
    shutil.copy(other / "last.safetensors", alone)
    with (
        pytest.raises(RepriseError, match=r"model\.json does not exist"),
        chosen_model(str(alone)) as path,
    ):
        load_model(path)


def test_a_model_of_another_revision(repository: Path) -> None:
    before = {path: path.read_bytes() for path in (repository / "models").iterdir()}
    with chosen_model("last") as path:
        now = first_tensor(path)
    found = {}
    for rev in ("second", "HEAD", "first"):
        with chosen_model("last", rev) as path:
            found[rev] = first_tensor(path)
            copied = path
        assert not copied.exists()
    assert found["second"] == found["HEAD"] == now != found["first"]
    assert before == {path: path.read_bytes() for path in (repository / "models").iterdir()}
    with chosen_model(rev="first") as path:
        description = json.loads((path.with_name("model.json")).read_text())
    assert description["classes"] == ["square"]


def test_what_a_revision_does_not_have(repository: Path) -> None:
    error = refused("epoch-12", "first")
    assert "models of revision first has no weights 'epoch-12'" in error.problem
    assert "best, last" in error.problem
    assert "unknown Git revision 'nowhere'" in refused(None, "nowhere").problem
    assert "is a path" in refused("models", "first").problem
    git("rm", "--quiet", "models.dvc")
    git("commit", "--quiet", "--message", "no model")
    assert "revision HEAD holds no models" in refused(None, "HEAD").problem
    assert not list(repository.glob(".dvc/tmp/reprise/revisions/*"))


def test_a_model_that_is_not_in_the_cache_comes_from_the_remote(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(repository), str(clone))
    monkeypatch.chdir(clone)
    error = refused("last", "first")
    assert "neither in DVC's cache here nor on a remote" in error.problem
    assert "dvc pull models" in error.fix
    with Repo() as repo, repo.config.edit() as config:
        # A cache has the layout of a remote.
        config["core"]["remote"] = "far"
        config["remote"]["far"] = {"url": str(repository / ".dvc" / "cache")}
    with chosen_model("last", "first") as path:
        load_model(path)


def test_names_that_stand_for_nothing(repository: Path, tmp_path: Path) -> None:
    error = refused("epoch-3")
    assert "models has no weights 'epoch-3'; what was kept: best, last, epoch-12" in error.problem
    assert "checkpoint_epochs" in error.fix
    assert "no such file or folder" in refused("lost").problem
    (tmp_path / "yolo11n.pt").touch()
    assert "is not a .safetensors file" in refused(str(tmp_path / "yolo11n.pt")).problem
    shutil.rmtree(repository / "models")
    assert "models holds no weights" in refused("last").problem
    os.chdir(tmp_path)
    assert "not the top folder of a Reprise" in refused(None).problem
    assert "not the top folder of a Reprise" in refused(None, "HEAD").problem


def test_a_model_of_an_older_version_is_one_clear_message(repository: Path) -> None:
    path = repository / "models" / "model.json"
    written = json.loads(path.read_text())
    spoilt = {
        "another parameter": written["parameters"]["model"] | {"size": "nano"},
        "no threads": written["parameters"]["model"],
    }
    for case, section in spoilt.items():
        training = {} if case == "no threads" else {"threads": 1}
        content = written | {"parameters": {"model": section, "training": training}}
        path.write_text(json.dumps(content))
        with pytest.raises(RepriseError, match="a model of this version of Reprise") as caught:
            load_model(path.parent)
        assert "\n" not in caught.value.problem
    for key in ("family", "classes", "image_size"):
        path.write_text(json.dumps({k: v for k, v in written.items() if k != key}))
        with pytest.raises(RepriseError, match=key):
            load_model(path.parent)
