"""``reprise export-model FORMAT``: the trained model as a file that other runtimes open."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.commands import check_new_folder, from_repository
from reprise.commands.model_choice import add_model_arguments, chosen_model
from reprise.export.registry import ACCOUNT, FILES, FOLDER, FORMATS, runtime_of

if TYPE_CHECKING:
    from reprise.export.config import ExportConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    listing = "\n".join(f"  {name:<15}{meaning}" for name, meaning in FORMATS.items())
    parser.description = (
        "Write the trained model as a file for another runtime, with normalisation, classes and\n"
        "score threshold inside. It is run on the test split, and kept only if its mAP is that\n"
        "of torch, within 0.001; in less precision both are stated.\n\n"
        f"Formats:\n{listing}\n\n"
        "reprise predict --backend FORMAT and reprise evaluate --backend FORMAT then run it.\n"
        "docs/export.md says what the files take and give."
    )
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help="one of those above")
    add_model_arguments(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"a folder, new or empty (default {FOLDER}/FORMAT, which is replaced)",
    )
    parser.add_argument(
        "--dataset", type=Path, default=Path("data/processed"), help="default data/processed"
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder and say how good the file is.

    Raises:
        RepriseError: The model cannot be exported, a package is missing, or the file is not as
            good as the model. Then nothing is written.
    """
    from reprise.export.export import export_model

    dataset = from_repository(options.dataset, "--dataset")
    out = options.out or FOLDER / options.format
    if options.out:
        check_new_folder(options.out)
    with chosen_model(options.weights, options.rev) as model:
        account = export_model(options.format, dataset, model, _config(), out)
    print(told(account, out))
    return 0


def _config() -> ExportConfig:
    """The ``export`` section of params.yaml, or the defaults outside a repository."""
    from reprise import params
    from reprise.export.config import ExportConfig

    return params.load().export if Path("params.yaml").is_file() else ExportConfig()


def told(account: Mapping[str, Any], out: Path) -> str:
    """What was written, for a person."""
    path = out / FILES[runtime_of(account["format"])]
    size = sum(account["bytes"].values()) / 2**20
    lines = [
        f"{path} ({size:.1f} MiB), compared on {account['images']} images of {account['split']}:",
        f"  {'':<12}{'torch':>9}{'exported':>11}{'difference':>12}",
    ]
    for name, ours in account["torch"].items():
        theirs = account["exported"].get(name, 0.0)
        lines.append(f"  {name:<12}{ours:>9.5f}{theirs:>11.5f}{theirs - ours:>+12.5f}")
    lines.append(f"all of it is in {out / ACCOUNT}; run it with --backend {account['format']}")
    return "\n".join(lines)
