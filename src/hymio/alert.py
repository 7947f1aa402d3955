"""Alerts: times at which feedback met the condition of an alert specification, with users' comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hymio.errors import SetupError
from hymio.period import Instant

_PARAMETERS: Final = re.compile(r"[A-Za-z0-9_]+=[A-Za-z0-9_,]*(?: [A-Za-z0-9_]+=[A-Za-z0-9_,]*)*")


class AlertType(Enum):
    """What an alert specification measures; the values are API v2's."""

    NEGATIVE = "negative"
    FEEDBACK_COUNT = "feedbackCount"
    INDEX_THRESHOLD = "indexThreshold"


@dataclass(frozen=True, slots=True)
class AlertSpecification:
    """The condition of alerts for a survey at a node; `parameters` has the form `key=value key=value,value`."""

    id: int
    survey: int
    node: int
    type: AlertType
    parameters: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert with a copy of its specification at the time it was raised; open while `ends_at` is None."""

    id: int
    specification: int
    survey: int
    node: int
    type: AlertType
    parameters: str
    begins_at: Instant
    ends_at: Instant | None = None
    acknowledged_by: int | None = None
    acknowledged_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class AlertComment:
    """A user's comment on an alert; `node` is the alert's."""

    id: int
    alert: int
    node: int
    user: int
    commented_at: Instant
    comment: str


def check_parameters(text: str) -> None:
    """Raises SetupError unless the text has the form `key=value key=value,value` that API v2 publishes."""
    if not _PARAMETERS.fullmatch(text):
        raise SetupError(
            "bad-alert-parameters",
            "got alert parameters {got!r}; accepted is for example: window=15 buttons=0,1",
            got=text[:80],
        )
