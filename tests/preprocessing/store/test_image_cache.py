"""Images are cached from run to run, and whatever befalls the cache costs only time."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import picture
from preprocessing.cache_helpers import counted, settle_at_once
from reprise.formats.records import ImageRecord
from reprise.preprocessing.decode import process_images as module
from reprise.preprocessing.decode.encode import Settings
from reprise.preprocessing.decode.process_images import process_images
from reprise.preprocessing.parallel import map_ordered
from reprise.preprocessing.store.byte_cache import remove_if_damaged
from reprise.preprocessing.store.image_cache import CacheConfig, cache_version, open_cache

SETTINGS = Settings(image_size=64, jpeg_quality=95, max_pixels=10**6)


class Place:
    """Image files, and runs over them that share a cache."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.images = root / "images"
        self.images.mkdir()

    def draw(self, name: str = "a.png", seed: int = 0) -> Path:
        path = self.images / name
        Image.fromarray(picture(seed)).save(path)
        return path

    def run(
        self,
        settings: Settings = SETTINGS,
        limit: int = 10**8,
        workers: int = 0,
        cached: bool = True,
    ) -> list[Any]:
        """Of each image, by name: its pixels' digest, its bytes, and the rules in its ledger."""
        open_cache.cache_clear()
        remove_if_damaged(self.cache)
        config = CacheConfig(self.cache, limit, cache_version(settings)) if cached else None
        work = partial(process_images, source="mine", settings=settings, config=config)
        records = [ImageRecord(path.name, path) for path in sorted(self.images.iterdir())]
        return [
            (
                image.encoded.sha256 if image else "",
                image.encoded.data if image else b"",
                [row["rule"] for row in rows],
            )
            for [(image, rows)] in map_ordered(work, [[record] for record in records], workers)
        ]

    def files(self) -> list[Path]:
        """The files of large entries."""
        return sorted(self.cache.rglob("*.val"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    settle_at_once(monkeypatch)
    return Place(tmp_path)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often an image is really decoded."""
    return counted(monkeypatch, module, "encode_file")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often a file is really read."""
    return counted(monkeypatch, module, "file_bytes")


def test_a_known_image_is_neither_read_nor_decoded_again(
    place: Place, decoded: list[int], read: list[int]
) -> None:
    place.draw()
    first = place.run()
    assert place.run() == first == place.run(cached=False)
    assert (len(read), len(decoded)) == (2, 2)


def test_a_refused_image_is_remembered_too(place: Place, decoded: list[int]) -> None:
    (place.images / "a.png").write_bytes(b"no image")
    assert [place.run()[0][2] for _ in range(2)] == [["image_unreadable"]] * 2
    assert len(decoded) == 1


def test_a_file_that_was_written_anew_is_known_by_its_content(
    place: Place, decoded: list[int], read: list[int]
) -> None:
    place.draw()
    place.run()
    for _ in range(2):
        place.draw().touch()
        place.run()
    assert (len(read), len(decoded)) == (3, 1)
    place.run()
    assert (len(read), len(decoded)) == (3, 1)


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


@pytest.mark.parametrize("workers", [0, 2])
def test_known_and_new_images_keep_their_order(place: Place, workers: int) -> None:
    for number in range(0, 40, 2):
        place.draw(f"{number:02d}.png", number)
    place.run(workers=workers)
    for number in range(1, 40, 2):
        place.draw(f"{number:02d}.png", number)
    assert place.run(workers=workers) == place.run(cached=False)


def test_a_damaged_index_is_made_anew(place: Place, decoded: list[int]) -> None:
    place.draw()
    place.run()
    for path in place.cache.glob("cache.db*"):
        path.write_bytes(os.urandom(5000))
    assert place.run() == place.run() == place.run(cached=False)
    assert len(decoded) == 3


def test_a_cache_that_cannot_be_made_costs_only_time(place: Place, decoded: list[int]) -> None:
    place.draw()
    place.cache.write_text("in the way")
    assert place.run() == place.run() == place.run(cached=False)
    assert len(decoded) == 3


@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_lost_entries_cost_only_time(place: Place, decoded: list[int], damage: str) -> None:
    Image.fromarray(picture(0, 640, 480)).save(place.images / "a.png")
    settings = Settings(image_size=640, jpeg_quality=95, max_pixels=10**6)
    first = place.run(settings)
    [file] = place.files()
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        os.truncate(file, 10_000)
    else:
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    assert place.run(settings) == first == place.run(settings)
    assert len(decoded) == 2


def test_a_cache_deleted_in_mid_run_costs_only_time(place: Place) -> None:
    for seed in range(4):
        place.draw(f"{seed}.png", seed)
    config = CacheConfig(place.cache, 10**8, cache_version(SETTINGS))
    records = [ImageRecord(path.name, path) for path in sorted(place.images.iterdir())]
    found = []
    for record in records:
        [(image, _)] = process_images([record], "mine", SETTINGS, config)
        assert image is not None
        found.append(image.encoded.data)
        shutil.rmtree(place.cache, ignore_errors=True)
    assert found == [data for _, data, _ in place.run(cached=False)]


def test_an_index_of_another_form_costs_only_time(place: Place) -> None:
    place.draw()
    first = place.run()
    with sqlite3.connect(place.cache / "cache.db") as index:
        index.execute("DROP TABLE Cache")
        index.execute("CREATE TABLE Cache (other TEXT)")
    assert place.run() == first


def test_the_oldest_entries_go_when_it_is_full(place: Place, decoded: list[int]) -> None:
    for seed in range(150):
        place.draw(f"{seed:03d}.png", seed)
    limit = 300_000
    first = place.run(limit=limit)
    assert sum(len(data) for _, data, _ in first) > 1.2 * limit
    decoded.clear()
    assert place.run(limit=limit) == first
    assert 0 < len(decoded) <= 150
    assert sum(path.stat().st_size for path in place.cache.rglob("*.db")) < 2 * limit


def test_what_was_kept_before_a_run_was_killed_is_known(place: Place, decoded: list[int]) -> None:
    for seed in range(20):
        place.draw(f"{seed:03d}.png", seed)
    child = multiprocessing.get_context("fork").Process(target=_die_in_mid_run, args=(place,))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert place.run() == place.run(cached=False)
    assert len(decoded) < 40


def _die_in_mid_run(place: Place) -> None:
    config = CacheConfig(place.cache, 10**8, cache_version(SETTINGS))
    for number, path in enumerate(sorted(place.images.iterdir())):
        process_images([ImageRecord(path.name, path)], "mine", SETTINGS, config)
        if number == 10:
            os._exit(9)
