"""What a GPU has to show, in at most ten minutes; prints the table of docs/gpu.md.

    python benchmarks/gpu.py > docs/gpu.md

The pieces, each in processes of its own: the speed of training at 640 pixels beside
ultralytics' trainer, with the rates of the loader and of the network alone; two runs compared byte
by byte; a run that is killed and resumed; the message when memory runs out; the default pipeline.
Without a GPU it says so and ends with status 0. `--device cpu --tiny` runs the same pieces, as
small as they get, on the CPU: a rehearsal, whose numbers say nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from comparison import parameters, settings_of, train_only  # noqa: E402
from preprocess import make_source, ours  # noqa: E402

from pipeline.clone import make_clone  # noqa: E402

REPEATED = ("yolo", "multilabel", "faster_rcnn")
NOT_DETERMINISTIC = re.compile(r"(\w+) does not have a deterministic implementation")
# Of a GPU's memory what the piece that runs out of it may take; on the CPU, what it may take once
# the first batch is there, less than that batch in single precision.
GPU_SHARE, CPU_BYTES = 0.02, 2**25


@dataclass(frozen=True)
class Sizes:
    """How large the pieces are."""

    images: int
    image_size: int
    batch_size: int
    variant: str
    epochs: int
    precisions: tuple[tuple[str, int], ...]
    """(training.mixed_precision, training.compile)"""
    repeated: tuple[str, ...]
    steps: int
    pipeline: dict[str, Any]


FULL = Sizes(
    images=768, image_size=640, batch_size=32, variant="small", epochs=3,
    precisions=(("bf16", 0), ("fp16", 0), ("bf16", 1)), repeated=REPEATED, steps=50,
    pipeline={},
)  # fmt: skip
TINY = Sizes(
    images=24, image_size=96, batch_size=4, variant="nano", epochs=2,
    precisions=(("none", 0),), repeated=REPEATED[:2], steps=3,
    pipeline={"data.image_size": 96, "synthetic.count": 4, "training.epochs": 2,
              "training.batch_size": 16, "augmentation.close_mosaic_epochs": 1,
              "expectations.max_tiny_boxes": 1.0},
)  # fmt: skip


class FailedError(Exception):
    """A piece did not do what it has to."""


@dataclass
class Bench:
    """What all pieces share.

    Attributes:
        device: cuda or cpu.
        sizes: Of the pieces.
        folder: For everything that is written.
        deadline: On the clock of ``time.monotonic``.
    """

    device: str
    sizes: Sizes
    folder: Path
    deadline: float

    @property
    def dataset(self) -> Path:
        """Photographs of one class, at the pieces' size."""
        root = self.folder / "photographs"
        if not root.exists():
            size = self.sizes.image_size
            make_source(root / "raw" / "photos", self.sizes.images, size, size * 3 // 4)
            ours(root, size, self.workers)
        return root / "out"

    @property
    def workers(self) -> int:
        """Loader processes: those of the machine, up to 16."""
        return min(os.cpu_count() or 1, 16)

    def left(self) -> float:
        """Seconds until the deadline."""
        left = self.deadline - time.monotonic()
        if left <= 1:
            raise FailedError("not run: the time was over")
        return left

    def command(self, piece: str, folder: str, **values: Any) -> list[str]:
        """A child of this script that does one thing; see :func:`child`."""
        sizes = self.sizes
        given = {
            "child": piece, "folder": self.folder / folder, "dataset": self.dataset,
            "device": self.device, "family": "yolo", "variant": sizes.variant,
            "image_size": sizes.image_size, "batch_size": sizes.batch_size,
            "epochs": sizes.epochs, "workers": self.workers, "steps": sizes.steps,
            "precision": "bf16" if self.device == "cuda" else "none", **values,
        }  # fmt: skip
        words = [[f"--{name.replace('_', '-')}", str(value)] for name, value in given.items()]
        return [sys.executable, __file__, *itertools.chain(*words)]

    def run(self, command: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command until it ends or the time is over."""
        try:
            # DVC's stages start the python that the path names.
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=self.left(),
                env={**os.environ, "PATH": path},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise FailedError("not finished: the time was over") from None
        if check and done.returncode:
            print(done.stdout[-3000:], done.stderr[-5000:], sep="\n", file=sys.stderr)
            raise FailedError(f"{' '.join(command[1:4])} exited with {done.returncode}")
        return done

    def result(self, command: list[str]) -> dict[str, float]:
        """The numbers that a child prints."""
        lines = self.run(command).stdout.splitlines()
        (line,) = [line for line in lines if line.startswith("RESULT ")]
        found: dict[str, float] = json.loads(line.removeprefix("RESULT "))
        return found


def speed(bench: Bench) -> Iterator[str]:
    """Images a second of both trainers, one process each, in turns."""
    sizes = bench.sizes
    for precision, compiled in sizes.precisions:
        found: dict[str, dict[str, float]] = {}
        for name in ("reprise",) if compiled else ("reprise", "ultralytics"):
            folder = bench.folder / f"{name}-{precision}-{compiled}"
            folder.mkdir()
            values = {
                "child": name, "folder": folder,
                "dataset": bench.dataset, "epochs": sizes.epochs, "seeds": 0,
                "image-size": sizes.image_size, "workers": bench.workers,
                "variant": sizes.variant, "batch-size": sizes.batch_size,
                "device": bench.device, "precision": precision, "compile": compiled,
            }  # fmt: skip
            words = [[f"--{key}", str(value)] for key, value in values.items()]
            script = str(ROOT / "benchmarks" / "train_vs_ultralytics.py")
            found[name] = bench.result([sys.executable, script, *itertools.chain(*words)])
        mine, peer = found["reprise"], found.get("ultralytics")
        line = f"training, {precision}{', compiled' if compiled else ''}"
        text = f"{mine['images_per_second']:.0f} images/s, peak {mine['peak_gib']:.2f} GiB"
        if peer:
            ratio = mine["images_per_second"] / peer["images_per_second"]
            text += (
                f"; ultralytics {peer['images_per_second']:.0f} images/s, peak "
                f"{peer['peak_gib']:.2f} GiB; ratio {ratio:.2f}"
            )
        yield f"| {line} | {text} |"
    rates = bench.result(bench.command("rates", "rates"))
    yield (
        f"| loader alone, {bench.workers} workers; network alone, {sizes.precisions[0][0]} "
        f"| {rates['loader']:.0f} images/s; {rates['network']:.0f} images/s |"
    )


def repeat(bench: Bench) -> Iterator[str]:
    """Two runs of each family, and of the first one a third that is killed and resumed."""
    small = {"epochs": 3, "variant": "nano", "image_size": min(bench.sizes.image_size, 256)}
    for family in bench.sizes.repeated:
        told = ""
        for turn in ("one", "two"):
            command = bench.command("train", f"{family}-{turn}", family=family, **small)
            told += bench.run(command).stderr
        one, two = (bench.folder / f"{family}-{turn}" / "models" for turn in ("one", "two"))
        yield f"| {family}, two runs | {difference(one, two, told)} |"
        if family == "yolo":
            command = bench.command("train", "yolo-killed", family=family, **small)
            kill_after_a_checkpoint(bench, command, bench.folder / "yolo-killed")
            done = bench.run(command)
            resumed = next((s for s in done.stdout.splitlines() if s.startswith("resumed")), "")
            if not resumed:
                raise FailedError("the run that was killed began anew")
            found = difference(one, bench.folder / "yolo-killed" / "models", done.stderr)
            yield f"| {family}, killed, then {resumed} | against an unbroken run: {found} |"


def kill_after_a_checkpoint(bench: Bench, command: list[str], folder: Path) -> None:
    """Kill a run once it has written a checkpoint."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not list(folder.glob("scratch/runs/*/checkpoint.pt")):
            if process.poll() is not None:
                raise FailedError("the run ended before it could be killed")
            bench.left()
            time.sleep(0.02)
    finally:
        children = (
            psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        )
        for each in (process.pid, *(child.pid for child in children)):
            if psutil.pid_exists(each):
                os.kill(each, signal.SIGKILL)
        process.wait()


def difference(one: Path, two: Path, told: str) -> str:
    """Whether two models are the same bytes; if not, how far apart, and what torch names."""
    from reprise.models.storage import read_tensors

    names = ("model.safetensors", "last.safetensors", "model.json")
    if all((one / name).read_bytes() == (two / name).read_bytes() for name in names):
        return "the same bytes"
    first, second = (read_tensors(folder / "last.safetensors") for folder in (one, two))
    apart = {n: float((first[n].double() - second[n].double()).abs().max()) for n in first}
    differing = [name for name, value in apart.items() if value]
    named = sorted(set(NOT_DETERMINISTIC.findall(told)))
    return (
        f"{len(differing)} of {len(apart)} tensors differ, by at most {max(apart.values()):.2g}; "
        f"torch names as not deterministic: {', '.join(named) or 'none'}"
    )


def memory(bench: Bench) -> Iterator[str]:
    """What a person reads when memory runs out."""
    # Enough for the network, and for no batch.
    command = bench.command(
        "out-of-memory", "out-of-memory", batch_size=256, image_size=640, workers=0
    )
    done = bench.run(command, check=False)
    message = " ".join(done.stderr.partition("ERROR: ")[2].split())
    if done.returncode != 1 or "ran out of memory" not in message:
        print(done.stdout[-3000:], done.stderr[-5000:], sep="\n", file=sys.stderr)
        raise FailedError("no clear message")
    yield f"| out of memory | {message} |"


def pipeline(bench: Bench) -> Iterator[str]:
    """`dvc repro` of params.yaml as it is, in a clone."""
    clone = make_clone(ROOT, bench.folder / "clone")
    (clone.folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    device = {f"{section}.device": bench.device for section in ("training", "prediction")}
    clone.set(**{"machine.workers": bench.workers}, **device, **bench.sizes.pipeline)
    seconds = []
    for target in (["validate"], ["train"], []):
        started = time.perf_counter()
        bench.run([sys.executable, "-m", "dvc", "--cd", str(clone.folder), "repro", *target])
        seconds.append(time.perf_counter() - started)
    metrics = json.loads(clone.read("reports/evaluation/metrics.json"))["test"]
    yield (
        f"| default pipeline: data, training, the rest "
        f"| {', '.join(f'{value:.0f} s' for value in seconds)}; test mAP50 {metrics['mAP50']:.3f}, "
        f"mAP {metrics['mAP']:.3f} |"
    )


PIECES: dict[str, Callable[[Bench], Iterator[str]]] = {
    "speed": speed,
    "repeat": repeat,
    "memory": memory,
    "pipeline": pipeline,
}


def child(arguments: argparse.Namespace) -> None:
    """One thing, in this process: ``train``, ``rates`` or ``out-of-memory``."""
    from reprise.errors import RepriseError

    arguments.learning_rate, arguments.threads, arguments.cache = 1e-3, 2, "none"
    arguments.sampled = 64
    arguments.folder.mkdir(exist_ok=True)
    if arguments.child == "rates":
        print("RESULT " + json.dumps(rates_alone(arguments)))
        return
    if arguments.child == "out-of-memory":
        limit_memory(arguments.device)
    try:
        train_only(arguments, parameters(arguments, 0))
    except RepriseError as error:
        sys.exit(f"ERROR: {error}")


def limit_memory(device: str) -> None:
    """Leave this process little memory: of the GPU, or of the machine."""
    import torch

    if device == "cuda":
        torch.cuda.set_per_process_memory_fraction(GPU_SHARE)
        return
    from reprise.models.yolo import family

    yolo: Any = family.Yolo
    learn = yolo.loss

    def limited(*arguments: Any) -> Any:
        # Not earlier: threads and libraries take much address space until the first batch is
        # there, and where it does not suffice each fails in a way of its own.
        most = psutil.Process().memory_info().vms + CPU_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        return learn(*arguments)

    yolo.loss = limited


def rates_alone(arguments: argparse.Namespace) -> dict[str, float]:
    """Images a second of our loader with nothing to wait for, and of optimizer steps over a
    batch that is on the device already."""
    import torch

    from reprise.dataset import Dataset
    from reprise.distributed import SINGLE_PROCESS
    from reprise.models.family import family_class, to_device
    from reprise.training.loop import Trainer
    from reprise.training.plan import plan_run
    from reprise.training.runtime import Runtime, local_device, prepare_torch

    settings = settings_of(parameters(arguments, 0), arguments.image_size)
    data = Dataset(arguments.dataset)
    device = local_device(settings.training)
    prepare_torch(device, settings.training)
    family = family_class(settings.model.type)(
        settings.model, data.class_names, settings.image_size
    )
    family.prepare(data, settings.training.label_smoothing)
    plan = plan_run(settings.training, len(data.split("train")))
    samples: Any = family.training_samples(data, settings.augmentation, 0, plan.epochs)
    runtime = Runtime(device, SINGLE_PROCESS, arguments.workers, arguments.folder)
    trainer = Trainer(family, samples, plan, settings, runtime)
    trainer.prepare_epoch()
    for _ in range(2):  # in the first pass the workers start
        started, images = time.perf_counter(), 0
        for batch in trainer.loader:
            images += len(batch["images"])
        loader = images / (time.perf_counter() - started)
    place = [(0, index) for index in range(arguments.batch_size)]
    batch = to_device(family.collate([samples[each] for each in place]), device)
    for part in ("warm-up", "measured"):
        started = time.perf_counter()
        for _ in range(arguments.steps if part == "measured" else 5):
            trainer.state.batch = 0
            trainer.run_step(iter([batch]))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - started
    return {"loader": loader, "network": arguments.steps * len(place) / seconds}


def machine_in_words(device: str) -> str:
    """What the table was measured on."""
    import torch

    cores = f"{os.cpu_count()} CPU cores, torch {torch.__version__}"
    if device == "cpu":
        return f"no GPU: a rehearsal on the CPU, {cores}"
    properties = torch.cuda.get_device_properties(0)
    return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB, {cores}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="as small as it gets")
    parser.add_argument("--pieces", nargs="+", choices=PIECES, default=list(PIECES))
    parser.add_argument("--minutes", type=float, default=10, help="at most (default 10)")
    for name in ("--child", "--family", "--variant", "--precision"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--folder", "--dataset"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    for name in ("--image-size", "--batch-size", "--epochs", "--workers", "--steps"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    if arguments.child:
        child(arguments)
        return
    import torch

    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("no GPU that torch can use: nothing was measured")
        return
    started = time.monotonic()
    sizes = TINY if arguments.tiny else FULL
    failed = False
    print(
        "# On a GPU\n\nPrinted by `python benchmarks/gpu.py` on: "
        f"{machine_in_words(arguments.device)}. Training is of yolo {sizes.variant}, "
        f"{sizes.image_size} pixels, batch {sizes.batch_size}, {sizes.epochs} epochs, of which the "
        "middle one by speed counts.\n\n| what | found |\n|---|---|"
    )
    with tempfile.TemporaryDirectory(prefix="reprise-gpu-") as name:
        bench = Bench(arguments.device, sizes, Path(name), started + 60 * arguments.minutes - 10)
        for piece in arguments.pieces:
            try:
                for row in PIECES[piece](bench):
                    print(row, flush=True)
            except FailedError as error:
                failed = True
                print(f"| {piece} | {error} |", flush=True)
    print(f"\nAll of it took {(time.monotonic() - started) / 60:.1f} minutes.")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
