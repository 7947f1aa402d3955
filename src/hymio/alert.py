"""Alerts: that feedback crossed a line which somebody had drawn, and what people did about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hymio.errors import SetupError
from hymio.period import Instant

_PARAMETERS: Final = re.compile(r"[A-Za-z0-9_]+=[A-Za-z0-9_,]*(?: [A-Za-z0-9_]+=[A-Za-z0-9_,]*)*")


class AlertType(Enum):
    """What an alert watches; the values are API v2's."""

    NEGATIVE = "negative"
    FEEDBACK_COUNT = "feedbackCount"
    INDEX_THRESHOLD = "indexThreshold"


@dataclass(frozen=True, slots=True)
class AlertSpecification:
    """When to raise an alert for a survey at a node; `parameters` are written `key=value key=value,value`."""

    id: int
    survey: int
    node: int
    type: AlertType
    parameters: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that was raised, with what its specification said then; open while `ends_at` is None."""

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
    """What a user wrote below an alert; `node` is that of the alert."""

    id: int
    alert: int
    node: int
    user: int
    commented_at: Instant
    comment: str


def check_parameters(text: str) -> None:
    """Refuses (SetupError) parameters that API v2 could not show."""
    if not _PARAMETERS.fullmatch(text):
        raise SetupError(
            "bad-alert-parameters",
            "got alert parameters {got!r}; accepted is for example: window=15 buttons=0,1",
            got=text[:80],
        )
