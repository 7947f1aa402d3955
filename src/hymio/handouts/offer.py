"""What handouts of a published smiley show: its question in the chosen locales, its faces and its brand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.access import Permission, Principal
from hymio.brand import Brand
from hymio.errors import NotFound, SetupError
from hymio.feedback import Verdict
from hymio.period import Instant
from hymio.report.faces import NAMES, face_of
from hymio.scale import Scale
from hymio.setup import Layout
from hymio.smiley import Publication
from hymio.store import Store
from hymio.store.brands import brand_of
from hymio.survey import Localized, State, Survey
from hymio.texts import PAGE_LANGUAGES, SOURCE
from hymio.texts.localization import Localization

MAX_LOCALES: Final = 4
"""Locales on one poster."""

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})


class OfferedFace(NamedTuple):
    """A button: its index, the number of its face from 0 (very unhappy) to 4, and its name; of NPS a digit."""

    button: int
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A published smiley as its handouts show it. `base_url` is the server's public address."""

    base_url: str
    publication: Publication
    scale: Scale
    wording: Localized
    brand: Brand

    @property
    def has_numbers(self) -> bool:
        """Whether its buttons are numbers."""
        return self.scale is Scale.NPS

    def locales(self, wanted: Sequence[str] = ()) -> tuple[str, ...]:
        """The locales to show, the default one if none is wanted; `fi` may be `fi-FI`.

        SetupError for one without a text, or too many.
        """
        known = {text.partition("-")[0]: text for text in sorted(self.wording.texts, reverse=True)}
        wanted = [name if name in self.wording.texts else known.get(name, name) for name in wanted]
        for locale in wanted:
            if locale not in self.wording.texts:
                raise SetupError(
                    "no-such-locale", "the question has no text in {locale}; it has {locales}",
                    locale=locale[:40], locales=", ".join(sorted(self.wording.texts)),
                )  # fmt: skip
        chosen = tuple(dict.fromkeys(wanted)) or (self.wording.default_locale,)
        if len(chosen) > MAX_LOCALES:
            raise SetupError("too-many-locales", "a poster has room for {most} locales", most=MAX_LOCALES)
        return chosen

    def faces(self, locale: str) -> Iterator[OfferedFace]:
        """The buttons in the order of display, with names in a locale."""
        order, look = range(self.scale.buttons), look_of(locale)
        for button in reversed(order) if self.scale is Scale.FIVE_REVERSED else order:
            number = face_of(self.scale, button).number
            yield OfferedFace(button, number, str(button) if self.has_numbers else look.text(NAMES[number]))


def offer(store: Store, principal: Principal, base_url: str, smiley: int, now: Instant) -> Offer:
    """A published smiley as its handouts show it, of the survey that it asks now, else of one that it will ask.

    Forbidden; NotFound if it is not published or outside the scope; SetupError if it asks nothing; Unavailable.
    """
    principal.require(Permission.READ_SETUP)
    layout, content = store.layout(principal.organization), store.content(principal.organization)
    publication = publication_of(layout, principal, smiley, now)
    survey = _survey(layout, smiley, now)
    if survey is None:
        raise SetupError(
            "nothing-asked", "smiley {smiley} asks nothing; place it at a point that has a survey first", smiley=smiley
        )
    with store.read() as transaction:
        brand = brand_of(transaction, principal.organization)
    return Offer(base_url, publication, survey.scale, content.question(survey).wording, brand)


def publication_of(layout: Layout, principal: Principal, smiley: int, now: Instant) -> Publication:
    """How a smiley is published. NotFound if it is not, or is placed outside the scope."""
    known, placement = layout.smileys.get(smiley), layout.placement(smiley, now)
    is_reached = (
        principal.reaches_all(layout.hierarchy)
        if placement is None
        else principal.reaches(layout.hierarchy, placement.node)
    )
    if known is None or known.publication is None or not is_reached:
        raise NotFound("no-published-smiley", "there is no published smiley {smiley}", smiley=smiley)
    return known.publication


def look_of(locale: str) -> Localization:
    """Hymio's own texts in the language of a locale, in English where it has none."""
    language = locale.partition("-")[0]
    return Localization(language if language in PAGE_LANGUAGES else SOURCE, locale)


def direction_of(locale: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if locale.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _survey(layout: Layout, smiley: int, now: Instant) -> Survey | None:
    resolved = layout.resolve(smiley, now)
    if not isinstance(resolved, Verdict):
        return layout.surveys[resolved.assignment.survey]
    placement = layout.placement(smiley, now)
    rows = () if placement is None else layout.assignments_at(placement.node)
    upcoming = [row for row in rows if row.smiley in (None, smiley) and layout.state(row.id, now) is State.UPCOMING]
    return layout.surveys[upcoming[0].survey] if upcoming else None
