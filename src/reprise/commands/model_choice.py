"""Which trained model a command uses: ``--weights`` and ``--rev``."""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reprise.commands import from_repository, scratch
from reprise.commands.revisions import files_in, opened_revision, plain
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
    with tempfile.TemporaryDirectory(prefix=f"models@{plain(rev)}-", dir=top) as folder:
        _copy_from_revision(rev, file, Path(folder))
        yield Path(folder) / file


def _copy_from_revision(rev: str, file: str, folder: Path) -> None:
    with opened_revision(rev, str(MODELS), f"--rev {rev}") as tree:
        held = files_in(tree, str(MODELS))
        if not held:
            raise RepriseError(
                f"revision {rev} holds no {MODELS}.",
                "name a revision whose dvc.lock records a training.",
            )
        if file not in held:
            weights = [name for name in held if name.endswith(".safetensors")]
            raise _not_kept(file, f"{MODELS} of revision {rev}", weights)
        for name in ("model.json", file):
            tree.get_file(f"/{MODELS}/{name}", str(folder / name))
