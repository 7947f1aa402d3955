"""Makes scripts and style sheets small when they are first served, so that no generated file can be out of date.

Scripts keep to a part of JavaScript: every statement ends with a semicolon or a brace; functions are arrows with their
parameters in brackets; no template literals, no shorthand properties (`{ name }`), no destructuring of objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from string import ascii_letters
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<gap>\s+|//[^\n]*)|(?P<text>"(?:\\.|[^"\\])*")|(?P<word>[\w$]+)"""
    r"""|(?P<pattern>(?<=[(,])/(?:\\.|[^/\n])+/\w*)|(?P<sign>=>|\?\.|\.\.\.|\+\+|.)""",
    re.DOTALL,
)
_DEPTH: Final = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_KEYWORDS: Final = frozenset({"do", "if", "in", "of", "as"})
_SHORT: Final = {"const": "let", "true": "!0", "false": "!1"}
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)

Words = Sequence[str]


def minified_styles(source: str) -> str:
    """A style sheet without comments and needless spaces; it has no strings."""
    tight = re.sub(r"\s+", " ", _COMMENT.sub("", source)).strip()
    tight = re.sub(r" ?([{};,>]) ?", r"\1", tight)
    return re.sub(r"(?<=[\w-]): |;(?=\})| (?=!)", lambda match: match[0].strip(" ;"), tight)


def minified_script(source: str) -> str:
    """A script without comments and spaces, and with short names for what it declares."""
    words = [match[0] for match in _TOKEN.finditer(source) if match.lastgroup != "gap"]
    return "".join(_spaced(_shortened(words)))


# --- names -----------------------------------------------------------------------------------------------------------


class _Function(NamedTuple):
    """A function, or the whole script: the places of its words, parameters included, and the names it declares."""

    places: range
    names: set[str]


def _functions(words: Words) -> list[_Function]:
    """The whole script, then its functions, outer ones before those within them."""
    found = [_Function(range(len(words)), set())]
    for arrow in (at for at, word in enumerate(words) if word == "=>"):
        start = _opening(words, arrow - 1)
        parameters = {word for word in words[start:arrow] if word.isidentifier()}
        found.append(_Function(range(start, _end(words, arrow + 1)), parameters))
    found.sort(key=lambda function: (function.places.start, -function.places.stop))
    for at, word in enumerate(words):
        if word in ("const", "let"):
            innermost = next(function for function in reversed(found) if at in function.places)
            innermost.names.update(_declared(words, at + 1))
    return found


def _opening(words: Words, at: int) -> int:
    """The place of the bracket that the one at a place closes."""
    depth = 0
    while True:
        depth -= _DEPTH.get(words[at], 0)
        if not depth:
            return at
        at -= 1


def _end(words: Words, at: int) -> int:
    """The place after the body of an arrow function that begins at a place: a block or an expression."""
    depth, is_block = 0, words[at] == "{"
    while at < len(words):
        depth += _DEPTH.get(words[at], 0)
        if depth < 0 or (not depth and not is_block and words[at] in (",", ";")):
            return at
        at += 1
        if not depth and is_block:
            return at
    return at


def _declared(words: Words, at: int) -> Iterator[str]:
    """The names of a declaration: the first word, and each after a comma outside brackets."""
    depth, is_name = 0, True
    while depth >= 0 and not (depth == 0 and words[at] in (";", "of")):
        if is_name:
            yield words[at]
        depth += _DEPTH.get(words[at], 0)
        is_name = words[at] == "," and not depth
        at += 1


def _shortened(words: Words) -> Words:
    """The words with short names, the shortest for the most frequent; a function avoids those that it uses."""
    functions, short = _functions(words), list(words)
    declared = {name for function in functions for name in function.names}
    used = {word for at, word in enumerate(words) if word not in declared or not _is_name(words, at)} | _KEYWORDS
    given: list[tuple[_Function, dict[str, str]]] = []
    for function in functions:
        inside = [words[at] for at in function.places]
        around = {
            new for outer, names in given if function.places.start in outer.places
            for old, new in names.items() if old in inside
        }  # fmt: skip
        free = (name for name in _letters() if name not in used | around)
        often = sorted(function.names, key=lambda name: (-inside.count(name), inside.index(name)))
        names = dict(zip(often, free, strict=False))
        given.append((function, names))
        for at in function.places:
            if words[at] in names and _is_name(words, at):
                short[at] = names[words[at]]
    return short


def _is_name(words: Words, at: int) -> bool:
    """Whether a word is no property and no key of an object."""
    before, after = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
    return before not in (".", "?.") and not (before in ("{", ",") and after == ":")


def _letters() -> Iterator[str]:
    """a, b, …, Z, aa, ab, and so on."""
    yield from ascii_letters
    yield from (first + second for first in ascii_letters for second in ascii_letters)


# --- spaces ----------------------------------------------------------------------------------------------------------


def _spaced(words: Iterable[str]) -> Iterator[str]:
    """The words with a space where two would be read as one, no semicolon before a brace, and `let` for `const`."""
    before = ""
    for word, after in pairwise([*_joined(words), ""]):
        if word == ";" and after == "}":
            continue
        if before and _is_wordy(before[-1]) and _is_wordy(word[0]):
            yield " "
        yield _SHORT.get(word, word)
        before = word


def _joined(words: Iterable[str]) -> Iterator[str]:
    """The words with declarations that follow each other made one: `let a=1,b=2`."""
    declares, before, ended = [False], "", False
    for word in [*words, ""]:
        is_declaration = word in ("const", "let")
        if ended:
            ended = False
            if is_declaration:
                yield ","
                before = ","
                continue
            yield ";"
        if before in ("", ";", "{") or (before == "}" and word[:1].isalpha()):
            declares[-1] = is_declaration
        if word in ("(", "[", "{"):
            declares.append(False)
        elif word in (")", "]", "}"):
            declares.pop()
        before, ended = word, word == ";" and declares[-1]
        if word and not ended:
            yield word


def _is_wordy(letter: str) -> bool:
    return letter.isalnum() or letter in "_$"
