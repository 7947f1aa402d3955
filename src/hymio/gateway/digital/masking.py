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
    """The words of a language's list and of the English one, longest first, so that phrases are found whole."""
    words = {word for name in {language, "en"} for word in _words(name)}
    alternatives = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)


def _words(language: str) -> set[str]:
    """The words of a list, without the harmless ones."""
    # The file alone: importing the package would load its filters, which are not used.
    file = distribution("glin-profanity").locate_file(f"glin_profanity/data/dictionaries/{_LISTS[language]}.json")
    words: list[str] = json.loads(Path(str(file)).read_text(encoding="utf-8"))["words"]
    return {word.strip() for word in words if len(word.strip()) >= _SHORTEST} - _HARMLESS
