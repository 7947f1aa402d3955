"""Users: the accounts of people who read an organization's results, each with a role and a node as its scope."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hymio.access import Role
from hymio.errors import SetupError
from hymio.period import Instant

_LONGEST_EMAIL: Final = 254
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")


class LoginMethod(Enum):
    """How a user authenticates; the values are API v2's."""

    EMAIL_PASSWORD = "EMAIL_PASSWORD"  # noqa: S105  the name of a method
    SINGLE_SIGN_ON = "SINGLE_SIGN_ON"


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
