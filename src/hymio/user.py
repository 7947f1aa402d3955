"""Users: people who look at an organization's results, each from one node of the tree down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hymio.errors import SetupError
from hymio.period import Instant

_LONGEST_EMAIL: Final = 254
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")


class Role(Enum):
    """What a user may do; the values are API v2's."""

    USER = "USER"
    ADMIN = "ADMIN"
    PARTNER = "PARTNER"


class LoginMethod(Enum):
    """How a user proves who it is; the values are API v2's."""

    EMAIL_PASSWORD = "EMAIL_PASSWORD"  # noqa: S105  the name of a method
    SINGLE_SIGN_ON = "SINGLE_SIGN_ON"


@dataclass(frozen=True, slots=True)
class User:
    """A user's account; it sees `node` and all below it. `last_login_at` None: it has not been here yet."""

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
    """Refuses (SetupError) what cannot be an email address; whether somebody reads it only a letter can tell."""
    if len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise SetupError(
            "bad-email", "got email {got!r}; accepted is an address such as jane.doe@example.com", got=text[:80]
        )
