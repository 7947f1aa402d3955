"""Masks profanity in what people write, with the word lists of the package glin-profanity."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

_LISTS: Final = {
    "en": "english", "fi": "finnish", "sv": "swedish", "de": "german", "fr": "french", "es": "spanish", "ar": "arabic",
}  # fmt: skip
"""The lists that are used, by language. A list is used for its own language alone, as a word of one language may be a
harmless one of another (French `bitte`), and that of English for all, as its words are understood everywhere."""

_HARMLESS: Final = frozenset(
    {"haahka", "hatullinen", "hård", "brutta", "bosser", "bander", "bourré", "bourrée", "asesinato", "asno", "bonze"}
)
"""Words of the lists that people write in complaints about shops without swearing: hard, to work, an eider."""

_SHORTEST: Final = 3
"""Letters; shorter words of the lists are parts of others."""


def masked(text: str, language: str) -> str | None:
    """A text with the letters of profane words replaced by asterisks; None if it has none.

    Only whole words of the lists are found: not their inflected forms, and none that are spelled to evade them.
    """
    result = _pattern(language if language in _LISTS else "en").sub(_stars, text)
    return None if result == text else result


def _stars(found: re.Match[str]) -> str:
    """As many asterisks as letters; spaces stay."""
    return re.sub(r"\S", "*", found[0])


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """The words of a language's list and of the English one, as a tree of their letters; the longest is found first.

    A plain list of alternatives would be tried whole at each place of a text, which takes ten times as long.
    """
    tree = _Tree()
    for word in sorted({word for name in {language, "en"} for word in _words(name)}):
        branch = tree
        for letter in word.lower():
            branch = branch.setdefault(letter, _Tree())
        branch.ends = True
    return re.compile(rf"(?<!\w){_expression(tree)}(?!\w)", re.IGNORECASE)


class _Tree(dict[str, "_Tree"]):
    """The words that continue a beginning, by their next letter; `ends` if the beginning is a word itself."""

    ends = False


def _expression(tree: _Tree) -> str:
    """A regular expression that matches what continues a beginning."""
    if not tree:
        return ""
    longer = "|".join(re.escape(letter) + _expression(branch) for letter, branch in tree.items())
    return f"(?:{longer}){'?' if tree.ends else ''}"


def _words(language: str) -> set[str]:
    """The words of a list, without the harmless ones; those with ß also as they are written in capitals."""
    # The file alone: importing the package would load its filters, which are not used.
    file = distribution("glin-profanity").locate_file(f"glin_profanity/data/dictionaries/{_LISTS[language]}.json")
    words: list[str] = json.loads(Path(str(file)).read_text(encoding="utf-8"))["words"]
    long = {word.strip() for word in words if len(word.strip()) >= _SHORTEST} - _HARMLESS
    return long | {word.replace("ß", "ss") for word in long}
