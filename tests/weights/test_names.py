"""A name becomes its publisher's file: fetched, checked, pinned and loaded."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from models.settings import model
from reprise.errors import RepriseError
from reprise.models.family import Family, family_class
from reprise.models.starting_weights import ClassHead, LoadAccount, load_starting_weights
from reprise.sources import file_download
from reprise.sources.config import LimitsConfig
from reprise.weights import published as table
from reprise.weights.fetch import MIRROR, Folders, fetch_weights, read_pins
from reprise.weights.published import PUBLISHED, Network, Published, find
from sources.servers import Serve
from weights.publishers import publish

NANO = Network.chosen("yolo", "auto", "auto", "nano")


def bring(network: Network, name: str, folder: Path) -> dict[str, Any]:
    """The weights stage for a name; what it says of the file in ``folder/weights``."""
    folders = Folders(folder / "weights", folder, folder / "scratch", folder / "weights.csv")
    fetch_weights(network, name, LimitsConfig(), folders)
    found: dict[str, Any] = json.loads((folder / "weights" / "weights.json").read_text())
    return found


def build(network: Network, classes: list[str], image_size: int = 64) -> Family:
    config = model(
        type=network.family,
        architecture=network.architecture,
        task=network.task,
        variant=network.variant,
        weights={network.family: "none"},
    )
    torch.manual_seed(1)
    return family_class(network.family)(config, classes, image_size)


def load(family: Family, name: str, folder: Path, head: ClassHead | None = None) -> LoadAccount:
    return load_starting_weights(
        family.network, name, folder / "weights", family.remap_state_dict, head
    )


@pytest.fixture
def publishers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files a local server gives as if it were all publishers."""
    files = tmp_path / "publishers"
    files.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Keep the test's output readable."""

    handler = functools.partial(Quiet, directory=files)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv(MIRROR, f"http://127.0.0.1:{server.server_port}/")
        yield files
        server.shutdown()


