"""How pages look to who asks: language, direction and theme, and numbers and dates as Babel writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.numbers import format_decimal, format_percent
from litestar import Request

from hymio.manage import SignedIn
from hymio.period import Instant, wall_of, zone
from hymio.texts import PAGE_LANGUAGES, RIGHT_TO_LEFT, SOURCE, choose, translate
from hymio.user import Theme

COOKIE: Final = "hymio-look"
"""The cookie with language and theme, `fi.dark`: of pages without sign-in, so that they look as the person chose."""


@dataclass(frozen=True)
class Look:
    """The language of a page, one of PAGE_LANGUAGES; a locale of it with a country, for numbers; and the theme."""

    language: str
    locale_name: str
    theme: Theme

    @property
    def direction(self) -> str:
        """`rtl` for languages that are written from right to left, otherwise `ltr`."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    @property
    def cookie(self) -> str:
        """The value of the cookie."""
        return f"{self.language}.{self.theme.value}"

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

    def moment(self, at: Instant, zone_name: str, now: Instant) -> str:
        """An instant in local time of a zone, as `wall` writes it."""
        return self.wall(wall_of(at, zone(zone_name)), now)

    def wall(self, wall: datetime, now: Instant) -> str:
        """A local time: weekday, day, month, hour and minute, with the year if it is another one than now in UTC."""
        is_this_year = wall.year == wall_of(now, zone("UTC")).year
        day = format_skeleton("MMMEd" if is_this_year else "yMMMEd", wall.replace(tzinfo=None), locale=self._locale)
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


def look_of(request: Request[Any, Any, Any], person: SignedIn | None = None) -> Look:
    """The look for who sent a request: the person's own, else that of the cookie, else that of Accept-Language."""
    language, _, theme = request.cookies.get(COOKIE, "").partition(".")
    accepted = request.headers.get("Accept-Language", "")
    if person is None:
        chosen = choose(language, accepted, SOURCE, PAGE_LANGUAGES)
        return Look(chosen, chosen, _theme(theme))
    own = person.principal.language
    chosen = choose(own, accepted, person.principal.default_language, PAGE_LANGUAGES)
    return Look(chosen, person.user.locale if chosen == own else chosen, person.theme)


def _theme(word: str) -> Theme:
    """The theme of a word; the system's for any other."""
    return Theme(word) if word in {theme.value for theme in Theme} else Theme.SYSTEM
