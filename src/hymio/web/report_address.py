"""The address of a report's page: all that it shows is in its parameters, which forms and links change one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlencode

WORDS: Final = (
    "period", "compare", "survey", "smileyType", "weekdays", "hours", "text", "buttons", "textLanguage", "spam",
    "textOffset", "asOf", "heat", "places",
)  # fmt: skip
"""The parameters of the page in the order in which addresses have them; the last two are of the page alone.

`heat=answers` shows the heat map by the number of answers, `places` is the place of the first child that is listed."""

_LISTS: Final = ("weekdays", "hours", "buttons")
"""Parameters of which a form sends several, and an address has one with commas."""

_OF_THE_SELECTION: Final = frozenset({"period", "survey", "smileyType", "weekdays", "hours"})
_OF_THE_TEXTS: Final = frozenset({"text", "buttons", "textLanguage", "spam"})


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a page: its node, and its parameters in the order of WORDS."""

    node: int
    words: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.file("")

    @property
    def may_zoom(self) -> bool:
        """Whether the page may lead to other dates."""
        return True

    @property
    def query(self) -> str:
        """The parameters as they are written in an address."""
        return urlencode(self.words, safe=",.")

    def file(self, extension: str) -> str:
        """The address of the same report as a file, `.csv` for example."""
        return f"/reports/{self.node}{extension}{'?' if self.words else ''}{self.query}"

    def to(self, **changes: object) -> Address:
        """With some parameters changed; None leaves one out. Lists of other answers begin at their first page."""
        words = {**self.words, **{name: value for name, value in changes.items() if name in WORDS}}
        if changes.keys() & (_OF_THE_SELECTION | _OF_THE_TEXTS):
            words["textOffset"] = changes.get("textOffset")
        if changes.keys() & _OF_THE_SELECTION:
            words["places"] = changes.get("places")
        return replace(self, words=_ordered({name: str(value) for name, value in words.items() if value is not None}))

    def at(self, node: int, *, has_survey: bool = True) -> Address:
        """Of another node; without the survey where it is not asked."""
        gone = {"textOffset", "places"} | (set() if has_survey else {"survey"})
        return Address(node, {name: value for name, value in self.words.items() if name not in gone})

    def fields(self, *changed: str) -> list[tuple[str, str]]:
        """The parameters that a form sends along hidden: all but those that it changes itself."""
        gone = {*changed, "textOffset", "places"}
        return [(name, value) for name, value in self.words.items() if name not in gone]


def address_of(node: int, sent: Iterable[tuple[str, str]]) -> Address:
    """The address of parameters as a browser or a form sent them.

    Empty ones are left out, of several with one name the last one counts, lists are joined, and the two fields `first`
    and `last` become a period. Parameters that the page does not have are dropped.
    """
    words: dict[str, str] = {}
    for name, value in sent:
        if value:
            words[name] = f"{words[name]},{value}" if name in _LISTS and name in words else value
    first, last = words.get("first", ""), words.get("last", "")
    if first or last:
        words["period"] = f"{first or last}..{last or first}"
    return Address(node, _ordered(words))


def _ordered(words: Mapping[str, str]) -> dict[str, str]:
    return {name: words[name] for name in WORDS if name in words}
