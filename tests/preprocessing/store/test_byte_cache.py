"""The cache holds bytes, whole or not at all, and never unpickles what it finds on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import diskcache
import pytest

from reprise.preprocessing.store.byte_cache import ByteCache, BytesDisk


class Trap:
    """Deletes a file when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self._victim = victim

    def __reduce__(self) -> tuple[Any, ...]:
        return os.unlink, (str(self._victim),)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("here")
    with diskcache.Cache(str(tmp_path / "cache")) as evil:
        evil["small"] = Trap(victim)
        evil["large"] = [Trap(victim), b"x" * 10**6]
    cache = ByteCache(tmp_path / "cache", 10**8)
    for key in ("small", "large"):
        assert cache.get(key) is None
        assert cache.open_file(key) is None
    assert victim.exists()


@pytest.mark.parametrize("value", ["text", 1, 1.5, None, [b"list"], {"a": 1}])
def test_nothing_but_bytes_is_stored(tmp_path: Path, value: object) -> None:
    with diskcache.Cache(str(tmp_path), disk=BytesDisk) as cache, pytest.raises(TypeError):
        cache.set("key", value)


@pytest.mark.parametrize("value", ["text", 1, 1.5])
def test_other_plain_values_count_as_absent(tmp_path: Path, value: object) -> None:
    with diskcache.Cache(str(tmp_path)) as other:
        other["key"] = value
    assert ByteCache(tmp_path, 10**6).get("key") is None


@pytest.mark.parametrize("size", [0, 1, 100, 10**6])
def test_what_is_stored_comes_back(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    ByteCache(tmp_path, 10**8).put({"key": data})
    assert ByteCache(tmp_path, 10**8).get("key") == data
    assert ByteCache(tmp_path, 10**8).get("other") is None


def test_a_file_comes_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc" * 10**5)
    cache = ByteCache(tmp_path / "cache", 10**8)
    cache.put_file("key", source)
    found = cache.open_file("key")
    assert found is not None
    with found:
        assert found.read() == source.read_bytes()
    assert cache.open_file("other") is None
