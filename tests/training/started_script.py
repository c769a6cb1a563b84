"""Two processes that refuse, or that wait to be stopped, for the tests to watch."""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from reprise.errors import RepriseError  # noqa: E402
from reprise.training.launch import launch  # noqa: E402


def refuse() -> None:
    print("works", flush=True)
    raise RepriseError("it is wrong.", "put it right.")


def wait() -> None:
    print("waits", flush=True)
    time.sleep(60)


def break_down() -> None:
    print("works", flush=True)
    raise ZeroDivisionError


if __name__ == "__main__":
    work = {"refuse": refuse, "wait": wait, "break": break_down}[sys.argv[1]]
    try:
        launch(2, 1, work)
    except RepriseError as error:
        print(f"refused: {error}", flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
