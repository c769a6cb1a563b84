"""ProcessedImage images are kept from run to run, and whatever befalls the memo costs only time."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import picture
from preprocessing.cache_helpers import counted, settle_at_once
from reprise.formats.records import ImageRecord
from reprise.preprocessing.copying import Stretch
from reprise.preprocessing.decode import process_image as module
from reprise.preprocessing.decode.encode import Settings, StoredImage
from reprise.preprocessing.labels.label_file import write_records
from reprise.preprocessing.labels.read_labels import SourceLabels
from reprise.preprocessing.process_all import process_all
from reprise.preprocessing.store.image_cache import cache_version, open_cache
from reprise.preprocessing.workplace import Workplace

SETTINGS = Settings(image_size=64, jpeg_quality=95, max_pixels=10**6)


class Place:
    """Image files, and runs over them that share a memo."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.memo = root / "memo"
        self.images = root / "images"
        self.images.mkdir()

    def draw(self, name: str = "a.png", seed: int = 0) -> Path:
        path = self.images / name
        Image.fromarray(picture(seed)).save(path)
        return path

    def task(
        self, settings: Settings = SETTINGS, limit: int = 10**8, **more: Any
    ) -> tuple[SourceLabels, Settings, Workplace]:
        records = [ImageRecord(path.name, path) for path in sorted(self.images.iterdir())]
        spool = self.root / "spool"
        write_records(records, spool)
        source = SourceLabels("mine", spool, len(records), [])
        return source, settings, Workplace(**({"memo": self.memo, "memo_bytes": limit} | more))

    def run(self, *changed: Settings, **more: Any) -> list[Any]:
        """Of each image, by name: what is stored, and the rules in its ledger."""
        open_cache.cache_clear()
        return [
            (done.stored.sha256, _bytes(done.stored), [row["rule"] for row in done.ledger])
            for done in process_all(*self.task(*changed, **more))
        ]

    def kept(self) -> list[Path]:
        return sorted(self.memo.glob("*.pack"))


def _bytes(stored: StoredImage) -> bytes:
    return stored.encoded.read() if isinstance(stored.encoded, Stretch) else stored.encoded


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    settle_at_once(monkeypatch)
    return Place(tmp_path)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often an image is really decoded."""
    return counted(monkeypatch, module, "store")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often a file is really read."""
    return counted(monkeypatch, module, "file_bytes")


def test_a_known_image_is_neither_read_nor_decoded_again(
    place: Place, decoded: list[int], read: list[int]
) -> None:
    place.draw()
    first = place.run()
    assert place.run() == first == place.run(memo=None)
    assert (len(read), len(decoded)) == (2, 2)


def test_a_refused_image_is_remembered_too(place: Place, decoded: list[int]) -> None:
    (place.images / "a.png").write_bytes(b"no image")
    assert [place.run()[0][2] for _ in range(2)] == [["image_unreadable"]] * 2
    assert len(decoded) == 1


def test_a_moved_or_copied_file_is_known_by_its_content(place: Place, decoded: list[int]) -> None:
    path = place.draw()
    place.run()
    path.rename(place.images / "b.png")
    place.run()
    assert len(decoded) == 1


def test_a_changed_file_is_decoded_again(place: Place, decoded: list[int]) -> None:
    place.draw()
    first = place.run()
    place.draw(seed=1)
    assert place.run()[0][0] != first[0][0]
    assert len(decoded) == 2


def test_other_pixels_under_the_same_size_and_time_are_noticed(place: Place) -> None:
    path = place.images / "a.bmp"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    before = path.stat()
    first = place.run()
    Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).save(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert place.run()[0][0] != first[0][0]


def test_a_file_that_changed_a_moment_ago_is_read_again(
    place: Place, read: list[int], decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprise.preprocessing.store.file_state._SETTLED_NS", 10**12)
    place.draw()
    assert place.run() == place.run()
    assert (len(read), len(decoded)) == (2, 1)


def test_other_settings_have_their_own_entries(place: Place, decoded: list[int]) -> None:
    place.draw()
    other = Settings(image_size=32, jpeg_quality=95, max_pixels=10**6)
    assert cache_version(other) != cache_version(SETTINGS)
    assert place.run()[0][1] != place.run(other)[0][1]
    assert len(decoded) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_known_and_new_images_keep_their_order(place: Place, workers: int) -> None:
    for number in range(0, 40, 2):
        place.draw(f"{number:02d}.png", number)
    place.run(workers=workers)
    for number in range(1, 40, 2):
        place.draw(f"{number:02d}.png", number)
    assert place.run(workers=workers) == place.run(memo=None)


def test_a_damaged_memo_is_made_anew(place: Place) -> None:
    place.draw()
    place.memo.mkdir()
    (place.memo / "index.sqlite").write_bytes(os.urandom(5000))
    assert place.run() == place.run() == place.run(memo=None)


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_lost_packs_cost_only_time(place: Place, decoded: list[int], damage: str) -> None:
    place.draw()
    first = place.run()
    [pack] = place.kept()
    pack.unlink() if damage == "gone" else os.truncate(pack, 10)
    assert place.run() == first
    assert len(decoded) == 2


def test_an_index_that_cannot_be_written_costs_only_time(place: Place) -> None:
    place.draw()
    first = place.run()
    place.draw("b.png", 1)
    with sqlite3.connect(place.memo / "index.sqlite") as index:
        index.execute("DROP TABLE images")
        index.execute("CREATE TABLE images (other TEXT)")
    assert place.run()[:1] == first


def test_the_oldest_entries_go_when_it_is_full(place: Place, decoded: list[int]) -> None:
    for seed in range(150):
        place.draw(f"{seed:03d}.png", seed)
    limit = 200_000
    first = place.run(limit=limit)
    assert sum(len(data) for _, data, _ in first) > 1.5 * limit
    assert 0 < sum(pack.stat().st_size for pack in place.kept()) <= limit
    decoded.clear()
    assert place.run(limit=limit) == first
    assert 0 < len(decoded) < 150


def test_what_was_kept_before_a_run_was_killed_is_known(place: Place, decoded: list[int]) -> None:
    for seed in range(100):
        place.draw(f"{seed:03d}.png", seed)
    child = multiprocessing.get_context("fork").Process(target=_die_in_mid_run, args=(place,))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert place.run() == place.run(memo=None)
    assert len(decoded) < 150


def _die_in_mid_run(place: Place) -> None:
    for number, _ in enumerate(process_all(*place.task())):
        if number == 80:
            os._exit(9)
