"""Search in the documentation: its sections, and those that have all words of a query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from hymio.web.markdown import headings_of

MAX_WORDS: Final = 100
"""Characters of a query."""

_MOST: Final = 30
_EXCERPT: Final = 160
_MARKS: Final = re.compile(r"[`*|#>]+|\]\([^)]*\)|\[|^-+$|-{3,}", re.MULTILINE)


class Section(NamedTuple):
    """A section of a document: its heading, its address, and its text without marks."""

    title: str
    address: str
    text: str

    @property
    def excerpt(self) -> str:
        """The beginning of the text."""
        return self.text if len(self.text) <= _EXCERPT else f"{self.text[:_EXCERPT].rsplit(' ', 1)[0]} …"


def sections_of(text: str, address: str) -> Iterator[Section]:
    """The sections of a document in Markdown, each up to the next heading."""
    lines, headings = text.splitlines(), headings_of(text)
    starts = [*(heading.line for heading in headings), len(lines)]
    name = headings[0].text if headings else address
    for heading, start, end in zip(headings, starts, starts[1:], strict=False):
        plain = " ".join(_MARKS.sub(" ", "\n".join(lines[start + 1 : end])).split())
        title = heading.text if heading.text == name else f"{name}: {heading.text}"
        yield Section(title, f"{address}#{heading.id}", plain)


def found(sections: Sequence[Section], query: str) -> list[Section]:
    """The sections that have all words of a query, at most _MOST: first those with most words in their headings.

    A word may be part of a longer one; case does not matter.
    """
    words = query.casefold().split()
    if not words:
        return []
    ranked = []
    for number, section in enumerate(sections):
        title, text = section.title.casefold(), section.text.casefold()
        if all(word in title or word in text for word in words):
            times = sum(text.count(word) for word in words)
            ranked.append((-sum(word in title for word in words), -times, number))
    return [sections[number] for _, _, number in sorted(ranked)[:_MOST]]
