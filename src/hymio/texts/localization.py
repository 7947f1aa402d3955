"""Texts, numbers and dates as they are written in a language, by the catalogs and Babel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property, lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton, format_time, get_day_names
from babel.numbers import format_compact_decimal, format_decimal, format_percent

from hymio.texts.catalog import RIGHT_TO_LEFT, translate


@dataclass(frozen=True)
class Localization:
    """A language, one of PAGE_LANGUAGES, and a locale of it with a country (`fi-FI`), by which numbers are written."""

    language: str
    locale_name: str

    @property
    def direction(self) -> str:
        """`rtl` for languages that are written from right to left, otherwise `ltr`."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def text(self, text: str, **values: object) -> str:
        """A text in the language, with values in place of its fields."""
        translated = translate(text, self.language)
        return translated.format(**values) if values else translated

    def number(self, number: float, digits: int = 0) -> str:
        """A number with its groups and `digits` decimals."""
        return _decimal(round(number, digits), digits, self.locale_name, self.language)

    def signed(self, number: float, digits: int = 0) -> str:
        """A difference with its sign, also for zero without one."""
        rounded = round(number, digits)
        return f"{'+' if rounded > 0 else ''}{self.number(rounded, digits)}"

    def percent(self, fraction: float) -> str:
        """A fraction as whole per cent."""
        return format_percent(fraction, locale=self._locale)

    def day(self, day: date) -> str:
        """A date with its month in letters: 27 Nov 2026."""
        return format_date(day, "medium", self._locale)

    def dates(self, first: date, last: date) -> str:
        """Two dates, both included, with what they have in common written once: 1 – 30 Nov 2026."""
        return self.day(first) if first == last else str(format_interval(first, last, "yMMMd", locale=self._locale))

    def month(self, day: date) -> str:
        """The month and the year of a date: Nov 2026."""
        return str(format_skeleton("yMMM", day, locale=self._locale))

    def hour(self, hour: int) -> str:
        """The beginning of an hour of the day, 0 to 24: 12:00 or 12:00 PM."""
        return _hour(hour % 24, self.locale_name, self.language)

    def hours(self, first: int, last: int) -> str:
        """The hours of the day from `first` to the end of `last`: 12:00 to 14:00, both in one text."""
        return f"{self.hour(first)}–{self.hour(last + 1)}"

    def weekday(self, weekday: int, width: str = "wide") -> str:
        """The name of a weekday, 0 for Monday; `width` may be `abbreviated`."""
        return _weekday(weekday, width, self.locale_name, self.language)

    @property
    def weekdays(self) -> tuple[int, ...]:
        """The weekdays in the order in which the country writes a week: 0 for Monday first, or 6 for Sunday."""
        first = self._locale.first_week_day
        return tuple((first + day) % 7 for day in range(7))

    def probability(self, p: float) -> str:
        """A p value with three decimals, or as being below the least that is written."""
        return f"<\N{NO-BREAK SPACE}{self.number(0.001, 3)}" if p < 0.001 else f"=\N{NO-BREAK SPACE}{self.number(p, 3)}"

    def short_day(self, day: date) -> str:
        """The weekday of a date, abbreviated."""
        return self.weekday(day.weekday(), "abbreviated")

    def wall(self, wall: datetime, this_year: int) -> str:
        """A local time: weekday, day, month, hour and minute, with the year if it is another one than this year."""
        skeleton = "MMMEd" if wall.year == this_year else "yMMMEd"
        day = format_skeleton(skeleton, wall.replace(tzinfo=None), locale=self._locale)
        return f"{day}, {format_time(wall.time(), 'short', locale=self._locale)}"

    def dated(self, wall: datetime, skeleton: str) -> str:
        """A local time in the order of the language, with the parts of a skeleton of Unicode's, such as `MMMd`."""
        return format_skeleton(skeleton, wall.replace(tzinfo=None), locale=self._locale)

    def compact(self, number: int) -> str:
        """A large number, abbreviated: 12K."""
        return format_compact_decimal(number, locale=self._locale)

    @cached_property
    def _locale(self) -> Locale:
        return _locale(self.locale_name, self.language)


@lru_cache(16_384)
def _decimal(number: float, digits: int, name: str, language: str) -> str:
    """A number with so many decimals; Babel takes 50 µs for one, and a page has thousands."""
    return format_decimal(number, "#,##0" + ("." + "0" * digits if digits else ""), _locale(name, language))


@lru_cache(1024)
def _weekday(weekday: int, width: str, name: str, language: str) -> str:
    """The name of a weekday."""
    return str(get_day_names(width, "stand-alone", _locale(name, language))[weekday])  # type: ignore[arg-type]


@lru_cache(1024)
def _hour(hour: int, name: str, language: str) -> str:
    """The beginning of an hour of the day."""
    return format_time(time(hour), "short", locale=_locale(name, language))


@lru_cache(64)
def _locale(name: str, language: str) -> Locale:
    """The locale of Babel with a name, else that of the language."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(language)
