"""Labels as people's tools write them: what comes out, beside what is right.

    python benchmarks/tool_labels.py ../shared/cases
    python benchmarks/tool_labels.py ../shared/cases --only case09

The folder holds ``make.py``, which builds the cases; they are read as ``reprise check`` and the
preprocess stage read a source. ``tests/label_cases.py`` has the right values. Ends with 1 when
one is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from label_cases import LABEL_CASES, build, read_case  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path, help="the folder of make.py")
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--notes", action="store_true", help="print the notes of each too")
    arguments = parser.parse_args()
    chosen = [case for case in LABEL_CASES if arguments.only in case.name]
    wrong = 0
    print("| case | right | now | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="reprise-cases-") as name:
        build(arguments.cases / "make.py", Path(name), [case.name for case in chosen])
        for case in chosen:
            reading = read_case(Path(name) / case.name)
            good = case.judge(reading)
            wrong += not good
            now = reading.describe().replace("|", "\\|")
            print(f"| {case.name} | {case.right} | {now} | {'ok' if good else 'WRONG'} |")
            if arguments.notes:
                print(*(f"    {note}" for note in reading.notes.split("; ")), sep="\n")
    print(f"\n{len(chosen) - wrong} of {len(chosen)} right")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
