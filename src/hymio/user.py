"""Users: the accounts of people who read an organization's results, and the sessions in which they are signed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hymio.access import Role
from hymio.errors import SetupError
from hymio.period import DAY_MS, HOUR_MS, Instant

_LONGEST_EMAIL: Final = 254
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")


class LoginMethod(Enum):
    """How a user authenticates; the values are API v2's."""

    EMAIL_PASSWORD = "EMAIL_PASSWORD"  # noqa: S105  the name of a method
    SINGLE_SIGN_ON = "SINGLE_SIGN_ON"


class Theme(Enum):
    """The colours of pages: those of the user's system, light or dark."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class LinkKind(Enum):
    """What a one-time link is for: a first password, or a new one."""

    INVITATION = "invitation"
    RESET = "reset"

    @property
    def lasts_ms(self) -> int:
        """How long it can be used: an invitation seven days, a reset one."""
        return 7 * DAY_MS if self is LinkKind.INVITATION else DAY_MS


SESSION_IDLE_MS: Final = 12 * HOUR_MS
"""How long a session lasts without being used."""

SESSION_MS: Final = 14 * DAY_MS
"""How long a session lasts at most."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which a user is signed in; `browser` is its name and system, `seen_at` up to five minutes old."""

    id: int
    user: int
    created_at: Instant
    seen_at: Instant
    ends_at: Instant
    browser: str

    def is_valid(self, now: Instant) -> bool:
        """Whether it has neither ended nor been idle for too long."""
        return now < min(self.ends_at, self.seen_at + SESSION_IDLE_MS)


@dataclass(frozen=True, slots=True)
class User:
    """A person's account, whose scope is `node` and everything below; `last_login_at` is None before a first login."""

    id: int
    email: str
    first_name: str
    last_name: str
    node: int
    role: Role
    locale: str
    login_allowed: bool
    login_method: LoginMethod
    created_at: Instant
    last_login_at: Instant | None = None


def check_email(text: str) -> None:
    """Raises SetupError unless the text has the form of an e-mail address; does not check that the address exists."""
    if len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise SetupError(
            "bad-email", "got email {got!r}; accepted is an address such as jane.doe@example.com", got=text[:80]
        )
