"""Makes data/seed/starting-weights.safetensors from drawn screens alone.

No rendered screen is used, so that every template and look of the embedded dataset stays
unseen, whatever the split. It took 19 minutes on two busy cores:

    python data/seed/pretrain.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))


from reprise import params  # noqa: E402
from reprise.preprocessing.config import DataConfig  # noqa: E402
from reprise.preprocessing.preprocess import Folders, preprocess  # noqa: E402
from reprise.synthesis.config import SyntheticConfig  # noqa: E402
from reprise.synthesis.generate import synthesize  # noqa: E402
from reprise.training.config import TrainingConfig, TrainSettings  # noqa: E402
from reprise.training.train import TrainFolders, train  # noqa: E402

OUT = ROOT / "data" / "seed" / "starting-weights.safetensors"
# Another seed than params.yaml's: the pipeline's own screens are new to these weights.
SCREENS = {"generator": "gui", "count": 1600, "seed": 1000}
IMAGE_SIZE = 256
EPOCHS = 8


def main() -> None:
    """Draw, preprocess, train, and store the weights as fp16."""
    loaded = params.load(ROOT / "params.yaml")
    with tempfile.TemporaryDirectory(prefix="reprise-pretrain-") as name:
        folder = Path(name)
        synthesize(SyntheticConfig.model_validate(SCREENS), folder / "raw" / "drawn", workers=2)
        # Here the drawn screens are the real ones: some have to be held back for val.
        labels = folder / "raw" / "drawn" / "annotations.json"
        labels.write_text(labels.read_text().replace('"synthetic": true', '"synthetic": false'))
        data = DataConfig.model_validate(
            {
                "sources": {"drawn": {"url": "drawn", "format": "coco"}},
                "image_size": IMAGE_SIZE,
                "split": {"train": 0.97, "val": 0.03, "test": 0.0},
            }
        )
        raw = {"drawn": folder / "raw" / "drawn"}
        preprocess(
            data=data,
            machine=loaded.machine,
            folders=Folders(raw=raw, processed=folder / "processed"),
        )
        training = loaded.training.model_dump() | {"epochs": EPOCHS, "batch_size": 16}
        augmentation = loaded.augmentation.model_copy(
            update={"mosaic": 0.3, "close_mosaic_epochs": 2, "scale": 0.4}
        )
        train(
            TrainSettings(
                loaded.model.model_copy(update={"weights": {}}),
                TrainingConfig.model_validate(training),
                loaded.validation,
                augmentation,
                IMAGE_SIZE,
            ),
            loaded.machine,
            TrainFolders(
                dataset=folder / "processed",
                weights=folder / "weights",
                models=folder / "models",
                reports=folder / "reports",
                scratch=folder / "scratch",
                logs=folder / "logs",
            ),
        )
        weights = load_file(folder / "models" / "model.safetensors")
    halved = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in sorted(weights.items())
    }
    save_file(halved, OUT, metadata={"format": "pt"})
    print(f"{OUT.name}: {OUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
