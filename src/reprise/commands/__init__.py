"""The commands of ``reprise``: one line in COMMANDS and one module each.

A command ``make-tea`` is the module ``make_tea`` of this package with the functions of
:class:`Command`. It is imported when it is called, so that the others start at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from reprise.errors import RepriseError
from reprise.formats.registry import FORMATS

if TYPE_CHECKING:
    from reprise.sources.config import LimitsConfig

COMMANDS = {
    "init": "write params.yaml for your images, with the reason of each choice",
    "predict": "run the trained model on new pictures, folders or videos",
    "check": "say what a dataset holds, and what is wrong with it",
    "show-batch": "draw the images that the model is trained on, with their boxes",
    "pin": "print the params.yaml entry of a URL, with its SHA-256",
    "weights": "list the published weights to start from, and what fits params.yaml",
    "evaluate": "score any kept weights on any split, as the evaluate stage does",
    "compare": "say whether one run is better than another, or not distinguishable",
    "visualize": "write ground truth beside predictions of the worst or best images",
    "find-label-errors": "rank labels that are likely wrong, and cross-validate the metrics",
    "export-model": "write the trained model as ONNX, OpenVINO or TorchScript",
    "export": "write the processed dataset as a plain folder in another format",
}


class Command(Protocol):
    """What each module of this package gives."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments and its longer description."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Do the work; the exit status.

        Raises:
            RepriseError: Anything a person can put right.
        """
        ...


def command_module(name: str) -> Command:
    """The module behind a command's name."""
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return cast("Command", module)


def from_repository(path: Path, option: str) -> Path:
    """A path that stands for something in the repository unless it is named.

    Args:
        path: The file or folder, by default relative to the repository's top folder.
        option: The option that names another, such as ``--dataset``.

    Raises:
        RepriseError: It does not exist, and the current folder is no Reprise repository.
            Inside one, the reader of the path says what is missing.
    """
    if path.exists() or Path("dvc.yaml").is_file():
        return path
    raise RepriseError(
        f"{path} does not exist, and this folder is not the top folder of a Reprise "
        "repository: it has no dvc.yaml.",
        f"change to the folder that holds dvc.yaml and params.yaml, or name it with {option}.",
    )


def check_new_folder(path: Path) -> None:
    """Refuse to write into a folder that holds something.

    Raises:
        RepriseError: It does, or it is a file.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise RepriseError(f"{path} exists and is not empty.", "name a new folder.")


def scratch(name: str) -> Path | None:
    """The repository's folder for what is neither kept in Git nor known to DVC.

    Args:
        name: A stage, or a command.

    Returns:
        None outside a repository.
    """
    if not Path("dvc.yaml").is_file():
        return None
    return Path(os.environ.get("DVC_ROOT", "."), ".dvc", "tmp", "reprise", name)


def limits() -> LimitsConfig:
    """``data.limits`` of the repository, or the defaults outside one.

    Raises:
        RepriseError: params.yaml is here and wrong.
    """
    from reprise import params
    from reprise.sources.config import LimitsConfig

    return params.load().data.limits if Path("params.yaml").is_file() else LimitsConfig()


def printable(text: str) -> str:
    """Text from files for a terminal: what would steer the terminal becomes U+FFFD."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def add_format_argument(parser: argparse.ArgumentParser) -> None:
    """``--format``: of the labels of a source."""
    parser.add_argument(
        "--format",
        choices=["auto", *FORMATS],
        default="auto",
        metavar="NAME",
        help=f"how the labels are written: auto (the default), {', '.join(FORMATS)}",
    )


def add_dataset_arguments(parser: argparse.ArgumentParser) -> None:
    """``--params`` and ``--dataset``: what the stages use, unless others are named."""
    parser.add_argument(
        "--params", type=Path, default=Path("params.yaml"), help="default params.yaml"
    )
    parser.add_argument(
        "--dataset", type=Path, default=Path("data/processed"), help="default data/processed"
    )
