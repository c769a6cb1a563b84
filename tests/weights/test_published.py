"""The table of published weights against the libraries' own tables, and what it refuses."""

from __future__ import annotations

import importlib.util
import re
from typing import Any, get_args

import pytest

from models.settings import model
from reprise.errors import RepriseError
from reprise.models.family import family_class
from reprise.models.registry import FAMILIES
from reprise.weights.config import NAMES
from reprise.weights.published import (
    ARCHITECTURES,
    PUBLISHED,
    SCREENS_DATA,
    TASKS,
    VARIANTS,
    Network,
    Published,
    check_name,
    find,
    fitting,
)

from reprise.models.config import ModelConfig  # isort: skip


def of(family: str, name: str) -> list[Published]:
    return [one for one in PUBLISHED if (one.network.family, one.name) == (family, name)]


def test_what_auto_means_is_what_the_families_say() -> None:
    assert ARCHITECTURES.keys() == TASKS.keys() == NAMES.keys() <= FAMILIES.keys()
    for name in NAMES:
        family = family_class(name)
        assert family.architectures == ARCHITECTURES[name]
        assert family.tasks == TASKS[name]
    assert set(VARIANTS) == set(get_args(ModelConfig.model_fields["variant"].annotation))


@pytest.mark.parametrize("task", ["auto", "detect", "segment"])
@pytest.mark.parametrize("architecture", ["auto", *ARCHITECTURES["detectron2"]])
def test_in_detectron2_task_and_network_give_each_other(architecture: str, task: str) -> None:
    from reprise.models.detectron2.family import choose_network

    try:
        expected = choose_network(model(type="detectron2", architecture=architecture, task=task))
    except RepriseError:
        return
    chosen = Network.chosen("detectron2", architecture, task, "nano")
    assert (chosen.architecture, chosen.task) == expected


def test_no_network_has_two_files_of_one_name() -> None:
    keys = [(one.name, one.network) for one in PUBLISHED]
    assert len(set(keys)) == len(keys)
    assert {one.name for one in PUBLISHED} == {name for names in NAMES.values() for name in names}


def test_yolo_files_are_assets_of_ultralytics() -> None:
    import inspect

    from reprise.models.yolo import library  # noqa: F401 - imports ultralytics as we do

    from ultralytics.utils import downloads  # isort: skip

    release = inspect.signature(downloads.attempt_download_asset).parameters["release"].default
    folder = f"https://github.com/{downloads.GITHUB_ASSETS_REPO}/releases/download/{release}/"
    files = {one.url.removeprefix(folder) for one in of("yolo", "coco")}
    assert files <= downloads.GITHUB_ASSETS_NAMES
    assert len(files) == len(ARCHITECTURES["yolo"]) * len(VARIANTS) * len(TASKS["yolo"])


TORCHVISION = {
    ("faster_rcnn", "fpn", "small"): "fasterrcnn_mobilenet_v3_large_fpn",
    ("faster_rcnn", "fpn", "medium"): "fasterrcnn_resnet50_fpn",
    ("faster_rcnn", "fpn_v2", "medium"): "fasterrcnn_resnet50_fpn_v2",
    ("mask_rcnn", "fpn", "medium"): "maskrcnn_resnet50_fpn",
    ("mask_rcnn", "fpn_v2", "medium"): "maskrcnn_resnet50_fpn_v2",
}


@pytest.mark.parametrize("family", ["faster_rcnn", "mask_rcnn"])
def test_detectors_are_those_of_torchvision(family: str) -> None:
    from torchvision.models import get_model_weights

    from reprise.models.rcnn.network import BACKBONES

    places = {
        (one.network.family, one.network.architecture, one.network.variant): one
        for one in of(family, "coco")
    }
    assert places.keys() == {key for key in TORCHVISION if key[0] == family}
    for key, one in places.items():
        assert_same(one, get_model_weights(TORCHVISION[key]).COCO_V1)
    for one in of(family, "imagenet"):
        weights = get_model_weights(BACKBONES[one.network.variant])
        assert_same(one, weights.IMAGENET1K_V1)
    backbones = len(ARCHITECTURES[family]) * len(VARIANTS)
    assert len(of(family, "imagenet")) == backbones


def test_classifiers_are_torchvisions_best() -> None:
    from torchvision.models import get_model_weights

    from reprise.models.multilabel.family import NETWORKS

    found = {(o.network.architecture, o.network.variant): o for o in of("multilabel", "imagenet")}
    assert found.keys() == {(a, v) for a, variants in NETWORKS.items() for v in variants}
    for (architecture, variant), one in found.items():
        assert_same(one, get_model_weights(NETWORKS[architecture][variant]).DEFAULT)


def assert_same(one: Published, weights: object) -> None:
    """An entry of the table against torchvision's own."""
    assert one.url == weights.url  # type: ignore[attr-defined]
    stated = re.search(r"-([0-9a-f]{8})\.pth$", one.url)
    assert stated
    assert one.sha256 == stated[1]
    mebibytes = weights.meta["_file_size"]  # type: ignore[attr-defined]
    assert one.megabytes == pytest.approx(mebibytes * 2**20 / 1e6, abs=0.1)


