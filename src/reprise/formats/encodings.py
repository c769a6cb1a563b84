"""The text of label files: UTF-8, UTF-16 or UTF-32 with a byte order mark, or as XML declares."""

from __future__ import annotations

import codecs
import re

# The longer marks first, for those of UTF-32 begin like those of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
# As browsers do: what is declared as the old name is often written in the larger code page.
_LARGER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
}
# Code pages only: other codecs unescape, or take time that grows with the square of the text.
_CODE_PAGES = re.compile(
    r"utf-(8|16|32).*|ascii|iso.*|cp\d+|gb.*|big5.*|shift_jis.*|euc_.*|koi8.*|mac.*|johab|tis-620"
)
_DECLARED = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")


def decode_text(data: bytes, errors: str = "strict", otherwise: str = "utf-8") -> str:
    """The text of a file by its byte order mark; without one, UTF-8 or what was declared.

    Raises:
        UnicodeDecodeError: It is no such text.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), otherwise)
    return data.decode(marked, errors)


def in_utf8(data: bytes, encoding: str | None) -> bytes:
    """A label file that says nothing of its encoding and is no UTF-8, in UTF-8.

    Args:
        data: The file; one with a byte order mark, or an XML declaration of a code page, is left
            as it is.
        encoding: The code page of such files; None leaves them as they are.
    """
    marked = data.startswith(tuple(mark for mark, _ in _MARKS))
    # Some declare UTF-8 whatever they write.
    if encoding is None or marked or _declared(data).lower() not in ("", "utf-8"):
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        try:
            return data.decode(encoding).encode()
        except UnicodeError:
            return data
    return data


def not_text(error: UnicodeDecodeError) -> str:
    """Why a label file cannot be decoded, and what helps."""
    return (
        f"it is not {error.encoding} text: {error.reason} at byte {error.start}; save it as UTF-8, "
        "or name its code page: encoding in the source's entry (cp1252 or gb18030, say)"
    )


def decode_xml(data: bytes) -> str:
    """The text of an XML file by its byte order mark, else in the code page that it declares.

    Raises:
        UnicodeDecodeError: It is no such text.
        LookupError: It declares a code page that is not known.
    """
    declared = _declared(data)
    if not declared:
        return decode_text(data)
    name = codecs.lookup(declared).name
    if not _CODE_PAGES.fullmatch(name):
        raise LookupError(f"{name} is no code page")
    # What could be read to find the declaration is no UTF-16, whatever it declares.
    wide = name.startswith(("utf-16", "utf-32"))
    return decode_text(data, otherwise="utf-8" if wide else _LARGER.get(name, name))


def _declared(data: bytes) -> str:
    """The encoding that an XML file declares; empty without any."""
    found = _DECLARED.match(data.lstrip()[:300])
    return found[1].decode("ascii") if found else ""
