"""Finished images are kept from run to run, and whatever befalls the memo costs only time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from builders import picture
from reprise.formats.records import ImageRecord
from reprise.preprocessing import finish as module
from reprise.preprocessing.finish import Finished, finish
from reprise.preprocessing.images import Settings, StoredImage
from reprise.preprocessing.memo import MemoPlace, memo_version, open_memo

SETTINGS = Settings(image_size=64, jpeg_quality=95, max_pixels=10**6)


@pytest.fixture
def place(tmp_path: Path) -> MemoPlace:
    return MemoPlace(tmp_path / "memo", 10**8, memo_version(SETTINGS))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often an image is really decoded."""
    calls: list[int] = []

    def counted(data: bytes, settings: Settings, digest: str | None = None) -> StoredImage:
        calls.append(len(data))
        return STORE(data, settings, digest)

    monkeypatch.setattr(module, "store", counted)
    return calls


STORE = module.store


def image(folder: Path, seed: int = 0, name: str = "a.png") -> Path:
    path = folder / name
    Image.fromarray(picture(seed)).save(path)
    return path


def done(path: Path, memo: MemoPlace | None, settings: Settings = SETTINGS) -> Finished:
    return finish(ImageRecord(path.name, path), "mine", settings, memo)


def test_a_known_image_is_not_decoded_again(
    tmp_path: Path, place: MemoPlace, decoded: list[int]
) -> None:
    path = image(tmp_path)
    first, second = done(path, place), done(path, place)
    assert len(decoded) == 1
    assert first.stored == second.stored == done(path, None).stored


def test_a_refused_image_is_remembered_too(
    tmp_path: Path, place: MemoPlace, decoded: list[int]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no image")
    assert [done(path, place).ledger[0]["rule"] for _ in range(2)] == ["image_unreadable"] * 2
    assert len(decoded) == 1


def test_a_moved_or_copied_file_is_known_by_its_content(
    tmp_path: Path, place: MemoPlace, decoded: list[int]
) -> None:
    path = image(tmp_path)
    done(path, place)
    done(path.rename(tmp_path / "b.png"), place)
    assert len(decoded) == 1


def test_a_changed_file_is_decoded_again(
    tmp_path: Path, place: MemoPlace, decoded: list[int]
) -> None:
    path = image(tmp_path)
    first = done(path, place)
    image(tmp_path, seed=1)
    assert done(path, place).stored.sha256 != first.stored.sha256
    assert len(decoded) == 2


def test_other_settings_have_their_own_entries(
    tmp_path: Path, place: MemoPlace, decoded: list[int]
) -> None:
    path = image(tmp_path)
    done(path, place)
    other = Settings(image_size=32, jpeg_quality=95, max_pixels=10**6)
    assert memo_version(other) != place.version
    elsewhere = MemoPlace(place.folder, place.limit, memo_version(other))
    assert done(path, elsewhere, other).stored.width == 32
    assert len(decoded) == 2


def test_a_damaged_memo_is_made_anew(tmp_path: Path, place: MemoPlace) -> None:
    path = image(tmp_path)
    place.folder.mkdir()
    (place.folder / "cache.db").write_bytes(os.urandom(5000))
    assert done(path, place).stored == done(path, None).stored


def test_the_oldest_entries_go_when_it_is_full(tmp_path: Path) -> None:
    place = MemoPlace(tmp_path / "memo", 200_000, memo_version(SETTINGS))
    for seed in range(150):
        done(image(tmp_path, seed, f"{seed}.png"), place)
    memo = open_memo(place)
    assert memo.get(done(tmp_path / "149.png", None).stored.file_sha256) is not None
    assert memo.get(done(tmp_path / "0.png", None).stored.file_sha256) is None
