"""``reprise init`` from a person's folder to a params.yaml that every check passes."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from builders import tiny_coco, tiny_yolo, write_labels
from reprise import params
from reprise.cli import main
from reprise.sources.folders import digest

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def top(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The top folder of a repository, with the published parameters."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(repository / name, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    yield folder


def _init(*words: object) -> int:
    return main(["init", *map(str, words), "--weights", "none"])


def _params() -> Any:
    return YAML(typ="safe", pure=True).load(Path("params.yaml"))


def _comments(text: str) -> set[str]:
    return set(re.findall("# .*", text))


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_becomes_parameters_and_only_they_change(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "my cells", 20, ("cell", "nucleus"))
    before = Path("params.yaml").read_text()
    assert _init("../my cells") == 0
    out = capsys.readouterr().out
    assert "20 images, 40 objects, in 2 class(es)\n" in out
    assert "data.image_size                   64 (was 288): 95% of the objects keep " in out
    assert [line.split("  ")[1] for line in out.splitlines() if line.startswith("  ")] == [
        "dvc repro validate", "reprise show-batch", "dvc repro", "reprise predict PATH",
    ]  # fmt: skip
    found = _params()
    assert found["data"]["sources"] == {"my_cells": {"url": "../my cells", "format": "coco"}}
    assert found["data"]["classes"] == ["cell", "nucleus"]
    assert found["synthetic"]["generator"] == "none"
    assert _files(top) == {"dvc.yaml", "params.yaml"}
    # Those of the embedded dataset go with it; all others stay.
    gone = _comments(before) - _comments(Path("params.yaml").read_text())
    assert {comment.split(":")[0] for comment in gone} == {
        "# a folder or an archive",
        "# of the archive",
        "# how the labels are written; auto finds out (README",
    }
    assert params.main(["--check"]) == 0


def test_the_same_again_changes_nothing(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cells", 20)
    _init("../cells")
    first = Path("params.yaml").read_bytes()
    capsys.readouterr()
    assert _init("../cells") == 0
    assert Path("params.yaml").read_bytes() == first
    out = capsys.readouterr().out
    assert "params.yaml is as it was: there was nothing to change." in out
    assert "(was " not in out


def test_a_dry_run_shows_the_difference_and_writes_nothing(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cells", 20)
    before = Path("params.yaml").read_bytes()
    assert _init("../cells", "--dry-run") == 0
    assert Path("params.yaml").read_bytes() == before
    out = capsys.readouterr().out
    assert "\n-  generator: gui " in out and "\n+  generator: none " in out
    assert "next:" not in out


def test_what_was_set_by_hand_is_named_and_what_is_not_chosen_stays(
    top: Path, capsys: Capture
) -> None:
    tiny_coco(top.parent / "cells", 20)
    text = Path("params.yaml").read_text()
    text = text.replace("epochs: 24  ", "epochs: 77  ").replace(
        "weight_decay: 0.0005", "weight_decay: 0.01"
    )
    Path("params.yaml").write_text(
        text.replace("    train: 0.7 ", "    train: 0.6 ").replace(
            "    test: 0.15", "    test: 0.25"
        )
    )
    assert _init("../cells") == 0
    assert "(was 77)" in capsys.readouterr().out
    found = _params()
    assert found["training"]["epochs"] != 77
    assert found["training"]["weight_decay"] == 0.01
    assert found["data"]["split"]["train"] == 0.6


def test_keep_leaves_a_parameter_or_a_section(top: Path) -> None:
    tiny_coco(top.parent / "cells", 20)
    before = _params()
    assert _init("../cells", "--keep", "training.epochs", "expectations") == 0
    found = _params()
    assert found["training"]["epochs"] == before["training"]["epochs"]
    assert found["expectations"] == before["expectations"]


def test_what_is_kept_decides_what_depends_on_it(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cells", 40)
    assert _init("../cells", "--keep", "data.image_size", "training.batch_size") == 0
    assert "data.image_size                   288: you keep it" in capsys.readouterr().out
    found = _params()
    assert (found["data"]["image_size"], found["training"]["batch_size"]) == (288, 8)


def test_a_parameter_to_keep_that_is_none_is_an_error(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cells", 20)
    assert _init("../cells", "--keep", "training.epoch") == 1
    assert "did you mean training.epochs?" in capsys.readouterr().err


def test_several_sources_are_mixed_under_names_of_their_own(top: Path) -> None:
    tiny_coco(top.parent / "a/cells", 10)
    tiny_yolo(top.parent / "b/cells", 10)
    assert _init("../a/cells", "../b/cells") == 0
    assert list(_params()["data"]["sources"]) == ["cells", "cells_2"]


def test_a_source_that_is_named_twice_is_an_error(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cells", 10)
    assert _init("../cells", "../cells/") == 1
    assert "it is named twice" in capsys.readouterr().err


def test_an_archive_on_a_server_is_pinned_and_kept_for_the_pipeline(
    top: Path, capsys: Capture
) -> None:
    tiny_coco(top.parent / "cells", 10)
    archive = Path(shutil.make_archive(str(top.parent / "www/cells"), "zip", top.parent / "cells"))
    handler = partial(_Quiet, directory=str(archive.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/cells.zip"
        assert _init(url) == 0
        server.shutdown()
    assert _params()["data"]["sources"] == {
        "cells": {"url": url, "sha256": digest(archive), "format": "coco"}
    }
    assert all(
        name.startswith(".dvc/tmp/reprise/download/")
        for name in _files(top) - {"dvc.yaml", "params.yaml"}
    )
    assert "127.0.0.1" in capsys.readouterr().out


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_folder_inside_the_repository_is_named_from_its_top(top: Path) -> None:
    tiny_coco(top / "mine/cells", 10)
    assert _init(top / "mine" / "cells") == 0
    assert _params()["data"]["sources"]["cells"]["url"] == "mine/cells"


def test_labels_of_whole_images_train_a_classifier(top: Path) -> None:
    tiny_coco(top.parent / "flat", 24)
    for index, image in enumerate(sorted((top.parent / "flat/images").iterdir())):
        folder = top.parent / "pets" / ("cat", "dog", "cat+dog")[index % 3]
        folder.mkdir(parents=True, exist_ok=True)
        image.rename(folder / image.name)
    assert _init("../pets") == 0
    found = _params()
    assert found["model"]["type"] == "multilabel"
    assert found["data"]["split"]["group_by"] == []
    assert params.main(["--check"]) == 0


@pytest.mark.parametrize("family", ["faster_rcnn", "mask_rcnn", "multilabel"])
def test_the_parameters_of_a_named_family_pass_the_check(
    family: str, top: Path, capsys: Capture
) -> None:
    content = tiny_coco(top.parent / "cells", 20)
    for row in content["annotations"]:
        x, y, w, h = row["bbox"]
        row["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    write_labels(top.parent / "cells", content)
    assert _init("../cells", "--model", family) == 0
    assert params.main(["--check"]) == 0
    assert _params()["model"]["type"] == family


def _empty(folder: Path) -> None:
    folder.mkdir()


def _images_alone(folder: Path) -> None:
    tiny_coco(folder, 5)
    (folder / "annotations.json").unlink()


def _labels_alone(folder: Path) -> None:
    tiny_coco(folder, 5)
    shutil.rmtree(folder / "images")


def _boxless(folder: Path) -> None:
    tiny_coco(folder, 5, boxes_each=0)


def _two(folder: Path) -> None:
    tiny_coco(folder, 2)


def _reserved(folder: Path) -> None:
    tiny_coco(folder, 9, ("cat", "all classes"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "'../bad' does not exist"),
        (_empty, "holds no file at all"),
        (_images_alone, "../bad: it holds 5 image(s) and no labels"),
        (_labels_alone, "../bad: no image is usable: 5 image_missing"),
        (_boxless, "none of the 5 images has an object or a label"),
        (_two, "2 usable image(s) do not fill train, val and test"),
        (_reserved, "a class is named 'all classes'"),
        (lambda path: path.write_bytes(b"PK\x03\x04 nothing"), "the archive is broken"),
        (lambda path: path.write_text("hello"), "neither a zip nor a tar archive but text"),
    ],
    ids=["nowhere", "empty", "images", "labels", "boxless", "two", "reserved", "broken", "text"],
)  # fmt: skip
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    make: Any, message: str, top: Path, capsys: Capture
) -> None:
    make(top.parent / "bad")
    before = Path("params.yaml").read_bytes()
    assert _init("../bad") == 1
    error = capsys.readouterr().err
    assert message in error and "To fix: " in error and "Traceback" not in error
    assert Path("params.yaml").read_bytes() == before
    assert _files(top) == {"dvc.yaml", "params.yaml"}


@pytest.mark.parametrize("path", [".", "..", "data", "data/processed/images", "models"])
def test_the_repository_and_what_it_writes_are_no_data(
    path: str, top: Path, capsys: Capture
) -> None:
    Path(path).mkdir(parents=True, exist_ok=True)
    assert _init(path) == 1
    error = capsys.readouterr().err
    assert "is this repository" in error or "which the pipeline writes" in error


def test_a_folder_that_may_not_be_read(top: Path, capsys: Capture) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    tiny_coco(top.parent / "cells", 5)
    (top.parent / "cells").chmod(0)
    try:
        assert _init("../cells") == 1
    finally:
        (top.parent / "cells").chmod(0o755)
    assert "To fix: " in capsys.readouterr().err


def test_an_invalid_params_yaml_is_left_for_its_author(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cells", 20)
    text = Path("params.yaml").read_text().replace("  epochs: 24", "  epoch: 24")
    Path("params.yaml").write_text(text)
    assert _init("../cells") == 1
    assert "training.epoch" in capsys.readouterr().err
    assert Path("params.yaml").read_text() == text


def test_published_weights_are_named_and_fit(top: Path, capsys: Capture) -> None:
    tiny_coco(top.parent / "cars", 20, ("car", "cart"))
    assert main(["init", "../cars"]) == 0
    assert "COCO knows car\n" in capsys.readouterr().out
    found = _params()["model"]
    assert (found["weights"], found["carry_over_classes"]) == ({"yolo": "coco"}, True)
    assert params.main(["--check"]) == 0
    assert main(["init", "../cars", "--weights", "cocoa"]) == 1
    assert "did you mean yolo: coco?" in capsys.readouterr().err


def test_sources_edited_by_hand_beside_the_embedded_weights_are_no_obstacle(top: Path) -> None:
    tiny_coco(top.parent / "cells", 20)
    text = Path("params.yaml").read_text().replace("data/seed/gui-screens.zip", "../cells")
    Path("params.yaml").write_text(text)
    assert params.main(["--check"]) == 1
    assert _init("../cells") == 0


def test_what_a_person_set_and_the_network_cannot_use_is_an_error(
    top: Path, capsys: Capture
) -> None:
    tiny_coco(top.parent / "cells", 20)
    text = Path("params.yaml").read_text().replace("  mosaic: 0.0", "  mosaic: 0.5")
    Path("params.yaml").write_text(text)
    assert _init("../cells", "--model", "faster_rcnn") == 1
    assert "does not support augmentation.mosaic" in capsys.readouterr().err
    assert Path("params.yaml").read_text() == text


def test_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _init("cells") == 1
    assert "it has no dvc.yaml" in capsys.readouterr().err
