"""File names of archives that are not in Unicode: which code page their bytes are in.

Windows writes names of a zip in the code page of its language and does not say which. The code
page is the one that ``encoding`` of the source's entry names; else UTF-8 where all names are that;
else the likeliest one of CODE_PAGES, by how common the letters are that the bytes then stand for.
A guess is always told. General detectors (charset-normalizer, chardet) were tried on names as
short as these and took most Chinese ones for half-width katakana, Arabic or Greek.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from reprise.errors import RepriseError

# Code pages of Windows and DOS, and how often archives come in each: the likelier first.
CODE_PAGES = {
    "gb18030": 0.35,
    "cp932": 0.2,
    "cp949": 0.1,
    "cp866": 0.08,
    "cp950": 0.07,
    "cp850": 0.05,
    "cp1252": 0.05,
    "cp1251": 0.04,
    "cp852": 0.03,
    "cp1250": 0.02,
    "cp437": 0.01,
}
_FIX = "correct it there: gb18030, shift_jis, cp949, cp866 or cp850, say."
# As many different parts of names say enough.
_MOST_PARTS = 2000
# Letters that Western, and those that Central European languages have beside a to z.
_WESTERN = "äöüßéèêëàâáãåæçíìîïñóòôõøœúùûÿ"
_CENTRAL = "ąćęłńóśźżáčďéěíňřšťúůýžäöüßőű"


def decoded_names(names: list[bytes], encoding: str | None) -> tuple[list[str], list[str]]:
    """Names of members as text.

    Args:
        names: As an archive has them, without a word on their encoding.
        encoding: The code page that the source's entry names, or None.

    Returns:
        The names in the same order, and a note where their code page was guessed.

    Raises:
        RepriseError: A name is not of the code page that the entry names, or of no known one.
    """
    if encoding is not None:
        return [_stated(name, encoding) for name in names], []
    for plain in ("ascii", "utf-8"):
        if (texts := _decoded(names, plain)) is not None:
            return texts, []
    parts = _telling_parts(names)
    scores = {page: score for page in CODE_PAGES if (score := _score(parts, page)) > -math.inf}
    for page in sorted(scores, key=lambda page: -scores[page]):
        if (texts := _decoded(names, page)) is not None:
            first = next(text for text in texts if not text.isascii())
            return texts, [
                f"names in the archive are not Unicode and were taken for {page}, such as "
                f"'{first}'; if that is wrong, say the right one: encoding in the source's entry"
            ]
    raise RepriseError(
        f"the names in it are in no known code page, such as {parts[0]!r}.",
        "name it: encoding in the source's entry; or make the archive again with Unicode names.",
    )


def _stated(name: bytes, encoding: str) -> str:
    try:
        return name.decode(encoding)
    except UnicodeError:
        raise RepriseError(
            f"the name {name!r} in it is not {encoding}, which encoding in its entry says.", _FIX
        ) from None


def _decoded(names: list[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeError:
        return None


def _telling_parts(names: Iterable[bytes]) -> list[bytes]:
    """The different parts of paths that are not ASCII, without digits, the first ones."""
    # Neither a slash nor a digit is ever the second byte of a letter in these code pages.
    parts = dict.fromkeys(
        re.sub(rb"[0-9]+", b"", part)
        for name in names
        for part in name.split(b"/")
        if not part.isascii()
    )
    return list(parts)[:_MOST_PARTS]


def _score(parts: list[bytes], page: str) -> float:
    """Log-likelihood of the bytes in a code page: -inf where they cannot be of it."""
    chance = _CHANCES.get(page, _alphabet(page))
    total = math.log(CODE_PAGES[page])
    for part in parts:
        try:
            text = part.decode(page)
        except UnicodeError:
            return -math.inf
        before = " "
        for letter in text:
            total += math.log(1 / 64 if letter.isascii() else chance(letter, before))
            before = letter
    return total


def _alphabet(page: str) -> Callable[[str, str], float]:
    """Of a code page of 8 bits: its language's letters. Russian words have no Latin letters
    in them, and other languages few that are not Latin, never side by side."""
    russian = page in ("cp866", "cp1251")
    letters = _CENTRAL if page in ("cp852", "cp1250") else _WESTERN
    own = re.compile("[а-яё]" if russian else f"[{letters}]", re.IGNORECASE)

    def chance(letter: str, before: str) -> float:
        if not own.match(letter):
            return 0.01 / 100
        capital = 0.02 if before.islower() else 0.1
        mixed = before.isalpha() and before.isascii() == russian
        return (capital if letter.isupper() else 0.85) / 30 * (0.02 if mixed else 1.0)

    return chance


def _chinese(letter: str, _before: str) -> float:
    code = letter.encode("gb18030")
    if len(code) != 2 or code[1] < 0xA1:
        return 0.005 / 15_000
    # Levels of GB 2312: the 3,755 commonest, then 3,008 rare ones; before them, signs.
    return 0.93 / 3755 if 0xB0 <= code[0] <= 0xD7 else 0.03 / 3008


def _traditional(letter: str, _before: str) -> float:
    code = letter.encode("cp950")
    return 0.95 / 5401 if 0xA4 <= code[0] <= 0xC6 else 0.03 / 7652


def _japanese(letter: str, _before: str) -> float:
    if "\u3040" <= letter <= "\u30ff":
        return 0.45 / 170
    code = letter.encode("cp932")
    if len(code) == 1:  # half-width katakana
        return 0.005 / 63
    return 0.48 / 2965 if 0x88 <= code[0] <= 0x98 else 0.03 / 3390


def _korean(letter: str, _before: str) -> float:
    code = letter.encode("cp949")
    common = 0xB0 <= code[0] <= 0xC8 and code[1] >= 0xA1
    return 0.97 / 2350 if common else 0.01 / 8822


_CHANCES = {"gb18030": _chinese, "cp950": _traditional, "cp932": _japanese, "cp949": _korean}
