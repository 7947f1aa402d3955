"""Whether a text says nothing: the rule of docs/web-smileys.md, which needs neither a model nor a language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Final


class Spam(Enum):
    """Why a text is spam; the rules are tried in this order."""

    EMOTICONS = "emoticons"
    LINK = "link"
    SHORT = "short"
    GREETING = "greeting"
    REPEATED = "repeated"
    GIBBERISH = "gibberish"


MIN_LETTERS: Final = 4
"""Letters and digits that a text has at least; an ideograph or a syllable of Hangul counts as two."""

_LINK: Final = re.compile(r"https?://|www\.[a-z0-9-]+\.|\[url|<a\s+href", re.IGNORECASE)
_EMOTICON: Final = re.compile(
    r"(?<!\w)(?:[:;=8x][-'o^]?[()\[\]dp3/\\|*o]+|<3+|\^_*\^|xd+|[oo]_+[oo])(?!\w)", re.IGNORECASE
)
_RUN: Final = re.compile(r"(.)\1{3,}")
_WORD: Final = re.compile(r"\w+")

_GREETINGS: Final = frozenset({
    "test", "testing", "tests", "hello", "hi", "hey", "ok", "okay",
    "testi", "testaan", "testataan", "moi", "hei", "moikka", "terve", "morjens",
    "hej", "hejsan", "tjena", "hallå", "testar",
    "hallo", "halloo", "helloo", "hallöchen", "servus", "moin", "testen", "probe",
    "bonjour", "salut", "coucou", "essai",
    "hola", "buenas", "prueba", "probando",
    "مرحبا", "اهلا", "أهلا", "سلام", "السلام", "عليكم", "اختبار", "تجربة", "هلا",
})  # fmt: skip
"""Greetings and words of people who only try, in the languages of pages."""

_KEYBOARDS: Final = (
    "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn", "1234567890",
    "abcdefghijklmnopqrstuvwxyz", "ضصثقفغعهخحجدشسيبلاتنمكطئءؤرلاىةوزظ",
)  # fmt: skip
"""Keys in the order in which fingers run over them."""

_RUN_OF_KEYS: Final = 4
_VOWELS: Final = frozenset("aeiouyåäöøæ")
_CLUSTERS: Final = re.compile(r"sch|tsch|ch|ck|ng|nk|st|str|sp|tz|pf|ph|th|rh|sh|qu")
"""Consonants that are written together, in German above all, and count as one."""

_MAX_CONSONANTS: Final = 5
_SHORTEST_TYPED: Final = 4
"""Letters of a word from which on it may be gibberish."""


def spam(text: str) -> Spam | None:
    """Why a text is spam, None if it is none."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    words = _WORD.findall(_EMOTICON.sub(" ", plain))
    letters = "".join(words).replace("_", "")
    if not letters:
        return Spam.EMOTICONS
    if _LINK.search(plain):
        return Spam.LINK
    if sum(map(_weight, letters)) < MIN_LETTERS:
        return Spam.SHORT
    if all(_squeezed(word) in _GREETINGS for word in words):
        return Spam.GREETING
    if _is_repeated(words, letters):
        return Spam.REPEATED
    return Spam.GIBBERISH if _is_gibberish(words) else None


def _weight(letter: str) -> int:
    """How many letters a character counts as: those of scripts that write a syllable or word at once count two."""
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def _squeezed(word: str) -> str:
    """A word in which no letter comes more than twice in a row: `hellooooo` is a greeting."""
    return re.sub(r"(.)\1{2,}", r"\1\1", word)


def _is_repeated(words: Sequence[str], letters: str) -> bool:
    """Whether half of the letters are runs of one letter, one unit is all of it, or few words come again and again."""
    in_runs = sum(len(run[0]) for run in _RUN.finditer(letters))
    if 2 * in_runs >= len(letters):
        return True
    if len(letters) >= 6 and re.fullmatch(r"(.{1,6}?)\1{2,}.{0,5}", letters):
        return True
    return len(words) >= 3 and 3 * len(set(words)) <= len(words)


def _is_gibberish(words: Sequence[str]) -> bool:
    """Whether more than half of the letters are in words that nobody says."""
    typed = [word for word in words if len(word) >= _SHORTEST_TYPED]
    nonsense = sum(len(word) for word in typed if _is_nonsense(word))
    return 2 * nonsense > sum(map(len, words))


def _is_nonsense(word: str) -> bool:
    """Whether a word is a run over the keyboard or, in Latin letters, cannot be spoken."""
    if any(_runs_over(word, keys) or _runs_over(word[::-1], keys) for keys in _KEYBOARDS):
        return True
    if not word.isascii() and not _VOWELS & set(word):
        return False  # another script, or letters with accents, which are vowels
    spoken = "".join(letter for letter in unicodedata.normalize("NFKD", word) if letter.isascii() and letter.isalpha())
    if len(spoken) < len(word) - 2 or len(spoken) < _SHORTEST_TYPED:
        return False
    if not _VOWELS & set(spoken):
        return True
    consonants = re.split(f"[{''.join(_VOWELS)}]+", _CLUSTERS.sub("k", spoken))
    return max(map(len, consonants)) >= _MAX_CONSONANTS


def _runs_over(word: str, keys: str) -> bool:
    """Whether most of a word are keys that lie beside one another."""
    pairs = sum(first + second in keys for first, second in pairwise(word))
    return pairs >= _RUN_OF_KEYS - 1 and 3 * pairs >= 2 * (len(word) - 1)
