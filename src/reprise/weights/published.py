"""Published weights by name: for each network of each family where its file is, and what it is.

The addresses are those of the libraries' own tables, copied here so that a name is checked in
milliseconds, without importing any of them; ``tests/weights/test_published.py`` compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from reprise.errors import RepriseError
from reprise.weights.config import NAMES, NO_WEIGHTS, WeightsConfig, is_path
from reprise.weights.config import Weights as Entry

Task = Literal["detect", "segment", "classify"]
# Of each family, the values of model.architecture and model.task; the first is what `auto` means.
ARCHITECTURES: dict[str, tuple[str, ...]] = {
    "yolo": ("yolo11", "yolov8", "yolo26"),
    "faster_rcnn": ("fpn", "fpn_v2"),
    "mask_rcnn": ("fpn", "fpn_v2"),
    "sam": ("sam", "sam2"),
    "detectron2": ("faster_rcnn", "mask_rcnn", "retinanet"),
    "multilabel": ("resnet", "convnext"),
}
TASKS: dict[str, tuple[Task, ...]] = {
    "yolo": ("detect", "segment"),
    "faster_rcnn": ("detect",),
    "mask_rcnn": ("segment",),
    "sam": ("segment",),
    "detectron2": ("detect", "segment"),
    "multilabel": ("classify",),
}
VARIANTS = ("nano", "small", "medium", "large", "xlarge")
# The dataset that this repository comes with, and the weights that were made from drawings like it.
SCREENS_DATA = "data/seed/gui-screens.zip"
SCREENS_WEIGHTS = "data/seed/starting-weights.safetensors"
SCREENS_SHA256 = "cf6dfff0c1b8eb8318e15635e7d18034d95be69f86bfe25016ff52c6680f831d"
# COCO's classes by their number from 1; some numbers stand for none.
NO_CLASS = "N/A"
COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "N/A", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "N/A", "backpack",
    "umbrella", "N/A", "N/A", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "N/A", "wine glass", "cup", "fork", "knife", "spoon", "bowl",
    "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
    "cake", "chair", "couch", "potted plant", "bed", "N/A", "dining table", "N/A", "N/A", "toilet",
    "N/A", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
    "toaster", "sink", "refrigerator", "N/A", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
)  # fmt: skip


@dataclass(frozen=True)
class Network:
    """What weights have to fit: the choice that the ``model`` section makes, ``auto`` resolved."""

    family: str
    architecture: str
    task: str
    variant: str

    @classmethod
    def chosen(cls, family: str, architecture: str, task: str, variant: str) -> Network:
        """From ``model.type``, ``architecture``, ``task`` and ``variant`` as they are written."""
        tasks: tuple[str, ...] = TASKS.get(family, (task,))
        networks = ARCHITECTURES.get(family, (architecture,))
        if family == "detectron2":
            # There each of the two gives the other.
            if architecture == "auto":
                architecture = "mask_rcnn" if task == "segment" else networks[0]
            task = "segment" if architecture == "mask_rcnn" else "detect"
        return cls(
            family,
            networks[0] if architecture == "auto" else architecture,
            tasks[0] if task == "auto" else task,
            variant,
        )

    def __str__(self) -> str:
        shown = (
            self.architecture
            if self.family in ("yolo", "sam")
            else f"{self.family} {self.architecture}"
        )
        return f"{shown} {self.variant} to {self.task}"


@dataclass(frozen=True)
class Published:
    """Weights that are known by a name.

    Attributes:
        name: What ``model.weights.<family>`` calls them.
        network: What they fit.
        url: Where the publisher has the file; a path, of what comes with this repository.
        megabytes: About its size, in 10^6 bytes.
        licence: Of the weights.
        sha256: Its SHA-256, or the beginning of it, where the library states one.
        md5: The same of its MD5.
        whole: Whether they are of the whole network, or of its backbone alone.
    """

    name: str
    network: Network
    url: str
    megabytes: float
    licence: str
    sha256: str = ""
    md5: str = ""
    whole: bool = True

    @property
    def classes(self) -> list[str] | None:
        """Names of the class head's rows, where the file does not hold them itself."""
        if self.name != "coco" or self.network.family == "yolo":
            return None
        if self.network.family == "detectron2":
            return [name for name in COCO_CLASSES if name != NO_CLASS]
        return list(COCO_CLASSES)

    @property
    def source(self) -> str:
        """Who publishes them, in a word or two."""
        if "://" not in self.url:
            return "this repository"
        host, _, path = self.url.partition("://")[2].partition("/")
        owners = {"github.com": 2, "huggingface.co": 1}.get(host, 0)
        return "/".join([host, *path.split("/")[:owners]])


