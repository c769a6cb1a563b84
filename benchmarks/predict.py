"""``reprise predict`` against ultralytics' own predict: the same network on the same folder.

Both find boxes at one threshold and one limit of overlap, from files to numbers in memory, each in
a process of its own, in turns; loading the network and the first pictures are not counted. The
pictures are the embedded screens and photographs of 12 megapixels that are made here. ultralytics
joins its convolutions with their norms, as it does by default. Run it on an idle machine:

    python benchmarks/predict.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

PEER = "ultralytics"
THRESHOLD = 0.25
NMS_IOU = 0.55
CLASSES = 10
WARM_UP = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=288)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=96, help="of 12 megapixels; 0 for none")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pictures", type=Path, help="a folder, in place of both")
    parser.add_argument("--child", choices=["reprise", PEER], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run = ours if arguments.child == "reprise" else theirs
        print("RESULT " + json.dumps(run(arguments)))
        return
    with tempfile.TemporaryDirectory(prefix="reprise-predict-") as name:
        for title, folder in folders(arguments, Path(name)).items():
            compare(title, folder, arguments)


def folders(arguments: argparse.Namespace, scratch: Path) -> dict[str, Path]:
    """What is predicted on."""
    if arguments.pictures:
        return {str(arguments.pictures): arguments.pictures}
    import zipfile

    from preprocess import make_source

    screens = scratch / "screens"
    with zipfile.ZipFile(ROOT / "data" / "seed" / "gui-screens.zip") as archive:
        archive.extractall(screens)
    found = {"embedded screens": screens}
    if arguments.photos:
        make_source(scratch / "photos", arguments.photos, 4000, 3000)
        found["12-megapixel photographs"] = scratch / "photos"
    return found


def compare(title: str, folder: Path, arguments: argparse.Namespace) -> None:
    """Run both in turns and print the medians and the ratio of each pair."""
    pairs = []
    for place in range(arguments.rounds):
        names = ["reprise", PEER][:: 1 if place % 2 == 0 else -1]
        pairs.append({name: one_run(name, folder, arguments) for name in names})
    ratios = [pair["reprise"]["rate"] / pair[PEER]["rate"] for pair in pairs]
    rates = {
        name: statistics.median(pair[name]["rate"] for pair in pairs) for name in ("reprise", PEER)
    }
    first = pairs[0]
    print(
        f"{title}, {first['reprise']['pictures']} pictures at {arguments.image_size} px, batches "
        f"of {arguments.batch_size}: Reprise {rates['reprise']:.1f} images/s, {PEER} "
        f"{rates[PEER]:.1f}; ratio {statistics.median(ratios):.2f} "
        f"({', '.join(f'{ratio:.2f}' for ratio in ratios)}); "
        f"{first['reprise']['boxes']} and {first[PEER]['boxes']} boxes",
        flush=True,
    )


def one_run(name: str, folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Each run in its own process."""
    command = [sys.executable, __file__, "--child", name, "--pictures", str(folder)]
    for key in ("image_size", "batch_size", "device"):
        command += [f"--{key.replace('_', '-')}", str(getattr(arguments, key))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        sys.exit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    result: dict[str, float] = json.loads(lines[-1].removeprefix("RESULT "))
    return result


def network(arguments: argparse.Namespace) -> tuple[Any, Any]:
    """The family with the embedded weights, which know the classes of screens, and its config."""
    from reprise.models.config import ModelConfig
    from reprise.models.storage import read_tensors
    from reprise.models.yolo.family import Yolo

    config = ModelConfig.model_validate(
        {"type": "yolo", "variant": "nano", "nms_iou": NMS_IOU, "max_detections": 300}
    )
    family = Yolo(config, [f"class {index}" for index in range(CLASSES)], arguments.image_size)
    weights = read_tensors(ROOT / "data" / "seed" / "starting-weights.safetensors")
    family.network.load_state_dict(weights)
    family.network.eval()
    return family, config


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, sorted."""
    from reprise.formats.file_index import FileIndex

    index = FileIndex(folder, "pictures")
    return [index.path(name) for name in index.images()]


def ours(arguments: argparse.Namespace) -> dict[str, float]:
    from reprise.commands.predicting.inputs import Input
    from reprise.commands.predicting.stream import How, leave_a_core, predict_inputs
    from reprise.inference.backends import open_backend
    from reprise.inference.model import Model

    family, _ = network(arguments)
    description = {
        "family": "yolo",
        "classes": [f"class {index}" for index in range(CLASSES)],
        "image_size": arguments.image_size,
        "score_threshold": THRESHOLD,
    }
    model = Model(family, description, open_backend("torch", family, ROOT, arguments.device))
    model.speed_up()
    inputs = [Input(path.name, path) for path in pictures(arguments.pictures)]
    how = How(THRESHOLD, arguments.batch_size)
    with leave_a_core():  # as the command does
        list(predict_inputs(model, inputs[:WARM_UP], how))
        started = time.perf_counter()
        found: list[Any] = list(predict_inputs(model, inputs, how))
        seconds = time.perf_counter() - started
    boxes = sum(len(one.rows) for one in found)
    return {"rate": len(inputs) / seconds, "pictures": len(inputs), "boxes": boxes}


def theirs(arguments: argparse.Namespace) -> dict[str, float]:
    from reprise.models.yolo import library  # noqa: F401 - isolates the library

    import ultralytics  # isort: skip

    peer: Any = ultralytics

    family, config = network(arguments)
    model = peer.YOLO("yolo11n.yaml")
    model.model = family.network
    paths = [str(path) for path in pictures(arguments.pictures)]

    def run(chosen: list[str]) -> int:
        results = model.predict(
            chosen,
            stream=True,
            conf=THRESHOLD,
            iou=config.nms_iou,
            max_det=config.max_detections,
            imgsz=arguments.image_size,
            batch=arguments.batch_size,
            device=arguments.device,
            verbose=False,
            save=False,
        )
        return sum(len(result.boxes.data.cpu()) for result in results)

    run(paths[:WARM_UP])
    started = time.perf_counter()
    boxes = run(paths)
    seconds = time.perf_counter() - started
    return {"rate": len(paths) / seconds, "pictures": len(paths), "boxes": boxes}


if __name__ == "__main__":
    main()
