"""What lies in other files reaches the shards, by this process or by one of its own."""

from __future__ import annotations

import os
import signal
import tarfile
from pathlib import Path

import pytest

from reprise.errors import RepriseError
from reprise.preprocessing.copying import Copier, OpenFile, Piece, Stretch
from reprise.preprocessing.store.shards import ShardWriter

IMAGES = {f"{number}.jpg": bytes([number]) * (700 * number + 1) for number in range(1, 90)}


class Pack:
    """One file that holds all the images."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pack"
        self.path.write_bytes(b"".join(IMAGES.values()))
        self.file = OpenFile(self.path)

    def stretches(self) -> dict[str, Stretch]:
        found, offset = {}, 0
        for name, data in IMAGES.items():
            found[name] = Stretch(self.file, offset, len(data))
            offset += len(data)
        return found


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return Pack(tmp_path)


def shards_of(root: Path, images: dict[str, bytes | Stretch], copier: Copier) -> list[bytes]:
    with copier:
        writer = ShardWriter(root, "mine", limit=500_000, copier=copier)
        places = [writer.add(name, data) for name, data in images.items()]
        writer.close()
    files = sorted((root / "shards").iterdir())
    for name, (shard, offset, length) in zip(images, places, strict=True):
        assert (root / "shards" / shard).read_bytes()[offset : offset + length] == IMAGES[name]
    return [file.read_bytes() for file in files]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("every", [1, 3])
def test_shards_have_the_same_bytes_however_images_come(
    tmp_path: Path, pack: Pack, apart: bool, every: int
) -> None:
    expected = shards_of(tmp_path / "given", dict(IMAGES), Copier(apart=False))
    mixed: dict[str, bytes | Stretch] = {
        name: stretch if place % every == 0 else IMAGES[name]
        for place, (name, stretch) in enumerate(pack.stretches().items())
    }
    assert shards_of(tmp_path / "mixed", mixed, Copier(apart)) == expected
    assert len(expected) > 3
    read = {}
    for file in sorted((tmp_path / "mixed" / "shards").iterdir()):
        with tarfile.open(file) as tar:
            read |= {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert read == IMAGES


@pytest.mark.parametrize("fate", ["deleted", "replaced"])
def test_a_file_that_is_gone_by_then_is_copied_all_the_same(
    tmp_path: Path, pack: Pack, fate: str
) -> None:
    stretches: dict[str, bytes | Stretch] = dict(pack.stretches())
    pack.path.unlink()
    if fate == "replaced":
        pack.path.write_bytes(bytes(pack.file.descriptor) * 10**6)
    expected = shards_of(tmp_path / "given", dict(IMAGES), Copier(apart=False))
    assert shards_of(tmp_path / "copied", stretches, Copier(apart=True)) == expected


@pytest.mark.parametrize("apart", [False, True])
def test_a_file_that_was_cut_short_is_an_error(tmp_path: Path, pack: Pack, apart: bool) -> None:
    stretches: dict[str, bytes | Stretch] = dict(pack.stretches())
    os.truncate(pack.path, 1000)
    with pytest.raises(RepriseError, match="cut short"):
        shards_of(tmp_path / "copied", stretches, Copier(apart))


@pytest.mark.parametrize("apart", [False, True])
def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, pack: Pack, apart: bool) -> None:
    piece = Piece(0, b"head", next(iter(pack.stretches().values())))
    with pytest.raises(FileNotFoundError), Copier(apart) as copier:
        copier.copy([piece], tmp_path / "absent")


def test_a_killed_process_costs_only_time(tmp_path: Path, pack: Pack) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"")
    stretch = next(iter(pack.stretches().values()))
    with Copier(apart=True) as copier:
        copier.copy([Piece(0, b"a", stretch)], target)
        assert copier._pool is not None
        for process in list(copier._pool._processes):
            os.kill(process, signal.SIGKILL)
        for place in range(1, 50):
            copier.copy([Piece(10_000 * place, b"a", stretch)], target)
    written = target.read_bytes()
    expected = b"a" + stretch.read()
    assert all(written[10_000 * p :][: len(expected)] == expected for p in range(50))