# Megabytes by variant, nano first.
_YOLO = {
    ("yolo11", "detect"): (5.6, 19.3, 40.7, 51.4, 114.6),
    ("yolo11", "segment"): (6.2, 20.7, 45.4, 56.1, 125.1),
    ("yolov8", "detect"): (6.5, 22.6, 52.1, 87.8, 136.9),
    ("yolov8", "segment"): (7.1, 23.9, 54.9, 92.4, 144.1),
    ("yolo26", "detect"): (5.5, 20.4, 44.3, 53.2, 118.7),
    ("yolo26", "segment"): (6.7, 23.5, 54.6, 63.7, 141.6),
}
_ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download/v8.4.0"


def _yolo() -> Iterable[Published]:
    for (architecture, task), sizes in _YOLO.items():
        ending = "-seg" if task == "segment" else ""
        for variant, megabytes in zip(VARIANTS, sizes, strict=True):
            yield Published(
                "coco",
                Network("yolo", architecture, task, variant),
                f"{_ULTRALYTICS}/{architecture}{variant[0]}{ending}.pt",
                megabytes,
                "AGPL-3.0",
            )
    yield Published(
        "screens",
        Network("yolo", "yolo11", "detect", "nano"),
        SCREENS_WEIGHTS,
        5.3,
        "AGPL-3.0",
        sha256=SCREENS_SHA256,
    )


# torchvision's files end in the first digits of their SHA-256; with megabytes.
_DETECTORS = {
    ("faster_rcnn", "fpn", "small"): ("fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7", 77.8),
    ("faster_rcnn", "fpn", "medium"): ("fasterrcnn_resnet50_fpn_coco-258fb6c6", 167.5),
    ("faster_rcnn", "fpn_v2", "medium"): ("fasterrcnn_resnet50_fpn_v2_coco-dd69338a", 175.2),
    ("mask_rcnn", "fpn", "medium"): ("maskrcnn_resnet50_fpn_coco-bf2d0c1e", 178.1),
    ("mask_rcnn", "fpn_v2", "medium"): ("maskrcnn_resnet50_fpn_v2_coco-73cbd019", 185.8),
}
# The weights that torchvision's own detectors are trained from.
_BACKBONES = {
    "nano": ("mobilenet_v3_small-047dcff4", 10.3),
    "small": ("mobilenet_v3_large-8738ca79", 22.1),
    "medium": ("resnet50-0676ba61", 102.5),
    "large": ("resnet101-63fe2227", 178.8),
    "xlarge": ("resnet152-394f9c45", 241.6),
}
_CLASSIFIERS = {
    ("resnet", "nano"): ("resnet18-f37072fd", 46.8),
    ("resnet", "small"): ("resnet34-b627a593", 87.3),
    ("resnet", "medium"): ("resnet50-11ad3fa6", 102.5),
    ("resnet", "large"): ("resnet101-cd907fc2", 178.8),
    ("resnet", "xlarge"): ("resnet152-f82ba261", 241.7),
    ("convnext", "nano"): ("convnext_tiny-983f1562", 114.4),
    ("convnext", "small"): ("convnext_small-0c510722", 201.0),
    ("convnext", "medium"): ("convnext_base-6075fbad", 354.5),
    ("convnext", "large"): ("convnext_large-ea097f82", 791.2),
}


