"""What a published smiley shows: its question, faces, follow-ups and other questions in one locale, or why nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hymio.brand import HYMIO, Brand
from hymio.feedback import Verdict
from hymio.gateway.digital.asked import is_positive
from hymio.gateway.digital.press import published
from hymio.gateway.digital.wish import Wish, look_of
from hymio.period import Instant
from hymio.report.faces import NAMES, face_of
from hymio.scale import Scale
from hymio.setup import Content, Layout
from hymio.smiley import Publication
from hymio.store import Store
from hymio.store.brands import brand_of
from hymio.survey import Flow, FollowupQuestion, Localized, State, Survey
from hymio.texts.localization import Localization

RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
"""Languages of questions that are written from right to left."""

_HYPHENS: Final = re.compile(
    "(?<=tyyty)(?=mätön|väinen)|(?<=neut)(?=raali)|(?<=zu)(?=frieden)|(?<=satis)(?=fait)|(?<=mécon)(?=tent)"
    "|(?<=descon)(?=tento)",
    re.IGNORECASE,
)
"""Where names of faces may be parted on a phone, as most browsers know no hyphenation of these languages."""

NO_FLOW: Final = Flow(0)
"""What is asked where no survey is."""


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A button: its index, the number of its face from 0 (very unhappy) to 4, and its name."""

    button: int
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class ShownFollowup:
    """A follow-up question with its options, by id."""

    id: int
    text: str
    options: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a smiley shows in a locale. Without an active survey, only `state` says so, and there is no question.

    `followups` are by side, True for the positive one; `look` has texts, in the language of the locale where Hymio has
    it.
    """

    organization: int
    publication: Publication
    look: Localization
    locale: str
    state: State
    survey: Survey | None = None
    question: str = ""
    faces: tuple[ShownFace, ...] = ()
    followups: Mapping[bool, ShownFollowup] = field(default_factory=dict)
    flow: Flow = NO_FLOW
    consent: str = ""
    brand: Brand = HYMIO

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, by the locale of the question."""
        return "rtl" if self.locale.partition("-")[0] in RIGHT_TO_LEFT else "ltr"

    @property
    def has_numbers(self) -> bool:
        """Whether its buttons are numbers, as those of NPS."""
        return self.survey is not None and self.survey.scale is Scale.NPS

    def followup(self, button: int) -> ShownFollowup | None:
        """The follow-up question after a button."""
        side = None if self.survey is None else is_positive(self.survey.scale, button)
        return None if side is None else self.followups.get(side)

    def steps(self, button: int) -> Iterator[str]:
        """What comes after a button, in order: some of `followup`, `text` and `contact`, then `thanks`."""
        if self.followup(button) is not None:
            yield "followup"
        if self.flow.asks_text:
            yield "text"
        if self.flow.asks_contact:
            yield "contact"
        yield "thanks"


def shown(store: Store, code: str, wish: Wish, now: Instant) -> Shown:
    """What the smiley of a code or token shows now. NotFound; Unavailable."""
    with store.read() as transaction:
        principal, publication, layout = published(store, transaction, code)
        content = store.content_now(transaction, principal.organization)
        brand = brand_of(transaction, principal.organization)
    resolved = layout.resolve(principal.id, now)
    if isinstance(resolved, Verdict):
        locale = wish.language()
        state = _state(layout, principal.id, now)
        return Shown(principal.organization, publication, look_of(locale), locale, state, brand=brand)
    survey = layout.surveys[resolved.assignment.survey]
    return replace(_asked(principal.organization, publication, content, survey, wish), brand=brand)


def _asked(organization: int, publication: Publication, content: Content, survey: Survey, wish: Wish) -> Shown:
    """What a survey shows."""
    wording, flow = content.question(survey).wording, content.flow(survey.id)
    locale = wish.locale(wording)
    look = look_of(locale)
    return Shown(
        organization, publication, look, locale, State.ACTIVE, survey, wording.texts[locale],
        tuple(_faces(survey.scale, look)),
        {followup.positive: _followup(followup, locale) for followup in reversed(content.followups(survey))},
        flow, "" if flow.consent is None else _in(flow.consent, locale),
    )  # fmt: skip


def _faces(scale: Scale, look: Localization) -> Iterator[ShownFace]:
    """The buttons in the order of display."""
    order = range(scale.buttons)
    for button in reversed(order) if scale is Scale.FIVE_REVERSED else order:
        number = face_of(scale, button).number
        yield ShownFace(
            button, number, str(button) if scale is Scale.NPS else _HYPHENS.sub("\u00ad", look.text(NAMES[number]))
        )


def _followup(followup: FollowupQuestion, locale: str) -> ShownFollowup:
    options = tuple((option.id, _in(option.wording, locale)) for option in followup.options)
    return ShownFollowup(followup.id, _in(followup.wording, locale), options)


def _in(wording: Localized, locale: str) -> str:
    return wording.texts[wording.locale([locale])]


def _state(layout: Layout, smiley: int, now: Instant) -> State:
    """Whether the smiley asks something later, or nothing any more."""
    placement = layout.placement(smiley, now)
    rows = () if placement is None else layout.assignments_at(placement.node)
    states = {layout.state(row.id, now) for row in rows if row.smiley in (None, smiley)}
    return State.UPCOMING if State.UPCOMING in states else State.ENDED
