"""The record of a training: when it ran, how long, on which machine, and what it printed.

Results are the same wherever and whenever they are made, and DVC's lock says so. All that is not
is kept in a folder of its own below ``logs/``, which Git ignores and DVC does not know::

    logs/20261129T170358Z_baseline/
        run.json                the facts, with the digest of the model.json that it ended with
        train.log               what the training printed, each line with its time
        training_log.csv        one row an epoch: losses, metrics, time, speed, memory
        dvclive/                speed and memory for DVCLive, and the run's name
        training_results.json   these three from the report stage
        training_summary.md
        report.html

A run that was killed goes on in its folder. All times are UTC.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from reprise.dataset import read_json, write_json
from reprise.errors import RepriseError
from reprise.replacing import replacing_file
from reprise.runs.config import RunConfig

Row = dict[str, float]
# What a row has beside what the loggers get; the same run has other values each time.
MEASURED = ("time", "seconds", "images_per_second", "peak_memory_gib")


class RunRecord:
    """One folder of ``logs/``; see :func:`recorded` and :func:`find_record`.

    Attributes:
        folder: The folder.
        facts: ``key``, ``name``, ``description``, ``tags``, ``hardware``, ``sessions`` (from
            when to when each process trained), ``peak_memory_gib``, and, once the run has ended,
            ``model_sha256``.
        rows: Of the epochs so far: ``epoch``, what the loggers get, and MEASURED.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.folder = folder
        self.facts = facts
        self.rows: list[dict[str, Any]] = []

    @property
    def hours(self) -> float:
        """Hours of training, without the pauses between its processes."""
        spans = [
            datetime.fromisoformat(session["ended"]) - datetime.fromisoformat(session["started"])
            for session in self.facts["sessions"]
        ]
        return sum(span.total_seconds() for span in spans) / 3600

    def begin(self, history: Sequence[Row]) -> None:
        """Take the epochs that the run goes on from, with what was measured of them here."""
        log, known = self.folder / "training_log.csv", {}
        if log.is_file():
            with log.open(encoding="utf-8", newline="") as file:
                known = {int(float(row["epoch"])): row for row in csv.DictReader(file)}
        for row in history:
            measured = known.get(int(row["epoch"]), {})
            self.rows.append({**row, **{name: measured.get(name, "") for name in MEASURED}})

    def add(self, row: Row, measured: Row) -> None:
        """Write down an epoch.

        Args:
            row: What the loggers get of it.
            measured: Seconds, images a second, GiB, by their names in MEASURED.
        """
        self.rows.append({**row, "time": utc_now(), **measured})
        columns = dict.fromkeys(["epoch", *MEASURED])
        columns |= dict.fromkeys(name for row in self.rows for name in row)
        with (
            replacing_file(self.folder / "training_log.csv") as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, list(columns), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        peak = max(self.facts.get("peak_memory_gib", 0.0), measured["peak_memory_gib"])
        self._write(peak_memory_gib=round(peak, 3))

    def end_with(self, description: Path) -> None:
        """The run has ended, with a model of this ``model.json``."""
        self._write(model_sha256=digest(description))

    def _write(self, **facts: Any) -> None:
        self.facts |= facts
        self.facts["sessions"][-1]["ended"] = utc_now()
        with replacing_file(self.folder / "run.json") as partial:
            write_json(partial, self.facts)


@contextmanager
def recorded(
    logs: Path, key: str, config: RunConfig, default_name: str, hardware: dict[str, Any]
) -> Iterator[RunRecord]:
    """The record of a run that trains until the block ends; what it prints is logged.

    Args:
        logs: Folder of the records of all runs.
        key: Of everything that decides the run's result: a record that did not end goes on.
        config: The ``run`` section.
        default_name: When that names none.
        hardware: What it runs on.
    """
    named = config.model_dump() | {"name": run_name(config, default_name)}
    now = utc_now()
    going = next(
        (
            found
            for found in reversed(_records(logs))
            if found.facts["key"] == key and "model_sha256" not in found.facts
        ),
        None,
    )
    record = going or RunRecord(_new_folder(logs, named["name"]), {"key": key, "sessions": []})
    record.facts |= {**named, "hardware": hardware}
    record.facts["sessions"].append({"started": now, "ended": now})
    with (record.folder / "train.log").open("a", encoding="utf-8") as log:
        out = _TimedCopy(sys.stdout, log)
        with redirect_stdout(out):
            try:
                record._write()
                print(f"the run's record: {record.folder}")
                yield record
            except BaseException as error:
                known = isinstance(error, RepriseError | KeyboardInterrupt)
                out.note("".join(traceback.format_exception(error)) if not known else repr(error))
                raise


def find_record(logs: Path, description: Path) -> RunRecord | None:
    """The latest record of a run that ended with this ``model.json``; None when it trained
    elsewhere."""
    wanted = digest(description)
    found = [item for item in _records(logs) if item.facts.get("model_sha256") == wanted]
    return found[-1] if found else None


def run_name(config: RunConfig, default: str) -> str:
    """The run's own name, or DVC's of the experiment, or this one."""
    return config.name or os.environ.get("DVC_EXP_NAME") or default


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def utc_now() -> str:
    """The time as ``2026-11-29T17:03:58``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def machine_facts() -> dict[str, Any]:
    """Processor, cores, memory in GiB and system of this machine."""
    import platform

    import psutil

    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return {
        "cpu": named[1] if named else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _records(logs: Path) -> list[RunRecord]:
    """All of them, in the order of their starts."""
    found = []
    for path in sorted(logs.glob("*/run.json")):
        fix = f"remove the folder {path.parent}: it is a record alone, and no result depends on it."
        facts = read_json(path, fix)
        if not isinstance(facts, Mapping) or not {"key", "sessions"} <= facts.keys():
            raise RepriseError(f"{path} is not the record of a run.", fix)
        found.append(RunRecord(path.parent, dict(facts)))
    return found


def _new_folder(logs: Path, name: str) -> Path:
    slug = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "run"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    logs.mkdir(parents=True, exist_ok=True)
    # Several may start in one second.
    for number in range(1, 1000):
        folder = logs / (f"{stamp}_{slug}" if number == 1 else f"{stamp}_{slug}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise RepriseError(f"{logs} holds 1000 runs of this second.", "run it again.")


class _TimedCopy(io.TextIOBase):
    """Passes text on, and copies each line with its time.

    Libraries that are imported meanwhile keep it as their stdout: it goes on after the log ends.
    """

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream = stream
        self._log = log
        self._line = ""

    def write(self, text: str) -> int:
        self._stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self.note(line)
        return len(text)

    def note(self, text: str) -> None:
        """Lines for the log alone."""
        if self._log.closed:
            return
        for line in text.splitlines():
            self._log.write(f"{utc_now()} {line}\n")
        self._log.flush()

    def flush(self) -> None:
        self._stream.flush()

    @property
    def closed(self) -> bool:
        return self._stream.closed

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
