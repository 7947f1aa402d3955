"""Every error that Hymio raises on purpose, each with the HTTP status it becomes.

HymioError                 500
├── BadRequest             400   parameter, got, accepted
├── Unauthorized           401
├── Forbidden              403
├── NotFound               404
├── Conflict               409
├── TooLarge               413
├── Unavailable            503   retry_after; also a locked database or a full disk
├── SetupError             400   a mistake of whoever sets Hymio up: unknown zone, overlapping assignments
└── DatabaseError          500   the database cannot be used as it is
    └── DatabaseTooNew     500   it was written by a newer Hymio
"""

from typing import ClassVar

_LONGEST_ECHO = 200
"""Characters of a caller's input that a message repeats."""


class HymioError(Exception):
    """The root: `detail` says in a sentence what happened, `title` names the kind, `status` is the HTTP status."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)

    @property
    def told(self) -> str:
        """What clients are told, who may be anybody: the detail, unless it is the operator's alone."""
        return self.detail


class BadRequest(HymioError):
    """What was sent cannot be used; without a `detail` the message is made from the three parts."""

    status = 400
    title = "Bad request"

    def __init__(
        self,
        detail: str = "",
        *,
        parameter: str | None = None,
        got: str | None = None,
        accepted: str | None = None,
    ) -> None:
        self.parameter = parameter
        self.got = got
        self.accepted = accepted
        super().__init__(detail or _sentence(parameter, got, accepted))


def _sentence(parameter: str | None, got: str | None, accepted: str | None) -> str:
    parts = []
    if got is not None:
        parts.append(f"got {_echo(got)}")
    if accepted is not None:
        parts.append(f"accepted: {accepted}")
    rest = ", ".join(parts)
    if parameter is None:
        return rest[:1].upper() + rest[1:]
    return f"{parameter}: {rest or 'cannot be used'}"


def _echo(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]!r}…"


class Unauthorized(HymioError):
    """No credential, or one that is not known."""

    status = 401
    title = "Unauthorized"


class Forbidden(HymioError):
    """The credential is known and does not reach this."""

    status = 403
    title = "Forbidden"


class NotFound(HymioError):
    """There is no such thing within the caller's sight."""

    status = 404
    title = "Not found"


class Conflict(HymioError):
    """It contradicts what is stored."""

    status = 409
    title = "Conflict"


class TooLarge(HymioError):
    """The body is bigger than the way in takes."""

    status = 413
    title = "Too large"


class Unavailable(HymioError):
    """Nothing was stored; the same request may succeed after `retry_after` seconds. The cause is for the operator."""

    status = 503
    title = "Unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 5, cause: str = "") -> None:
        self.retry_after = retry_after
        self._told = detail or self.title
        super().__init__(f"{self._told}: {cause}" if cause else detail)

    @property
    def told(self) -> str:
        """What clients are told: the detail without its cause, which may say where the database is."""
        return self._told


class SetupError(HymioError):
    """The operator asked for a set-up that cannot be."""

    status = 400
    title = "Impossible set-up"


class DatabaseError(HymioError):
    """The database cannot be used as it is, and trying again will not help."""

    title = "Database error"


class DatabaseTooNew(DatabaseError):
    """The database was written by a newer version of Hymio than this one."""

    title = "Database too new"
