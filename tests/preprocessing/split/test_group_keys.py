"""What group_by may name: label keys, folders of the image, parts of its name."""

from __future__ import annotations

import signal
import threading

import pytest
from pydantic import ValidationError

from reprise.errors import RepriseError
from reprise.preprocessing.config import SplitConfig
from reprise.preprocessing.split import group_keys
from reprise.preprocessing.split.group_keys import NAME_LENGTH, extractor


@pytest.mark.parametrize(
    ("entry", "name", "value"),
    [
        ("patient", "a/b/c.png", "7"),
        ("device", "a/b/c.png", None),
        ("folder", "a/b/c.png", "a/b"),
        ("folder", "c.png", None),
        ("folder:1", "a/b/c.png", "a"),
        ("folder:2", "a/b/c.png", "b"),
        ("folder:3", "a/b/c.png", None),
        ("name:(p\\d+)_", "scans/p12_3.png", "p12"),
        ("name:^scans/(?:left|right)/([^/.]+)", "scans/left/eye.png", "eye"),
        ("name:(p\\d+)_", "scans/12.png", None),
        ("name:(x)|p", "p.png", None),
        ("name:a:(b)", "a:b.png", "b"),
    ],
)
def test_each_entry_takes_its_part(entry: str, name: str, value: str | None) -> None:
    assert extractor(entry)(name, {"patient": "7"}) == value


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("name:img", "has no capture group: put parentheses"),
        ("name:(", "is not a regular expression: missing"),
        ("name:(a{9999999999999})", "is not a regular expression"),
        ("name:", "has no capture group"),
        ("name:(" + "a" * 200 + ")", "longer than 200 characters"),
        ("folder:", "needs a number"),
        ("folder:one", "needs a number"),
        ("folder:0", "outside folder:1 to folder:32"),
        ("folder:33", "outside folder:1 to folder:32"),
        (" ", "an entry is empty"),
    ],
)
def test_the_schema_refuses_what_cannot_work(entry: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SplitConfig(group_by=[entry])


def test_a_pattern_sees_a_bounded_part_of_a_name() -> None:
    assert extractor("name:(z)")("a" * NAME_LENGTH + "z", {}) is None


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b", "(.*).*.*.*.*.*b"])
def test_a_pattern_that_would_search_for_years_is_stopped(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_keys, "SEARCH_SECONDS", 0.05)
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(RepriseError, match=r"searching 'name:.*' in the name 'a+' takes more"):
        extractor(f"name:{pattern}")("a" * 200, {})
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_outside_the_main_thread_a_pattern_works_too() -> None:
    found: list[str | None] = []
    value = extractor("name:(p)")
    thread = threading.Thread(target=lambda: found.append(value("p.png", {})))
    thread.start()
    thread.join()
    assert found == ["p"]
