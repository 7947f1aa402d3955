"""Which characters the fonts of the package have, and what is written in place of the others.

PDF/UA forbids characters without a glyph, and the fonts cannot have every script there is. A character that they lack
is written in brackets: a symbol by its name in Unicode, any other by its number.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

FONTS: Final = Path(__file__).parent / "fonts"
"""The folder with the fonts and their licences."""

_LONGEST_WORD: Final = 30
"""A longer word gets places to break at, so that it does not leave the page."""

_BREAK: Final = "\u200b"
_INVISIBLE: Final = ("Cc", "Cs", "Co", "Cn")
"""Categories of Unicode that are never written: controls, halves of surrogate pairs, private and unassigned ones."""


def printable(text: str, *, breaks: bool = True) -> str:
    """A text of which the fonts have every character; `breaks` adds invisible places to break long words at."""
    written = text if text.isascii() and text.isprintable() else "".join(map(_written, text.replace("\r\n", "\n")))
    if not breaks or not any(len(word) > _LONGEST_WORD for word in written.split()):
        return written
    return "".join(_broken(written))


def lacks(text: str) -> bool:
    """Whether the fonts lack a character of a text, which is then written in brackets."""
    return any(_written(char).startswith("[") and char != "[" for char in text)


def _broken(text: str) -> Iterator[str]:
    """The text with a place to break at after so many characters without one, never before a combining character."""
    length = 0
    for char in text:
        length = 0 if char.isspace() else length + 1
        if length > _LONGEST_WORD and not unicodedata.combining(char):
            yield _BREAK
            length = 1
        yield char


@cache
def _written(char: str) -> str:
    """What is written for a character."""
    if char in "\n\t":
        return char.replace("\t", " ")
    category = unicodedata.category(char)
    if category in ("Zl", "Zp"):
        return "\n"
    if category in ("Cc", "Cs"):
        return "" if category == "Cc" else "\ufffd"
    if ord(char) in _covered() or category in ("Cf", "Zs") or unicodedata.name(char, "").startswith("VARI"):
        return char if category != "Zs" else " "
    if category in _INVISIBLE:
        return f"[U+{ord(char):04X}]"
    name = unicodedata.name(char, "")
    return f"[{name.lower()}]" if category in ("So", "Sk") and name else f"[U+{ord(char):04X}]"


@cache
def _covered() -> frozenset[int]:
    """The code points that at least one font of the package has a glyph for."""
    fonts = [font for font in FONTS.iterdir() if font.name.endswith(".ttf")]
    return frozenset(point for font in fonts for point in _code_points(font.read_bytes()))


def _code_points(font: bytes) -> Iterator[int]:
    """The code points of a TrueType font, from the formats 4 and 12 of its `cmap` table."""
    [tables] = struct.unpack_from(">H", font, 4)
    records = (struct.unpack_from(">4sIII", font, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    [subtables] = struct.unpack_from(">H", font, start + 2)
    for number in range(subtables):
        _, _, offset = struct.unpack_from(">HHI", font, start + 4 + 8 * number)
        [form] = struct.unpack_from(">H", font, start + offset)
        if form == 4:
            yield from _segments(font, start + offset)
        elif form == 12:
            [groups] = struct.unpack_from(">I", font, start + offset + 12)
            for group in range(groups):
                first, last, _ = struct.unpack_from(">III", font, start + offset + 16 + 12 * group)
                yield from range(first, last + 1)


def _segments(font: bytes, at: int) -> Iterator[int]:
    """The code points of a subtable of format 4; those of its segments that have no glyph are left out."""
    [twice] = struct.unpack_from(">H", font, at + 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", font, at + 14)
    starts = struct.unpack_from(f">{count}H", font, at + 16 + twice)
    deltas = struct.unpack_from(f">{count}H", font, at + 16 + 2 * twice)
    offsets_at = at + 16 + 3 * twice
    offsets = struct.unpack_from(f">{count}H", font, offsets_at)
    for number, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for point in range(start, end + 1):
            if offset:
                [glyph] = struct.unpack_from(">H", font, offsets_at + 2 * number + offset + 2 * (point - start))
            else:
                glyph = (point + delta) & 0xFFFF
            if glyph and point != 0xFFFF:
                yield point
