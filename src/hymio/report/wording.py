"""The words of reports for people: names of indexes, their decimals and ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hymio.errors import Phrase
from hymio.scale import IndexType

if TYPE_CHECKING:
    from hymio.report.values import Misuse

INDEX_NAMES: Final = {
    IndexType.HAPPY: Phrase("Happy Index"),
    IndexType.NPS: Phrase("NPS"),
    IndexType.NPS_OFFICIAL: Phrase("NPS"),
    IndexType.AVERAGE: Phrase("Average"),
}
"""The names of indexes."""

DIGITS: Final = {
    IndexType.HAPPY: 0, IndexType.NPS: 0, IndexType.NPS_OFFICIAL: 0, IndexType.AVERAGE: 2,
}  # fmt: skip
"""Decimals of an index as people read it (`scale.rounded`)."""

RANGES: Final = {
    IndexType.HAPPY: (0, 100), IndexType.NPS: (-100, 100), IndexType.NPS_OFFICIAL: (-100, 100),
}  # fmt: skip
"""The smallest and largest value of an index; an average goes from 1 to the number of buttons."""


def index_range(index_type: IndexType, buttons: int) -> tuple[int, int]:
    """The smallest and largest value of an index on a scale of some buttons."""
    return RANGES.get(index_type, (1, buttons))


_REASON_NAMES: Final = {
    "closed": Phrase("outside opening hours"),
    "repeat": Phrase("too soon after another"),
    "burst": Phrase("in a burst"),
    "interval": Phrase("within the answer interval"),
}
_WEB_REASON_NAMES: Final = {
    "robot": Phrase("by a program"),
    "scanner": Phrase("by a mail scanner"),
}
"""Reasons that only presses of published web smileys have; they are named where there are any."""

REASON_NAMES: Final = {**_REASON_NAMES, **_WEB_REASON_NAMES}
"""The reasons of misuse, by the names of `values.Misuse`."""


def reason_names(whole: Misuse) -> dict[str, Phrase]:
    """The reasons that a report names: those of every smiley, and those of the web that have any press."""
    return _REASON_NAMES | {name: text for name, text in _WEB_REASON_NAMES.items() if getattr(whole, name)}


GRAIN_NAMES: Final = {
    "hour": Phrase("By hour"),
    "day": Phrase("By day"),
    "week": Phrase("By week"),
    "month": Phrase("By month"),
    "year": Phrase("By year"),
}
"""The headings of trends, by their grain."""

PERIOD_NAMES: Final = {
    "today": Phrase("Today"),
    "yesterday": Phrase("Yesterday"),
    "last-7-days": Phrase("7 days"),
    "last-28-days": Phrase("28 days"),
    "this-month": Phrase("This month"),
    "last-month": Phrase("Last month"),
    "this-year": Phrase("This year"),
    "last-year": Phrase("Last year"),
}
"""The named periods that pages offer."""

SMILEY_TYPE_NAMES: Final = {
    "SMILEY_TERMINAL": Phrase("Terminals"),
    "SMILEY_TOUCH": Phrase("Touch screens"),
    "SMILEY_DIGITAL": Phrase("Web smileys"),
}
"""The types of smileys, by the values of `SmileyType`."""

TEXT_LANGUAGE_NAMES: Final = {
    "en": Phrase("English"),
    "other": Phrase("another language"),
    "unknown": Phrase("not known"),
}
"""What is known of the language of a text, by the values of `TextLanguage`."""

PARAMETER_NAMES: Final = {
    "period": Phrase("Period"),
    "compare": Phrase("Compare"),
    "survey": Phrase("Survey"),
    "smileyType": Phrase("Smileys"),
    "weekdays": Phrase("Weekdays"),
    "hours": Phrase("Hours of the day"),
    "buttons": Phrase("After which button"),
    "textLanguage": Phrase("Language"),
    "spam": Phrase("Spam"),
}
"""The names of parameters of a report's address, as its page has them."""
