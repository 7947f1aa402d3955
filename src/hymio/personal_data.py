"""People's data: its kinds, how many days each is kept, whose data is to be erased, and when two contacts are one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final
from uuid import UUID

from hymio.errors import SetupError
from hymio.period import Instant


class PersonalData(Enum):
    """A kind of people's data with a retention of its own; the values are the names that commands take."""

    CONTACT_DETAILS = "contact-details"
    TEXTS = "texts"
    METADATA = "metadata"
    DEMOGRAPHICS = "demographics"
    QUARANTINED_BODIES = "quarantined-bodies"
    SMS_MESSAGES = "sms-messages"
    VISITOR_HASHES = "visitor-hashes"
    ALERT_COMMENTS = "alert-comments"
    AUDIT_LOG = "audit-log"


MAX_DAYS: Final = 36_500

DEFAULT_DAYS: Final[Mapping[PersonalData, int | None]] = {
    PersonalData.CONTACT_DETAILS: 65,
    PersonalData.TEXTS: 1_095,
    PersonalData.METADATA: 1_095,
    PersonalData.DEMOGRAPHICS: 1_095,
    PersonalData.QUARANTINED_BODIES: 65,
    PersonalData.SMS_MESSAGES: 65,
    PersonalData.VISITOR_HASHES: 7,
    PersonalData.ALERT_COMMENTS: 1_095,
    PersonalData.AUDIT_LOG: None,
}
"""Days that an organization keeps each kind unless it sets another number; None is without limit."""


def check_days(days: int | None) -> None:
    """SetupError for a retention outside 1 to MAX_DAYS; None, without limit, is accepted."""
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise SetupError(
            "retention-out-of-range", "got {days} days; accepted are 1 to {most}", days=days, most=MAX_DAYS
        )


# --- whose data is erased --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfFeedback:
    """What came with or after the buttons of these presses, by their published ids."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class OfContact:
    """Everything of the feedback of one person, who is known by an email address, a telephone number or a name."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class OfPeriod:
    """Everything of a node and all below it with instants in [start, end)."""

    node: int
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class OfOrganization:
    """Everything that was collected for an organization."""


Erasure = OfFeedback | OfContact | OfPeriod | OfOrganization


# --- contacts --------------------------------------------------------------------------------------------------------

_SHORTEST: Final = 3
"""Characters of a contact, without spaces: shorter ones would be found in the data of many people."""

_FEWEST_DIGITS: Final = 7
"""Digits from which on a contact is a telephone number."""

_SEPARATORS: Final = re.compile(r"[\s().\-/\u2010-\u2015]+")
_PHONE: Final = re.compile(r"\+?\d+")


def plain(text: str) -> str:
    """A text without regard to case, white space and forms of the same letters (Unicode's NFKC)."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def dialled(text: str) -> str:
    """A text without what is written between the digits of a telephone number."""
    return _SEPARATORS.sub("", plain(text))


@dataclass(frozen=True)
class Contact:
    """An email address, a telephone number or a name, as somebody typed it. SetupError if it is too short."""

    value: str

    def __post_init__(self) -> None:
        if len(plain(self.value)) < _SHORTEST:
            raise SetupError(
                "contact-too-short", "a contact has at least {least} characters without spaces", least=_SHORTEST
            )

    @cached_property
    def _plain(self) -> str:
        return plain(self.value)

    @cached_property
    def _phone(self) -> str:
        """The digits of a telephone number, empty for anything else."""
        digits = dialled(self.value)
        return digits if _PHONE.fullmatch(digits) and len(digits) >= _FEWEST_DIGITS else ""

    @property
    def spellings(self) -> frozenset[str]:
        """How a page may have sent it as the identifier of a visitor."""
        typed = self.value.strip()
        return frozenset({self.value, typed, typed.lower(), self._plain, self._phone or typed})

    def is_in(self, text: str | None) -> bool:
        """Whether a text is this contact or has it somewhere in it."""
        return self.equals(text) or self.is_within(text)

    def equals(self, text: str | None) -> bool:
        """Whether a text is this contact."""
        if not text:
            return False
        return plain(text) == self._plain or (bool(self._phone) and dialled(text) == self._phone)

    def is_within(self, text: str | None) -> bool:
        """Whether a text has this contact somewhere in it; a name is never searched for, as many people share it."""
        if not text:
            return False
        if self._phone:
            return self._phone in dialled(text)
        return "@" in self._plain and self._plain in plain(text)