def _torchvision_file(
    name: str, network: Network, file: tuple[str, float], whole: bool = True
) -> Published:
    stem, megabytes = file
    return Published(
        name,
        network,
        f"https://download.pytorch.org/models/{stem}.pth",
        megabytes,
        "BSD-3-Clause",
        sha256=stem.rpartition("-")[2],
        whole=whole,
    )


def _torchvision() -> Iterable[Published]:
    for (family, architecture, variant), file in _DETECTORS.items():
        network = Network(family, architecture, TASKS[family][0], variant)
        yield _torchvision_file("coco", network, file)
    for family in ("faster_rcnn", "mask_rcnn"):
        for architecture in ARCHITECTURES[family]:
            for variant, file in _BACKBONES.items():
                network = Network(family, architecture, TASKS[family][0], variant)
                yield _torchvision_file("imagenet", network, file, whole=False)
    for (architecture, variant), file in _CLASSIFIERS.items():
        yield _torchvision_file(
            "imagenet", Network("multilabel", architecture, "classify", variant), file
        )


# transformers' repositories, with megabytes.
_SAM = {
    ("sam", "medium"): ("facebook/sam-vit-base", 375.0),
    ("sam", "large"): ("facebook/sam-vit-large", 1249.5),
    ("sam", "xlarge"): ("facebook/sam-vit-huge", 2564.4),
    ("sam2", "small"): ("facebook/sam2.1-hiera-tiny", 155.9),
    ("sam2", "medium"): ("facebook/sam2.1-hiera-small", 184.3),
    ("sam2", "large"): ("facebook/sam2.1-hiera-base-plus", 323.5),
    ("sam2", "xlarge"): ("facebook/sam2.1-hiera-large", 897.9),
}


def _transformers() -> Iterable[Published]:
    for (architecture, variant), (repository, megabytes) in _SAM.items():
        yield Published(
            "sa1b",
            Network("sam", architecture, "segment", variant),
            f"https://huggingface.co/{repository}/resolve/main/model.safetensors",
            megabytes,
            "Apache-2.0",
        )


_ZOO = "https://dl.fbaipublicfiles.com/detectron2"
# The model zoo's files end in the first digits of their MD5; with megabytes.
_ZOO_FILES = {
    ("faster_rcnn", "medium"): (
        "COCO-Detection/faster_rcnn_R_50_FPN_3x/137849458/model_final_280758", 167.1,
    ),
    ("faster_rcnn", "large"): (
        "COCO-Detection/faster_rcnn_R_101_FPN_3x/137851257/model_final_f6e8b1", 243.4,
    ),
    ("faster_rcnn", "xlarge"): (
        "COCO-Detection/faster_rcnn_X_101_32x8d_FPN_3x/139173657/model_final_68b088", 420.0,
    ),
    ("mask_rcnn", "medium"): (
        "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x/137849600/model_final_f10217", 177.8,
    ),
    ("mask_rcnn", "large"): (
        "COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x/138205316/model_final_a3ec72", 254.1,
    ),
    ("mask_rcnn", "xlarge"): (
        "COCO-InstanceSegmentation/mask_rcnn_X_101_32x8d_FPN_3x/139653917/model_final_2d9806",
        430.5,
    ),
    ("retinanet", "medium"): (
        "COCO-Detection/retinanet_R_50_FPN_3x/190397829/model_final_5bd44e", 152.5,
    ),
    ("retinanet", "large"): (
        "COCO-Detection/retinanet_R_101_FPN_3x/190397697/model_final_971ab9", 228.6,
    ),
}  # fmt: skip
_ZOO_BACKBONES = {
    "medium": ("MSRA/R-50", 102.5),
    "large": ("MSRA/R-101", 178.8),
    "xlarge": ("FAIR/X-101-32x8d", 356.1),
}


