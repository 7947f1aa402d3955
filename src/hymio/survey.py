"""Questions, surveys, follow-ups, and assignments: a survey at an experience point with active periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from hymio.scale import IndexType, Scale


class State(Enum):
    """Whether a survey or assignment collects feedback now, will do so, or has ended."""

    ACTIVE = "active"
    UPCOMING = "upcoming"
    ENDED = "ended"


class SurveyType(Enum):
    """The people whom a survey asks; the values are API v2's."""

    CUSTOMER = "CUSTOMER"
    EMPLOYEE = "EMPLOYEE"


@dataclass(frozen=True, slots=True)
class Localized:
    """A text by locale (BCP 47, `en-US`); `texts` includes the default locale."""

    default_locale: str
    texts: Mapping[str, str]

    @property
    def text(self) -> str:
        """The text in the default locale."""
        return self.texts[self.default_locale]

    def locale(self, wanted: Iterable[str]) -> str:
        """The locale of the first wanted one that there is a text for, or for its language; else the default one."""
        for name in wanted:
            if name in self.texts:
                return name
            language = name.partition("-")[0].lower()
            alike = [locale for locale in self.texts if locale.partition("-")[0] == language]
            if alike:
                return self.default_locale if self.default_locale in alike else min(alike)
        return self.default_locale

    def locale_in(self, language: str) -> str:
        """A locale of a language (`fi` has `fi-FI`), above all the default one, which it also is if there is none."""
        return self.locale((language,))

    def text_in(self, language: str) -> str:
        """The text in `locale_in`."""
        return self.texts[self.locale_in(language)]


@dataclass(frozen=True, slots=True)
class Question:
    """The text that a survey asks, in several locales."""

    id: int
    wording: Localized


@dataclass(frozen=True, slots=True)
class FollowupOption:
    """One of at most six answers to a follow-up question."""

    id: int
    wording: Localized


@dataclass(frozen=True, slots=True)
class FollowupQuestion:
    """A survey's question after the button: after positive buttons if `positive`, otherwise after negative ones."""

    id: int
    survey: int
    positive: bool
    wording: Localized
    options: tuple[FollowupOption, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """What a survey asks for on the web besides its follow-ups, and which metadata of a page it accepts.

    `consent` is the text beside the fields of contact details, None without one; `metadata` are names.
    """

    survey: int
    asks_text: bool = False
    asks_contact: bool = False
    metadata: tuple[str, ...] = ()
    consent: Localized | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """A question (by id) with a scale and an index, asked wherever it is assigned."""

    id: int
    question: int
    scale: Scale
    index_type: IndexType = IndexType.HAPPY
    type: SurveyType = SurveyType.CUSTOMER


@dataclass(frozen=True, slots=True, order=True)
class ActivePeriod:
    """Local times [start, end) at the point, as naive datetimes; `end` None means no end."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A survey at an experience point, on one smiley or, if `smiley` is None, on all smileys placed there."""

    id: int
    node: int
    survey: int
    periods: tuple[ActivePeriod, ...] = field(default=())
    smiley: int | None = None


def state_of(ranges: Iterable[tuple[int, int]], now: int) -> State:
    """The state of active periods, given as half-open ranges of instants.

    ACTIVE if `now` is in one of them, UPCOMING if one begins later, otherwise ENDED.
    """
    periods = list(ranges)
    if any(start <= now < end for start, end in periods):
        return State.ACTIVE
    return State.UPCOMING if any(now < start for start, _ in periods) else State.ENDED
