"""Texts, numbers and dates as they are written in a language, by the catalogs and Babel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.numbers import format_decimal, format_percent

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
        return format_decimal(round(number, digits), "#,##0" + ("." + "0" * digits if digits else ""), self._locale)

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

    def short_day(self, day: date) -> str:
        """The weekday of a date, abbreviated."""
        return str(get_day_names("abbreviated", "stand-alone", self._locale)[day.weekday()])

    def wall(self, wall: datetime, this_year: int) -> str:
        """A local time: weekday, day, month, hour and minute, with the year if it is another one than this year."""
        skeleton = "MMMEd" if wall.year == this_year else "yMMMEd"
        day = format_skeleton(skeleton, wall.replace(tzinfo=None), locale=self._locale)
        return f"{day}, {format_time(wall.time(), 'short', locale=self._locale)}"

    @cached_property
    def _locale(self) -> Locale:
        return _locale(self.locale_name, self.language)


@lru_cache(64)
def _locale(name: str, language: str) -> Locale:
    """The locale of Babel with a name, else that of the language."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(language)
