"""What a report is asked for: node, period, comparison, survey and filters, as values and as words of an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Final, TypeVar
from urllib.parse import urlencode

from hymio.errors import BadRequest, Phrase
from hymio.period import DateRange, Period
from hymio.results import HourFilter
from hymio.smiley import SmileyType

MAX_DAYS: Final = 3_660
"""The longest period of a report, in days: ten years."""

MAX_SEARCH: Final = 200
"""Characters of a text that is searched for."""

TEXTS_SHOWN: Final = 100
"""Texts that a report lists unless the query says otherwise; the vendor's list has as many."""

FIRST_YEAR, LAST_YEAR = 1971, 9998

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_RANGE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAMES: Final = (
    "today, yesterday, this-week, last-week, last-7-days, last-28-days, this-month, last-month, this-year, last-year,"
    " 2025, 2025-06, 2025-q2, 2025-06-30, 2025-06-01..2025-06-30"
)
_LAST_DAYS: Final = re.compile(r"last-([1-9][0-9]{0,3})-days")
_TYPES: Final = {kind.value.removeprefix("SMILEY_").lower(): kind for kind in SmileyType}

T = TypeVar("T")


class Compare(Enum):
    """The period that a report is compared with."""

    PREVIOUS = "previous"
    YEAR = "year"


class TextLanguage(Enum):
    """What is known of a text's language: sources name none, but may send the text in English."""

    ENGLISH = "en"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Which texts a report lists, the newest first: containing words, after some buttons, of a language, without spam.

    A search looks into English translations too. `limit` None lists all of them.
    """

    search: str = ""
    buttons: tuple[int, ...] | None = None
    spam: bool = False
    offset: int = 0
    limit: int | None = TEXTS_SHOWN
    language: TextLanguage | None = None


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What a report is asked for; everything that changes what it shows is here.

    `period` is a name such as `last-week`, a year, quarter, month or date, or two dates `2025-06-01..2025-06-30`, of
    which the last one is included. Without `survey` it is the one with the most answers. `as_of` is a revision.
    `lists_hours` is for files: the report has a line for every hour of its period; with `only_hours`, the survey and
    these lines are all that it has.
    """

    node: int
    period: str
    compare: Compare | None = None
    survey: int | None = None
    smiley_type: SmileyType | None = None
    weekdays: tuple[int, ...] | None = None
    hours: tuple[int, ...] | None = None
    texts: TextQuery = field(default_factory=TextQuery)
    as_of: int | None = None
    lists_hours: bool = False
    only_hours: bool = False

    @property
    def hour_filter(self) -> HourFilter:
        """The weekdays and hours of the day that are shown."""
        return HourFilter(self.weekdays, self.hours)

    @property
    def is_filtered(self) -> bool:
        """Whether it shows only a part of the answers of its survey in its period."""
        return self.smiley_type is not None or self.hour_filter != HourFilter()

    def words(self) -> dict[str, str]:
        """The query as parameters of an address; `parse_query` reads them back. The node is the address's path."""
        texts = self.texts
        given = {
            "period": self.period,
            "compare": self.compare and self.compare.value,
            "survey": self.survey,
            "smileyType": self.smiley_type and self.smiley_type.value.removeprefix("SMILEY_").lower(),
            "weekdays": None if self.weekdays is None else ",".join(WEEKDAYS[day] for day in self.weekdays),
            "hours": None if self.hours is None else _ranges(self.hours),
            "text": texts.search or None,
            "buttons": None if texts.buttons is None else ",".join(map(str, texts.buttons)),
            "textLanguage": texts.language and texts.language.value,
            "spam": "true" if texts.spam else None,
            "textOffset": texts.offset or None,
            "asOf": self.as_of,
        }
        return {name: str(value) for name, value in given.items() if value is not None}

    def address(self) -> str:
        """The path and query of the report's address."""
        return f"/reports/{self.node}?{urlencode(self.words(), safe=',')}"


def parse_query(node: int, words: Mapping[str, str]) -> ReportQuery:
    """The query of an address's parameters; other parameters are ignored. BadRequest names a wrong one.

    The period's form is checked when the report is built, as it may depend on the date of today.
    """
    buttons = _listed(words, "buttons", 0, 10)
    return ReportQuery(
        node,
        words.get("period", "last-28-days"),
        _word(words, "compare", {choice.value: choice for choice in Compare}),
        _number(words, "survey"),
        _word(words, "smileyType", _TYPES),
        _weekdays(words),
        _listed(words, "hours", 0, 23),
        TextQuery(
            words.get("text", "")[:MAX_SEARCH],
            buttons,
            _word(words, "spam", {"true": True, "false": False}) or False,
            _number(words, "textOffset") or 0,
            language=_word(words, "textLanguage", {choice.value: choice for choice in TextLanguage}),
        ),
        _number(words, "asOf"),
    )


