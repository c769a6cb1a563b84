"""Work over several processes gives the results of one, in order, a little ahead at most."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.preprocessing.parallel import AHEAD, map_ordered


def square(number: int) -> int:
    return number * number


def refuse_thirteen(number: int) -> int:
    if number == 13:
        raise ValueError("13 is here")
    return number


def die_at_thirteen(number: int) -> int:
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def name_process(_: int) -> int:
    time.sleep(0.2)
    return os.getpid()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for a process in /proc")
def test_no_process_outlives_a_killed_parent() -> None:
    program = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from test_parallel import map_ordered, name_process\n"
        "if __name__ == '__main__':\n"
        "    for process in map_ordered(name_process, range(10_000), 2):\n"
        "        print(process, flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert Path(f"/proc/{worker}").exists()
        parent.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    assert list(map_ordered(square, range(50), workers)) == [n * n for n in range(50)]
    assert list(map_ordered(square, [], workers)) == []


def test_items_are_taken_as_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_ordered(square, items(), 2)
    assert next(results) == 0
    assert len(taken) <= 2 * AHEAD
    results.close()  # type: ignore[attr-defined]


def test_an_error_in_a_process_arrives_here() -> None:
    with pytest.raises(ValueError, match="13 is here"):
        list(map_ordered(refuse_thirteen, range(50), 2))


def test_a_killed_process_ends_with_advice() -> None:
    with pytest.raises(RepriseError, match="a worker process was killed"):
        list(map_ordered(die_at_thirteen, range(50), 2))


def test_processes_run_the_code_beside_the_stage(repository: Path, tmp_path: Path) -> None:
    """Not that of an installed checkout, whose hash DVC does not know."""
    shutil.copytree(repository / "src" / "reprise", tmp_path / "src" / "reprise")
    marker = tmp_path / "src" / "reprise" / "marker.py"
    marker.write_text("def where(_): return __file__\n")
    script = tmp_path / "stage.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path / 'src')!r})\n"
        "from reprise.marker import where\n"
        "from reprise.preprocessing.parallel import map_ordered\n"
        "if __name__ == '__main__': print(*map_ordered(where, [1], 1))\n"
    )
    installed = {**os.environ, "PYTHONPATH": str(repository / "src")}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=installed, check=True
    )
    assert done.stdout.strip() == str(marker)
