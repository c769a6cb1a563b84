"""Start-up of each stage, and of a `dvc repro` with nothing to do.

A stage's start-up is the time to import its code and check params.yaml; it is printed as a
multiple of starting Python itself, measured in the same run. Run it after `dvc repro`:

    python benchmarks/stages.py
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = (
    "download", "weights", "synthesize", "preprocess", "validate",
    "train", "predict", "evaluate", "report",
)  # fmt: skip
# Everything of a stage but its work.
START = """
import sys; sys.path.insert(0, "stages")
import importlib.util, _run
spec = importlib.util.spec_from_file_location("stage", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
_run.params.load()
"""


def seconds(command: list[str], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    python = seconds([sys.executable, "-c", "pass"], rounds)
    print(f"python alone      {python:6.2f} s")
    for name in STAGES:
        found = seconds([sys.executable, "-c", START, f"stages/{name}.py"], rounds)
        print(f"{name:16s}  {found:6.2f} s  {found / python:5.0f} times python alone")
    imports = seconds([sys.executable, "-c", "import dvc.repo"], rounds)
    repro = seconds([sys.executable, "-m", "dvc", "repro"], rounds)
    print(f"import dvc.repo   {imports:6.2f} s")
    print(f"no-op dvc repro   {repro:6.2f} s  {repro / imports:5.1f} times importing DVC")


if __name__ == "__main__":
    main()
