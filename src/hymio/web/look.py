"""How pages look to who asks: language, direction and theme, and numbers and dates as its language writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from hymio.manage import SignedIn
from hymio.period import Instant, wall_of, zone
from hymio.texts import PAGE_LANGUAGES, SOURCE, choose
from hymio.texts.localization import Localization
from hymio.user import Theme

COOKIE: Final = "hymio-look"
"""The cookie with language and theme, `fi.dark`: of pages without sign-in, so that they look as the person chose."""


@dataclass(frozen=True)
class Look(Localization):
    """The language and locale of a page, and its theme."""

    theme: Theme

    @property
    def cookie(self) -> str:
        """The value of the cookie."""
        return f"{self.language}.{self.theme.value}"

    def moment(self, at: Instant, zone_name: str, now: Instant) -> str:
        """An instant in local time of a zone, as `wall` writes it."""
        return self.wall(wall_of(at, zone(zone_name)), wall_of(now, zone("UTC")).year)


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
