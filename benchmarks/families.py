"""Every model family on real data: whole runs in the small profile.

    python benchmarks/families.py > docs/families.md

Each row is `dvc repro` in a temporary clone, from random weights, with a few minutes of CPU at
most: the metrics say that a family learns, not how good it gets. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from family_runs import FAMILY_RUNS, FamilyRun, follow  # noqa: E402

HEAD = """# Model families on real data

Printed by `python benchmarks/families.py`: `dvc repro` from random weights in the small profile
of `tests/family_runs.py`. The trivial answer never looks at an image: train boxes at their
places, the filled prompt, or each label's share. sam is given the true boxes as prompts, so its
row compares with no detector's.

| family | dataset | pixels | epochs | train s | peak GiB | loss, first to last | metric | trivial |
|---|---|---|---|---|---|---|---|---|"""


def row(case: FamilyRun, shared: Path) -> str:
    """One run as a row of the table."""
    with tempfile.TemporaryDirectory(prefix="reprise-family-") as name:
        found = follow(case, case.start(ROOT, shared, Path(name) / "clone"))
    task = case.params.get("model.task")
    return (
        f"| {case.family}{f' ({task})' if task else ''} | {case.folder} "
        f"| {case.params['data.image_size']} | {len(found.losses)} | {found.seconds:.0f} "
        f"| {found.memory:.2f} | {found.losses[0]:.3f} to {found.losses[-1]:.3f} "
        f"| {found.split} {case.metric} {found.value:.3f} | {found.trivial:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--only", default="", help="part of a run's name")
    arguments = parser.parse_args()
    print(HEAD)
    for case in FAMILY_RUNS:
        if arguments.only not in case.name:
            continue
        if case.missing:
            print(f"{case.name}: {case.missing}", file=sys.stderr)
        else:
            print(row(case, arguments.shared), flush=True)


if __name__ == "__main__":
    main()
