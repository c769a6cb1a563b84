"""A large JSON object read one list entry at a time: memory holds its text, not its values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_SPACE = " \t\n\r"


class JsonLists:
    """The lists at the top level of a JSON object.

    Args:
        data: The file: UTF-8 with or without a byte order mark, UTF-16 or UTF-32.

    Raises:
        ValueError: It is not JSON; the message says at which line and column.
        RecursionError: It is nested too deeply.
    """

    def __init__(self, data: bytes) -> None:
        self._text = data.decode(json.detect_encoding(data))
        self._decode = json.JSONDecoder().raw_decode
        self._lists: dict[str, int] = {}
        self.keys: list[str] = []
        start = self._skip(0)
        if self._text[start : start + 1] == "{":
            self._scan(start + 1)
        else:
            _, end = self._decode(self._text, start)
            self._expect_end(end)

    def is_list(self, key: str) -> bool:
        """Whether the value of a key is a list."""
        return key in self._lists

    def entries(self, key: str) -> Iterator[Any]:
        """The entries of a list, decoded as they are taken."""
        return (value for value, _ in self._walk(self._lists[key]))

    def _scan(self, at: int) -> None:
        """Find the keys and the beginnings of the lists, checking all that lies between."""
        at = self._skip(at)
        if self._text[at : at + 1] == "}":
            return self._expect_end(at + 1)
        while True:
            key, at = self._decode(self._text, at)
            if not isinstance(key, str):
                raise json.JSONDecodeError("Expecting a key in double quotes", self._text, at)
            at = self._skip(self._expect(":", at))
            # Of a key that comes twice the last counts, as everywhere in Python.
            self._lists.pop(key, None)
            if key not in self.keys:
                self.keys.append(key)
            if self._text[at : at + 1] == "[":
                self._lists[key] = at + 1
                end = at + 1
                for _, after in self._walk(at + 1):
                    end = after
                at = self._expect("]", end)
            else:
                _, at = self._decode(self._text, at)
            at = self._skip(at)
            if self._text[at : at + 1] == "}":
                return self._expect_end(at + 1)
            at = self._skip(self._expect(",", at))

    def _walk(self, at: int) -> Iterator[tuple[Any, int]]:
        """Entries of the list that begins here, each with the place after it."""
        text, decode = self._text, self._decode
        at = self._skip(at)
        if text[at : at + 1] == "]":
            return
        while True:
            value, at = decode(text, at)
            yield value, at
            # What nearly all writers put between two entries.
            if text.startswith(", {", at):
                at += 2
                continue
            at = self._skip(at)
            if text[at : at + 1] == "]":
                return
            at = self._skip(self._expect(",", at))

    def _skip(self, at: int) -> int:
        text, end = self._text, len(self._text)
        while at < end and text[at] in _SPACE:
            at += 1
        return at

    def _expect(self, mark: str, at: int) -> int:
        at = self._skip(at)
        if self._text[at : at + 1] != mark:
            raise json.JSONDecodeError(f"Expecting '{mark}'", self._text, at)
        return at + 1

    def _expect_end(self, at: int) -> None:
        at = self._skip(at)
        if at != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, at)
