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


def decode_xml(data: bytes) -> str:
    """The text of an XML file by its byte order mark, else in the code page that it declares.

    Raises:
        UnicodeDecodeError: It is no such text.
        LookupError: It declares a code page that is not known.
    """
    found = _DECLARED.match(data.lstrip()[:300])
    if found is None:
        return decode_text(data)
    name = codecs.lookup(found[1].decode("ascii")).name
    if not _CODE_PAGES.fullmatch(name):
        raise LookupError(f"{name} is no code page")
    # What could be read to find the declaration is no UTF-16, whatever it declares.
    wide = name.startswith(("utf-16", "utf-32"))
    return decode_text(data, otherwise="utf-8" if wide else _LARGER.get(name, name))
