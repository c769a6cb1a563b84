"""Which trained model a command uses: ``--weights`` and ``--rev``."""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reprise.commands import from_repository, scratch
from reprise.errors import RepriseError
from reprise.export.registry import FORMATS

MODELS = Path("models")
# What training keeps: models/<name>.safetensors; the best weights are the model itself.
BEST = "best"
NAMES = f"{BEST}, last and epoch-N"


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """``--weights`` and ``--rev``."""
    parser.add_argument(
        "--weights",
        metavar="WEIGHTS",
        help=f"{NAMES} of what training kept, a model folder, or a .safetensors file with its "
        "model.json beside it (default best)",
    )
    parser.add_argument(
        "--rev",
        metavar="REV",
        help="the model of another commit, branch, tag or experiment, from DVC's cache or remote",
    )


def add_backend_argument(parser: argparse.ArgumentParser) -> None:
    """``--backend``."""
    parser.add_argument(
        "--backend",
        choices=["torch", *FORMATS],
        default="torch",
        metavar="NAME",
        help="torch (default), or what the model was exported to: onnx, openvino, torchscript, "
        "onnx-int8 and the others of reprise export-model",
    )


@contextmanager
def chosen_model(weights: str | None = None, rev: str | None = None) -> Iterator[Path]:
    """The model that ``--weights`` and ``--rev`` name.

    Args:
        weights: ``best`` (as is None), ``last`` or ``epoch-N`` of ``models/``; a model folder; or
            a weights file with its ``model.json`` beside it.
        rev: A Git revision, or the name of a DVC experiment; None is this checkout. With one,
            ``weights`` is a name.

    Yields:
        What :func:`reprise.models.storage.load_model` takes: a model folder, or a weights file
        with its ``model.json`` beside it. Of a revision it is a copy, removed afterwards.

    Raises:
        RepriseError: There is no such model, or it is neither in DVC's cache nor on a remote.
    """
    file = _kept_file(weights or BEST)
    if rev is not None:
        if file is None:
            raise RepriseError(
                f"--weights {weights} is a path, and --rev {rev} reads what training kept there.",
                f"with --rev, name weights: {NAMES}.",
            )
        with _of_revision(rev, file) as model:
            yield model
    elif file is not None:
        folder = from_repository(MODELS, "--weights")
        if file != "model.safetensors" and not (folder / file).is_file():
            names = [path.name for path in folder.glob("*.safetensors")]
            raise _not_kept(file, str(folder), names)
        yield folder if file == "model.safetensors" else folder / file
    else:
        yield _named_path(Path(str(weights)))


def _kept_file(name: str) -> str | None:
    """The file of weights that training kept under a name; None for what is no such name."""
    if name == BEST:
        return "model.safetensors"
    epoch = re.fullmatch(r"epoch-(\d+)", name, re.ASCII)
    if epoch:
        return f"epoch-{int(epoch[1]):04d}.safetensors"
    return "last.safetensors" if name == "last" else None


def _kept_name(file: str) -> str:
    """The name of a file of weights that training kept, as a person writes it."""
    stem = file.removesuffix(".safetensors")
    epoch = re.fullmatch(r"epoch-0*(\d+)", stem, re.ASCII)
    return BEST if stem == "model" else f"epoch-{epoch[1]}" if epoch else stem


def _not_kept(file: str, where: str, files: list[str]) -> RepriseError:
    names = sorted((_kept_name(name) for name in files), key=lambda n: (len(n), n))
    if not names:
        return RepriseError(
            f"{where} holds no weights.", "train (dvc repro train) or dvc checkout models."
        )
    return RepriseError(
        f"{where} has no weights '{_kept_name(file)}'; what was kept: {', '.join(names)}.",
        "name one of them; training.checkpoint_epochs keeps the weights of every so many epochs.",
    )


def _named_path(path: Path) -> Path:
    """A model folder or a weights file, checked to be one."""
    if path.is_dir() or (path.is_file() and path.suffix == ".safetensors"):
        return path
    if path.is_file():
        raise RepriseError(
            f"--weights {path} is not a .safetensors file.",
            "name a model folder, or the weights in it; a published file is where training "
            "starts: model.weights in params.yaml.",
        )
    raise RepriseError(
        f"--weights {path}: there is no such file or folder.",
        f"name {NAMES} of what training kept, a model folder, or a .safetensors file.",
    )


@contextmanager
def _of_revision(rev: str, file: str) -> Iterator[Path]:
    """The weights and description of a revision's model, copied from DVC's cache or remote."""
    top = scratch("revisions")
    if top is not None:
        top.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"models@{_plain(rev)}-", dir=top) as folder:
        _copy_from_revision(rev, file, Path(folder))
        yield Path(folder) / file


def _plain(rev: str) -> str:
    """A revision as a part of a file name."""
    return re.sub(r"[^\w.~^-]", "_", rev, flags=re.ASCII)[:60]


def _copy_from_revision(rev: str, file: str, folder: Path) -> None:
    # Takes half a second to import.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError
    from dvc_data.index import DataIndexError
    from scmrepo.exceptions import SCMError as GitError

    if not Path("dvc.yaml").is_file():
        raise RepriseError(
            f"--rev {rev}: this folder is not the top folder of a Reprise repository: it has no "
            "dvc.yaml.",
            "change to the folder that holds dvc.yaml and params.yaml.",
        )
    what = f"{MODELS} of revision {rev}"
    try:
        tree = DVCFileSystem(rev=rev, config=_present_remote())
        held = _files_in(tree)
        if not held:
            raise RepriseError(
                f"revision {rev} holds no {MODELS}.",
                "name a revision whose dvc.lock records a training.",
            )
        if file not in held:
            raise _not_kept(file, what, [name for name in held if name.endswith(".safetensors")])
        for name in ("model.json", file):
            tree.get_file(f"/{MODELS}/{name}", str(folder / name))
    except (SCMError, GitError) as error:
        raise RepriseError(
            f"--rev {rev}: {error}.",
            "name a commit, branch, tag or experiment of this repository: git log, dvc exp show.",
        ) from None
    except (FileNotFoundError, DataIndexError):
        raise RepriseError(
            f"{what} is neither in DVC's cache here nor on a remote that is set.",
            f"where it was trained: git checkout {rev} && dvc push models; here, with that remote "
            f"(dvc remote list): git checkout {rev} && dvc pull models.",
        ) from None
    except (DvcException, OSError) as error:
        raise RepriseError(
            f"{what} cannot be read: {error}",
            f"git checkout {rev} && dvc pull models says more.",
        ) from None


def _present_remote() -> dict[str, Any]:
    """The default remote of this checkout: the revision may be older than its setting."""
    from dvc.repo import Repo

    with Repo() as repo:
        name = repo.config["core"].get("remote")
    return {"core": {"remote": name}} if name else {}


def _files_in(tree: Any) -> list[str]:
    """Names of the files of a revision's model, as DVC knows them; none when it has no model."""
    try:
        return [Path(name).name for name in tree.ls(f"/{MODELS}", detail=False)]
    except FileNotFoundError:
        return []