def _detectron2() -> Iterable[Published]:
    licence = "CC-BY-SA-3.0"
    for (architecture, variant), (stem, megabytes) in _ZOO_FILES.items():
        network = Network.chosen("detectron2", architecture, "auto", variant)
        md5 = stem.rpartition("_")[2]
        yield Published("coco", network, f"{_ZOO}/{stem}.pkl", megabytes, licence, md5=md5)
    for architecture in ARCHITECTURES["detectron2"]:
        for variant, (stem, megabytes) in _ZOO_BACKBONES.items():
            network = Network.chosen("detectron2", architecture, "auto", variant)
            url = f"{_ZOO}/ImageNetPretrained/{stem}.pkl"
            yield Published("imagenet", network, url, megabytes, licence, whole=False)


PUBLISHED: tuple[Published, ...] = (*_yolo(), *_torchvision(), *_transformers(), *_detectron2())


def fitting(network: Network) -> list[Published]:
    """All published weights of a network, the best start first.

    Those of the embedded screens, ``screens``, are among them: they are for the embedded
    dataset alone.
    """
    names = NAMES.get(network.family, ())
    found = [one for one in PUBLISHED if one.network == network]
    return sorted(found, key=lambda one: names.index(one.name))


def find(network: Network, name: str) -> Published:
    """The weights of a name that fit a network.

    Raises:
        RepriseError: There are none; the fix is the line to write.
    """
    for one in fitting(network):
        if one.name == name:
            return one
    others = [
        one.network
        for one in PUBLISHED
        if one.name == name and one.network.family == network.family
    ]
    near = [one for one in others if replace(one, variant=network.variant) == network]
    named = (
        f"they are for {_joined(one.variant for one in near)}"
        if near
        else f"they are for {_joined(dict.fromkeys(map(str, others)))}"
    )
    raise RepriseError(
        f"model.weights.{network.family}: there are no '{name}' weights of {network}: {named}.",
        _advice(network, near),
    )


def check_name(network: Network, entry: Entry, sources: Iterable[str]) -> None:
    """Check, by the table alone, that an entry of ``model.weights`` is for this network and data.

    Args:
        network: What the weights have to fit.
        entry: Of ``model.weights``; of a path or a file with its checksum, only the embedded
            weights of screens are known here.
        sources: The addresses in ``data.sources``.

    Raises:
        RepriseError: They are of another network, or of the embedded dataset and the data is not.
    """
    if network.architecture not in ARCHITECTURES.get(network.family, ()):
        return  # no family of ours, or it says itself that it has no such network
    if network.task not in TASKS[network.family]:
        return
    if isinstance(entry, str) and not is_path(entry):
        find(network, entry)
    if _is_of_screens(entry):
        find(network, "screens")
        other = [url for url in sources if url != SCREENS_DATA]
        if other:
            raise RepriseError(
                f"model.weights.{network.family}: these weights are of drawn screens, a start for "
                f"the embedded dataset alone, and data.sources names {other[0]}.",
                _advice(network, []),
            )


def _is_of_screens(entry: Entry) -> bool:
    if isinstance(entry, WeightsConfig):
        return entry.sha256 == SCREENS_SHA256
    return entry is not None and entry in ("screens", SCREENS_WEIGHTS)


def _advice(network: Network, near: list[Network]) -> str:
    """The line to write."""
    key = f"model.weights.{network.family}"
    fits = [one for one in fitting(network) if one.name != "screens"]
    lines = [f"{key}: {one.name}{'' if one.whole else ' (its backbone)'}" for one in fits]
    if near and not fits:
        lines.append(f"model.variant: {near[0].variant}")
    return f"write {', or '.join([*lines, f'{key}: {NO_WEIGHTS} (random weights)'])}."


def _joined(words: Iterable[str]) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