def _word(words: Mapping[str, str], name: str, accepted: Mapping[str, T]) -> T | None:
    """The value of a word, None if it is missing. BadRequest."""
    got = words.get(name)
    if got is None:
        return None
    if got.lower() not in accepted:
        raise BadRequest(parameter=name, got=got, accepted=", ".join(accepted))
    return accepted[got.lower()]


def _number(words: Mapping[str, str], name: str) -> int | None:
    """A whole number of at most 15 digits, None if it is missing. BadRequest."""
    got = words.get(name)
    if got is None:
        return None
    if not (got.isascii() and got.isdecimal() and len(got) <= 15):
        raise BadRequest(parameter=name, got=got, accepted=Phrase("a whole number, {least} or more", least=0))
    return int(got)


def _listed(words: Mapping[str, str], name: str, least: int, most: int) -> tuple[int, ...] | None:
    """Whole numbers and ranges such as `8-11,14`, ascending and once each, None if they are missing. BadRequest."""
    got = words.get(name)
    if got is None:
        return None
    numbers: set[int] = set()
    for part in got[:200].split(","):
        matched = re.fullmatch(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", part.strip(), re.ASCII)
        first, last = (int(matched[1]), int(matched[2] or matched[1])) if matched else (0, -1)
        if not least <= first <= last <= most:
            accepted = Phrase("numbers from {least} to {most}, such as 8-11,14", least=least, most=most)
            raise BadRequest(parameter=name, got=got, accepted=accepted)
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def _weekdays(words: Mapping[str, str]) -> tuple[int, ...] | None:
    """Weekdays such as `mon,tue` or `mon-fri`, None if they are missing. BadRequest."""
    got = words.get("weekdays")
    if got is None:
        return None
    days: set[int] = set()
    for part in got.lower()[:200].split(","):
        first, _, last = (word.strip() for word in part.partition("-"))
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise BadRequest(parameter="weekdays", got=got, accepted=Phrase("weekdays such as mon,tue or mon-fri"))
        length = (WEEKDAYS.index(last or first) - WEEKDAYS.index(first)) % 7
        days.update((WEEKDAYS.index(first) + day) % 7 for day in range(length + 1))
    return tuple(sorted(days))


def _ranges(numbers: tuple[int, ...]) -> str:
    """Ascending numbers as `8-11,14`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


# --- periods ---------------------------------------------------------------------------------------------------------


def dates_of(period: str, today: date) -> DateRange:
    """The dates of a period's name or dates, given the date of today. BadRequest.

    A period has 1 to MAX_DAYS days in the years FIRST_YEAR to LAST_YEAR.
    """
    dates = _given(period) or _last_days(period, today) or Period.parse(period, today)
    if not (dates.start.year >= FIRST_YEAR and (dates.end - timedelta(days=1)).year <= LAST_YEAR):
        accepted = Phrase("dates in the years {first} to {last}", first=FIRST_YEAR, last=LAST_YEAR)
        raise BadRequest("period-out-of-range", parameter="period", got=period, accepted=accepted)
    if dates.days > MAX_DAYS:
        accepted = Phrase("a period of at most {most} days", most=MAX_DAYS)
        raise BadRequest("period-too-long", parameter="period", got=period, accepted=accepted)
    return dates


def _given(period: str) -> DateRange | None:
    """The dates of `2025-06-30` or `2025-06-01..2025-06-30`; None if the text has another form. BadRequest."""
    matched = _RANGE.fullmatch(period)
    words = (matched[1], matched[2]) if matched else (period, period) if _DAY.fullmatch(period) else None
    if words is None:
        return None
    try:
        first, last = (date.fromisoformat(word) for word in words)
        end = last + timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest("unknown-period", parameter="period", got=period, accepted=_NAMES) from None
    if end <= first:
        accepted = Phrase("a first date that is not after the last one")
        raise BadRequest("period-ends-first", parameter="period", got=period, accepted=accepted)
    return DateRange(first, end)


def _last_days(period: str, today: date) -> DateRange | None:
    """The dates of `last-7-days`, the last of which is yesterday; None if the text has another form."""
    matched = _LAST_DAYS.fullmatch(period)
    return None if matched is None else DateRange(today - timedelta(days=int(matched[1])), today)


def compared_dates(dates: DateRange, compare: Compare) -> DateRange:
    """The dates that a period is compared with.

    `previous` is as many months before if the period has whole months, otherwise as many days before. `year` is the
    same dates a year before; 29 February becomes 28 February.
    """
    if compare is Compare.YEAR:
        return DateRange(_months_before(dates.start, 12), _months_before(dates.end, 12))
    if dates.start.day == 1 and dates.end.day == 1:
        months = (dates.end.year - dates.start.year) * 12 + dates.end.month - dates.start.month
        return DateRange(_months_before(dates.start, months), dates.start)
    return DateRange(dates.start - timedelta(days=dates.days), dates.start)


def _months_before(day: date, months: int) -> date:
    """The same day of a month so many months before, or the last one of that month."""
    number = day.year * 12 + day.month - 1 - months
    year, month = number // 12, number % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))