def stated_by_library(one: Published, path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """The table's entry with the checksums of a file that was made here."""
    from dataclasses import replace

    content = path.read_bytes()
    changed = replace(
        one,
        sha256=one.sha256 and hashlib.sha256(content).hexdigest()[:8],
        md5=one.md5 and hashlib.md5(content, usedforsecurity=False).hexdigest()[:6],
    )
    entries = tuple(changed if other == one else other for other in PUBLISHED)
    monkeypatch.setattr(table, "PUBLISHED", entries)
    return changed


# Nothing of these is large; all others are tried by the slow test below.
SMALL = [
    ("yolo", "yolo11", "detect", "nano", "coco"),
    ("yolo", "yolov8", "segment", "nano", "coco"),
    ("yolo", "yolo26", "detect", "nano", "coco"),
    ("faster_rcnn", "fpn", "detect", "nano", "imagenet"),
    ("faster_rcnn", "fpn", "detect", "small", "coco"),
    ("multilabel", "resnet", "classify", "nano", "imagenet"),
]


def round_trip(one: Published, folder: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish a network's weights, fetch them by name, and load them into another."""
    path = files / one.url.partition("://")[2]
    path.parent.mkdir(parents=True)
    tensors = publish(one, path)
    if one.network.architecture != "sam2":  # whose file has what videos take, too
        assert path.stat().st_size / 1e6 == pytest.approx(one.megabytes, rel=0.1)
    stated_by_library(one, path, monkeypatch)
    found = bring(one.network, one.name, folder)
    family = build(one.network, ["car", "cell"], 1024 if one.network.family == "sam" else 64)
    account = load(family, one.name, folder)
    own = family.network.state_dict()
    assert len(account.loaded) * 2 > len(own)
    for name in account.loaded:
        assert torch.equal(own[name], tensors[name].to(own[name].dtype)), name
    if one.whole:
        assert account.missing == []
        assert all(own[name].shape[0] < tensors[name].shape[0] for name in account.reshaped)
    if one.name == "coco":
        assert "car" in found["classes"]
    pins = read_pins(folder / "weights.csv")
    assert pins == {one.url: hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(("family", "architecture", "task", "variant", "name"), SMALL)
def test_a_name_loads_its_published_file(
    tmp_path: Path, publishers: Path, monkeypatch: pytest.MonkeyPatch,
    family: str, architecture: str, task: str, variant: str, name: str,
) -> None:  # fmt: skip
    one = find(Network(family, architecture, task, variant), name)
    round_trip(one, tmp_path, publishers, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: f"{one.network} {one.name}")
def test_every_name_of_the_table_loads_its_published_file(
    tmp_path: Path, publishers: Path, monkeypatch: pytest.MonkeyPatch, one: Published
) -> None:
    if one.network.family == "detectron2":
        pytest.importorskip("detectron2")
    if "://" not in one.url:
        pytest.skip("it is part of this repository: tests/models/test_starting_weights.py")
    round_trip(one, tmp_path, publishers, monkeypatch)
    shutil.rmtree(tmp_path)


@pytest.fixture
def coco(tmp_path: Path, publishers: Path) -> Path:
    """The file behind ``coco`` of the default network."""
    one = find(NANO, "coco")
    path = publishers / one.url.partition("://")[2]
    path.parent.mkdir(parents=True)
    publish(one, path)
    return path


def test_another_file_under_the_same_name_is_an_error(tmp_path: Path, coco: Path) -> None:
    first = bring(NANO, "coco", tmp_path)
    assert first["classes"][2] == "car"
    content = bytearray(coco.read_bytes())
    content[len(content) // 2] ^= 1
    coco.write_bytes(content)
    # Another clone of the repository: the pins are in Git, the downloads are not.
    shutil.rmtree(tmp_path / "scratch")
    with pytest.raises(RepriseError, match="another content than expected") as caught:
        bring(NANO, "coco", tmp_path)
    assert f"which {tmp_path / 'weights.csv'} pins to" in caught.value.problem
    assert f"take its line out of {tmp_path / 'weights.csv'}" in caught.value.fix
    assert json.loads((tmp_path / "weights" / "weights.json").read_text()) == first


def test_a_pinned_file_is_not_fetched_again(tmp_path: Path, coco: Path) -> None:
    first = bring(NANO, "coco", tmp_path)
    coco.unlink()
    assert bring(NANO, "coco", tmp_path) == first


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (("multilabel", "resnet", "classify", "nano"), "imagenet"),  # SHA-256
        (("detectron2", "faster_rcnn", "detect", "medium"), "coco"),  # MD5
    ],
)
def test_what_the_library_states_is_checked(
    tmp_path: Path, publishers: Path, network: tuple[str, ...], name: str
) -> None:
    one = find(Network(*network), name)
    path = publishers / one.url.partition("://")[2]
    path.parent.mkdir(parents=True)
    torch.save({"a": torch.ones(1)}, path)
    with pytest.raises(RepriseError, match="is not the file that was published") as caught:
        bring(one.network, name, tmp_path)
    assert (one.sha256 or one.md5) in caught.value.problem
    assert not (tmp_path / "weights").exists()
    assert not (tmp_path / "weights.csv").exists()
    assert not list(tmp_path.glob("scratch/*.part"))


@pytest.mark.usefixtures("impatient")
def test_a_broken_fetch_of_a_name_goes_on_where_it_stopped(
    tmp_path: Path, coco: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_download, "LARGEST_BLOCK", 2**20)
    content = coco.read_bytes()
    server, url = serve(content)
    server.etag, server.whole = '"1"', 2
    monkeypatch.setenv(MIRROR, url.rsplit("/", 1)[0])

    with pytest.raises(RepriseError, match="broke"):
        bring(NANO, "coco", tmp_path)
    assert not (tmp_path / "weights").exists()
    server.whole, sent = None, server.sent
    bring(NANO, "coco", tmp_path)
    assert server.sent - sent == len(content) - 2 * 2**20


@pytest.mark.usefixtures("impatient")
def test_without_a_network_it_says_which_file_to_bring_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv(MIRROR, f"http://127.0.0.1:{port}")
    with pytest.raises(RepriseError, match="gave up") as caught:
        bring(NANO, "coco", tmp_path)
    assert find(NANO, "coco").url in caught.value.problem
    assert "write model.weights.yolo: ./yolo11n.pt" in caught.value.fix
    assert f"{MIRROR} name a folder or server that holds it as github.com/" in caught.value.fix


def test_a_mirror_may_be_a_folder(
    tmp_path: Path, coco: Path, publishers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert coco.is_file()
    monkeypatch.setenv(MIRROR, str(publishers))
    assert bring(NANO, "coco", tmp_path)["file"] == "weights.safetensors"


def test_the_same_file_by_its_path_is_the_same_start(tmp_path: Path, coco: Path) -> None:
    by_name = bring(NANO, "coco", tmp_path)
    shutil.copyfile(coco, tmp_path / "yolo11n.pt")
    by_path = bring(NANO, "./yolo11n.pt", tmp_path)
    assert by_path | {"weights": "coco"} == by_name


def test_a_mirror_that_cannot_be_used_or_a_damaged_pin_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR, "https://me:secret@mirror.example")
    with pytest.raises(RepriseError, match=f"{MIRROR} cannot be used: .* password") as caught:
        bring(NANO, "coco", tmp_path)
    assert "secret" not in str(caught.value)
    monkeypatch.delenv(MIRROR)
    (tmp_path / "weights.csv").write_text(f"url,sha256\n{find(NANO, 'coco').url},abc\n")
    with pytest.raises(RepriseError, match=r"a line of .*weights\.csv cannot be used"):
        bring(NANO, "coco", tmp_path)
    (tmp_path / "weights.csv").write_text("1,2\n3,4\n")
    with pytest.raises(RepriseError, match=r"weights\.csv is damaged"):
        bring(NANO, "coco", tmp_path)


CLASSES = ["cell", "Traffic_Light", "car"]


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (Network("yolo", "yolov8", "segment", "small"), "coco"),
        (Network("yolo", "yolo26", "detect", "small"), "coco"),
        (Network("faster_rcnn", "fpn", "detect", "small"), "coco"),
    ],
    ids=str,
)
def test_classes_of_the_same_name_are_carried_over(
    tmp_path: Path, publishers: Path, monkeypatch: pytest.MonkeyPatch, network: Network, name: str
) -> None:
    one = find(network, name)
    path = publishers / one.url.partition("://")[2]
    path.parent.mkdir(parents=True)
    tensors = publish(one, path)
    stated_by_library(one, path, monkeypatch)
    known = bring(network, name, tmp_path)["classes"]
    family = build(network, CLASSES)
    before = {key: value.clone() for key, value in family.network.state_dict().items()}
    account = load(family, name, tmp_path, ClassHead(CLASSES, family.class_rows))
    assert account.carried == ["Traffic_Light", "car"]
    assert "classes carried over by their name: 2 (Traffic_Light, car)" in str(account)
    own = family.network.state_dict()
    heads = {key: family.class_rows(key, 3, len(v)) for key, v in own.items() if v.dim()}
    heads = {key: rows for key, rows in heads.items() if rows is not None}
    assert heads
    for key, rows in heads.items():
        of = family.class_rows(key, len(known), len(tensors[key]))
        assert of is not None
        for index, place in ((1, known.index("traffic light")), (2, known.index("car"))):
            assert torch.equal(own[key][rows[index]], tensors[key][of[place]].float())
        assert torch.equal(own[key][rows[0]], before[key][rows[0]]), "a new class starts afresh"


def test_a_narrow_head_carries_nothing_over_and_says_so(tmp_path: Path, coco: Path) -> None:
    assert coco.is_file()
    bring(NANO, "coco", tmp_path)
    family = build(NANO, CLASSES)
    account = load(family, "coco", tmp_path, ClassHead(CLASSES, family.class_rows))
    assert account.carried == []
    assert "classes carried over by their name: 0" in str(account)


def test_carrying_over_needs_to_know_the_files_classes(tmp_path: Path) -> None:
    family = build(NANO, ["cell"])
    torch.save(family.network.state_dict(), tmp_path / "mine.pt")
    bring(NANO, "./mine.pt", tmp_path)
    with pytest.raises(RepriseError, match="does not say which classes"):
        load(family, "./mine.pt", tmp_path, ClassHead(["cell"], family.class_rows))
