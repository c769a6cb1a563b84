"""Images are united by what they share and by how they look, however many look the same."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reprise.preprocessing.split.groups import Ties, connected

TIES = st.lists(
    st.tuples(
        st.frozensets(st.tuples(st.sampled_from("ab"), st.integers(0, 9).map(str)), max_size=2),
        st.integers(0, 2**8 - 1),
    ),
    max_size=25,
)


def plain_roots(ties: Ties) -> list[int]:
    """The same by the plainest of all methods: spread the least index until nothing changes."""
    count = len(ties.values)
    roots = list(range(count))
    for _ in range(count):
        for one in range(count):
            for other in range(count):
                apart = int(ties.hashes[one] ^ ties.hashes[other]).bit_count()
                near = ties.distance is not None and apart <= ties.distance
                if near or ties.values[one] & ties.values[other]:
                    roots[one] = roots[other] = min(roots[one], roots[other])
    return roots


def ties_of(rows: list[tuple[frozenset[tuple[str, str]], int]], distance: int | None) -> Ties:
    hashes = np.array([value << 20 for _, value in rows], dtype=np.uint64)
    return Ties([values for values, _ in rows], hashes, distance)


@given(TIES, st.sampled_from([None, 0, 1, 2]))
def test_groups_are_the_connected_components(
    rows: list[tuple[frozenset[tuple[str, str]], int]], distance: int | None
) -> None:
    ties = ties_of(rows, distance)
    assert connected(ties).tolist() == plain_roots(ties)


def test_a_long_chain_is_one_group() -> None:
    values = [frozenset({("k", str(i)), ("k", str(i + 1))}) for i in reversed(range(5000))]
    hashes = np.arange(5000, dtype=np.uint64)
    assert set(connected(Ties(values, hashes, None)).tolist()) == {0}


def test_thousands_of_blank_images_are_united_at_once() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, 60_000, dtype=np.uint64)
    hashes[10_000:] = 0
    started = time.monotonic()
    roots = connected(Ties([frozenset()] * len(hashes), hashes, 2))
    assert set(roots[10_000:].tolist()) == {10_000}
    assert time.monotonic() - started < 60  # hangs, not speed


def test_pictures_that_all_resemble_each_other_take_no_memory_for_their_pairs() -> None:
    """4,096 hashes within 16 bits of one another: 8 million pairs, passed on in portions."""
    hashes = np.arange(4096, dtype=np.uint64)
    assert set(connected(Ties([frozenset()] * 4096, hashes, 16)).tolist()) == {0}
