"""Questions, surveys, follow-ups, and assignments: a survey at an experience point with active periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from hymio.scale import IndexType, Scale


class State(Enum):
    """Whether a survey gathers feedback now, will, or did."""

    ACTIVE = "active"
    UPCOMING = "upcoming"
    ENDED = "ended"


class SurveyType(Enum):
    """Whom a survey asks."""

    CUSTOMER = "CUSTOMER"
    EMPLOYEE = "EMPLOYEE"


@dataclass(frozen=True, slots=True)
class Localized:
    """A text in its default locale (BCP 47, `en-US`) and others."""

    default_locale: str
    texts: Mapping[str, str]

    @property
    def text(self) -> str:
        """The text in the default locale."""
        return self.texts[self.default_locale]


@dataclass(frozen=True, slots=True)
class Question:
    """What a survey asks."""

    id: int
    wording: Localized


@dataclass(frozen=True, slots=True)
class FollowupOption:
    """One of at most six answers to a follow-up question."""

    id: int
    wording: Localized


@dataclass(frozen=True, slots=True)
class FollowupQuestion:
    """Asked after the button, on the positive or on the negative side."""

    id: int
    positive: bool
    wording: Localized
    options: tuple[FollowupOption, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """A question (its id) with a scale and an index, asked wherever it is assigned."""

    id: int
    question: int
    scale: Scale
    index_type: IndexType = IndexType.HAPPY
    type: SurveyType = SurveyType.CUSTOMER


@dataclass(frozen=True, slots=True, order=True)
class ActivePeriod:
    """Wall times at the point, [start, end); an `end` of None has not been decided."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A survey at an experience point; with `smiley`, only on that smiley, otherwise on every one that stands there."""

    id: int
    node: int
    survey: int
    periods: tuple[ActivePeriod, ...] = field(default=())
    smiley: int | None = None


def state_of(ranges: Iterable[tuple[int, int]], now: int) -> State:
    """The state of the active periods given as half-open ranges of instants: active if any is, else upcoming if any
    will be, else ended."""
    known = list(ranges)
    if any(start <= now < end for start, end in known):
        return State.ACTIVE
    return State.UPCOMING if any(now < start for start, _ in known) else State.ENDED