def test_sam_files_are_in_repositories_that_transformers_names() -> None:
    repositories = {one.url.removeprefix("https://huggingface.co/").rsplit("/", 3)[0]
                    for one in of("sam", "sa1b")}  # fmt: skip
    named = {"facebook/sam-vit-base", "facebook/sam-vit-huge", "facebook/sam2.1-hiera-tiny"}
    assert named <= repositories
    assert all(one.url.endswith("/resolve/main/model.safetensors") for one in of("sam", "sa1b"))


@pytest.mark.skipif(
    importlib.util.find_spec("detectron2") is None, reason="Detectron2 is not installed"
)
def test_detectron2_files_are_those_of_its_zoo() -> None:
    from detectron2.config import get_cfg
    from detectron2.model_zoo import get_checkpoint_url, get_config_file
    from detectron2.utils.file_io import PathManager  # noqa: F401 - knows detectron2://

    from reprise.models.detectron2.zoo import VARIANTS as CONFIGS
    from reprise.models.detectron2.zoo import ZOO

    for one in of("detectron2", "coco"):
        name = ZOO[one.network.architecture].format(CONFIGS[one.network.variant])
        assert one.url == get_checkpoint_url(name)
        assert one.url.endswith(f"_{one.md5}.pkl")
    for one in of("detectron2", "imagenet"):
        cfg = get_cfg()
        cfg.merge_from_file(
            get_config_file(ZOO["faster_rcnn"].format(CONFIGS[one.network.variant]))
        )
        stem = cfg.MODEL.WEIGHTS.removeprefix("detectron2://")
        assert one.url == f"https://dl.fbaipublicfiles.com/detectron2/{stem}"


@pytest.mark.parametrize(
    ("chosen", "name", "said", "advice"),
    [
        (("yolo", "auto", "auto", "small"), "screens", "yolo11 small to detect", "yolo: coco"),
        (("yolo", "yolov8", "auto", "nano"), "screens", "yolov8 nano", "yolo: coco"),
        (("yolo", "auto", "segment", "nano"), "screens", "yolo11 nano to segment", "yolo: coco"),
        (("sam", "auto", "auto", "nano"), "sa1b", "sam nano", "model.variant: medium"),
        (("faster_rcnn", "auto", "auto", "nano"), "coco", "for small and medium", "imagenet"),
    ],
)
def test_weights_of_another_network_are_refused_with_the_line_to_write(
    chosen: tuple[str, str, str, str], name: str, said: str, advice: str
) -> None:
    network = Network.chosen(*chosen)
    with pytest.raises(RepriseError) as caught:
        find(network, name)
    assert said in caught.value.problem
    assert f"model.weights.{chosen[0]}" in caught.value.problem
    assert advice in caught.value.fix
    assert f"model.weights.{chosen[0]}: none" in caught.value.fix


def test_every_network_of_the_table_finds_its_file() -> None:
    for one in PUBLISHED:
        assert find(one.network, one.name) is one
        assert one in fitting(one.network)


def test_weights_of_screens_are_for_the_embedded_screens_alone() -> None:
    network = Network.chosen("yolo", "auto", "auto", "nano")
    check_name(network, "screens", [SCREENS_DATA])
    for entry in ("screens", "data/seed/starting-weights.safetensors"):
        with pytest.raises(RepriseError, match=r"data\.sources names \.\./cells") as caught:
            check_name(network, entry, [SCREENS_DATA, "../cells"])
        assert "write model.weights.yolo: coco, or model.weights.yolo: none" in caught.value.fix


def test_the_classes_are_those_that_the_libraries_state() -> None:
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    found = find(Network.chosen("mask_rcnn", "auto", "auto", "medium"), "coco").classes
    assert found == FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:]
    zoo = find(Network.chosen("detectron2", "auto", "auto", "medium"), "coco").classes
    assert zoo is not None
    assert len(zoo) == 80
    for name in ("yolo", "sam", "multilabel"):
        # In the file itself, or of no use.
        assert {one.classes for one in PUBLISHED if one.network.family == name} == {None}


def test_the_head_of_each_family_has_its_classes_where_it_says() -> None:
    mask = family_class("mask_rcnn").class_rows
    family: Any = None
    rows = mask(family, "roi_heads.mask_predictor.mask_fcn_logits.weight", 2, 3)
    assert rows is not None
    assert rows.tolist() == [[1], [2], [0]]
    rows = mask(family, "roi_heads.box_predictor.bbox_pred.bias", 1, 8)
    assert rows is not None
    assert rows.tolist() == [[4, 5, 6, 7], [0, 1, 2, 3]]
    zoo = family_class("detectron2").class_rows
    expected: dict[tuple[str, int], list[list[int]] | None] = {
        ("roi_heads.box_predictor.cls_score.bias", 3): [[0], [1], [2]],
        ("roi_heads.box_predictor.bbox_pred.weight", 8): [[0, 1, 2, 3], [4, 5, 6, 7]],
        ("roi_heads.mask_head.predictor.weight", 2): [[0], [1]],
        ("head.cls_score.weight", 6): [[0, 2, 4], [1, 3, 5]],
        ("backbone.fpn_lateral2.weight", 256): None,
    }
    for (name, length), places in expected.items():
        rows = zoo(family, name, 2, length)
        assert (rows if rows is None else rows.tolist()) == places
